"""What the schema's revisions promise, on SQLite and on PostgreSQL."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from audit.sql_store import install
from audit.triggers import TABLES
from exchange.accounts.models import Person
from exchange.database import Database, make_engine
from exchange.errors import ConflictError
from exchange.identifiers import new_identifier
from exchange.migrations import schema
from tests.postgres import postgres_database

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
VERSIONS = Path(schema.__file__).parent / "versions"
OWN_PACKAGES = {"config", "keys", "audit", "exchange"}


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def table_names(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def add_person(database_url: str) -> str:
    database = Database(database_url, lambda: NOW, lambda _connection, _log, _entries: None)
    with database.unit_of_work() as unit:
        person = Person(id=new_identifier("per"), email="a@example.org", name="A", created_at=NOW)
        unit.session.add(person)
        unit.session.flush()
        identifier = person.id
    database.dispose()
    return identifier


def add_entry(engine: Engine) -> None:
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(text("INSERT INTO audit_log VALUES ('service', 'example.org/log/service', 'then')"))
        connection.execute(
            text(
                "INSERT INTO audit_entry (log_id, leaf_index, entry, leaf_hash, time, event, actor, items) "
                "VALUES ('service', 0, :hash, :hash, 'then', 'log:opened', 'system:host', '')"
            ),
            {"hash": bytes(32)},
        )


def test_an_empty_database_comes_up_goes_down_and_comes_up_again(engine: Engine) -> None:
    schema.upgrade(engine)
    everything = table_names(engine)
    assert {"person", "document", "certificate", *TABLES} <= everything
    schema.downgrade(engine, "base")
    assert table_names(engine) == {schema.VERSION_TABLE}
    schema.upgrade(engine)
    assert table_names(engine) == everything


def test_models_and_revisions_agree(engine: Engine) -> None:
    schema.upgrade(engine)
    with engine.connect() as connection:
        assert schema.differences(connection) == []


def test_a_table_that_differs_from_its_model_is_noticed(engine: Engine) -> None:
    schema.upgrade(engine)
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(text("ALTER TABLE person ADD COLUMN shoe_size INTEGER"))
    with engine.connect() as connection:
        assert "shoe_size" in str(schema.differences(connection))


def test_coming_up_again_keeps_what_is_there(engine: Engine, database_url: str) -> None:
    schema.upgrade(engine)
    person = add_person(database_url)
    add_entry(engine)
    schema.upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT id FROM person")).scalars().all() == [person]
        assert connection.execute(text("SELECT count(*) FROM audit_entry")).scalar_one() == 1


def test_the_log_is_never_taken_down_while_it_holds_entries(engine: Engine, database_url: str) -> None:
    schema.upgrade(engine)
    person = add_person(database_url)
    add_entry(engine)
    before = table_names(engine)
    with pytest.raises(RuntimeError, match="The log holds entries"):
        schema.downgrade(engine, "base")
    assert table_names(engine) == before
    with engine.connect() as connection:
        assert connection.execute(text("SELECT id FROM person")).scalars().all() == [person]
        assert schema.revision_of(connection) == schema.newest_revision()


def test_rows_without_entries_go_when_the_schema_is_taken_down(engine: Engine, database_url: str) -> None:
    schema.upgrade(engine)
    add_person(database_url)
    schema.downgrade(engine, "base")
    schema.upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM person")).scalar_one() == 0


def test_a_revision_that_fails_half_way_leaves_nothing_behind(engine: Engine) -> None:
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(text("CREATE TABLE person (id INTEGER)"))
    with pytest.raises(DBAPIError):
        schema.upgrade(engine)
    assert table_names(engine) == {"person"}


@pytest.mark.parametrize("act", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}"])
@pytest.mark.parametrize("table", ["audit_log", "audit_entry"])
def test_the_migrated_log_refuses_change(engine: Engine, table: str, act: str) -> None:
    schema.upgrade(engine)
    add_entry(engine)
    column = "origin" if table == "audit_log" else "event"
    with (
        pytest.raises(DBAPIError, match="append-only"),
        engine.execution_options(write=True).begin() as connection,
    ):
        connection.execute(text(act.format(table=table, column=column)))


def log_of_sqlite(connection: Connection) -> set[str]:
    rows = connection.execute(text("SELECT sql FROM sqlite_master WHERE tbl_name LIKE 'audit_%' AND sql IS NOT NULL"))
    return {" ".join(sql.split()) for sql in rows.scalars()}


def test_the_frozen_log_is_the_one_that_the_audit_package_makes_on_sqlite(tmp_path: Path) -> None:
    frozen, made = (make_engine(f"sqlite:///{tmp_path / name}") for name in ("frozen", "made"))
    schema.upgrade(frozen)
    with made.execution_options(write=True).begin() as connection:
        install(connection)
    with frozen.connect() as one, made.connect() as other:
        assert log_of_sqlite(one) == log_of_sqlite(other) != set()
    frozen.dispose()
    made.dispose()


POSTGRES_LOG = (
    "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal "
    "UNION SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname LIKE 'audit_%' "
    "UNION SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'audit_%' "
    "UNION SELECT table_name || column_name || data_type || is_nullable || coalesce(character_maximum_length, 0)"
    " FROM information_schema.columns WHERE table_name LIKE 'audit_%' "
    "UNION SELECT conrelid::regclass || pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE conrelid::regclass::text LIKE 'audit_%'"
)


def test_the_frozen_log_is_the_one_that_the_audit_package_makes_on_postgresql(postgres_server_url: str) -> None:
    found = []
    for make in (schema.upgrade, install_log):
        with postgres_database(postgres_server_url) as url:
            engine = make_engine(url)
            make(engine)
            with engine.connect() as connection:
                rows = connection.execute(text(POSTGRES_LOG)).scalars()
                found.append({" ".join(row.split()) for row in rows})
            engine.dispose()
    assert found[0] == found[1] != set()


def install_log(engine: Engine) -> None:
    with engine.begin() as connection:
        install(connection)


@pytest.mark.parametrize("revision", sorted(VERSIONS.glob("0*.py")), ids=lambda path: path.stem)
def test_a_revision_imports_none_of_our_code(revision: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(revision.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "exchange").split(".")[0])
    assert imported
    assert not imported & OWN_PACKAGES


def test_a_database_without_tables_is_told_to_begin(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(ConflictError, match="exchange init"):
        schema.verify_current(connection)


def test_a_database_at_another_revision_is_told_to_upgrade(engine: Engine) -> None:
    schema.upgrade(engine)
    with engine.execution_options(write=True).begin() as connection:
        connection.execute(text("UPDATE schema_revision SET version_num = '0000'"))
    with engine.connect() as connection, pytest.raises(ConflictError, match=r"revision 0000.*exchange upgrade"):
        schema.verify_current(connection)


def test_a_database_at_the_newest_revision_passes(engine: Engine) -> None:
    schema.upgrade(engine)
    with engine.connect() as connection:
        schema.verify_current(connection)
