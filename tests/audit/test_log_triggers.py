import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from audit.entry import Entry
from audit.log import AuditLog
from audit.sql_store import audit_metadata
from audit.store import LogContinuation, LogTombstone, StoredCosignature
from audit.triggers import DISPOSABLE, TABLES
from tests.audit.example_log import INSPECTION, ORIGIN, PERSON, START, entry_number

CHANGES = {
    "audit_log": "origin = 'elsewhere.example'",
    "audit_entry": "entry = leaf_hash",
    "audit_node": "node_index = node_index + 1",
    "audit_checkpoint": "note = ''",
    "audit_cosignature": "line = ''",
    "audit_continuation": "from_size = 0",
    "audit_disposal": "note = ''",
}
KEYS = {
    "audit_log": "id",
    "audit_entry": "log_id, leaf_index",
    "audit_node": "log_id, level, node_index",
    "audit_checkpoint": "log_id, tree_size",
    "audit_cosignature": "log_id, tree_size, witness",
    "audit_continuation": "log_id, generation",
    "audit_disposal": "log_id",
}
GONE = "ins_" + "9" * 26


@pytest.fixture(autouse=True)
def one_row_in_every_table(engine: Engine, log: AuditLog[Connection]) -> None:
    with engine.begin() as connection:
        log.append_many(connection, INSPECTION, [entry_number(0), entry_number(1)])
        log.sign_checkpoint(connection, INSPECTION)
        log.store.add_cosignature(connection, StoredCosignature(INSPECTION, 2, "witness.example", "line", START))
        log.store.continue_log(connection, LogContinuation(INSPECTION, 1, ORIGIN + "/2", 2, START))
        log.create(connection, GONE, ORIGIN + "/gone")
        log.append(connection, GONE, Entry("log:closed", START, PERSON, GONE))
        seal = log.sign_checkpoint(connection, GONE)
        log.store.dispose_log(connection, LogTombstone(GONE, 1, seal.root_hash, seal.note, START))


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
    if table == "audit_disposal" and engine.dialect.name == "postgresql":
        return  # its row would have to repeat a checkpoint that is gone: see the tests of disposal
    if table == "audit_node":
        conflict = f"ON CONFLICT ({KEYS[table]}) DO UPDATE SET level = 9"
    refuse(engine, f"INSERT INTO {table} {source} {conflict}".replace("= leaf_hash", "= excluded.leaf_hash"))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_refuses_to_replace_a_row(engine: Engine, table: str) -> None:
    refuse(engine, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")  # noqa: S608 - the names stand in this file


NUMBERED = ("audit_log", "audit_checkpoint", "audit_cosignature", "audit_continuation")
NEW_KEYS = {"log_id": f"'{INSPECTION}'", "id": "'other'", "tree_size": "77", "generation": "77"}


@pytest.mark.parametrize("table", NUMBERED)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_refuses_to_replace_a_row_by_its_number(engine: Engine, table: str) -> None:
    columns = [column.name for column in audit_metadata.tables[table].columns]
    values = ", ".join({**NEW_KEYS, "origin": "'o.example/77'"}.get(name, name) for name in columns)
    refuse(
        engine,
        f"INSERT OR REPLACE INTO {table} (rowid, {', '.join(columns)}) SELECT rowid, {values} FROM {table} LIMIT 1",  # noqa: S608 - as above
    )


@pytest.mark.parametrize("table", ["audit_log", "audit_continuation"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_refuses_to_replace_a_row_by_its_origin(engine: Engine, table: str) -> None:
    columns = [column.name for column in audit_metadata.tables[table].columns]
    values = ", ".join(NEW_KEYS.get(name, name) for name in columns)
    refuse(
        engine,
        f"INSERT OR REPLACE INTO {table} SELECT {values} FROM {table} ORDER BY origin DESC LIMIT 1",  # noqa: S608 - as above
    )


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_refuses_to_empty_a_table(engine: Engine, table: str) -> None:
    refuse(engine, f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize("table", DISPOSABLE)
def test_the_database_refuses_to_delete_along_with_rows_that_may_go(engine: Engine, table: str) -> None:
    refuse(engine, f"DELETE FROM {table} WHERE log_id IN ('{GONE}', '{INSPECTION}')")  # noqa: S608 - as above


SEALED = {"tree_size": "tree_size + 1", "root_hash": "leaf_hash", "note": "note || ' '", "event": None}


@pytest.mark.parametrize("column", SEALED)
def test_the_database_refuses_a_tombstone_that_repeats_no_seal(
    engine: Engine, log: AuditLog[Connection], column: str
) -> None:
    with engine.begin() as connection:
        if SEALED[column] is not None:
            log.append(connection, INSPECTION, Entry("log:closed", START, PERSON, INSPECTION))
        log.sign_checkpoint(connection, INSPECTION)
    said = {
        name: SEALED[name] if name == column and SEALED[name] else name for name in ("tree_size", "root_hash", "note")
    }
    said["root_hash"] = said["root_hash"].replace(
        "leaf_hash", "(SELECT leaf_hash FROM audit_entry WHERE leaf_index = 1)"
    )
    refuse(
        engine,
        f"INSERT INTO audit_disposal SELECT log_id, {said['tree_size']}, {said['root_hash']}, {said['note']}, 'then'"  # noqa: S608 - as above
        f" FROM audit_checkpoint WHERE log_id = '{INSPECTION}' ORDER BY tree_size DESC LIMIT 1",
    )


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_temporary_table_opens_no_way_round_on_postgresql(engine: Engine) -> None:
    before = rows(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TEMPORARY TABLE audit_disposal AS SELECT id AS log_id FROM public.audit_log")
        with pytest.raises(IntegrityError, match="append-only"):
            connection.exec_driver_sql("DELETE FROM public.audit_entry")
    assert rows(engine) == before
