"""Brings a database to a revision of the schema, and says at which one it stands.

Promises: a change of schema happens in one transaction, on both databases, so that it is there whole or not at all;
a service whose database is not at the newest revision is told so in one sentence.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData
from sqlalchemy.engine import Engine

# Every table of the service, so that `target_metadata` knows them all.
import exchange.accounts.models
import exchange.disclosure.models
import exchange.downloads.models
import exchange.exports.models
import exchange.inspections.models
import exchange.notifications.models
import exchange.oversight.models
import exchange.publishing.models
import exchange.retention.models
import exchange.submissions.models  # noqa: F401  imported for the tables they declare
from audit.sql_store import audit_metadata
from exchange.database import Model
from exchange.errors import ConflictError

FOLDER = Path(__file__).resolve().parent
VERSION_TABLE = "schema_revision"


def target_metadata() -> list[MetaData]:
    """The tables that the newest revision must agree with: the service's and the log's."""
    return [Model.metadata, audit_metadata]


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database forward to `revision`; nothing happens when it is there already."""
    with engine.execution_options(write=True).begin() as connection:
        command.upgrade(_config(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the database back to `revision` (`base` for an empty one).

    Raises:
        RuntimeError: a revision refuses, because what it would remove is still in use.
    """
    with engine.execution_options(write=True).begin() as connection:
        command.downgrade(_config(connection), revision)


def newest_revision() -> str:
    """The revision that this version of the service works with."""
    newest = ScriptDirectory(str(FOLDER)).get_current_head()
    if newest is None:  # the first revision is part of this package
        raise RuntimeError("there is no revision of the schema")
    return newest


def revision_of(connection: Connection) -> str | None:
    """The revision a database stands at, or None when it has no schema yet."""
    return _context(connection).get_current_revision()


def verify_current(connection: Connection) -> None:
    """Check that the database stands at the newest revision.

    Raises:
        ConflictError: it does not; the message says what to do.
    """
    found = revision_of(connection)
    if found is None:
        raise ConflictError("The database has no tables yet. Run: exchange init")
    if found != newest_revision():
        raise ConflictError(
            f"The database stands at schema revision {found}, this version of the service works with "
            f"{newest_revision()}. Take a backup, then run: exchange upgrade"
        )


def differences(connection: Connection) -> list[object]:
    """What a database and the models disagree on; empty when they are one."""
    return list(compare_metadata(_context(connection), target_metadata()))  # type: ignore[arg-type]  # Alembic takes a list


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _context(connection: Connection) -> MigrationContext:
    options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
    return MigrationContext.configure(connection, opts={**options, "target_metadata": target_metadata()})
