from sqlalchemy import Connection, Engine

from audit.log import AuditLog


def test_the_first_entry_has_index_zero(engine: Engine, log: AuditLog[Connection], make_entry, inspection) -> None:
    with engine.begin() as connection:
        assert log.append(connection, inspection, make_entry(0)) == 0
        assert log.append(connection, inspection, make_entry(1)) == 1
