"""Which inspection a log belongs to, and reading it as it stood at one moment while others append to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from exchange import trail
from exchange.database import Database


@contextmanager
def frozen_view(database: Database) -> Iterator[Connection]:
    """Open a connection whose reads all see one state of the database; it changes nothing.

    SQLite's read transactions are such a view; PostgreSQL gives one at REPEATABLE READ, not at its default.
    """
    engine = database.engine
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with Session(engine, autoflush=False) as session:
        yield session.connection()


def inspection_of(log_id: str) -> str | None:
    """The inspection that a log belongs to; None for the service's own."""
    return None if log_id == trail.SERVICE_LOG else log_id
