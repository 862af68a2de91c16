"""Alembic's entry: runs revisions on the connection that `schema` hands over, inside its transaction."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from exchange.database import Moment
from exchange.migrations.schema import VERSION_TABLE, target_metadata


def render_frozen(kind: str, value: Any, _context: Any) -> str | Literal[False]:
    """Write our own types as what they are in the database: a revision imports none of our code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(value, Moment) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=target_metadata(),
    version_table=VERSION_TABLE,
    compare_type=True,
    compare_server_default=True,
    render_as_batch=True,  # SQLite changes a table by making it anew
    render_item=render_frozen,
    transactional_ddl=True,  # the connection's own transaction holds the whole change, on SQLite too
)
context.run_migrations()
