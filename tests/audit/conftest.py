"""A log on a real database, a signing key and a fixed clock."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from audit.entry import Entry
from audit.log import AuditLog
from audit.sql_store import SqlLogStore, install

INSPECTION = "ins_" + "7" * 26
PERSON = "per_" + "p" * 26
ORIGIN = "exchange.example.org/log/" + INSPECTION
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class FixedSigner:
    """A signing key that is the same in every run, so that signed vectors can be compared."""

    def __init__(self, seed: bytes = bytes(range(32))) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key_bytes = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


@pytest.fixture
def signer() -> FixedSigner:
    return FixedSigner()


@pytest.fixture
def other_signer() -> FixedSigner:
    return FixedSigner(bytes(range(1, 33)))


@pytest.fixture
def make_entry() -> Callable[[int], Entry]:
    """The n-th of a row of different entries, one second apart."""

    def make(number: int) -> Entry:
        details = {"document": f"doc_{number:026d}"}
        return Entry("receipt:viewed", START + timedelta(seconds=number), PERSON, INSPECTION, None, details)

    return make


def open_engine(url: str) -> Engine:
    """An engine whose transactions on SQLite are opened with BEGIN IMMEDIATE, as the service's are."""
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def leave_transactions_to_us(driver_connection: object, _record: object) -> None:
            driver_connection.isolation_level = None

        @event.listens_for(engine, "begin")
        def begin_writing(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a database with the log's tables."""
    engine = open_engine(database_url)
    with engine.begin() as connection:
        install(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def store() -> SqlLogStore:
    return SqlLogStore()


@pytest.fixture
def log(engine: Engine, store: SqlLogStore, signer: FixedSigner) -> AuditLog[Connection]:
    """A log service with one empty inspection's log."""
    log = AuditLog(store, signer, lambda: START)
    with engine.begin() as connection:
        log.create(connection, INSPECTION, ORIGIN)
    return log


@pytest.fixture
def inspection() -> str:
    return INSPECTION
