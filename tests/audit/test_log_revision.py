"""The revision of the schema that made the log into evidence, and the way back."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, inspect
from sqlalchemy.exc import IntegrityError

from exchange.database import make_engine
from exchange.migrations import schema

LATER = ("audit_cosignature", "audit_continuation", "audit_disposal")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    schema.upgrade(engine)
    with engine.execution_options(write=True).begin() as connection:
        connection.exec_driver_sql("INSERT INTO audit_log VALUES ('service', 'example.org/log', 'then')")
    yield engine
    engine.dispose()


def test_going_back_and_coming_again_leaves_every_guard_in_its_place(engine: Engine) -> None:
    schema.downgrade(engine, "0001")
    assert not set(LATER) & set(inspect(engine).get_table_names())
    with engine.execution_options(write=True).begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO audit_checkpoint SELECT 'service', 0, CAST('" + "0" * 32 + "' AS "
            f"{'BLOB' if connection.dialect.name == 'sqlite' else 'BYTEA'}), 'note', 'then'"
        )
    for revision in ("0001", "head"):
        schema.upgrade(engine, revision)
        with (
            pytest.raises(IntegrityError, match="append-only"),
            engine.execution_options(write=True).begin() as connection,
        ):
            connection.exec_driver_sql("DELETE FROM audit_checkpoint")


@pytest.mark.parametrize("table", ["audit_cosignature", "audit_continuation"])
def test_there_is_no_way_back_over_rows_that_would_be_lost(engine: Engine, table: str) -> None:
    values = {"audit_cosignature": "0, 'w.example', 'line', 'then'", "audit_continuation": "1, 'o.example', 0, 'then'"}
    with engine.execution_options(write=True).begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ('service', {values[table]})")  # noqa: S608 - of this file
    with pytest.raises(RuntimeError, match=table):
        schema.downgrade(engine, "0001")
    with engine.connect() as connection:
        assert len(connection.exec_driver_sql(f"SELECT * FROM {table}").all()) == 1  # noqa: S608 - names of this file
        assert schema.revision_of(connection) == schema.newest_revision()
