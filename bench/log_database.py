"""Databases for measuring the log: the service's own schema, database and trail, on SQLite and on PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from audit.entry import Detail, Entry
from audit.log import AuditLog
from audit.sql_store import SqlLogStore
from exchange import trail
from exchange.clock import utc_now
from exchange.database import Database, make_engine
from exchange.identifiers import new_identifier
from exchange.migrations import schema
from exchange.trail import Trail
from keys.signing import LogSigner
from tests.postgres import postgres_database, postgres_server


@dataclass
class LogUnderTest:
    """A database with one inspection's log in it, written as the service writes."""

    url: str
    database: Database
    trail: Trail
    inspection: str
    person: str
    document: str
    signer: LogSigner

    def append(self, count: int) -> None:
        """One unit of work with this many entries."""
        with self.database.unit_of_work() as unit:
            for number in range(count):
                details: dict[str, trail.DetailValue] = {
                    "release": self.document,
                    "document": self.document,
                    "bytes": number,
                }
                trail.record(unit, "release:completed", actor=self.person, inspection=self.inspection, details=details)

    def entry(self, number: int) -> Entry:
        """An entry like those of `append`."""
        details: dict[str, Detail] = {"release": self.document, "document": self.document, "bytes": number}
        return Entry("release:completed", utc_now(), self.person, self.inspection, details=details)


@contextlib.contextmanager
def database_url(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a fresh database: a file in the folder, or a database of a private PostgreSQL cluster."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'log.sqlite3'}"
        return
    with postgres_server() as server, postgres_database(server) as url:
        yield url


@contextlib.contextmanager
def open_log(url: str, folder: Path) -> Iterator[LogUnderTest]:
    """Make the schema and an empty log; close every connection at the end."""
    engine = make_engine(url)
    schema.upgrade(engine)
    engine.dispose()
    signer = LogSigner.create(folder / "signing.key")
    store = SqlLogStore()
    log = Trail(AuditLog(store, signer, utc_now), store, "bench.example.org/log")
    database = Database(url, utc_now, log.append)
    inspection, person, document = (new_identifier(prefix) for prefix in ("ins", "per", "doc"))
    with database.unit_of_work() as unit:
        log.create(unit, inspection)
    try:
        yield LogUnderTest(url, database, log, inspection, person, document, signer)
    finally:
        database.dispose()
