"""A log from its creation to its tombstone: going on under a new origin, closing, disposal."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, text

from audit.checkpoint import open_checkpoint
from audit.entry import Entry
from audit.errors import (
    LogClosedError,
    LogDamagedError,
    LogDisposedError,
    LogExistsError,
    ProofError,
    UnknownLogError,
)
from audit.log import AuditLog
from audit.note import VerifierKey
from audit.sql_store import SqlLogStore
from audit.store import LogContinuation, LogOrigin, LogTombstone, StoredCosignature
from audit.triggers import DISPOSABLE
from tests.audit.example_log import INSPECTION, ORIGIN, PERSON, START, FixedSigner, entry_number

Log = AuditLog[Connection]
NEXT = ORIGIN + "/2"
CLOSED = Entry("log:closed", START, PERSON, INSPECTION)
SECOND = "ins_" + "8" * 26


def fill(engine: Engine, log: Log, start: int, stop: int) -> None:
    with engine.begin() as connection:
        log.append_many(connection, INSPECTION, [entry_number(number) for number in range(start, stop)])
        log.sign_checkpoint(connection, INSPECTION)


def continued(size: int, generation: int = 1, origin: str = NEXT) -> LogContinuation:
    return LogContinuation(INSPECTION, generation, origin, size, START + timedelta(days=1))


def close(engine: Engine, log: Log) -> LogTombstone:
    with engine.begin() as connection:
        log.append(connection, INSPECTION, CLOSED)
        seal = log.sign_checkpoint(connection, INSPECTION)
    return LogTombstone(INSPECTION, seal.tree_size, seal.root_hash, seal.note, START + timedelta(days=2))


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return len(connection.execute(text(f"SELECT * FROM {table}")).all())  # noqa: S608 - names of this file


def test_a_log_goes_on_under_a_new_origin(engine: Engine, log: Log) -> None:
    fill(engine, log, 0, 3)
    with engine.begin() as connection:
        log.store.continue_log(connection, continued(3))
    with engine.connect() as connection:
        assert log.store.log(connection, INSPECTION).origin == NEXT
        assert [record.origin for record in log.store.logs(connection)] == [NEXT]
        assert log.store.origins(connection, INSPECTION) == [LogOrigin(ORIGIN, 0), LogOrigin(NEXT, 3)]
        assert SqlLogStore().continuations(connection, INSPECTION) == [continued(3)]


def test_checkpoints_after_a_continuation_are_signed_under_the_new_origin(engine: Engine, log: Log) -> None:
    fill(engine, log, 0, 3)
    with engine.begin() as connection:
        log.store.continue_log(connection, continued(3))
    fill(engine, log, 3, 5)
    with engine.begin() as connection:
        earlier, later = log.store.checkpoints(connection, INSPECTION)
        assert log.key_at(connection, INSPECTION, 3).name == ORIGIN
        assert log.key_at(connection, INSPECTION, 4).name == NEXT
        assert log.verifier_key(connection, INSPECTION).name == NEXT
    public = FixedSigner().public_key_bytes
    assert open_checkpoint(earlier.note, VerifierKey(ORIGIN, public)).size == 3
    assert open_checkpoint(later.note, VerifierKey(NEXT, public)).size == 5


def test_a_log_that_went_on_and_has_not_grown_keeps_its_checkpoint(engine: Engine, log: Log) -> None:
    fill(engine, log, 0, 3)
    with engine.begin() as connection:
        log.store.continue_log(connection, continued(3))
        kept = log.sign_checkpoint(connection, INSPECTION)
        assert log.store.checkpoints(connection, INSPECTION) == [kept]


def test_an_empty_log_goes_on_too(engine: Engine, log: Log) -> None:
    with engine.begin() as connection:
        log.sign_checkpoint(connection, INSPECTION)
        log.store.continue_log(connection, continued(0))
    fill(engine, log, 0, 2)
    with engine.connect() as connection:
        later = log.store.latest_checkpoint(connection, INSPECTION)
        assert later is not None
        assert open_checkpoint(later.note, log.verifier_key(connection, INSPECTION)).size == 2


def test_an_earlier_origin_is_still_held_to_what_it_signed(engine: Engine, log: Log, raw: Engine) -> None:
    fill(engine, log, 0, 3)
    with engine.begin() as connection:
        log.store.continue_log(connection, continued(3))
        log.append(connection, INSPECTION, entry_number(3))
    with raw.begin() as connection:
        connection.exec_driver_sql("UPDATE audit_entry SET leaf_hash = hash FROM audit_node WHERE leaf_index = 2")
    with engine.begin() as connection, pytest.raises(LogDamagedError):
        log.sign_checkpoint(connection, INSPECTION)


@pytest.mark.parametrize("taken", [ORIGIN, NEXT])
def test_an_origin_is_never_used_twice(engine: Engine, log: Log, taken: str) -> None:
    with engine.begin() as connection:
        log.store.continue_log(connection, continued(0))
    with engine.begin() as connection, pytest.raises(LogExistsError):
        log.store.continue_log(connection, continued(0, 2, taken))
    with engine.begin() as connection, pytest.raises(LogExistsError):
        log.create(connection, SECOND, taken)


def test_generations_follow_one_another_and_start_where_the_log_stands(engine: Engine, log: Log) -> None:
    with engine.begin() as connection:
        log.store.continue_log(connection, continued(0, 2))
        with pytest.raises(LogExistsError):
            log.store.continue_log(connection, continued(0, 2, ORIGIN + "/3"))
        with pytest.raises(ProofError):
            log.store.continue_log(connection, continued(1, 3, ORIGIN + "/3"))


def test_a_closed_log_takes_nothing_more(engine: Engine, log: Log) -> None:
    fill(engine, log, 0, 2)
    close(engine, log)
    with engine.begin() as connection, pytest.raises(LogClosedError):
        log.append(connection, INSPECTION, entry_number(3))
    with engine.begin() as connection:
        assert log.store.tree_size(connection, INSPECTION) == 3
        assert log.sign_checkpoint(connection, INSPECTION).tree_size == 3


def test_nothing_follows_the_closing_in_one_append(engine: Engine, log: Log) -> None:
    with engine.begin() as connection, pytest.raises(LogClosedError):
        log.append_many(connection, INSPECTION, [entry_number(0), CLOSED, entry_number(1)])
    with engine.begin() as connection:
        assert log.append_many(connection, INSPECTION, [entry_number(0), CLOSED]) == 0


def test_a_disposed_log_leaves_its_tombstone_and_its_origin(engine: Engine, log: Log) -> None:
    fill(engine, log, 0, 4)
    with engine.begin() as connection:
        log.create(connection, SECOND, ORIGIN + "-second")
        log.append(connection, SECOND, Entry("inspection:closed", START, PERSON, SECOND))
        log.store.add_cosignature(connection, StoredCosignature(INSPECTION, 4, "witness.example", "line", START))
    tombstone = close(engine, log)
    with engine.begin() as connection:
        log.store.dispose_log(connection, tombstone)
    assert {table: count(engine, table) for table in DISPOSABLE} == {
        "audit_entry": 1,
        "audit_node": 0,
        "audit_checkpoint": 0,
        "audit_cosignature": 0,
    }
    with engine.begin() as connection:
        assert log.store.tombstone(connection, INSPECTION) == tombstone
        assert log.store.tombstones(connection) == [tombstone]
        assert [record.log_id for record in log.store.logs(connection)] == [SECOND]
        assert log.store.origins(connection, INSPECTION) == [LogOrigin(ORIGIN, 0)]
        with pytest.raises(LogExistsError):
            log.create(connection, INSPECTION, "another.example/log")
        with pytest.raises(UnknownLogError):
            log.store.tombstone(connection, SECOND)


def test_a_disposed_log_answers_that_it_is_gone(engine: Engine, log: Log) -> None:
    tombstone = close(engine, log)
    with engine.begin() as connection:
        log.store.dispose_log(connection, tombstone)
    with engine.begin() as connection:
        for act in (
            lambda: log.store.log(connection, INSPECTION),
            lambda: log.append(connection, INSPECTION, entry_number(0)),
            lambda: log.sign_checkpoint(connection, INSPECTION),
            lambda: log.store.tree_size(connection, INSPECTION),
            lambda: log.store.dispose_log(connection, tombstone),
        ):
            with pytest.raises(LogDisposedError):
                act()
        late = StoredCosignature(INSPECTION, 1, "witness.example", "line", START)
        with pytest.raises(UnknownLogError):
            log.store.add_cosignature(connection, late)


def test_an_open_log_is_not_disposed_of(engine: Engine, log: Log) -> None:
    fill(engine, log, 0, 2)
    with engine.begin() as connection:
        seal = log.sign_checkpoint(connection, INSPECTION)
        with pytest.raises(LogClosedError):
            log.store.dispose_log(connection, LogTombstone(INSPECTION, 2, seal.root_hash, seal.note, START))
    assert count(engine, "audit_entry") == 2


@pytest.mark.parametrize("change", ["tree_size", "root_hash", "note"])
def test_a_tombstone_that_says_something_else_removes_nothing(engine: Engine, log: Log, change: str) -> None:
    fill(engine, log, 0, 2)
    true = close(engine, log)
    said = {"tree_size": true.tree_size, "root_hash": true.root_hash, "note": true.note}
    said[change] = {"tree_size": 2, "root_hash": bytes(32), "note": "note"}[change]
    false = LogTombstone(INSPECTION, disposed_at=START, **said)  # type: ignore[arg-type]
    with engine.begin() as connection, pytest.raises(LogDamagedError):
        log.store.dispose_log(connection, false)
    assert count(engine, "audit_entry") == 3


def test_a_closed_log_that_nobody_sealed_is_not_disposed_of(engine: Engine, log: Log) -> None:
    with engine.begin() as connection:
        log.append(connection, INSPECTION, CLOSED)
        root = log.store.root(connection, INSPECTION)
        with pytest.raises(LogDamagedError):
            log.store.dispose_log(connection, LogTombstone(INSPECTION, 1, root, "note", START))


def test_cosignatures_are_kept_once_for_each_size_and_witness(engine: Engine, log: Log) -> None:
    fill(engine, log, 0, 2)
    fill(engine, log, 2, 5)
    lines = [
        StoredCosignature(INSPECTION, size, witness, f"line {size} {witness}\n", START)
        for size in (2, 5)
        for witness in ("a.example", "b.example")
    ]
    with engine.begin() as connection:
        for line in lines[:3]:
            log.store.add_cosignature(connection, line)
        log.store.add_cosignature(connection, StoredCosignature(INSPECTION, 2, "a.example", "another\n", START))
    with engine.connect() as connection:
        assert log.store.cosignatures(connection, INSPECTION, 2) == lines[:2]
        assert log.store.cosignatures(connection, INSPECTION, 5) == lines[2:3]
        assert SqlLogStore().all_cosignatures(connection, INSPECTION) == lines[:3]
        assert log.store.latest_cosigned(connection, INSPECTION) == {"a.example": 5, "b.example": 2}


def test_a_size_without_checkpoint_is_not_cosigned(engine: Engine, log: Log) -> None:
    fill(engine, log, 0, 2)
    with engine.begin() as connection, pytest.raises(UnknownLogError):
        log.store.add_cosignature(connection, StoredCosignature(INSPECTION, 1, "a.example", "line\n", START))
