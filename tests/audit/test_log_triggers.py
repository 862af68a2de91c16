import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from audit.log import AuditLog
from audit.sql_store import audit_metadata
from audit.triggers import TABLES
from tests.audit.example_log import INSPECTION, entry_number

CHANGES = {
    "audit_log": "origin = 'elsewhere.example'",
    "audit_entry": "entry = leaf_hash",
    "audit_node": "node_index = node_index + 1",
    "audit_checkpoint": "note = ''",
}
KEYS = {
    "audit_log": "id",
    "audit_entry": "log_id, leaf_index",
    "audit_node": "log_id, level, node_index",
    "audit_checkpoint": "log_id, tree_size",
}


@pytest.fixture(autouse=True)
def one_row_in_every_table(engine: Engine, log: AuditLog[Connection]) -> None:
    with engine.begin() as connection:
        log.append_many(connection, INSPECTION, [entry_number(0), entry_number(1)])
        log.sign_checkpoint(connection, INSPECTION)


def rows(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        return [tuple(row) for table in TABLES for row in connection.exec_driver_sql(f"SELECT * FROM {table}")]  # noqa: S608 - the names stand in this file


def refuse(engine: Engine, statement: str) -> None:
    before = rows(engine)
    with pytest.raises(IntegrityError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert rows(engine) == before


def test_every_table_of_the_log_is_guarded() -> None:
    assert set(TABLES) == set(audit_metadata.tables)


@pytest.mark.parametrize("table", TABLES)
def test_the_database_refuses_to_change_a_row(engine: Engine, table: str) -> None:
    refuse(engine, f"UPDATE {table} SET {CHANGES[table]}")  # noqa: S608 - the names stand in this file


@pytest.mark.parametrize("table", TABLES)
def test_the_database_refuses_to_delete_a_row(engine: Engine, table: str) -> None:
    refuse(engine, f"DELETE FROM {table}")  # noqa: S608 - the names stand in this file


@pytest.mark.parametrize("table", TABLES)
def test_the_database_refuses_an_insert_that_would_change_a_row(engine: Engine, table: str) -> None:
    source = f"SELECT * FROM {table} WHERE true LIMIT 1"  # noqa: S608 - the names stand in this file
    conflict = f"ON CONFLICT ({KEYS[table]}) DO UPDATE SET {CHANGES[table]}"
    if table == "audit_node":
        conflict = f"ON CONFLICT ({KEYS[table]}) DO UPDATE SET level = 9"
    refuse(engine, f"INSERT INTO {table} {source} {conflict}".replace("= leaf_hash", "= excluded.leaf_hash"))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_refuses_to_replace_a_row(engine: Engine, table: str) -> None:
    refuse(engine, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")  # noqa: S608 - the names stand in this file


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_refuses_to_empty_a_table(engine: Engine, table: str) -> None:
    refuse(engine, f"TRUNCATE {table} CASCADE")
