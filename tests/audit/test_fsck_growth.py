"""The check of what came since: it says what the whole check says of that, and carries its state as a text."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from audit.cosignature import cosign
from audit.errors import LogDamagedError
from audit.fsck import CheckedState, FsckReport, RememberedState, check_growth, check_log
from audit.log import AuditLog
from audit.note import parse_note
from audit.raw_log import RawEntry
from audit.sql_store import SqlLogStore
from audit.store import StoredCosignature
from tests.audit.evidence_log import SIGNER, WITNESS_KEYS, WITNESSES, Remembered, note_of
from tests.audit.example_log import INSPECTION, ORIGIN, START, drop_guards, entry_number

Log = AuditLog[Connection]
FROM, TO = 11, 21


@pytest.fixture
def grown(engine: Engine) -> Iterator[tuple[Connection, Log, CheckedState]]:
    """A log that was checked at 11 entries, and has 21 and two more checkpoints now."""
    log: Log = AuditLog(SqlLogStore(), SIGNER, lambda: START)
    with engine.connect() as connection:
        log.create(connection, INSPECTION, ORIGIN)
        add(connection, log, 0, 5)
        add(connection, log, 5, FROM)
        report, state = growth(connection, None)
        assert report.findings == ()
        add(connection, log, FROM, 16)
        add(connection, log, 16, TO)
        drop_guards(connection)
        yield connection, log, state


def add(connection: Connection, log: Log, start: int, stop: int) -> None:
    log.append_many(connection, INSPECTION, [entry_number(number) for number in range(start, stop)])
    log.sign_checkpoint(connection, INSPECTION)


def growth(
    connection: Connection, since: CheckedState | None, remembered: RememberedState | None = None
) -> tuple[FsckReport, CheckedState]:
    return check_growth(
        SqlLogStore(),
        connection,
        INSPECTION,
        SIGNER.public_key_bytes,
        since,
        witnesses=WITNESS_KEYS,
        remembered=remembered,
    )


def whole(connection: Connection) -> FsckReport:
    return check_log(SqlLogStore(), connection, INSPECTION, SIGNER.public_key_bytes, witnesses=WITNESS_KEYS)


def test_growth_that_is_whole_leads_to_the_state_of_a_whole_check(
    grown: tuple[Connection, Log, CheckedState],
) -> None:
    connection, log, since = grown
    report, state = growth(connection, since)
    assert report == replace(whole(connection), checkpoints=2)
    assert report.root_hash == log.store.root(connection, INSPECTION)
    assert (since.size, since.checkpoint_size) == (FROM, FROM)
    assert state == growth(connection, None)[1]
    assert (state.size, state.checkpoint_size) == (TO, TO)


def test_nothing_new_is_whole_too_and_the_state_stays(grown: tuple[Connection, Log, CheckedState]) -> None:
    connection, _, since = grown
    _, state = growth(connection, since)
    report, again = growth(connection, state)
    assert (report.findings, report.tree_size, again) == ((), TO, state)


def test_entries_that_were_checked_before_are_not_read_again(grown: tuple[Connection, Log, CheckedState]) -> None:
    connection, _, since = grown
    starts: list[int] = []

    class Watched(SqlLogStore):
        def raw_entries(self, connection: Connection, log_id: str, start: int, stop: int) -> Sequence[RawEntry]:
            starts.append(start)
            return super().raw_entries(connection, log_id, start, stop)

    check_growth(Watched(), connection, INSPECTION, SIGNER.public_key_bytes, since)
    assert min(starts) == FROM - 1  # the last entry of the right edge, and what came after it


GROWTH = {
    "new entry altered": ("UPDATE audit_entry SET entry = leaf_hash WHERE leaf_index = 14", "altered", 14),
    "new entry missing": ("DELETE FROM audit_entry WHERE leaf_index = 14", "missing", 14),
    "new end cut off": ("DELETE FROM audit_entry WHERE leaf_index >= 18", "truncated", 18),
    "new node missing": ("DELETE FROM audit_node WHERE level = 2 AND node_index = 3", "node", 12),
    "new checkpoint forged": ("UPDATE audit_checkpoint SET note = 'note' WHERE tree_size = 16", "forged", 16),
    "new copy changed": ("UPDATE audit_entry SET actor = 'anonymous' WHERE leaf_index = 19", "copy", 19),
    "what was checked put back": ("DELETE FROM audit_entry WHERE leaf_index >= 9", "truncated", 9),
    "an edge entry altered": ("UPDATE audit_entry SET leaf_hash = entry WHERE leaf_index = 10", "altered", 10),
    "an edge node altered": (
        "UPDATE audit_node SET hash = (SELECT leaf_hash FROM audit_entry WHERE leaf_index = 1) WHERE level = 3",
        "altered",
        0,
    ),
}


@pytest.mark.parametrize("damage", GROWTH)
def test_damage_to_what_came_since_is_named_again_and_again(
    grown: tuple[Connection, Log, CheckedState], damage: str
) -> None:
    connection, _, since = grown
    statement, kind, index = GROWTH[damage]
    if "leaf_hash = entry" in statement:
        statement = statement.replace("leaf_hash = entry", "leaf_hash = (SELECT hash FROM audit_node WHERE level = 4)")
    connection.execute(text(statement))
    report, state = growth(connection, since)
    assert (kind, index) in {(finding.kind, finding.index) for finding in report.findings}
    assert report.first_bad_index == index
    assert state == since
    assert growth(connection, state)[0] == report


def test_a_log_put_back_with_every_trace_is_named_by_the_state(grown: tuple[Connection, Log, CheckedState]) -> None:
    connection, _, since = grown
    connection.execute(text("DELETE FROM audit_entry WHERE leaf_index >= 8"))
    connection.execute(text("DELETE FROM audit_checkpoint WHERE tree_size > 8"))
    for level in range(1, 5):
        remove = text("DELETE FROM audit_node WHERE level = :l AND node_index >= :p")
        connection.execute(remove, {"l": level, "p": 8 >> level})
    report, state = growth(connection, since)
    assert [(finding.kind, finding.index) for finding in report.findings] == [("rolled-back", 8)]
    assert state == since


def test_what_the_signer_remembers_is_asked_of_growth_too(grown: tuple[Connection, Log, CheckedState]) -> None:
    connection, _, since = grown
    report, _ = growth(connection, since, Remembered(TO + 1, bytes(32)))
    assert [(finding.kind, finding.index) for finding in report.findings] == [("rolled-back", TO)]
    report, _ = growth(connection, since, Remembered(TO, bytes(32)))
    assert [finding.kind for finding in report.findings] == ["altered"]


@pytest.mark.parametrize("size", [5, 16])
def test_a_cosignature_that_came_since_is_verified_whatever_its_size(
    grown: tuple[Connection, Log, CheckedState], size: int
) -> None:
    connection, log, since = grown
    _, since = growth(connection, since)
    note = parse_note(note_of(connection, size)).text
    true = cosign(note, "first.example", WITNESSES["first.example"], int(START.timestamp()))
    false = cosign(note, "second.example", WITNESSES["first.example"], int(START.timestamp()))
    log.store.add_cosignature(connection, StoredCosignature(INSPECTION, size, "first.example", true, START))
    report, state = growth(connection, since)
    assert report.findings == ()
    assert state.received_at == "2026-03-02T09:00:00.000000Z"
    log.store.add_cosignature(connection, StoredCosignature(INSPECTION, size, "second.example", false, START))
    report, _ = growth(connection, state)
    assert [(finding.kind, finding.index) for finding in report.findings] == [("cosignature", size)]


def test_the_state_of_another_log_is_refused(grown: tuple[Connection, Log, CheckedState]) -> None:
    connection, _, since = grown
    with pytest.raises(ValueError, match="another log"):
        growth(connection, replace(since, log_id="service"))


@given(st.integers(0, 2**40), st.integers(-1, 2**40), st.data())
def test_a_state_goes_into_a_text_and_comes_back(size: int, checkpoint_size: int, data: st.DataObject) -> None:
    waiting = tuple((level, data.draw(st.binary(min_size=32, max_size=32))) for level in range(41) if size >> level & 1)
    state = CheckedState(INSPECTION, size, waiting, checkpoint_size, "2026-03-02T09:00:00.000000Z")
    assert CheckedState.decode(state.encode()) == state


SAID = CheckedState("service", 5, ((0, bytes(32)), (2, bytes(32))), 5, "").encode()
CHANGED = {
    "nothing": "",
    "a list": "[]",
    "a space more": SAID + " ",
    "another size": SAID.replace('"size":5', '"size":6'),
    "another version": SAID.replace('"version":1', '"version":2'),
    "no hash": SAID.replace("00" * 32, "zz" * 32),
    "no log": SAID.replace('"log_id":"service",', ""),
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_state_that_was_changed_is_not_believed(change: str) -> None:
    with pytest.raises(LogDamagedError):
        CheckedState.decode(CHANGED[change])
