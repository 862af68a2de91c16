"""The unit of work: one transaction in which a change and its log entries commit together or not at all.

Promises: on SQLite every write transaction begins with BEGIN IMMEDIATE under WAL and synchronous FULL, so a
commit that returned is on disk and two writers never deadlock; moments are aware and in UTC on both databases;
the entries of a unit are appended as the last statements before its commit.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import Connection, DateTime, Dialect, MetaData, create_engine, event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from audit.entry import Entry
from exchange.clock import Clock

BUSY_SECONDS = 30
RESTED_SECONDS = 1.0


class Moment(TypeDecorator[datetime]):
    """An aware moment, stored in UTC; a naive one is a programming error and raises."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's signature
        """Refuse naive values and store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a moment without a time zone cannot be stored"
            raise ValueError(message)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's signature
        """Return an aware moment in UTC (SQLite gives back naive ones)."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Model(DeclarativeBase):
    """The parent of every table of the service."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Moment}  # noqa: RUF012  SQLAlchemy reads it as a class attribute


Append = Callable[[Connection, str, list[Entry]], list[tuple[str, Entry]] | None]
"""Appends entries to one log; those that it takes no more come back, each with the log that takes it instead."""


@dataclass
class UnitOfWork:
    """One act: the session that changes rows, the moment it happens, and the entries that tell of it."""

    connection: Connection
    now: datetime
    entries: list[tuple[str, Entry]] = field(default_factory=list)
    opened: Session | None = None

    @property
    def session(self) -> Session:
        """The session of this unit's transaction, opened when it is first asked for: many acts only add an entry."""
        if self.opened is None:
            self.opened = Session(self.connection)
        return self.opened

    def record(self, log_id: str, entry: Entry) -> None:
        """Add an entry to be appended to log `log_id` just before the commit."""
        self.entries.append((log_id, entry))


class Database:
    """An engine for SQLite or PostgreSQL and the two ways to use it: `read` and `unit_of_work`."""

    def __init__(self, url: str, clock: Clock, append: Append) -> None:
        self.engine = make_engine(url)
        self._clock = clock
        self._append = append
        # Within one process a lock is fair where SQLite's busy handler lets some writers starve.
        self._turn = threading.Lock() if self.engine.dialect.name == "sqlite" else nullcontext()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that only reads; whatever it changes is thrown away."""
        with Session(self.engine, autoflush=False) as session:
            yield session

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        """Open a transaction; on leaving, append the entries log by log, then commit, or roll all of it back."""
        with self._turn, self.engine.connect().execution_options(write=True) as connection, connection.begin():
            unit = UnitOfWork(connection, self._clock())
            try:
                yield unit
                if unit.opened is not None:
                    unit.opened.flush()
                self._append_entries(connection, unit.entries)
            finally:
                if unit.opened is not None:
                    unit.opened.close()

    def _append_entries(self, connection: Connection, recorded: list[tuple[str, Entry]]) -> None:
        by_log: dict[str, list[Entry]] = {}
        for log_id, entry in recorded:
            by_log.setdefault(log_id, []).append(entry)
        # Locks are taken in one order everywhere, so two units never wait for each other in a ring.
        while by_log:
            log_id = min(by_log)
            for other, entry in self._append(connection, log_id, by_log.pop(log_id)) or ():
                by_log.setdefault(other, []).append(entry)

    def dispose(self) -> None:
        """Close every pooled connection (before a fork, and at the end of a process)."""
        self.engine.dispose()


def make_engine(url: str) -> Engine:
    """Build the engine for a SQLite or PostgreSQL URL, with the durability this service promises.

    Errors name no parameters: those may be names, addresses and titles, and errors end up in logs.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            parsed, connect_args={"timeout": BUSY_SECONDS}, pool_size=20, max_overflow=40, hide_parameters=True
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(parsed, pool_size=10, max_overflow=30, hide_parameters=True)
    event.listen(engine, "checkin", _note_return)
    event.listen(engine, "checkout", _verify_rested)
    return engine


def _note_return(_driver: Any, record: Any) -> None:
    record.info["returned"] = time.monotonic()


def _verify_rested(driver: Any, record: Any, _proxy: Any) -> None:
    """Ask a connection that has rested whether its server is still there; one in constant use need not be asked."""
    if time.monotonic() - record.info.get("returned", time.monotonic()) < RESTED_SECONDS:
        return
    try:
        driver.execute("SELECT 1")
        driver.rollback()
    except psycopg.Error as error:
        raise DisconnectionError from error  # the pool then opens another


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by us, in `_begin_sqlite`
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    begin = "BEGIN IMMEDIATE" if connection.get_execution_options().get("write", False) else "BEGIN"
    driver: Any = connection.connection.dbapi_connection
    try:
        driver.execute(begin)
    except sqlite3.OperationalError as error:
        raise OperationalError(begin, None, error) from error
