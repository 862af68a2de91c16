"""Which logs there are, in SQLite or PostgreSQL: their origins in turn, and what is left of those disposed of."""

from typing import Any

from sqlalchemy import Connection, Select, literal, select, union_all

from audit.entry import parse_time, time_text
from audit.errors import LogDisposedError, LogExistsError, UnknownLogError
from audit.sql_tables import audit_continuation, audit_disposal, audit_log
from audit.store import LogContinuation, LogOrigin, LogRecord, LogTombstone


class SqlLogs:
    """The part of `audit.sql_store.SqlLogStore` that knows logs as wholes."""

    def create_log(self, connection: Connection, record: LogRecord) -> None:
        """Create an empty log. Raises LogExistsError when its id or origin is taken, or was ever."""
        taken = select(audit_log.c.id).where(audit_log.c.id == record.log_id)
        if connection.execute(taken).first() is not None or _is_taken(connection, record.origin):
            raise LogExistsError(f"The log {record.log_id} ({record.origin}) exists already; nothing was changed.")
        row = {"id": record.log_id, "origin": record.origin, "created_at": time_text(record.created_at)}
        connection.execute(audit_log.insert().values(row))

    def logs(self, connection: Connection) -> list[LogRecord]:
        """Every log that was not disposed of, by id, under its present origin."""
        gone = select(audit_disposal.c.log_id)
        rows = connection.execute(select(audit_log).where(audit_log.c.id.not_in(gone)).order_by(audit_log.c.id)).all()
        latest = connection.execute(
            select(audit_continuation.c.log_id, audit_continuation.c.origin).order_by(audit_continuation.c.generation)
        )
        present: dict[str, str] = {row.log_id: row.origin for row in latest}
        return [_log_record(row, present.get(row.id)) for row in rows]

    def log(self, connection: Connection, log_id: str) -> LogRecord:
        """One log under its present origin. Raises UnknownLogError when there is none, LogDisposedError if no more."""
        rows = audit_continuation.c
        newest = select(rows.origin).where(rows.log_id == log_id).order_by(rows.generation.desc()).limit(1)
        gone = select(audit_disposal.c.disposed_at).where(audit_disposal.c.log_id == log_id)
        query = select(
            audit_log, newest.scalar_subquery().label("present"), gone.scalar_subquery().label("disposed_at")
        ).where(audit_log.c.id == log_id)
        row = connection.execute(query).first()
        if row is None:
            raise UnknownLogError(f"There is no log {log_id}.")
        if row.disposed_at is not None:
            raise LogDisposedError(f"The log {log_id} was disposed of at {row.disposed_at}; its tombstone remains.")
        return _log_record(row, row.present)

    def origins(self, connection: Connection, log_id: str) -> list[LogOrigin]:
        """The log's origins, oldest first, a disposed log's too. Raises UnknownLogError when it never was."""
        first = select(audit_log.c.origin).where(audit_log.c.id == log_id)
        origin = connection.execute(first).scalar_one_or_none()
        if origin is None:
            raise UnknownLogError(f"There is no log {log_id}.")
        rows = audit_continuation.c
        later = select(rows.origin, rows.from_size).where(rows.log_id == log_id).order_by(rows.generation)
        return [LogOrigin(origin, 0), *(LogOrigin(*row) for row in connection.execute(later))]

    def continuations(self, connection: Connection, log_id: str) -> list[LogContinuation]:
        """Every continuation of a log, oldest first."""
        rows = audit_continuation.c
        query = select(audit_continuation).where(rows.log_id == log_id).order_by(rows.generation)
        return [
            LogContinuation(row.log_id, row.generation, row.origin, row.from_size, parse_time(row.begun_at))
            for row in connection.execute(query)
        ]

    def tombstone(self, connection: Connection, log_id: str) -> LogTombstone:
        """What is left of a disposed log. Raises UnknownLogError when it was not disposed of."""
        row = connection.execute(select(audit_disposal).where(audit_disposal.c.log_id == log_id)).first()
        if row is None:
            raise UnknownLogError(f"The log {log_id} was not disposed of.")
        return _tombstone(row)

    def tombstones(self, connection: Connection) -> list[LogTombstone]:
        """What is left of every disposed log, by id."""
        query = select(audit_disposal).order_by(audit_disposal.c.log_id)
        return [_tombstone(row) for row in connection.execute(query)]

    def _add_continuation(self, connection: Connection, continuation: LogContinuation) -> None:
        """Add the row. Raises LogExistsError when the origin is taken or the generation is not a later one."""
        rows = audit_continuation.c
        later: Select[Any] = select(rows.generation).where(
            rows.log_id == continuation.log_id, rows.generation >= continuation.generation
        )
        if connection.execute(later).first() is not None or _is_taken(connection, continuation.origin):
            raise LogExistsError(
                f"The log {continuation.log_id} cannot go on as {continuation.origin}, generation "
                f"{continuation.generation}: one of them was there before. Nothing was changed."
            )
        row = {
            "log_id": continuation.log_id,
            "generation": continuation.generation,
            "origin": continuation.origin,
            "from_size": continuation.from_size,
            "begun_at": time_text(continuation.begun_at),
        }
        connection.execute(audit_continuation.insert().values(row))

    def _add_tombstone(self, connection: Connection, tombstone: LogTombstone) -> None:
        row = {
            "log_id": tombstone.log_id,
            "tree_size": tombstone.tree_size,
            "root_hash": tombstone.root_hash,
            "note": tombstone.note,
            "disposed_at": time_text(tombstone.disposed_at),
        }
        connection.execute(audit_disposal.insert().values(row))


def _is_taken(connection: Connection, origin: str) -> bool:
    """Whether any log bears this origin now or bore it before."""
    first = select(literal(1)).where(audit_log.c.origin == origin)
    later = select(literal(1)).where(audit_continuation.c.origin == origin)
    return connection.execute(union_all(first, later)).first() is not None


def _log_record(row: Any, present: str | None) -> LogRecord:
    return LogRecord(row.id, row.origin if present is None else present, parse_time(row.created_at))


def _tombstone(row: Any) -> LogTombstone:
    return LogTombstone(row.log_id, row.tree_size, row.root_hash, row.note, parse_time(row.disposed_at))
