"""The log check: rebuilds a log's tree from the bytes of its entries and compares everything that is stored.

It reads raw rows and trusts none of them: not the leaf hashes, not the nodes, not the columns beside an entry, not the
columns beside a checkpoint or cosignature. What it cannot see is a log cut back to an earlier state with every trace
removed; for that it takes checkpoints that somebody kept elsewhere, and what the log's signer remembers. It changes
nothing. Memory stays bounded, however long the log.

Kinds of finding, each with the first index it concerns:

    altered      an entry's bytes, or the leaf hash kept for them, are not what the tree was built from
    unreadable   an entry is no canonical entry of the vocabulary, though the tree was built from these very bytes
    missing      there is no row at this index
    reordered    the entry at this index stands in another's place
    truncated    something stored reaches beyond the last entry; the index is that of the first lost entry
    rolled-back  all that is stored agrees, but a state kept elsewhere counts more entries; the first lost entry
    copy         the columns that an entry is found by are not what the entry says; or the time of the log's making
    node         a stored subtree hash is wrong or missing, while the entries below it are whole; the first of these
    stray        rows in places that no log of this size has, entries behind its closing, rows of a log disposed of
    checkpoint   a checkpoint is missing, or not what the columns beside it say; a later origin contradicts the log
    forged       a checkpoint or tombstone was not signed by the log's key, or not for these entries; its size
    cosignature  a cosignature is missing, or not its witness's signature of this checkpoint; the checkpoint's size
    unknown-log  a table speaks of a log that there is not (`audit.table_check`)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from audit.checked_state import CheckedState
from audit.continuing import CONTINUED, bearings_of
from audit.entry import parse_time
from audit.errors import AuditError, UnknownLogError
from audit.events import LOG_CLOSED
from audit.findings import MAX_FINDINGS, Finding, Findings, FsckReport
from audit.judging import Judging
from audit.merkle import EMPTY_ROOT
from audit.note import VerifierKey
from audit.raw_log import RawLog, RawTables
from audit.rebuilding import GrowingTree, Rebuilding
from audit.signed_rows import RememberedState, SignedRows
from audit.table_check import TableCheck

__all__ = [
    "MAX_FINDINGS",
    "CheckedState",
    "Finding",
    "FsckReport",
    "RememberedState",
    "check_growth",
    "check_log",
    "check_tables",
]

ConnectionT = TypeVar("ConnectionT")
_ANY_SIZE = 2**62


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What a log is held to besides itself."""

    kept_notes: Sequence[str | bytes] = ()
    witnesses: Sequence[VerifierKey] = ()
    remembered: RememberedState | None = None


def check_log(
    store: RawLog[ConnectionT],
    connection: ConnectionT,
    log_id: str,
    public_key: bytes,
    kept_notes: Sequence[str | bytes] = (),
    *,
    witnesses: Sequence[VerifierKey] = (),
    remembered: RememberedState | None = None,
) -> FsckReport:
    """Check one log whole against its public key (32 bytes), checkpoints kept elsewhere, and its signer's memory.

    `witnesses` are the keys of every witness that was ever asked, those of former years too; without them a
    cosignature is only held to its form. `remembered` is of the log's present origin. Raises UnknownLogError when
    there is no such log, LogDisposedError when there is none any more; all damage is in the report.
    """
    evidence = _Evidence(kept_notes, witnesses, remembered)
    return _checked(store, connection, public_key, CheckedState(log_id), evidence, is_whole=True)[0]


def check_growth(  # noqa: PLR0913  what a whole check takes, and the state to begin from
    store: RawLog[ConnectionT],
    connection: ConnectionT,
    log_id: str,
    public_key: bytes,
    since: CheckedState | None,
    kept_notes: Sequence[str | bytes] = (),
    *,
    witnesses: Sequence[VerifierKey] = (),
    remembered: RememberedState | None = None,
) -> tuple[FsckReport, CheckedState]:
    """Check what came since the last check of a log, and that what was checked then is still there.

    The state to carry to the next check is `since` itself when something was found. With `since` None everything is
    checked. What was checked before is looked at by its right edge only: `check_log` finds later damage to it.
    """
    evidence = _Evidence(kept_notes, witnesses, remembered)
    before = CheckedState(log_id) if since is None else since
    if before.log_id != log_id:
        raise ValueError("The state is of another log.")
    return _checked(store, connection, public_key, before, evidence, is_whole=since is None)


def check_tables(
    store: RawTables[ConnectionT],
    connection: ConnectionT,
    public_key: bytes | None = None,
    signed_origins: Sequence[str] = (),
) -> list[Finding]:
    """Find rows of logs that there are not, rows of logs disposed of, and logs that are gone without a tombstone.

    With the `public_key` tombstones are held to their signatures; `signed_origins` are those that the signer
    remembers and that nobody gave up.
    """
    return TableCheck(store, connection, public_key, signed_origins).run()


def _checked(
    store: RawLog[ConnectionT],
    connection: ConnectionT,
    public_key: bytes,
    since: CheckedState,
    evidence: _Evidence,
    *,
    is_whole: bool,
) -> tuple[FsckReport, CheckedState]:
    try:
        store.log(connection, since.log_id)
        return _Check(store, connection, since, evidence, is_whole=is_whole).run(public_key)
    except UnknownLogError:
        raise
    except (AuditError, TypeError, ValueError) as error:  # a row that is not even of its columns' types
        damage = Finding("unreadable", 0, f"The log's rows cannot be read: {error}")
        return FsckReport(since.log_id, 0, EMPTY_ROOT, 0, (damage,)), since


class _Check(Generic[ConnectionT]):
    def __init__(
        self,
        store: RawLog[ConnectionT],
        connection: ConnectionT,
        since: CheckedState,
        evidence: _Evidence,
        *,
        is_whole: bool,
    ) -> None:
        self._store, self._connection, self._log_id = store, connection, since.log_id
        self._since, self._evidence, self._is_whole = since, evidence, is_whole
        self._findings, self._counted = Findings(), (0, 0)
        tree = GrowingTree(since.size, dict(since.waiting))
        self._rebuilt = Rebuilding(store, connection, since.log_id, self._findings, tree)

    def run(self, public_key: bytes) -> tuple[FsckReport, CheckedState]:
        origin, created_at = self._store.raw_log(self._connection, self._log_id)
        created = parse_time(created_at)
        continuations = self._store.raw_continuations(self._connection, self._log_id)
        told = self._store.raw_events(self._connection, self._log_id, CONTINUED)
        bearings = bearings_of(origin, public_key, continuations, told, self._findings)
        rows = SignedRows(bearings, self._evidence.witnesses, self._findings)
        checkpoints = self._store.raw_checkpoints(self._connection, self._log_id, self._since.checkpoint_size)
        rows.read_checkpoints(checkpoints)
        cosignatures = self._store.raw_cosignatures(self._connection, self._log_id, self._since.received_at)
        rows.read_cosignatures(cosignatures, self._earlier_notes({row.tree_size for row in cosignatures}))
        reach = max([one.size for one in rows.signed], default=0)
        size = self._size(reach)
        rows.read_kept(self._evidence.kept_notes, size, is_complete=self._is_whole)
        if self._evidence.remembered is not None:
            rows.read_remembered(self._evidence.remembered, size, is_complete=self._is_whole)
        everything = [*rows.signed, *rows.kept]
        if size >= self._since.size:
            self._require_edge()
            self._rebuilt.run(size, {one.size for one in everything})
        Judging(self._rebuilt, everything, size, self._findings).run()
        if self._rebuilt.is_complete:
            self._judge_extent(size, reach, max([one.size for one in rows.kept], default=0))
            rows.judge_times(self._rebuilt.times, created)
            self._judge_closing(size)
        report = self._report(size, len(checkpoints))
        if report.findings:
            return report, self._since
        received = [self._since.received_at, *(row.received_at for row in cosignatures)]
        waiting = tuple(sorted(self._rebuilt.tree.waiting.items()))
        latest = max([self._since.checkpoint_size, *(row.tree_size for row in checkpoints)])
        return report, CheckedState(self._log_id, size, waiting, latest, max(received))

    def _report(self, size: int, checkpoints: int) -> FsckReport:
        root = self._rebuilt.tree.root() if size >= self._since.size else EMPTY_ROOT
        return FsckReport(self._log_id, size, root, checkpoints, self._findings.sorted())

    def _earlier_notes(self, sizes: set[object]) -> dict[int, object]:
        """The notes of checkpoints that an earlier check read and that now have new cosignatures."""
        earlier = [size for size in sizes if isinstance(size, int) and size <= self._since.checkpoint_size]
        if not earlier:
            return {}
        rows = self._store.raw_checkpoints(self._connection, self._log_id, min(earlier) - 1)
        return {row.tree_size: row.note for row in rows if row.tree_size in earlier}

    def _size(self, reach: int) -> int:
        """How many entries the log has: an index that lies beyond a gap and beyond all evidence is a stray's."""
        extent = self._store.raw_extent(self._connection, self._log_id, _ANY_SIZE)
        if not self._is_whole:
            return extent
        self._counted = self._store.raw_count(self._connection, self._log_id)
        if self._counted[0] >= extent:
            return extent
        levels = self._store.raw_levels(self._connection, self._log_id)
        claimed = max([reach, *(stop << level for level, stop in levels.items() if level == 1)])
        return self._store.raw_extent(self._connection, self._log_id, claimed + 1)

    def _require_edge(self) -> None:
        """The right edge that an earlier check kept must still be what is stored."""
        for level, digest in self._since.waiting:
            position = (self._since.size >> level) - 1
            if level == 0:
                rows = self._store.raw_entries(self._connection, self._log_id, position, position + 1)
                stored = [row[2] for row in rows]
            else:
                rows = self._store.raw_nodes(self._connection, self._log_id, level, position, position + 1)
                stored = [row[1] for row in rows]
            if stored != [digest]:
                first = position << level
                detail = f"From entry {first} on the log is no longer what an earlier check found."
                self._rebuilt.bad_leaf("altered", first, detail)

    def _judge_extent(self, size: int, reach: int, kept: int) -> None:
        """Rows where none can be, and entries that were signed for or hashed and are not there."""
        beyond = self._store.raw_nodes(self._connection, self._log_id, 1, size >> 1, (size >> 1) + 1)
        if beyond:
            self._findings.add("truncated", size, f"Stored hashes reach beyond the last entry, {size - 1}.")
        if reach > size:
            self._findings.add("truncated", size, f"A stored checkpoint counts {reach} entries; {size} are there.")
        elif max(kept, self._since.size) > size:
            kind = "truncated" if beyond else "rolled-back"
            detail = f"{max(kept, self._since.size)} entries were signed for or checked before; {size} are there."
            self._findings.add(kind, size, detail)
        if self._is_whole and self._counted != (self._rebuilt.entries_read, self._rebuilt.nodes_read):
            self._judge_strays(size, is_cut=bool(beyond))

    def _judge_strays(self, size: int, *, is_cut: bool) -> None:
        entries, nodes = self._store.raw_strays(self._connection, self._log_id, size, MAX_FINDINGS)
        levels = self._store.raw_levels(self._connection, self._log_id) if is_cut else {}
        cut_off = levels.get(1, 0) << 1  # up to here, hashes are what is left over entries that were cut off
        for key in entries:
            index = key if isinstance(key, int) and key >= 0 else 0
            self._findings.add("stray", index, f"An entry stands at {key!r:.40}, where none of this log can stand.")
        for level, position in nodes:
            is_place = isinstance(level, int) and isinstance(position, int) and level in range(1, 63) and position >= 0
            if is_place and (position + 1) << level <= cut_off:
                continue
            index = min(position << level, size) if is_place else 0
            detail = f"A hash stands at level {level!r:.20}, place {position!r:.40}, where none of this log can stand."
            self._findings.add("stray", index, detail)

    def _judge_closing(self, size: int) -> None:
        for index, _ in self._store.raw_events(self._connection, self._log_id, LOG_CLOSED)[:1]:
            if index + 1 < size:
                self._findings.add("stray", index + 1, f"Entry {index} closed the log, and others follow.")
