"""The GRANT statements of the operations guide, tried on PostgreSQL: the web role works, and cannot change the log."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from exchange.accounts.erasure import OWN
from exchange.migrations import schema
from exchange.retention.log_erasure import OF_INSPECTION, OF_LOG

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
CHANGES = {
    "audit_log": "UPDATE audit_log SET origin = origin",
    "audit_entry": "UPDATE audit_entry SET entry = entry",
    "audit_node": "UPDATE audit_node SET hash = hash",
    "audit_checkpoint": "UPDATE audit_checkpoint SET note = note",
}
REMOVALS = ("DELETE FROM", "TRUNCATE", "DROP TABLE")


def statements(beginning: str) -> list[str]:
    """The SQL block of the guide that begins so, statement by statement."""
    found = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    block = next(block for block in found if block.startswith(beginning))
    return [statement.strip() for statement in block.split(";") if statement.strip()]


@pytest.fixture
def web_engine(postgres_server_url: str) -> Iterator[Engine]:
    """An engine for the web role, on a database made as the guide says under names of this test's own."""
    suffix = secrets.token_hex(4)
    names = {name: f"{name}_{suffix}" for name in ("exchange_owner", "exchange_web")}
    place = make_url(postgres_server_url)
    database = f"guide_{suffix}"

    def renamed(statement: str) -> str:
        for name, own in names.items():
            statement = statement.replace(name, own)
        return statement.replace("DATABASE exchange", f"DATABASE {database}")

    server = create_engine(place, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with server.connect() as connection:
        for statement in statements("CREATE ROLE"):
            connection.execute(text(renamed(statement)))
    owner = create_engine(place.set(username=names["exchange_owner"], database=database), poolclass=NullPool)
    schema.upgrade(owner)
    with owner.begin() as connection:
        for statement in statements("REVOKE ALL ON ALL TABLES"):
            connection.execute(text(renamed(statement)))
    try:
        yield create_engine(place.set(username=names["exchange_web"], database=database), poolclass=NullPool)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {database} WITH (FORCE)"))
            for own in names.values():
                connection.execute(text(f"DROP ROLE {own}"))


def refused(engine: Engine, statement: str) -> bool:
    with engine.connect() as connection:
        try:
            connection.execute(text(statement))
        except ProgrammingError as error:
            return "permission denied" in str(error) or "must be owner" in str(error)
    return False


def test_the_web_role_can_add_to_the_log_and_read_it_but_never_change_it(web_engine: Engine) -> None:
    for table, change in CHANGES.items():
        assert refused(web_engine, change)
        assert refused(web_engine, f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        for removal in REMOVALS:
            assert refused(web_engine, f"{removal} {table}")
    with web_engine.begin() as connection:
        connection.execute(text("INSERT INTO audit_log VALUES ('service', 'example.org/log/service', '2026')"))
        assert connection.execute(text("SELECT id FROM audit_log")).scalars().all() == ["service"]


def test_the_web_role_makes_no_tables_and_moves_no_schema(web_engine: Engine) -> None:
    assert refused(web_engine, "CREATE TABLE own (id integer)")
    assert refused(web_engine, "UPDATE schema_revision SET version_num = version_num")
    with web_engine.connect() as connection:
        schema.verify_current(connection)


def test_the_web_role_removes_only_what_the_service_removes(web_engine: Engine) -> None:
    with web_engine.connect() as connection:
        listed = connection.execute(
            text(
                "SELECT relname FROM pg_class WHERE relkind = 'r'"
                " AND relnamespace = 'public'::regnamespace AND has_table_privilege(oid, 'DELETE')"
            )
        )
        rolled_off = {
            "alert_finding",
            "attempt_counter",
            "invitation",
            "known_place",
            "refused_place",
            "sign_in_session",
        }
        assert set(listed.scalars()) == {*rolled_off, "breach_document", *OF_INSPECTION, *OF_LOG, *OWN}


def test_the_service_deletes_from_no_other_table() -> None:
    sources = [path.read_text(encoding="utf-8") for path in GUIDE.parents[1].glob("exchange/**/*.py")]
    deleted = {name for source in sources for name in re.findall(r"\bdelete\((\w+)\)", source)}
    # `table` is a session or an invitation in accounts/roll_off.py, and what is named in the two modules of erasure.
    assert deleted == {"AttemptCounter", "KnownPlace", "RefusedPlace", "rows", "table"}
    assert not [source for source in sources if "session.delete(" in source]
