"""The log's tables, indexes and triggers, and the statements that make them."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from audit.triggers import TRIGGERS

audit_metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

audit_log = Table(
    "audit_log",
    audit_metadata,
    Column("id", String(40), primary_key=True),
    Column("origin", String(255), nullable=False, unique=True),
    Column("created_at", String(27), nullable=False),
)

audit_entry = Table(
    "audit_entry",
    audit_metadata,
    Column("log_id", ForeignKey(audit_log.c.id), primary_key=True),
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("time", String(27), nullable=False),
    Column("event", String(80), nullable=False),
    Column("actor", String(80), nullable=False),
    Column("inspection", String(40)),
    Column("subject", String(40)),
    Column("items", Text, nullable=False),
    CheckConstraint("leaf_index >= 0", name="leaf_index"),
    CheckConstraint("length(leaf_hash) = 32", name="leaf_hash"),
    sqlite_with_rowid=False,
)
for _column in ("event", "actor", "subject"):
    Index(None, audit_entry.c.log_id, audit_entry.c[_column], audit_entry.c.leaf_index)

audit_node = Table(
    "audit_node",
    audit_metadata,
    Column("log_id", ForeignKey(audit_log.c.id), primary_key=True),
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("node_index", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("level >= 1 AND node_index >= 0", name="place"),
    CheckConstraint("length(hash) = 32", name="hash"),
    sqlite_with_rowid=False,
)

audit_checkpoint = Table(
    "audit_checkpoint",
    audit_metadata,
    Column("log_id", ForeignKey(audit_log.c.id), primary_key=True),
    Column("tree_size", BigInteger, primary_key=True, autoincrement=False),
    Column("root_hash", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("signed_at", String(27), nullable=False),
    CheckConstraint("tree_size >= 0", name="tree_size"),
    CheckConstraint("length(root_hash) = 32", name="root_hash"),
)

audit_cosignature = Table(
    "audit_cosignature",
    audit_metadata,
    Column("log_id", ForeignKey(audit_log.c.id), primary_key=True),
    Column("tree_size", BigInteger, primary_key=True, autoincrement=False),
    Column("witness", String(255), primary_key=True),
    Column("line", Text, nullable=False),
    Column("received_at", String(27), nullable=False),
    CheckConstraint("tree_size >= 0", name="tree_size"),
)

audit_continuation = Table(
    "audit_continuation",
    audit_metadata,
    Column("log_id", ForeignKey(audit_log.c.id), primary_key=True),
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("origin", String(255), nullable=False, unique=True),
    Column("from_size", BigInteger, nullable=False),
    Column("begun_at", String(27), nullable=False),
    CheckConstraint("generation >= 1 AND from_size >= 0", name="place"),
)

audit_disposal = Table(
    "audit_disposal",
    audit_metadata,
    Column("log_id", ForeignKey(audit_log.c.id), primary_key=True),
    Column("tree_size", BigInteger, nullable=False),
    Column("root_hash", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("disposed_at", String(27), nullable=False),
    CheckConstraint("tree_size >= 1", name="tree_size"),
    CheckConstraint("length(root_hash) = 32", name="root_hash"),
)

_DIALECTS: Final[dict[str, Dialect]] = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}  # type: ignore[no-untyped-call]  # SQLAlchemy leaves these two constructors untyped


def statements(dialect: str) -> list[str]:
    """Everything that makes the log's tables, indexes and triggers on `sqlite` or `postgresql`, as text, in order."""
    made: list[str] = []
    for table in audit_metadata.sorted_tables:
        made.append(str(CreateTable(table).compile(dialect=_DIALECTS[dialect])).strip())
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        made += [str(CreateIndex(index).compile(dialect=_DIALECTS[dialect])).strip() for index in indexes]
    return made + TRIGGERS[dialect]


def install(connection: Connection) -> None:
    """Make the tables, indexes and triggers; once for each database."""
    for statement in statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
