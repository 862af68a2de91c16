"""Faults in pairs: an append, or a signature, that fails before it is kept, and one that fails although it was kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy import Connection, Engine, event

from audit.fsck import check_log
from audit.log import AuditLog
from audit.sql_store import SqlLogStore
from tests.audit.example_log import INSPECTION, START, FixedSigner, entry_number

Log = AuditLog[Connection]


class LostError(Exception):
    """What the caller sees when the database's answer does not arrive."""


@contextmanager
def failing_commits(engine: Engine, *, stored: bool) -> Iterator[None]:
    """The next commit fails: before the database had it, or after."""

    def fail(connection: Connection) -> None:
        if stored:
            driver = connection.connection.dbapi_connection
            assert driver is not None
            driver.commit()
        raise LostError

    event.listen(engine, "commit", fail)
    try:
        yield
    finally:
        event.remove(engine, "commit", fail)


def require_whole(engine: Engine, log: Log, size: int) -> None:
    with engine.begin() as connection:
        report = check_log(SqlLogStore(), connection, INSPECTION, FixedSigner().public_key_bytes)
        assert (report.findings, report.tree_size) == ((), size)
        assert log.sign_checkpoint(connection, INSPECTION).tree_size == size


@pytest.mark.parametrize("stored", [False, True], ids=["failed, not stored", "failed, but stored"])
def test_an_append_whose_commit_fails_is_there_whole_or_not_at_all(engine: Engine, log: Log, *, stored: bool) -> None:
    with engine.begin() as connection:
        log.append_many(connection, INSPECTION, [entry_number(number) for number in range(3)])
    with pytest.raises(LostError), failing_commits(engine, stored=stored), engine.begin() as connection:
        assert log.append(connection, INSPECTION, entry_number(3)) == 3
    size = 4 if stored else 3
    require_whole(engine, log, size)
    with engine.begin() as connection:
        assert log.append(connection, INSPECTION, entry_number(9)) == size
    require_whole(engine, log, size + 1)


@pytest.mark.parametrize("stored", [False, True], ids=["failed, not stored", "failed, but stored"])
def test_a_checkpoint_whose_commit_fails_is_signed_again_as_the_same(engine: Engine, log: Log, *, stored: bool) -> None:
    with engine.begin() as connection:
        log.append_many(connection, INSPECTION, [entry_number(number) for number in range(3)])
    with pytest.raises(LostError), failing_commits(engine, stored=stored), engine.begin() as connection:
        lost = log.sign_checkpoint(connection, INSPECTION)
    with engine.begin() as connection:
        assert len(log.store.checkpoints(connection, INSPECTION)) == (1 if stored else 0)
        assert log.sign_checkpoint(connection, INSPECTION).note == lost.note
        assert len(log.store.checkpoints(connection, INSPECTION)) == 1
    require_whole(engine, log, 3)


@dataclass
class Remembered:
    """A state as the signer's memory gives it back."""

    size: int
    root: bytes
    is_given_up: bool = False


class Memory:
    """A working memory of signed states, which can be told to fail before or after it has one."""

    def __init__(self) -> None:
        self.states: dict[str, Remembered] = {}
        self.fault: Callable[[], None] | None = None
        self.keeps_first = False

    def latest(self, origin: str, /) -> Remembered | None:
        return self.states.get(origin)

    def advance(self, origin: str, size: int, root: bytes, /) -> None:
        if self.keeps_first:
            self.states[origin] = Remembered(size, root)
        if self.fault is not None:
            self.fault()
        self.states[origin] = Remembered(size, root)


class FailingSigner(FixedSigner):
    """A key that is out of reach while `fails` says so."""

    fails = False

    def sign(self, message: bytes) -> bytes:
        if self.fails:
            raise LostError
        return super().sign(message)


def test_a_signer_that_fails_leaves_no_checkpoint_and_the_log_goes_on(engine: Engine, log: Log) -> None:
    signer, memory = FailingSigner(), Memory()
    failing = AuditLog(SqlLogStore(), signer, lambda: START, memory)
    with engine.begin() as connection:
        failing.append_many(connection, INSPECTION, [entry_number(number) for number in range(3)])
    signer.fails = True
    with pytest.raises(LostError), engine.begin() as connection:
        failing.sign_checkpoint(connection, INSPECTION)
    signer.fails = False
    with engine.begin() as connection:
        assert log.store.checkpoints(connection, INSPECTION) == []
        assert failing.append(connection, INSPECTION, entry_number(3)) == 3
        assert failing.sign_checkpoint(connection, INSPECTION).tree_size == 4
    require_whole(engine, log, 4)


@pytest.mark.parametrize("kept", [False, True], ids=["failed, not kept", "failed, but kept"])
def test_a_memory_that_fails_lets_nothing_be_signed_until_it_works(engine: Engine, log: Log, *, kept: bool) -> None:
    memory = Memory()
    careful = AuditLog(SqlLogStore(), FixedSigner(), lambda: START, memory)

    def fail() -> None:
        raise LostError

    with engine.begin() as connection:
        careful.append_many(connection, INSPECTION, [entry_number(number) for number in range(3)])
    memory.fault, memory.keeps_first = fail, kept
    with pytest.raises(LostError), engine.begin() as connection:
        careful.sign_checkpoint(connection, INSPECTION)
    with engine.begin() as connection:
        assert log.store.checkpoints(connection, INSPECTION) == []
    memory.fault = None
    with engine.begin() as connection:
        assert careful.append(connection, INSPECTION, entry_number(3)) == 3
        assert careful.sign_checkpoint(connection, INSPECTION).tree_size == 4
    require_whole(engine, log, 4)
