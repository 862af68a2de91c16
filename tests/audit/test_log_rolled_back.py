"""A log whose database went back: nothing is appended and nothing signed until a person has decided."""

from dataclasses import dataclass, field

import pytest
from sqlalchemy import Connection, Engine

from audit.errors import LogDamagedError, LogRolledBackError
from audit.log import AuditLog
from audit.sql_store import SqlLogStore
from tests.audit.example_log import INSPECTION, ORIGIN, START, FixedSigner, entry_number

Log = AuditLog[Connection]


@dataclass(frozen=True)
class State:
    size: int
    root: bytes
    is_given_up: bool = False


@dataclass
class Memory:
    """A working memory of signed states, which a test can set back or fill."""

    states: dict[str, State] = field(default_factory=dict)

    def latest(self, origin: str, /) -> State | None:
        return self.states.get(origin)

    def advance(self, origin: str, size: int, root: bytes, /) -> None:
        self.states[origin] = State(size, root)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def remembering(engine: Engine, memory: Memory) -> Log:
    log = AuditLog(SqlLogStore(), FixedSigner(), lambda: START, memory)
    with engine.begin() as connection:
        log.create(connection, INSPECTION, ORIGIN)
    return log


def fill(engine: Engine, log: Log, start: int, stop: int) -> None:
    with engine.begin() as connection:
        log.append_many(connection, INSPECTION, [entry_number(number) for number in range(start, stop)])


def sign(engine: Engine, log: Log) -> int:
    with engine.begin() as connection:
        return log.sign_checkpoint(connection, INSPECTION).tree_size


def size_of(engine: Engine, log: Log) -> int:
    with engine.connect() as connection:
        return log.store.tree_size(connection, INSPECTION)


def test_what_is_signed_is_remembered_with_its_root(engine: Engine, remembering: Log, memory: Memory) -> None:
    fill(engine, remembering, 0, 5)
    sign(engine, remembering)
    with engine.connect() as connection:
        root = remembering.store.root(connection, INSPECTION, 5)
    assert memory.states == {ORIGIN: State(5, root)}
    fill(engine, remembering, 5, 8)
    assert sign(engine, remembering) == 8
    assert memory.states[ORIGIN].size == 8


def test_a_log_that_holds_all_that_was_signed_goes_on(engine: Engine, remembering: Log) -> None:
    fill(engine, remembering, 0, 5)
    sign(engine, remembering)
    fill(engine, remembering, 5, 7)
    with engine.connect() as connection:
        remembering.verify_remembered(connection, INSPECTION)


@pytest.mark.parametrize("signed", [6, 1000])
def test_a_log_shorter_than_what_was_signed_takes_nothing(
    engine: Engine, remembering: Log, memory: Memory, signed: int
) -> None:
    fill(engine, remembering, 0, 5)
    memory.states[ORIGIN] = State(signed, b"\x07" * 32)
    with pytest.raises(LogRolledBackError, match=f"has 5 entries; {signed} were signed"):
        fill(engine, remembering, 5, 6)
    with pytest.raises(LogRolledBackError):
        sign(engine, remembering)
    with engine.connect() as connection, pytest.raises(LogRolledBackError):
        remembering.verify_remembered(connection, INSPECTION)
    assert size_of(engine, remembering) == 5


def test_a_log_with_other_entries_at_a_signed_size_is_not_signed(
    engine: Engine, remembering: Log, memory: Memory
) -> None:
    fill(engine, remembering, 0, 5)
    for size in (3, 5):
        memory.states[ORIGIN] = State(size, b"\x07" * 32)
        with pytest.raises(LogDamagedError):
            sign(engine, remembering)
        with engine.connect() as connection, pytest.raises(LogDamagedError, match="not those that were signed"):
            remembering.verify_remembered(connection, INSPECTION)
        assert memory.states[ORIGIN] == State(size, b"\x07" * 32)


def test_an_origin_that_was_given_up_takes_nothing(engine: Engine, remembering: Log, memory: Memory) -> None:
    fill(engine, remembering, 0, 5)
    sign(engine, remembering)
    memory.states[ORIGIN] = State(5, memory.states[ORIGIN].root, is_given_up=True)
    with pytest.raises(LogRolledBackError):
        fill(engine, remembering, 5, 6)
    with pytest.raises(LogRolledBackError):
        sign(engine, remembering)


def test_a_process_that_appended_before_notices_what_another_signed(
    engine: Engine, remembering: Log, memory: Memory
) -> None:
    fill(engine, remembering, 0, 5)
    memory.states[ORIGIN] = State(9, b"\x07" * 32)
    with pytest.raises(LogRolledBackError):
        fill(engine, remembering, 5, 6)


def test_the_state_is_remembered_before_it_is_signed(engine: Engine, memory: Memory) -> None:
    class BrokenSigner(FixedSigner):
        def sign(self, message: bytes, /) -> bytes:
            raise RuntimeError(f"the signer is gone, {len(message)} bytes are unsigned")

    log = AuditLog(SqlLogStore(), BrokenSigner(), lambda: START, memory)
    with engine.begin() as connection:
        log.create(connection, INSPECTION, ORIGIN)
    fill(engine, log, 0, 2)
    with pytest.raises(RuntimeError, match="the signer is gone"):
        sign(engine, log)
    assert memory.states[ORIGIN].size == 2
    with engine.connect() as connection:
        assert log.store.checkpoints(connection, INSPECTION) == []


def test_nothing_is_signed_when_it_cannot_be_remembered(engine: Engine) -> None:
    class FullMemory(Memory):
        def advance(self, origin: str, size: int, root: bytes, /) -> None:
            raise OSError(f"no space left for {origin} at {size}, {root.hex()}")

    log = AuditLog(SqlLogStore(), FixedSigner(), lambda: START, FullMemory())
    with engine.begin() as connection:
        log.create(connection, INSPECTION, ORIGIN)
    fill(engine, log, 0, 2)
    with pytest.raises(OSError, match="no space left"):
        sign(engine, log)
    with engine.connect() as connection:
        assert log.store.checkpoints(connection, INSPECTION) == []
