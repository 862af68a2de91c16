"""The statements that every append, root and proof makes, sent to the driver without a compiler between.

Each joins the transaction of the connection it is given, and begins it where nothing has happened yet.

The leaf index is taken under a lock on the log's head. On PostgreSQL that is a transaction's advisory lock (READ
COMMITTED is expected; a snapshot older than the lock ends in a refused duplicate key, never in a fork). On SQLite the
caller opens the transaction, with BEGIN IMMEDIATE; here the write lock is taken again, which costs nothing when it is
held and raises when the transaction has read a state that is no longer the newest.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from audit.errors import LogDamagedError, TransactionError
from audit.merkle import NodeAddress
from audit.proof import NodeReader

Row = tuple[Any, ...]


class Head(NamedTuple):
    """A log's last entry: its place, its leaf hash and its event."""

    place: int
    leaf_hash: bytes
    event: str


_MOST_TOGETHER: Final = 64
"""Entries that go to the server in one statement; for more, rows are sent one after the other."""

_STATEMENTS: Final = {
    "head": "SELECT leaf_index, leaf_hash, event FROM audit_entry WHERE log_id = ? ORDER BY leaf_index DESC LIMIT 1",
    "nodes": (  # a subquery for each address is a seek on its key; a join is whatever the planner guesses
        "WITH wanted (level, node_index) AS (VALUES {}) SELECT level, node_index, (SELECT node.hash FROM audit_node AS"
        " node WHERE node.log_id = ? AND node.level = wanted.level AND node.node_index = wanted.node_index) FROM wanted"
    ),
    "address": "(?, ?)",
    "leaf": "SELECT leaf_hash FROM audit_entry WHERE log_id = ? AND leaf_index = ?",
    "entries": (
        "SELECT leaf_index, entry, leaf_hash, time, event, actor, inspection, subject, items FROM audit_entry"
        " WHERE log_id = ? AND leaf_index >= ? AND leaf_index < ? ORDER BY leaf_index"
    ),
    "leaves": (
        "SELECT log_id, leaf_index, entry, leaf_hash FROM audit_entry"
        " WHERE log_id = ? AND leaf_index >= ? AND leaf_index < ? ORDER BY leaf_index"
    ),
    "level": (
        "SELECT node_index, hash FROM audit_node"
        " WHERE log_id = ? AND level = ? AND node_index >= ? AND node_index < ? ORDER BY node_index"
    ),
    "add_entry": (
        "INSERT INTO audit_entry (log_id, leaf_index, entry, leaf_hash, time, event, actor, inspection, subject, items)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ),
    "add_node": "INSERT INTO audit_node (log_id, level, node_index, hash) VALUES (?, ?, ?, ?)",
}
_SQL: Final = {
    "sqlite": {**_STATEMENTS, "lock": "UPDATE audit_log SET origin = origin WHERE 0"},
    "postgresql": {
        **{name: sql.replace("?", "%s") for name, sql in _STATEMENTS.items()},
        "lock": "SELECT pg_advisory_xact_lock(%s)",
        "add_all": (
            "WITH added AS (INSERT INTO audit_entry"
            " (log_id, leaf_index, entry, leaf_hash, time, event, actor, inspection, subject, items) VALUES {entries})"
            " INSERT INTO audit_node (log_id, level, node_index, hash) VALUES {nodes}"
        ),
        "entry": "(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        "node": "(%s, %s, %s, %s)",
    },
}


class HotStatements:
    """These statements on one connection, about one log. Raises DBAPIError for what the driver raises."""

    def __init__(self, connection: Connection, log_id: str) -> None:
        if not connection.in_transaction():
            connection.begin()
        self._log_id = log_id
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._sql = _SQL[connection.dialect.name]
        self._driver: Any = connection.connection.dbapi_connection
        self._cursor: Any = connection.connection.cursor()
        self._errors: Any = connection.dialect.loaded_dbapi

    def lock(self) -> None:
        """Lock the log's head until the transaction ends; on SQLite, all of the database. Raises TransactionError."""
        if not self._is_sqlite:
            if self._driver.autocommit:
                raise TransactionError("The log is written inside a transaction; this connection commits by itself.")
            self._run(self._sql["lock"], (lock_key(self._log_id),))
            return
        try:
            self._cursor.execute(self._sql["lock"])
        except self._errors.OperationalError as error:
            raise TransactionError(
                "The transaction could not become the one that writes; open it with BEGIN IMMEDIATE."
            ) from error
        if not self._driver.in_transaction:
            raise TransactionError("The log is written inside a transaction that was opened with BEGIN IMMEDIATE.")

    def head(self) -> Head | None:
        """The last entry; None when there is none. Raises LogDamagedError where what stands there is none."""
        row: Row | None = self._run(self._sql["head"], (self._log_id,)).fetchone()
        if row is None:
            return None
        index, digest, event = row
        # A column of SQLite holds whatever was put into it, and texts come after all numbers.
        if not isinstance(index, int) or index < 0 or not isinstance(digest, bytes):
            raise LogDamagedError(f"The last row of the log {self._log_id} is no entry. Run the log check.")
        return Head(index, digest, event)

    def reader(self, known: dict[NodeAddress, bytes]) -> NodeReader:
        """Reads full subtrees by their keys; a log of a million entries needs at most some forty for a proof."""

        def read(addresses: Sequence[NodeAddress]) -> dict[NodeAddress, bytes]:
            wanted = [address for address in addresses if address not in known]
            known.update(self._leaves([address for address in wanted if address.level == 0]))
            known.update(self._nodes([address for address in wanted if address.level > 0]))
            for address in wanted:
                if address not in known:
                    raise LogDamagedError(
                        f"Level {address.level} of the log {self._log_id} has lost its hash {address.position}."
                    )
            return {address: known[address] for address in addresses}

        return read

    def insert(self, entry_rows: list[Row], node_rows: list[Row]) -> None:
        """Add rows. Raises LogDamagedError where a row is in the way."""
        try:
            if not self._is_sqlite and node_rows and len(entry_rows) <= _MOST_TOGETHER:
                self._insert_together(entry_rows, node_rows)
            else:
                self._insert("add_entry", entry_rows)
                self._insert("add_node", node_rows)
        except self._errors.IntegrityError as error:
            raise LogDamagedError(
                f"The log {self._log_id} holds rows where its next entry belongs. Nothing was appended. "
                "Run the log check."
            ) from error

    def entry_rows(self, start: int, stop: int) -> list[Row]:
        """The entry rows of start..stop in order: all columns but the first, in the order of their table."""
        rows: list[Row] = self._run(self._sql["entries"], (self._log_id, start, stop)).fetchall()
        return rows

    def leaf_rows(self, start: int, stop: int) -> list[Row]:
        """Log, index, bytes and leaf hash of the entries start..stop, in order."""
        rows: list[Row] = self._run(self._sql["leaves"], (self._log_id, start, stop)).fetchall()
        return rows

    def level_rows(self, level: int, start: int, stop: int) -> list[Row]:
        """Place and hash of one level's nodes start..stop, in order."""
        rows: list[Row] = self._run(self._sql["level"], (self._log_id, level, start, stop)).fetchall()
        return rows

    def _leaves(self, addresses: Sequence[NodeAddress]) -> Iterator[tuple[NodeAddress, bytes]]:
        for address in addresses:
            row = self._run(self._sql["leaf"], (self._log_id, address.position)).fetchone()
            if row is not None:
                yield address, row[0]

    def _nodes(self, addresses: Sequence[NodeAddress]) -> dict[NodeAddress, bytes]:
        """One statement for all of them: each is a seek, and only the way to the server and back is shared."""
        if not addresses:
            return {}
        statement = self._sql["nodes"].format(", ".join([self._sql["address"]] * len(addresses)))
        values = [number for address in addresses for number in address]
        rows = self._run(statement, (*values, self._log_id))
        return {NodeAddress(level, position): digest for level, position, digest in rows if digest is not None}

    def _insert(self, name: str, rows: list[Row]) -> None:
        if len(rows) == 1:
            self._run(self._sql[name], rows[0])
        elif rows:
            self._run_many(self._sql[name], rows)

    def _insert_together(self, entry_rows: list[Row], node_rows: list[Row]) -> None:
        """One statement, so one way to the server and back."""
        entries = ", ".join([self._sql["entry"]] * len(entry_rows))
        nodes = ", ".join([self._sql["node"]] * len(node_rows))
        values = [value for row in (*entry_rows, *node_rows) for value in row]
        self._run(self._sql["add_all"].format(entries=entries, nodes=nodes), values)

    def _run(self, statement: str, values: Sequence[Any]) -> Any:
        try:
            return self._cursor.execute(statement, values)
        except self._errors.IntegrityError:
            raise
        except self._errors.Error as error:
            raise DBAPIError(statement, None, error) from error

    def _run_many(self, statement: str, rows: list[Row]) -> None:
        try:
            self._cursor.executemany(statement, rows)
        except self._errors.IntegrityError:
            raise
        except self._errors.Error as error:
            raise DBAPIError(statement, None, error) from error


def lock_key(log_id: str) -> int:
    """The 64-bit key of a log's advisory lock: the first bytes of a SHA-256 under a name of its own."""
    digest = hashlib.sha256(b"audit log head\n" + log_id.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
