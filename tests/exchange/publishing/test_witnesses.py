"""Witnesses follow what is signed; absence is waited out, refusal is an alarm, and nobody waits for a dead one."""

import shutil
import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from audit.cosignature import with_signatures
from audit.log import AuditLog
from audit.note import parse_note
from audit.sql_store import SqlLogStore, install
from audit.witness_client import ask_witness
from exchange import trail
from exchange.database import Database, make_engine
from exchange.parts import Parts
from exchange.publishing import witnesses as witnesses_module
from exchange.publishing.models import WitnessState
from exchange.publishing.witness_rows import delay_after
from exchange.publishing.witnesses import Witnesses
from exchange.trail import Trail
from exchange.worker import sign_checkpoints
from keys.signing import LogSigner
from tests.exchange.inspection_case import Case
from tests.exchange.publishing.conftest import (
    MakeParty,
    Party,
    alarms,
    ask_all,
    asking,
    clear_alarms,
    grow,
    latest_note,
    signed_size,
)


def cosigned(parts: Parts, log_id: str = trail.SERVICE_LOG) -> dict[str, int]:
    with parts.database.read() as session:
        return parts.trail.store.latest_cosigned(session.connection(), log_id)


def row(parts: Parts, party: Party, log_id: str = trail.SERVICE_LOG) -> WitnessState:
    with parts.database.read() as session:
        found = session.scalars(select(WitnessState).where(WitnessState.log_id == log_id)).all()
    (only,) = found if len(found) == 1 else [one for one in found if one.size == cosigned(parts, log_id)[party.name]]
    return only


def test_each_log_is_cosigned_by_each_witness_and_the_policy_is_met(
    case: Case, make_party: MakeParty, parts: Parts
) -> None:
    one, two = make_party("w1"), make_party("w2")
    parts = asking(parts, one, two, quorum=2)
    sign_checkpoints(parts)
    ask_all(parts)
    for log_id in (trail.SERVICE_LOG, case.inspection):
        size = signed_size(parts, log_id)
        assert cosigned(parts, log_id) == {one.name: size, two.name: size}
        with parts.database.read() as session:
            lines = parts.trail.store.cosignatures(session.connection(), log_id, size)
        note = parse_note(with_signatures(latest_note(parts, log_id), [line.line for line in lines]))
        assert parts.witness_policy is not None
        assert parts.witness_policy.verify(note) == dict.fromkeys(("w1", "w2"), int(parts.clock().timestamp()))
    assert alarms(parts) == []


def test_without_witnesses_nobody_is_asked(parts: Parts) -> None:
    sign_checkpoints(parts)
    ask_all(parts)
    assert cosigned(parts) == {}


def test_a_log_that_has_not_grown_is_not_asked_about_again(party: Party, parts: Parts) -> None:
    parts = asking(parts, party)
    sign_checkpoints(parts)
    ask_all(parts)
    asked = len(party.journal)
    ask_all(parts)
    assert len(party.journal) == asked > 0


def test_a_witness_that_is_away_is_left_alone_longer_each_time_and_catches_up_when_it_is_back(
    party: Party, parts: Parts, clock: Any
) -> None:
    parts = asking(parts, party)
    grow(parts)
    ask_all(parts)
    first = cosigned(parts)[party.name]
    party.stop()
    grow(parts)
    waits = []
    for _ in range(4):
        ask_all(parts)
        found = row(parts, party)
        assert (found.state, found.reason) == ("absent", "no-answer")
        waits.append(found.next_at - clock())
        ask_all(parts)
        assert row(parts, party).failures == found.failures, "it was asked before its time"
        clock.now = found.next_at
        grow(parts)
    assert waits == [timedelta(seconds=wait) for wait in (30, 60, 120, 240)]
    assert delay_after(1000) == timedelta(hours=1)
    party.start()
    ask_all(parts)
    assert cosigned(parts)[party.name] == signed_size(parts) > first
    assert (row(parts, party).state, row(parts, party).failures, row(parts, party).behind_since) == (
        "following",
        0,
        None,
    )
    assert alarms(parts) == []


def test_a_witness_that_never_answers_holds_up_neither_the_round_nor_another_witness(
    party: Party, make_party: MakeParty, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnesses_module, "ANSWER_SECONDS", 60.0)
    silent = make_party("w2")
    silent.stop()
    with socket.create_server(("127.0.0.1", silent.port)) as hole:  # takes the line and says nothing
        parts = asking(parts, party, silent)
        sign_checkpoints(parts)
        duty = Witnesses(parts)
        duty()  # begins, and waits for nobody
        connection, _ = hole.accept()
        with connection:
            duty._askers[0].alongside.finish()
            assert cosigned(parts) == {party.name: signed_size(parts)}
            grow(parts)
            duty()  # signing and the next round go on while one is still being asked
            duty._askers[0].alongside.finish()
            assert duty._askers[1].alongside.is_under_way
            assert cosigned(parts) == {party.name: signed_size(parts)}
        duty._askers[1].alongside.finish()


def test_a_witness_that_does_not_follow_the_log_is_an_alarm_once_and_again_only_when_it_was_cleared_a_day_ago(
    make_party: MakeParty, parts: Parts, clock: Any, events: Any
) -> None:
    stranger = make_party("w1", trusting=False)
    parts = asking(parts, stranger)
    grow(parts)
    ask_all(parts)
    (alarm,) = alarms(parts, "witness-refused")
    assert (alarm.subject, alarm.source) == ("service", "w1")
    assert "Witness w1: The witness does not follow exchange.example/log/service" in alarm.detail
    assert events()[-2:] == ["witness:refused", "alarm:raised"] or events()[-2:] == ["alarm:raised", "witness:refused"]
    clear_alarms(parts)
    clock.move(hours=2)
    ask_all(parts)
    assert len(alarms(parts, "witness-refused")) == 1
    clock.move(hours=23)
    ask_all(parts)
    assert len(alarms(parts, "witness-refused")) == 2
    assert row(parts, stranger).state == "refused"


def other_history(parts: Parts, tmp_path: Path, size: int) -> tuple[Any, str]:
    """A log of the same name, signed by the same key, that tells another story."""
    engine = make_engine(f"sqlite:///{tmp_path / 'other.sqlite3'}")
    with engine.execution_options(write=True).begin() as connection:
        install(connection)
    log = AuditLog(SqlLogStore(), LogSigner.open(parts.settings.signing_key_file), parts.clock)
    told = Trail(log, log.store, parts.settings.log_origin)  # type: ignore[arg-type]  # the store made above
    database = Database(f"sqlite:///{tmp_path / 'other.sqlite3'}", parts.clock, told.append)
    with database.unit_of_work() as unit:
        told.create(unit, trail.SERVICE_LOG)
        for _ in range(size):
            trail.record(unit, "trail:viewed", actor=trail.ANONYMOUS, details={"filters": []})
    with database.unit_of_work() as unit:
        note = log.sign_checkpoint(unit.session.connection(), trail.SERVICE_LOG).note
    return database, note


@pytest.mark.parametrize("length", ["shorter", "as long", "longer"])
def test_two_operators_who_agree_to_lie_are_caught_by_one_honest_witness(
    make_party: MakeParty, parts: Parts, tmp_path: Path, length: str
) -> None:
    """The service's and one witness's operators show somebody another log; the other witness saw it, and tells."""
    liar, honest = make_party("liar"), make_party("honest")
    grow(parts, times=5)
    size = signed_size(parts) + {"shorter": -2, "as long": 0, "longer": 3}[length]
    database, note = other_history(parts, tmp_path, size)
    ask_witness(
        honest.policy_row().url, honest.key, note, lambda _old, _new: (), 0, 10, now=lambda: parts.clock().timestamp()
    )
    database.dispose()
    parts = asking(parts, liar, honest, quorum=2)
    ask_all(parts)
    assert cosigned(parts) == {liar.name: signed_size(parts)}, "the liar signs whatever it is shown"
    (alarm,) = alarms(parts, "witness-refused")
    assert (alarm.subject, alarm.source) == ("service", "honest")
    reasons = {"shorter": "inconsistent", "as long": "fork", "longer": "ahead"}
    with parts.database.read() as session:
        found = session.scalars(select(WitnessState).where(WitnessState.state == "refused")).one()
    assert found.reason == reasons[length]


def test_a_witness_that_forgot_what_it_cosigned_is_an_alarm(
    party: Party, parts: Parts, tmp_path: Path, clock: Any
) -> None:
    parts = asking(parts, party)
    grow(parts)
    ask_all(parts)
    party.stop()
    shutil.copytree(party.folder, tmp_path / "backup")
    party.start()
    grow(parts)
    ask_all(parts)
    assert cosigned(parts)[party.name] == signed_size(parts)
    party.stop()
    party.folder = tmp_path / "backup"
    party.start()
    grow(parts)
    ask_all(parts)
    (alarm,) = alarms(parts, "witness-forgot")
    assert (alarm.subject, alarm.source) == ("service", "w1")
    assert cosigned(parts)[party.name] == signed_size(parts), "what it signs now is kept all the same"


def test_a_witness_that_stays_behind_is_an_alarm_once_in_each_period(party: Party, parts: Parts, clock: Any) -> None:
    parts = asking(parts, party)
    party.stop()
    grow(parts)
    for _ in range(23):
        ask_all(parts)
        clock.move(hours=1, minutes=1)
    assert alarms(parts) == []
    for _ in range(3):
        ask_all(parts)
        clock.move(hours=1, minutes=1)
    (alarm,) = alarms(parts, "witness-behind")
    assert alarm.source == "w1"
    assert "Witness w1: it has not followed since Monday 23 November 2026" in alarm.detail
    clear_alarms(parts)
    clock.move(hours=12)
    ask_all(parts)
    assert len(alarms(parts)) == 1
    clock.move(hours=13)
    ask_all(parts)
    assert len(alarms(parts, "witness-behind")) == 2


def test_no_row_beside_the_log_can_silence_a_witness_or_its_alarm(party: Party, parts: Parts, clock: Any) -> None:
    """Times ahead of every delay: written by somebody with the database, or under a clock that ran ahead."""
    parts = asking(parts, party)

    def put_ahead() -> None:
        with parts.database.unit_of_work() as unit:
            for found in unit.session.scalars(select(WitnessState)):
                found.next_at = found.alarmed_at = clock() + timedelta(days=3650)

    grow(parts)
    ask_all(parts)
    put_ahead()
    grow(parts)
    ask_all(parts)
    assert cosigned(parts)[party.name] == signed_size(parts)
    party.stop()
    grow(parts)
    ask_all(parts)
    put_ahead()
    clock.move(days=2)
    ask_all(parts)
    assert len(alarms(parts, "witness-behind")) == 1


def test_two_workers_may_ask_the_same_witness(party: Party, parts: Parts) -> None:
    parts = asking(parts, party)
    grow(parts)
    first, second = Witnesses(parts), Witnesses(parts)
    first()
    second()
    first.finish()
    second.finish()
    grow(parts)
    ask_all(parts)
    assert cosigned(parts) == {party.name: signed_size(parts)}
    assert alarms(parts) == []


def test_a_worker_that_comes_late_takes_no_later_cosignature_for_a_refusal(party: Party, parts: Parts) -> None:
    parts = asking(parts, party)
    grow(parts)
    late = Witnesses(parts)
    states = witnesses_module.read_states(parts)
    grow(parts)
    ask_all(parts)
    late._askers[0].begin([replace(state, cosigned={}) for state in states])
    late.finish()
    assert alarms(parts) == []
    assert cosigned(parts) == {party.name: signed_size(parts)}
