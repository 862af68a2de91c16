import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from audit.entry import Entry
from audit.errors import (
    LogDamagedError,
    LogExistsError,
    NoteError,
    ProofError,
    TransactionError,
    UnknownLogError,
    VocabularyError,
)
from audit.log import AuditLog
from audit.proof import verify_consistency, verify_inclusion
from audit.sql_store import SqlLogStore, install, lock_key
from tests.audit import rfc9162
from tests.audit.example_log import (
    INSPECTION,
    ORIGIN,
    PERSON,
    START,
    FixedSigner,
    document,
    entry_number,
    open_engine,
)

Log = AuditLog[Connection]
SECOND = "ins_" + "8" * 26


def fill(engine: Engine, log: Log, start: int, stop: int) -> None:
    with engine.begin() as connection:
        log.append_many(connection, INSPECTION, [entry_number(number) for number in range(start, stop)])


def test_a_log_grown_one_by_one_and_in_batches_is_the_tree_of_the_rfc(engine: Engine, log: Log) -> None:
    size = 0
    for added in [1, 1, 1, 2, 1, 3, 7, 1, 16, 1, 1, 5, 13, 1]:
        fill(engine, log, size, size + added)
        size += added
        encoded = [entry_number(number).encode() for number in range(size)]
        with engine.connect() as connection:
            assert log.store.tree_size(connection, INSPECTION) == size
            assert log.store.root(connection, INSPECTION) == rfc9162.tree_hash(encoded)


def test_every_entry_and_every_earlier_size_is_proved_from_the_stored_nodes(engine: Engine, log: Log) -> None:
    fill(engine, log, 0, 21)
    with engine.connect() as connection:
        roots = {size: log.store.root(connection, INSPECTION, size) for size in range(22)}
        for index in range(21):
            stored = log.store.entry(connection, INSPECTION, index)
            assert stored.entry == entry_number(index)
            proof = log.store.inclusion_proof(connection, INSPECTION, index, 21)
            verify_inclusion(stored.leaf_hash, index, 21, proof, roots[21])
        for old in range(1, 22):
            proof = log.store.consistency_proof(connection, INSPECTION, old, 21)
            verify_consistency(old, 21, roots[old], roots[21], proof)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_how_entries_are_batched_leaves_no_trace(batches: list[int]) -> None:
    engine = create_engine("sqlite://")
    log = AuditLog(SqlLogStore(), FixedSigner(), lambda: START)
    with engine.begin() as connection:
        connection.execute(text("PRAGMA user_version = 1"))
        install(connection)
        log.create(connection, INSPECTION, ORIGIN)
        number = 0
        for added in batches:
            log.append_many(connection, INSPECTION, [entry_number(number + more) for more in range(added)])
            number += added
        encoded = [entry_number(one).encode() for one in range(number)]
        assert log.store.root(connection, INSPECTION) == rfc9162.tree_hash(encoded)
    engine.dispose()


def test_entries_are_streamed_in_order(engine: Engine, log: Log) -> None:
    fill(engine, log, 0, 1100)
    with engine.connect() as connection:
        streamed = [stored.entry for stored in log.store.entries(connection, INSPECTION, 3, 1100)]
    assert streamed == [entry_number(number) for number in range(3, 1100)]


def test_what_the_caller_rolls_back_was_never_logged(engine: Engine, log: Log) -> None:
    fill(engine, log, 0, 3)
    with engine.connect() as connection:
        log.append(connection, INSPECTION, entry_number(99))
        connection.rollback()
    with engine.begin() as connection:
        assert log.append(connection, INSPECTION, entry_number(3)) == 3
        assert log.store.root(connection, INSPECTION) == rfc9162.tree_hash([entry_number(n).encode() for n in range(4)])


def test_an_append_outside_a_transaction_is_refused(engine: Engine, log: Log, database_url: str) -> None:
    own = create_engine(database_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with own.connect() as connection, pytest.raises(TransactionError):
        log.append(connection, INSPECTION, entry_number(0))
    with engine.connect() as connection:
        assert log.store.tree_size(connection, INSPECTION) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_transaction_that_read_before_another_wrote_cannot_append(
    engine: Engine, log: Log, database_url: str
) -> None:
    stale = create_engine(database_url, poolclass=NullPool)
    with stale.connect() as reader:
        reader.exec_driver_sql("BEGIN")
        assert log.store.tree_size(reader, INSPECTION) == 0
        fill(engine, log, 0, 1)
        with pytest.raises(TransactionError):
            log.append(reader, INSPECTION, entry_number(1))


def test_writers_at_once_get_one_index_each(engine: Engine, log: Log) -> None:
    taken: list[int] = []

    def write(number: int) -> None:
        for more in range(10):
            with engine.begin() as connection:
                taken.append(log.append(connection, INSPECTION, entry_number(100 * number + more)))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(40))
    with engine.connect() as connection:
        encoded = [stored.encoded for stored in log.store.entries(connection, INSPECTION, 0, 40)]
        assert log.store.root(connection, INSPECTION) == rfc9162.tree_hash(encoded)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_one_inspection_never_waits_for_another(engine: Engine, log: Log) -> None:
    with engine.begin() as connection:
        log.create(connection, SECOND, ORIGIN + "-second")
    with engine.begin() as first, engine.begin() as second:
        second.exec_driver_sql("SET lock_timeout = '2s'")
        log.append(first, INSPECTION, entry_number(0))
        entry = Entry("inspection:closed", START, PERSON, SECOND)
        assert log.append(second, SECOND, entry) == 0


def test_locks_of_different_logs_have_different_keys() -> None:
    keys = {lock_key(f"ins_{number:026d}") for number in range(1000)}
    assert len(keys) == 1000
    assert all(-(2**63) <= key < 2**63 for key in keys)


def test_a_log_is_never_created_twice(engine: Engine, log: Log) -> None:
    for log_id, origin in [(INSPECTION, "another.example/log"), (SECOND, ORIGIN)]:
        with engine.begin() as connection, pytest.raises(LogExistsError):
            log.create(connection, log_id, origin)
    with engine.connect() as connection:
        assert [record.log_id for record in log.store.logs(connection)] == [INSPECTION]


@pytest.mark.parametrize("origin", ["", "with space", "with+plus"])
def test_a_log_is_not_created_under_an_origin_that_no_key_can_bear(engine: Engine, log: Log, origin: str) -> None:
    with engine.begin() as connection, pytest.raises(NoteError):
        log.create(connection, SECOND, origin)


UNKNOWN_LOG: dict[str, Callable[[Log, Connection], object]] = {
    "append": lambda log, connection: log.append(connection, SECOND, Entry("inspection:closed", START, PERSON, SECOND)),
    "size": lambda log, connection: log.store.tree_size(connection, SECOND),
    "root": lambda log, connection: log.store.root(connection, SECOND),
    "entry": lambda log, connection: log.store.entry(connection, SECOND, 0),
    "inclusion proof": lambda log, connection: log.store.inclusion_proof(connection, SECOND, 0, 1),
    "checkpoint": lambda log, connection: log.sign_checkpoint(connection, SECOND),
    "verifier key": lambda log, connection: log.verifier_key(connection, SECOND),
}


@pytest.mark.parametrize("act", UNKNOWN_LOG)
def test_a_log_that_was_never_created_is_an_error(engine: Engine, log: Log, act: str) -> None:
    with engine.begin() as connection, pytest.raises(UnknownLogError):
        UNKNOWN_LOG[act](log, connection)


def test_nothing_is_proved_about_entries_that_are_not_there(engine: Engine, log: Log) -> None:
    fill(engine, log, 0, 5)
    with engine.connect() as connection:
        for index, size in [(5, 5), (0, 6), (-1, 5), (0, 0)]:
            with pytest.raises(ProofError):
                log.store.inclusion_proof(connection, INSPECTION, index, size)
        for old, new in [(0, 5), (5, 6), (5, 4)]:
            with pytest.raises(ProofError):
                log.store.consistency_proof(connection, INSPECTION, old, new)
        with pytest.raises(ProofError):
            log.store.root(connection, INSPECTION, 6)


def test_an_entry_that_the_vocabulary_refuses_reaches_no_table(engine: Engine, log: Log) -> None:
    bad = Entry("receipt:viewed", START, PERSON, INSPECTION, None, {"file_name": "list.xlsx", "document": document(1)})
    with engine.begin() as connection, pytest.raises(VocabularyError):
        log.append_many(connection, INSPECTION, [entry_number(0), bad])
    with engine.connect() as connection:
        assert log.store.tree_size(connection, INSPECTION) == 0


def test_an_append_of_nothing_is_refused(engine: Engine, log: Log) -> None:
    with engine.begin() as connection, pytest.raises(ValueError, match="at least one"):
        log.append_many(connection, INSPECTION, [])


def test_a_log_that_has_lost_a_hash_takes_no_more_entries(engine: Engine, log: Log, raw: Engine) -> None:
    fill(engine, log, 0, 3)
    with raw.begin() as connection:
        connection.exec_driver_sql("DELETE FROM audit_node")
    with engine.begin() as connection, pytest.raises(LogDamagedError):
        log.append(connection, INSPECTION, entry_number(3))


def test_a_log_whose_next_place_is_taken_takes_no_more_entries(engine: Engine, log: Log, raw: Engine) -> None:
    fill(engine, log, 0, 4)
    with raw.begin() as connection:
        connection.exec_driver_sql("DELETE FROM audit_entry WHERE leaf_index = 3")
    with engine.begin() as connection, pytest.raises(LogDamagedError):
        log.append(connection, INSPECTION, entry_number(3))


def test_engines_of_two_processes_share_one_log(engine: Engine, log: Log, database_url: str) -> None:
    other = open_engine(database_url)
    fill(engine, log, 0, 2)
    with other.begin() as connection:
        assert log.append(connection, INSPECTION, entry_number(2)) == 2
    other.dispose()
