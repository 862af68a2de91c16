"""The log in SQLite or PostgreSQL.

Full subtrees are stored as the tree grows, so a root or a proof reads a few dozen rows, however long the log. Level 0
is not stored twice: it is the leaf hash of the entry's row. How appends take turns stands in `audit.sql_hot`.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Connection

from audit.entry import Entry
from audit.errors import LogClosedError, LogDamagedError, ProofError, UnknownLogError
from audit.events import LOG_CLOSED
from audit.merkle import Frontier, NodeAddress, leaf_hash, waiting_nodes
from audit.proof import Proof, prove_consistency, prove_inclusion, root_at
from audit.search import copies_of
from audit.sql_checkpoints import SqlCheckpoints
from audit.sql_hot import Head, HotStatements, lock_key
from audit.sql_logs import SqlLogs
from audit.sql_raw import SqlRawLog
from audit.sql_search import search_log
from audit.sql_tables import audit_metadata, install, statements
from audit.store import LeafIndex, LogContinuation, LogTombstone, SearchFilters, StoredEntry
from audit.triggers import TRIGGERS

__all__ = ["TRIGGERS", "SqlLogStore", "audit_metadata", "install", "lock_key", "statements"]

PAGE_ENTRIES: Final = 1000


class SqlLogStore(SqlLogs, SqlCheckpoints, SqlRawLog):
    """LogStore and RawLog over SQLAlchemy connections; holds no state, so one serves every thread."""

    def lock_head(self, connection: Connection, log_id: str) -> None:
        """Lock the log's head until the transaction ends. Raises TransactionError when there is none."""
        HotStatements(connection, log_id).lock()

    def append(self, connection: Connection, log_id: str, entries: Sequence[Entry]) -> LeafIndex:
        """Lock the head, add one or more entries and the subtrees they complete; the index of the first.

        Raises LogClosedError when the last entry says that the log was closed, or an entry follows one that says so.
        """
        if not entries:
            raise ValueError("An append adds at least one entry.")
        hot = HotStatements(connection, log_id)
        hot.lock()
        head = hot.head()
        if head is None:
            self.log(connection, log_id)
        _require_open(log_id, head, entries)
        first, frontier = _frontier(hot, head, len(entries))
        entry_rows, node_rows = [], []
        for index, entry in enumerate(entries, first):
            encoded, copies = entry.encode(), copies_of(entry)
            leaf = leaf_hash(encoded)
            entry_rows.append((log_id, index, encoded, leaf, *copies))
            node_rows += [(log_id, *address, digest) for address, digest in frontier.append(leaf)]
        hot.insert(entry_rows, node_rows)
        return LeafIndex(first)

    def continue_log(self, connection: Connection, continuation: LogContinuation) -> None:
        """Let a log go on under a new origin, from the entries it has now.

        Raises LogExistsError when origin or generation was there before, ProofError when the log has not `from_size`
        entries.
        """
        self.lock_head(connection, continuation.log_id)
        size = self.tree_size(connection, continuation.log_id)
        if size != continuation.from_size:
            raise ProofError(f"The log {continuation.log_id} has {size} entries, not {continuation.from_size}.")
        self._add_continuation(connection, continuation)

    def dispose_log(self, connection: Connection, tombstone: LogTombstone) -> None:
        """Remove a closed log's entries, nodes, checkpoints and cosignatures, and leave its tombstone.

        Raises LogClosedError when it was not closed, LogDamagedError when the tombstone is not the latest checkpoint.
        """
        hot = HotStatements(connection, tombstone.log_id)
        hot.lock()
        self.log(connection, tombstone.log_id)
        head = hot.head()
        if head is None or head.event != LOG_CLOSED:
            raise LogClosedError(f"The log {tombstone.log_id} was not closed; nothing was removed.")
        seal = self.latest_checkpoint(connection, tombstone.log_id)
        said = (tombstone.tree_size, tombstone.root_hash, tombstone.note)
        if seal is None or (seal.tree_size, seal.root_hash, seal.note) != said or seal.tree_size != head.place + 1:
            raise LogDamagedError(
                f"The log {tombstone.log_id} is not sealed by the checkpoint that its tombstone repeats. "
                "Nothing was removed."
            )
        self._add_tombstone(connection, tombstone)  # a trigger of its table removes the rest

    def tree_size(self, connection: Connection, log_id: str) -> int:
        """The number of entries."""
        head = self._head(connection, log_id)
        return 0 if head is None else head.place + 1

    def root(self, connection: Connection, log_id: str, size: int | None = None) -> bytes:
        """The root hash at `size`, or of all entries. Raises ProofError when the log is smaller."""
        size = self.tree_size(connection, log_id) if size is None else size
        self._require_size(connection, log_id, size)
        return root_at(size, HotStatements(connection, log_id).reader({}))

    def inclusion_proof(self, connection: Connection, log_id: str, index: int, size: int) -> Proof:
        """The path from the entry at `index` to the root at `size`. Raises ProofError when there is none."""
        self._require_size(connection, log_id, size)
        return prove_inclusion(index, size, HotStatements(connection, log_id).reader({}))

    def consistency_proof(self, connection: Connection, log_id: str, old: int, new: int) -> Proof:
        """The proof that the log at `new` extends the log at `old`. Raises ProofError without one, or when old is 0."""
        self._require_size(connection, log_id, new)
        return prove_consistency(old, new, HotStatements(connection, log_id).reader({}))

    def entry(self, connection: Connection, log_id: str, index: int) -> StoredEntry:
        """One entry. Raises UnknownLogError when there is none at that index."""
        for row in HotStatements(connection, log_id).leaf_rows(index, index + 1):
            return StoredEntry(*row)
        raise UnknownLogError(f"There is no entry {index} in the log {log_id}.")

    def entries(self, connection: Connection, log_id: str, start: int, stop: int) -> Iterator[StoredEntry]:
        """Entries start..stop in order. Raises LogDamagedError at a gap."""
        for page in range(start, stop, PAGE_ENTRIES):
            rows = HotStatements(connection, log_id).leaf_rows(page, min(page + PAGE_ENTRIES, stop))
            for index, row in enumerate(rows, page):
                if row[1] != index:
                    raise LogDamagedError(f"Entry {index} of the log {log_id} is missing.")
                yield StoredEntry(*row)
            if len(rows) < min(PAGE_ENTRIES, stop - page):
                raise LogDamagedError(f"Entry {page + len(rows)} of the log {log_id} is missing.")

    def present_entries(self, connection: Connection, log_id: str, start: int, stop: int) -> list[StoredEntry]:
        """Those of the entries start..stop that are there, in order, at once; gaps are for the log check to name."""
        return [StoredEntry(*row) for row in HotStatements(connection, log_id).leaf_rows(start, stop)]

    def search(
        self, connection: Connection, log_id: str, filters: SearchFilters, before: int | None = None, limit: int = 50
    ) -> list[StoredEntry]:
        """The newest `limit` matching entries with an index below `before`, newest first."""
        return search_log(connection, log_id, filters, before, limit)

    def _head(self, connection: Connection, log_id: str) -> Head | None:
        head = HotStatements(connection, log_id).head()
        if head is None:
            self.log(connection, log_id)  # an empty log has no head, an unknown log is an error
        return head

    def _require_size(self, connection: Connection, log_id: str, size: int) -> None:
        present = self.tree_size(connection, log_id)
        if not 0 <= size <= present:
            raise ProofError(f"The log {log_id} has {present} entries, not {size}.")


def _require_open(log_id: str, head: Head | None, entries: Sequence[Entry]) -> None:
    last = len(entries) - 1
    closing = [place for place, entry in enumerate(entries) if entry.event == LOG_CLOSED]
    if (head is not None and head.event == LOG_CLOSED) or (closing and closing[0] != last):
        raise LogClosedError(f"The log {log_id} is closed; nothing can be added to it.")


def _frontier(hot: HotStatements, head: Head | None, added: int) -> tuple[int, Frontier]:
    """The size of the tree, and as much of its right edge as `added` leaves will merge with."""
    if head is None:
        return 0, Frontier()
    size = head.place + 1
    waiting = hot.reader({NodeAddress(0, head.place): head.leaf_hash})(waiting_nodes(size, added))
    return size, Frontier(size, {address.level: digest for address, digest in waiting.items()})
