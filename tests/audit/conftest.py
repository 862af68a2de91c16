"""A log on a real database of each kind."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from audit.log import AuditLog
from audit.sql_store import SqlLogStore, install
from audit.triggers import TABLES
from tests.audit.example_log import INSPECTION, ORIGIN, START, FixedSigner, open_engine


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
        for table in TABLES:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"DROP TRIGGER {table}_refuse_change ON {table}")
            else:
                for act in ("update", "delete", "replace"):
                    connection.exec_driver_sql(f"DROP TRIGGER {table}_refuse_{act}")
    return engine
