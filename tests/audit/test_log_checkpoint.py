import pytest
from sqlalchemy import Connection, Engine

from audit.checkpoint import open_checkpoint
from audit.errors import LogDamagedError
from audit.log import AuditLog
from audit.merkle import EMPTY_ROOT
from audit.sql_store import SqlLogStore
from tests.audit import rfc9162
from tests.audit.example_log import INSPECTION, ORIGIN, START, FixedSigner, entry_number

Log = AuditLog[Connection]


def fill(engine: Engine, log: Log, start: int, stop: int) -> None:
    with engine.begin() as connection:
        log.append_many(connection, INSPECTION, [entry_number(number) for number in range(start, stop)])


def test_a_checkpoint_states_the_size_and_root_under_the_logs_origin(engine: Engine, log: Log) -> None:
    fill(engine, log, 0, 5)
    with engine.begin() as connection:
        stored = log.sign_checkpoint(connection, INSPECTION)
        signed = open_checkpoint(stored.note, log.verifier_key(connection, INSPECTION))
        assert log.store.latest_checkpoint(connection, INSPECTION) == stored
    root = rfc9162.tree_hash([entry_number(number).encode() for number in range(5)])
    assert (signed.origin, signed.size, signed.root) == (ORIGIN, 5, root)
    assert (stored.tree_size, stored.root_hash, stored.signed_at) == (5, root, START)


def test_a_log_that_has_not_grown_keeps_its_checkpoint(engine: Engine, log: Log) -> None:
    fill(engine, log, 0, 5)
    for _ in range(2):
        with engine.begin() as connection:
            log.sign_checkpoint(connection, INSPECTION)
    with engine.connect() as connection:
        assert len(log.store.checkpoints(connection, INSPECTION)) == 1


def test_an_empty_log_has_a_checkpoint_that_every_log_extends(engine: Engine, log: Log) -> None:
    with engine.begin() as connection:
        assert log.sign_checkpoint(connection, INSPECTION).root_hash == EMPTY_ROOT
    fill(engine, log, 0, 3)
    with engine.begin() as connection:
        assert log.sign_checkpoint(connection, INSPECTION).tree_size == 3
        sizes = [checkpoint.tree_size for checkpoint in log.store.checkpoints(connection, INSPECTION)]
    assert sizes == [0, 3]


def test_nothing_is_signed_for_a_log_that_contradicts_its_last_checkpoint(
    engine: Engine, log: Log, raw: Engine
) -> None:
    fill(engine, log, 0, 4)
    with engine.begin() as connection:
        log.sign_checkpoint(connection, INSPECTION)
    fill(engine, log, 4, 6)
    with raw.begin() as connection:
        connection.exec_driver_sql("UPDATE audit_node SET hash = leaf_hash FROM audit_entry WHERE leaf_index = 0")
    with engine.begin() as connection, pytest.raises(LogDamagedError, match="does not extend"):
        log.sign_checkpoint(connection, INSPECTION)
    with engine.connect() as connection:
        assert len(log.store.checkpoints(connection, INSPECTION)) == 1


def test_nothing_is_signed_for_a_log_that_was_cut_back(engine: Engine, log: Log, raw: Engine) -> None:
    fill(engine, log, 0, 4)
    with engine.begin() as connection:
        log.sign_checkpoint(connection, INSPECTION)
    with raw.begin() as connection:
        connection.exec_driver_sql("DELETE FROM audit_entry WHERE leaf_index = 3")
    with engine.begin() as connection, pytest.raises(LogDamagedError):
        log.sign_checkpoint(connection, INSPECTION)


def test_another_key_does_not_sign_on_top_of_a_checkpoint(engine: Engine, log: Log) -> None:
    fill(engine, log, 0, 2)
    with engine.begin() as connection:
        log.sign_checkpoint(connection, INSPECTION)
    fill(engine, log, 2, 3)
    stranger = AuditLog(SqlLogStore(), FixedSigner(1), lambda: START)
    with engine.begin() as connection, pytest.raises(LogDamagedError):
        stranger.sign_checkpoint(connection, INSPECTION)
