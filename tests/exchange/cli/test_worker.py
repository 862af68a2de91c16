"""The worker's promises: every duty is done, a failing one stops no other, and stop means now."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from exchange import trail, worker
from exchange.accounts.models import AttemptCounter, Invitation, Person, SignInSession
from exchange.accounts.roll_off import roll_off
from exchange.accounts.sessions import COMPLETE, Visitor, begin_session
from exchange.example import make_example
from exchange.identifiers import new_identifier
from exchange.parts import Parts
from exchange.submissions.models import Alarm, Document, DocumentState
from exchange.worker import Daily, Duty, Worker, duties_of, sign_checkpoints
from tests.exchange.cli.said import Command

SECRET = "the minutes of the case conference"
DAY = timedelta(days=1)


def duty(name: str, act: Callable[[], None], every: timedelta = DAY) -> Duty:
    return Duty(name, every, act)


def test_a_duty_that_fails_is_told_in_the_journal_and_the_next_is_still_done(
    exchange: Command, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def fail() -> None:
        raise ValueError(SECRET)

    duties = [duty("first", fail), duty("second", lambda: done.append("second"))]
    monkeypatch.setattr(worker, "duties_of", lambda _parts, _go_on: duties)
    said = exchange("worker", "--once")
    assert said.code == 1
    assert done == ["second"]
    line = json.loads(said.err.splitlines()[-1])
    assert (line["duty"], line["failure"]) == ("first", "ValueError")
    assert SECRET not in said.err


def test_one_round_reads_back_signs_and_disposes(exchange: Command, parts: Parts) -> None:
    make_example(parts)
    with parts.database.unit_of_work() as unit:
        for document in unit.session.scalars(select(Document)):
            document.state, document.checked_at = DocumentState.RECEIVED, None
    said = exchange("worker", "--once")
    assert said.code == 0, said.err
    with parts.database.read() as session:
        assert set(session.scalars(select(Document.state))) == {DocumentState.CHECKED}
        connection, store = session.connection(), parts.trail.store
        logs = [record.log_id for record in store.logs(connection)]
        assert len(logs) == 2
        for log_id in logs:
            checkpoint = store.latest_checkpoint(connection, log_id)
            assert checkpoint is not None
            assert checkpoint.tree_size == store.tree_size(connection, log_id)


def test_the_list_of_duties_is_the_promised_one(parts: Parts) -> None:
    names = [found.name for found in duties_of(parts, lambda: True)]
    assert names == [
        "read back",
        "sign checkpoints",
        "ask witnesses",
        "keep checkpoints",
        "check logs",
        "mail checkpoints",
        "deliver mail",
        "look for alerts",
        "compare access",
        "sweep",
        "dispose",
        "roll off",
    ]


def test_reading_back_stops_between_two_documents(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([True, True, False])
    checked: list[bool] = []
    monkeypatch.setattr(worker, "check_next", lambda _parts: checked.append(True) or True)
    duties_of(parts, lambda: next(answers))[0].act()
    assert len(checked) == 2


def test_a_daily_act_is_done_once_a_london_day(parts: Parts) -> None:
    moments = iter(datetime(2026, 7, day, hour, tzinfo=UTC) for day, hour in [(1, 9), (1, 22), (1, 23), (2, 9), (3, 9)])
    days: list[date] = []
    daily = Daily(replace(parts, clock=lambda: next(moments)), days.append)
    for _ in range(5):
        daily()
    assert days == [date(2026, 7, 1), date(2026, 7, 2), date(2026, 7, 3)]


def test_a_daily_act_that_failed_is_tried_again_the_same_day(parts: Parts) -> None:
    tries: list[date] = []

    def fail_once(day: date) -> None:
        tries.append(day)
        if len(tries) == 1:
            raise OSError

    daily = Daily(parts, fail_once)
    with pytest.raises(OSError):  # noqa: PT011  ours, raised above
        daily()
    daily()
    daily()
    assert len(tries) == 2


def test_a_log_that_has_not_grown_is_not_signed_again(parts: Parts) -> None:
    sign_checkpoints(parts)
    sign_checkpoints(parts)
    with parts.database.read() as session:
        assert len(parts.trail.store.checkpoints(session.connection(), trail.SERVICE_LOG)) == 1


def test_a_log_that_was_changed_is_not_signed_raises_an_alarm_and_stops_no_other(parts: Parts) -> None:
    inspection = make_example(parts)
    sign_checkpoints(parts)
    assert parts.settings.sqlite_path is not None
    tamper(parts.settings.sqlite_path, inspection)
    with parts.database.unit_of_work() as unit:
        trail.record(unit, "trail:viewed", actor=trail.HOST, inspection=inspection, details={"filters": []})
        trail.record(unit, "trail:viewed", actor=trail.HOST, details={"filters": []})
    with pytest.raises(Exception, match=inspection):
        sign_checkpoints(parts)
    with parts.database.read() as session:
        alarm = session.scalars(select(Alarm)).one()
        assert (alarm.kind, alarm.subject) == ("log-damaged", inspection)
        signed = {
            record.log_id: parts.trail.store.checkpoints(session.connection(), record.log_id)
            for record in parts.trail.store.logs(session.connection())
        }
    assert len(signed[inspection]) == 1
    assert len(signed[trail.SERVICE_LOG]) == 3


def tamper(database: Path, log_id: str) -> None:
    connection = sqlite3.connect(database)
    connection.execute("DROP TRIGGER audit_entry_refuse_update")
    connection.execute("DROP TRIGGER audit_node_refuse_update")
    connection.execute("UPDATE audit_node SET hash = zeroblob(32) WHERE log_id = ?", (log_id,))
    connection.commit()
    connection.close()


def add_security_records(parts: Parts) -> str:
    with parts.database.unit_of_work() as unit:
        person = Person(id=new_identifier("per"), email="a@example.org", name="A", created_at=unit.now)
        unit.session.add(person)
        unit.session.flush()
        for days, is_ended in [(500, True), (400, False), (300, True), (0, False)]:
            begin_session(unit, person.id, Visitor("192.0.2.1", "browser"), stage=COMPLETE, life=DAY)
            unit.session.flush()
            row = unit.session.scalars(select(SignInSession).order_by(SignInSession.started_at.desc())).first()
            assert row is not None
            row.started_at -= timedelta(days=days)
            row.expires_at -= timedelta(days=days)
            row.ended_at = row.expires_at if is_ended else None
        for days in (600, 10):
            made = unit.now - timedelta(days=days)
            unit.session.add(
                Invitation(
                    id=new_identifier("inv"),
                    token_hash=os.urandom(32),
                    person_id=person.id,
                    purpose="activate",
                    made_at=made,
                    expires_at=made + DAY,
                )
            )
            unit.session.add(AttemptCounter(bucket=f"b{days}", window_start=made, failures=1))
        unit.session.add(AttemptCounter(bucket="now", window_start=unit.now, failures=1))
        return person.id


def test_security_records_roll_off_after_the_period_of_the_schedule_and_live_ones_stay(parts: Parts) -> None:
    person = add_security_records(parts)
    result = roll_off(parts, parts.clock().date())
    assert (result.sessions, result.invitations, result.attempts) == (2, 1, 2)
    with parts.database.read() as session:
        assert session.scalar(select(func.count()).select_from(SignInSession)) == 2
        assert session.scalar(select(func.count()).select_from(Invitation)) == 1
        assert session.scalars(select(AttemptCounter.bucket)).all() == ["now"]
        assert session.get(Person, person) is not None
    assert roll_off(parts, parts.clock().date()).sessions == 0


@contextmanager
def signalled_soon(number: int, started: threading.Event) -> Iterator[None]:
    """Send this process a signal once `started` is set."""

    def send() -> None:
        started.wait(30)
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()
    yield
    sender.join()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_worker_in_the_middle_of_a_duty(parts: Parts, number: int) -> None:
    started, later = threading.Event(), []

    def endless() -> None:
        started.set()
        for _ in range(600):  # a signal between two instructions is seen at the next one, not in the middle of a wait
            threading.Event().wait(0.1)

    before = signal.getsignal(number)
    with signalled_soon(number, started):
        began = time.monotonic()
        code = Worker(parts, [duty("endless", endless), duty("later", lambda: later.append(1))]).run_until_stopped()
    assert code == 0
    assert time.monotonic() - began < 5
    assert later == []
    assert signal.getsignal(number) == before


def test_a_signal_between_two_rounds_ends_the_worker(parts: Parts) -> None:
    for _ in range(300):  # the signal falls now before, now after the wait has begun
        started = threading.Event()
        with signalled_soon(signal.SIGTERM, started):
            assert Worker(parts, [duty("quick", started.set)]).run_until_stopped() == 0


def test_the_worker_process_ends_within_a_second_of_sigterm(parts: Parts, environ: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "exchange", "worker"],
        env={**os.environ, **environ},
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(worker.__file__).parent.parent,
    )
    assert process.stderr is not None
    lines = [process.stderr.readline()]
    assert json.loads(lines[0])["event"] == "started"
    while "disposal run" not in lines[-1]:
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    began = time.monotonic()
    process.terminate()
    rest = process.communicate(timeout=10)[1]
    assert time.monotonic() - began < 1
    assert process.returncode == 0
    assert json.loads(rest.splitlines()[-1])["event"] == "stopped"
