"""The log in SQLite or PostgreSQL: the one file here that knows SQLAlchemy.

Full subtrees are stored as the tree grows, so a root or a proof reads a few dozen rows, however long the log. Level 0
is not stored twice: it is the leaf hash of the entry's row.

The leaf index is taken under a lock on the log's head. On PostgreSQL that is a transaction's advisory lock (READ
COMMITTED is expected; a snapshot older than the lock ends in a refused duplicate key, never in a fork). On SQLite the
caller opens the transaction, with BEGIN IMMEDIATE; here the write lock is taken again, which costs nothing when it is
held and raises when the transaction has read a state that is no longer the newest.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.schema import CreateIndex, CreateTable

from audit.entry import Entry, parse_time, time_text
from audit.errors import LogDamagedError, LogExistsError, ProofError, TransactionError, UnknownLogError
from audit.merkle import Frontier, NodeAddress, leaf_hash, waiting_nodes
from audit.proof import NodeReader, Proof, prove_consistency, prove_inclusion, root_at
from audit.search import copies_of
from audit.store import LeafIndex, LogRecord, SearchCopies, SearchFilters, StoredCheckpoint, StoredEntry
from audit.triggers import TRIGGERS

__all__ = ["TRIGGERS", "SqlLogStore", "audit_metadata", "install", "statements"]

PAGE_ENTRIES: Final = 1000

audit_metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

audit_log = Table(
    "audit_log",
    audit_metadata,
    Column("id", String(40), primary_key=True),
    Column("origin", String(255), nullable=False, unique=True),
    Column("created_at", String(27), nullable=False),
)

audit_entry = Table(
    "audit_entry",
    audit_metadata,
    Column("log_id", ForeignKey(audit_log.c.id), primary_key=True),
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("time", String(27), nullable=False),
    Column("event", String(80), nullable=False),
    Column("actor", String(80), nullable=False),
    Column("inspection", String(40)),
    Column("subject", String(40)),
    Column("items", Text, nullable=False),
    CheckConstraint("leaf_index >= 0", name="leaf_index"),
    CheckConstraint("length(leaf_hash) = 32", name="leaf_hash"),
    sqlite_with_rowid=False,
)
for _column in ("event", "actor", "subject"):
    Index(None, audit_entry.c.log_id, audit_entry.c[_column], audit_entry.c.leaf_index)

audit_node = Table(
    "audit_node",
    audit_metadata,
    Column("log_id", ForeignKey(audit_log.c.id), primary_key=True),
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("node_index", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("level >= 1 AND node_index >= 0", name="place"),
    CheckConstraint("length(hash) = 32", name="hash"),
    sqlite_with_rowid=False,
)

audit_checkpoint = Table(
    "audit_checkpoint",
    audit_metadata,
    Column("log_id", ForeignKey(audit_log.c.id), primary_key=True),
    Column("tree_size", BigInteger, primary_key=True, autoincrement=False),
    Column("root_hash", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("signed_at", String(27), nullable=False),
    CheckConstraint("tree_size >= 0", name="tree_size"),
    CheckConstraint("length(root_hash) = 32", name="root_hash"),
)

# The append is the one hot path: its statements go to the driver as they are, without a compiler between.
_DRIVER_SQL: Final = {
    "head": "SELECT leaf_index, leaf_hash FROM audit_entry WHERE log_id = ? ORDER BY leaf_index DESC LIMIT 1",
    "nodes": (  # a subquery for each address is a seek on its key; a join is whatever the planner guesses
        "WITH wanted (level, node_index) AS (VALUES {}) SELECT level, node_index, (SELECT node.hash FROM audit_node AS"
        " node WHERE node.log_id = ? AND node.level = wanted.level AND node.node_index = wanted.node_index) FROM wanted"
    ),
    "address": "(?, ?)",
    "leaf": "SELECT leaf_hash FROM audit_entry WHERE log_id = ? AND leaf_index = ?",
    "add_entry": (
        "INSERT INTO audit_entry (log_id, leaf_index, entry, leaf_hash, time, event, actor, inspection, subject, items)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ),
    "add_node": "INSERT INTO audit_node (log_id, level, node_index, hash) VALUES (?, ?, ?, ?)",
}
_SQL: Final = {
    "sqlite": {**_DRIVER_SQL, "lock": "UPDATE audit_log SET origin = origin WHERE 0"},
    "postgresql": {
        **{name: sql.replace("?", "%s") for name, sql in _DRIVER_SQL.items()},
        "lock": "SELECT pg_advisory_xact_lock(%s)",
    },
}
_DIALECTS: Final[dict[str, Dialect]] = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}  # type: ignore[no-untyped-call]  # SQLAlchemy leaves these two constructors untyped


def statements(dialect: str) -> list[str]:
    """Everything that makes the log's tables, indexes and triggers on `sqlite` or `postgresql`, as text, in order."""
    made: list[str] = []
    for table in audit_metadata.sorted_tables:
        made.append(str(CreateTable(table).compile(dialect=_DIALECTS[dialect])).strip())
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        made += [str(CreateIndex(index).compile(dialect=_DIALECTS[dialect])).strip() for index in indexes]
    return made + TRIGGERS[dialect]


def install(connection: Connection) -> None:
    """Make the tables, indexes and triggers; once for each database."""
    for statement in statements(connection.dialect.name):
        connection.exec_driver_sql(statement)


class SqlLogStore:
    """LogStore and RawLog over SQLAlchemy connections; holds no state, so one serves every thread."""

    def create_log(self, connection: Connection, record: LogRecord) -> None:
        """Create an empty log. Raises LogExistsError when its id or origin is taken."""
        taken = select(audit_log.c.id).where((audit_log.c.id == record.log_id) | (audit_log.c.origin == record.origin))
        if connection.execute(taken).first() is not None:
            raise LogExistsError(f"The log {record.log_id} ({record.origin}) exists already; nothing was changed.")
        row = {"id": record.log_id, "origin": record.origin, "created_at": time_text(record.created_at)}
        connection.execute(audit_log.insert().values(row))

    def logs(self, connection: Connection) -> list[LogRecord]:
        """Every log, by id."""
        return [_log_record(row) for row in connection.execute(select(audit_log).order_by(audit_log.c.id))]

    def log(self, connection: Connection, log_id: str) -> LogRecord:
        """One log. Raises UnknownLogError when there is none of that id."""
        row = connection.execute(select(audit_log).where(audit_log.c.id == log_id)).first()
        if row is None:
            raise UnknownLogError(f"There is no log {log_id}.")
        return _log_record(row)

    def lock_head(self, connection: Connection, log_id: str) -> None:
        """Lock the log's head until the transaction ends; on SQLite, all of the database. See the module's text."""
        driver: Any = connection.connection.dbapi_connection
        if connection.dialect.name == "postgresql":
            if driver.autocommit:
                raise TransactionError("The log is written inside a transaction; this connection commits by itself.")
            connection.exec_driver_sql(_SQL["postgresql"]["lock"], (lock_key(log_id),))
            return
        try:
            connection.exec_driver_sql(_SQL["sqlite"]["lock"])  # also begins what SQLAlchemy begins by itself
        except OperationalError as error:
            raise TransactionError(
                "The transaction could not become the one that writes; open it with BEGIN IMMEDIATE."
            ) from error
        if not driver.in_transaction:
            raise TransactionError("The log is written inside a transaction that was opened with BEGIN IMMEDIATE.")

    def append(self, connection: Connection, log_id: str, entries: Sequence[Entry]) -> LeafIndex:
        """Lock the head, add one or more entries and the subtrees they complete; the index of the first."""
        if not entries:
            raise ValueError("An append adds at least one entry.")
        self.lock_head(connection, log_id)
        first, frontier = self._frontier(connection, log_id, len(entries))
        entry_rows, node_rows = [], []
        for index, entry in enumerate(entries, first):
            encoded, copies = entry.encode(), copies_of(entry)
            leaf = leaf_hash(encoded)
            entry_rows.append((log_id, index, encoded, leaf, *_columns(copies)))
            node_rows += [(log_id, *address, digest) for address, digest in frontier.append(leaf)]
        self._insert(connection, log_id, entry_rows, node_rows)
        return LeafIndex(first)

    def tree_size(self, connection: Connection, log_id: str) -> int:
        """The number of entries."""
        head = self._head(connection, log_id)
        return 0 if head is None else head[0] + 1

    def root(self, connection: Connection, log_id: str, size: int | None = None) -> bytes:
        """The root hash at `size`, or of all entries. Raises ProofError when the log is smaller."""
        size = self.tree_size(connection, log_id) if size is None else size
        self._require_size(connection, log_id, size)
        return root_at(size, self._reader(connection, log_id))

    def inclusion_proof(self, connection: Connection, log_id: str, index: int, size: int) -> Proof:
        """The path from the entry at `index` to the root at `size`. Raises ProofError when there is none."""
        self._require_size(connection, log_id, size)
        return prove_inclusion(index, size, self._reader(connection, log_id))

    def consistency_proof(self, connection: Connection, log_id: str, old: int, new: int) -> Proof:
        """The proof that the log at `new` extends the log at `old`. Raises ProofError without one, or when old is 0."""
        self._require_size(connection, log_id, new)
        return prove_consistency(old, new, self._reader(connection, log_id))

    def entry(self, connection: Connection, log_id: str, index: int) -> StoredEntry:
        """One entry. Raises UnknownLogError when there is none at that index."""
        for stored, _ in self.raw_entries(connection, log_id, index, index + 1):
            return stored
        raise UnknownLogError(f"There is no entry {index} in the log {log_id}.")

    def entries(self, connection: Connection, log_id: str, start: int, stop: int) -> Iterator[StoredEntry]:
        """Entries start..stop in order. Raises LogDamagedError at a gap."""
        for page in range(start, stop, PAGE_ENTRIES):
            rows = self.raw_entries(connection, log_id, page, min(page + PAGE_ENTRIES, stop))
            for index, (stored, _) in enumerate(rows, page):
                if stored.index != index:
                    raise LogDamagedError(f"Entry {index} of the log {log_id} is missing.")
                yield stored
            if len(rows) < min(PAGE_ENTRIES, stop - page):
                raise LogDamagedError(f"Entry {page + len(rows)} of the log {log_id} is missing.")

    def search(
        self, connection: Connection, log_id: str, filters: SearchFilters, before: int | None = None, limit: int = 50
    ) -> list[StoredEntry]:
        """The newest `limit` matching entries with an index below `before`, newest first."""
        rows = audit_entry.c
        query = select(rows.log_id, rows.leaf_index, rows.entry, rows.leaf_hash).where(
            rows.log_id == log_id, *_conditions(filters)
        )
        if before is not None:
            query = query.where(rows.leaf_index < before)
        found = connection.execute(query.order_by(rows.leaf_index.desc()).limit(limit))
        return [StoredEntry(*row) for row in found]

    def add_checkpoint(self, connection: Connection, checkpoint: StoredCheckpoint) -> None:
        """Keep a signed checkpoint; one for each size."""
        row = (
            checkpoint.log_id,
            checkpoint.tree_size,
            checkpoint.root_hash,
            checkpoint.note,
            time_text(checkpoint.signed_at),
        )
        connection.execute(audit_checkpoint.insert().values(row))

    def latest_checkpoint(self, connection: Connection, log_id: str) -> StoredCheckpoint | None:
        """The checkpoint of the greatest size, or None when nothing was signed yet."""
        rows = audit_checkpoint.c
        query = select(audit_checkpoint).where(rows.log_id == log_id).order_by(rows.tree_size.desc()).limit(1)
        row = connection.execute(query).first()
        return None if row is None else _stored_checkpoint(row)

    def checkpoints(self, connection: Connection, log_id: str) -> list[StoredCheckpoint]:
        """Every checkpoint, smallest first."""
        rows = audit_checkpoint.c
        query = select(audit_checkpoint).where(rows.log_id == log_id).order_by(rows.tree_size)
        return [_stored_checkpoint(row) for row in connection.execute(query)]

    def raw_entries(
        self, connection: Connection, log_id: str, start: int, stop: int
    ) -> list[tuple[StoredEntry, SearchCopies]]:
        """The entry rows with start <= index < stop, in order, and the copies kept beside them."""
        rows = audit_entry.c
        query = select(audit_entry).where(rows.log_id == log_id, rows.leaf_index >= start, rows.leaf_index < stop)
        found = connection.execute(query.order_by(rows.leaf_index))
        return [(StoredEntry(*row[:4]), SearchCopies(*row[4:])) for row in found]

    def raw_nodes(
        self, connection: Connection, log_id: str, level: int, start: int, stop: int
    ) -> list[tuple[NodeAddress, bytes]]:
        """The node rows of one level with start <= index < stop, in order."""
        rows = audit_node.c
        query = select(rows.level, rows.node_index, rows.hash).where(
            rows.log_id == log_id, rows.level == level, rows.node_index >= start, rows.node_index < stop
        )
        found = connection.execute(query.order_by(rows.node_index))
        return [(NodeAddress(row[0], row[1]), row[2]) for row in found]

    def raw_extent(self, connection: Connection, log_id: str) -> int:
        """One more than the last index that any entry row has; 0 when there is none."""
        return self.tree_size(connection, log_id)

    def raw_levels(self, connection: Connection, log_id: str) -> dict[int, int]:
        """For each level that has node rows, one more than the last index there."""
        rows = audit_node.c
        levels: dict[int, int] = {}
        above = -1
        while True:  # one index seek a level; a GROUP BY would read every node
            query = select(rows.level, rows.node_index).where(rows.log_id == log_id, rows.level > above)
            row = connection.execute(query.order_by(rows.level, rows.node_index).limit(1)).first()
            if row is None:
                return levels
            above = row[0]
            last = select(rows.node_index).where(rows.log_id == log_id, rows.level == above)
            levels[above] = connection.execute(last.order_by(rows.node_index.desc()).limit(1)).scalar_one() + 1

    def _head(self, connection: Connection, log_id: str) -> tuple[int, bytes] | None:
        row = connection.exec_driver_sql(_SQL[connection.dialect.name]["head"], (log_id,)).first()
        if row is None:
            self.log(connection, log_id)  # an empty log has no head, an unknown log is an error
            return None
        return row[0], row[1]

    def _frontier(self, connection: Connection, log_id: str, added: int) -> tuple[int, Frontier]:
        """The size of the tree, and as much of its right edge as `added` leaves will merge with."""
        head = self._head(connection, log_id)
        if head is None:
            return 0, Frontier()
        size = head[0] + 1
        read = self._reader(connection, log_id, known={NodeAddress(0, head[0]): head[1]})
        waiting = read(waiting_nodes(size, added))
        return size, Frontier(size, {address.level: digest for address, digest in waiting.items()})

    def _reader(self, connection: Connection, log_id: str, known: dict[NodeAddress, bytes] | None = None) -> NodeReader:
        """Reads full subtrees by their keys; a log of a million entries needs at most some forty for a proof."""
        nodes = {} if known is None else known

        def read(addresses: Sequence[NodeAddress]) -> dict[NodeAddress, bytes]:
            wanted = [address for address in addresses if address not in nodes]
            for address in wanted:
                if address.level == 0:
                    nodes.update(self._read_leaf(connection, log_id, address))
            nodes.update(self._read_nodes(connection, log_id, [address for address in wanted if address.level > 0]))
            for address in wanted:
                if address not in nodes:
                    raise LogDamagedError(
                        f"Level {address.level} of the log {log_id} has lost its hash {address.position}."
                    )
            return {address: nodes[address] for address in addresses}

        return read

    def _read_leaf(self, connection: Connection, log_id: str, address: NodeAddress) -> dict[NodeAddress, bytes]:
        sql = _SQL[connection.dialect.name]["leaf"]
        row = connection.exec_driver_sql(sql, (log_id, address.position)).first()
        return {} if row is None else {address: row[0]}

    def _read_nodes(
        self, connection: Connection, log_id: str, addresses: Sequence[NodeAddress]
    ) -> dict[NodeAddress, bytes]:
        """One statement for all of them: each is a seek, and only the way to the server and back is shared."""
        if not addresses:
            return {}
        sql = _SQL[connection.dialect.name]
        statement = sql["nodes"].format(", ".join([sql["address"]] * len(addresses)))
        values = [number for address in addresses for number in address]
        rows = connection.exec_driver_sql(statement, (*values, log_id))
        return {NodeAddress(level, position): digest for level, position, digest in rows if digest is not None}

    def _insert(
        self, connection: Connection, log_id: str, entry_rows: list[tuple[Any, ...]], node_rows: list[tuple[Any, ...]]
    ) -> None:
        sql = _SQL[connection.dialect.name]
        try:
            connection.exec_driver_sql(sql["add_entry"], entry_rows if len(entry_rows) > 1 else entry_rows[0])
            if node_rows:
                connection.exec_driver_sql(sql["add_node"], node_rows if len(node_rows) > 1 else node_rows[0])
        except IntegrityError as error:
            raise LogDamagedError(
                f"The log {log_id} holds rows where its next entry belongs. Nothing was appended. Run the log check."
            ) from error

    def _require_size(self, connection: Connection, log_id: str, size: int) -> None:
        present = self.tree_size(connection, log_id)
        if not 0 <= size <= present:
            raise ProofError(f"The log {log_id} has {present} entries, not {size}.")


def lock_key(log_id: str) -> int:
    """The 64-bit key of a log's advisory lock: the first bytes of a SHA-256 under a name of its own."""
    digest = hashlib.sha256(b"audit log head\n" + log_id.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _conditions(filters: SearchFilters) -> Iterator[ColumnElement[bool]]:
    rows = audit_entry.c
    if filters.events:
        yield rows.event.in_(filters.events)
    if filters.actor is not None:
        yield rows.actor == filters.actor
    if filters.subject is not None:
        yield rows.subject == filters.subject
    if filters.person is not None:
        yield (rows.actor == filters.person) | (rows.subject == filters.person)
    if filters.item is not None:
        yield rows["items"].contains(f"|{filters.item}|", autoescape=True)
    if filters.since is not None:
        yield rows.time >= time_text(filters.since)
    if filters.until is not None:
        yield rows.time < time_text(filters.until)


def _columns(copies: SearchCopies) -> tuple[str | None, ...]:
    return copies.time, copies.event, copies.actor, copies.inspection, copies.subject, copies.items


def _log_record(row: Any) -> LogRecord:
    return LogRecord(row.id, row.origin, parse_time(row.created_at))


def _stored_checkpoint(row: Any) -> StoredCheckpoint:
    return StoredCheckpoint(row.log_id, row.tree_size, row.root_hash, row.note, parse_time(row.signed_at))
