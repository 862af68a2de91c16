"""What the tests of the log share: one inspection, numbered entries, signing keys that never change, an engine."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from audit.entry import Entry

INSPECTION = "ins_" + "7" * 26
PERSON = "per_" + "p" * 26
ORIGIN = "exchange.example.org/log/" + INSPECTION
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class FixedSigner:
    """A signing key that is the same in every run, so that what it signs can be compared."""

    def __init__(self, first_byte: int = 0) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes(range(first_byte, first_byte + 32)))
        self.public_key_bytes = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def document(number: int) -> str:
    return f"doc_{number:026d}"


def entry_number(number: int) -> Entry:
    """The n-th of a row of different entries, one second apart."""
    time = START + timedelta(seconds=number)
    return Entry("receipt:viewed", time, PERSON, INSPECTION, None, {"document": document(number)})


def open_engine(url: str) -> Engine:
    """An engine whose transactions on SQLite are opened with BEGIN IMMEDIATE, as a writing service's are."""
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def leave_transactions_to_the_engine(driver_connection: Any, _record: object) -> None:
            driver_connection.isolation_level = None
            driver_connection.execute("PRAGMA journal_mode = WAL")

        @event.listens_for(engine, "begin")
        def begin_writing(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def drop_guards(connection: Connection) -> None:
    """Take every trigger off the log's tables, as somebody can who owns the database."""
    if connection.dialect.name == "sqlite":
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
        dropped = [f"DROP TRIGGER {name}" for name in names]
    else:
        query = "SELECT tgname, tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal"
        dropped = [f"DROP TRIGGER {name} ON {table}" for name, table in connection.exec_driver_sql(query)]
    for statement in dropped:
        connection.exec_driver_sql(statement)
