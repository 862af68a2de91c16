"""A log on a real database of each kind."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from audit.log import AuditLog
from audit.sql_store import SqlLogStore, install
from tests.audit.example_log import INSPECTION, ORIGIN, START, FixedSigner, drop_guards, open_engine


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a database with the log's tables."""
    engine = open_engine(database_url)
    with engine.begin() as connection:
        install(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def log(engine: Engine) -> AuditLog[Connection]:
    """A service of logs that holds one, empty, for one inspection."""
    log = AuditLog(SqlLogStore(), FixedSigner(), lambda: START)
    with engine.begin() as connection:
        log.create(connection, INSPECTION, ORIGIN)
    return log


@pytest.fixture
def raw(engine: Engine, log: AuditLog[Connection]) -> Engine:
    """The same database without its guards: what somebody can do who owns it."""
    with engine.begin() as connection:
        drop_guards(connection)
    return engine
