"""The rows of the log in SQLite or PostgreSQL just as they are, for the checker that trusts none of them."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table, func, select, text

from audit.errors import UnknownLogError
from audit.raw_log import RawCheckpoint, RawContinuation, RawCosignature, RawEntry, RawNode, RawTombstone
from audit.sql_hot import HotStatements
from audit.sql_tables import (
    audit_checkpoint,
    audit_continuation,
    audit_cosignature,
    audit_disposal,
    audit_entry,
    audit_log,
    audit_metadata,
    audit_node,
)

_LEVELS: Final = 62
"""Levels that a tree can have at all: an index is an integer of 64 bits."""
_ENTRY_STRAYS: Final = "leaf_index < 0 OR leaf_index >= :size"
_NODE_STRAYS: Final = (
    f"level < 1 OR level > {_LEVELS} OR node_index < 0"
    " OR node_index >= (CAST(:size AS BIGINT) >> CAST(level AS INTEGER))"
)
_SQLITE_TYPES: Final = {
    "entry": "typeof(leaf_index) != 'integer'",
    "node": "typeof(level) != 'integer' OR typeof(node_index) != 'integer'",
}


class SqlRawLog:
    """The part of `audit.sql_store.SqlLogStore` that the log check reads through."""

    def raw_log(self, connection: Connection, log_id: str) -> tuple[Any, Any]:
        """The log's first origin and the time of its creation. Raises UnknownLogError when there is no such log."""
        row = connection.execute(
            select(audit_log.c.origin, audit_log.c.created_at).where(audit_log.c.id == log_id)
        ).first()
        if row is None:
            raise UnknownLogError(f"There is no log {log_id}.")
        return row.origin, row.created_at

    def raw_continuations(self, connection: Connection, log_id: str) -> list[RawContinuation]:
        """Its continuations by generation."""
        return [RawContinuation(*row[1:]) for row in _rows(connection, audit_continuation, log_id)]

    def raw_entries(self, connection: Connection, log_id: str, start: int, stop: int) -> Sequence[RawEntry]:
        """The entry rows with start <= index < stop, in order."""
        return HotStatements(connection, log_id).entry_rows(start, stop)

    def raw_nodes(self, connection: Connection, log_id: str, level: int, start: int, stop: int) -> Sequence[RawNode]:
        """The node rows of one level with start <= index < stop, in order."""
        return HotStatements(connection, log_id).level_rows(level, start, stop)

    def raw_extent(self, connection: Connection, log_id: str, below: int) -> int:
        """One more than the greatest entry index below `below`; 0 when there is none. Fractions count upwards."""
        rows = audit_entry.c
        query = select(rows.leaf_index).where(rows.log_id == log_id, rows.leaf_index < below)
        last = connection.execute(query.order_by(rows.leaf_index.desc()).limit(1)).scalar()
        return max(0, int(last) + 1) if isinstance(last, int | float) else 0

    def raw_count(self, connection: Connection, log_id: str) -> tuple[int, int]:
        """How many entry rows and how many node rows there are, wherever they stand."""
        entries = select(func.count()).select_from(audit_entry).where(audit_entry.c.log_id == log_id)
        nodes = select(func.count()).select_from(audit_node).where(audit_node.c.log_id == log_id)
        return connection.execute(entries).scalar_one(), connection.execute(nodes).scalar_one()

    def raw_levels(self, connection: Connection, log_id: str) -> dict[int, int]:
        """For each level from 1 to 62 that has node rows, one more than the last index there."""
        rows = audit_node.c
        levels: dict[int, int] = {}
        for level in range(1, _LEVELS + 1):  # one index seek a level; a GROUP BY would read every node
            query = select(rows.node_index).where(rows.log_id == log_id, rows.level == level, rows.node_index < 2**62)
            last = connection.execute(query.order_by(rows.node_index.desc()).limit(1)).scalar()
            if isinstance(last, int):
                levels[level] = last + 1
        return levels

    def raw_strays(
        self, connection: Connection, log_id: str, size: int, limit: int
    ) -> tuple[list[Any], list[tuple[Any, Any]]]:
        """Keys of entry rows, and of node rows (level, index), that no log of `size` entries has; at most `limit`."""
        is_sqlite = connection.dialect.name == "sqlite"
        of_entries = f"{_SQLITE_TYPES['entry']} OR {_ENTRY_STRAYS}" if is_sqlite else _ENTRY_STRAYS
        of_nodes = f"{_SQLITE_TYPES['node']} OR {_NODE_STRAYS}" if is_sqlite else _NODE_STRAYS
        values = {"log": log_id, "size": size, "limit": limit}
        entries = text(f"SELECT leaf_index FROM audit_entry WHERE log_id = :log AND ({of_entries}) LIMIT :limit")  # noqa: S608 - constants of this file
        nodes = text(f"SELECT level, node_index FROM audit_node WHERE log_id = :log AND ({of_nodes}) LIMIT :limit")  # noqa: S608 - constants of this file
        return (
            list(connection.execute(entries, values).scalars()),
            [(row[0], row[1]) for row in connection.execute(nodes, values)],
        )

    def raw_checkpoints(self, connection: Connection, log_id: str, above: int) -> list[RawCheckpoint]:
        """The checkpoint rows of a size greater than `above`, smallest first."""
        above_it = audit_checkpoint.c.tree_size > above
        return [RawCheckpoint(*row[1:]) for row in _rows(connection, audit_checkpoint, log_id, above_it)]

    def raw_cosignatures(self, connection: Connection, log_id: str, since: str) -> list[RawCosignature]:
        """The cosignature rows that were received at `since` or later, by size and witness."""
        late = audit_cosignature.c.received_at >= since
        return [RawCosignature(*row[1:]) for row in _rows(connection, audit_cosignature, log_id, late)]

    def raw_events(self, connection: Connection, log_id: str, event: str) -> list[tuple[int, bytes]]:
        """Index and bytes of the entries that the column beside them calls `event`, in order."""
        rows = audit_entry.c
        called = rows.event == event
        if connection.dialect.name == "sqlite":
            called = func.unlikely(called)  # it keeps no figures, and would read the whole log in its order
        query = select(rows.leaf_index, rows.entry).where(rows.log_id == log_id, called)
        return [(row[0], row[1]) for row in connection.execute(query.order_by(rows.leaf_index))]

    def raw_log_ids(self, connection: Connection) -> dict[str, list[Any]]:
        """For each table, every value of its log column once, in the database's order; `audit_log` gives its ids."""
        return {name: _distinct(connection, table) for name, table in audit_metadata.tables.items()}

    def raw_tombstones(self, connection: Connection) -> list[RawTombstone]:
        """What is left of every disposed log, by id."""
        query = select(audit_disposal).order_by(audit_disposal.c.log_id)
        return [RawTombstone(*row) for row in connection.execute(query)]


def _rows(connection: Connection, table: Table, log_id: str, *conditions: Any) -> list[Any]:
    """The log's rows of a table in the order of its key, with no type of ours between."""
    query = select(*(text(f"{table.name}.{column.name}") for column in table.columns)).select_from(table)
    query = query.where(table.c.log_id == log_id, *conditions).order_by(*table.primary_key.columns)
    return list(connection.execute(query))


def _distinct(connection: Connection, table: Table) -> list[Any]:
    """One index seek for each value: a DISTINCT would read every row."""
    column = next(iter(table.primary_key.columns))
    found: list[Any] = []
    query = select(column).order_by(column).limit(1)
    value = connection.execute(query).scalar()
    while value is not None:
        found.append(value)
        value = connection.execute(query.where(column > value)).scalar()
    return found
