"""Alembic's entry: runs revisions on the connection that `schema` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from exchange.migrations.schema import VERSION_TABLE, target_metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=target_metadata(),
    version_table=VERSION_TABLE,
    compare_type=True,
    compare_server_default=True,
    render_as_batch=True,
    transactional_ddl=True,  # the connection's own transaction holds the whole change, on SQLite too
)
context.run_migrations()
