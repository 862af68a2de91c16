"""Alerts: each rule raises its alarm once, with enough said; a worker killed anywhere misses and repeats nothing."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from audit.store import StoredEntry
from exchange import trail
from exchange.access.roles import Role
from exchange.accounts.models import KnownPlace, Person, RefusedPlace
from exchange.accounts.roll_off import roll_off
from exchange.downloads.ranges import Wanted
from exchange.downloads.release import begin_release, end_release
from exchange.errors import InvalidError
from exchange.oversight import alerts
from exchange.oversight.alerts import look_for_alerts
from exchange.oversight.models import AlertFinding, AlertPosition
from exchange.oversight.service import clear_alarm
from exchange.oversight.thresholds import thresholds_of, tune_alerts
from exchange.submissions.models import Alarm
from tests.exchange.inspection_case import Case, tamper

MONDAY_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _midday(clock: Any) -> None:
    clock.now = MONDAY_NOON


def tune(case: Case, **values: int) -> None:
    wanted = {name.replace("__", ".").replace("_", "-"): value for name, value in values.items()}
    with case.parts.database.unit_of_work() as unit:
        tune_alerts(unit, case.parts.alerts, wanted, actor=case.officer)


def open_document(case: Case, document: str, sent: int = 10, role: Role = Role.INSPECTOR) -> None:
    with case.parts.database.unit_of_work() as unit:
        release = begin_release(unit, document, case.people[role], Wanted(0, 21, partial=False)).id
    with case.parts.database.unit_of_work() as unit:
        end_release(unit, release, sent, completed=sent >= 21)


def refuse(case: Case, person: str = "", address: str = "192.0.2.1", log: str = "") -> None:
    details: dict[str, trail.DetailValue] = {
        "permission": "download",
        "reason": "role-does-not-allow",
        "route": "downloads.content",
        "document": None,
    }
    with case.parts.database.unit_of_work() as unit:
        case.parts.places.note_refusal(unit, address)
        actor = person or case.people[Role.CONTRIBUTOR]
        trail.record(unit, "access:refused", actor=actor, inspection=log or None, details=details)


def alarms(case: Case, *kinds: str) -> list[Alarm]:
    with case.parts.database.read() as session:
        found = session.scalars(select(Alarm).order_by(Alarm.raised_at, Alarm.id)).all()
    return [alarm for alarm in found if not kinds or alarm.kind in kinds]


def look(case: Case) -> list[Alarm]:
    look_for_alerts(case.parts)
    return alarms(case)


def documents(case: Case, count: int) -> list[str]:
    return [case.send("1.1", content=f"minutes {number} ".encode().ljust(21)) for number in range(count)]


def test_ordinary_work_raises_nothing(case: Case, clock: Any) -> None:
    for document in documents(case, 5):
        open_document(case, document, 21)
        clock.move(minutes=1)
    refuse(case)
    assert look(case) == []


def test_many_documents_within_an_hour_raise_one_alarm_that_says_how_many_and_when(case: Case, clock: Any) -> None:
    tune(case, volume__documents_hour=3)
    for document in documents(case, 5):
        open_document(case, document)
        clock.move(minutes=10)
    (alarm,) = look(case)
    assert (alarm.kind, alarm.subject, alarm.inspection_id) == (
        "alert-volume", case.people[Role.INSPECTOR], case.inspection,
    )  # fmt: skip
    assert alarm.detail == (
        "3 documents were opened from 12:00 to 12:20 on 23 November 2026. The threshold is 3 documents in an hour."
    )
    assert case.entries("service")[-1].details == {"kind": "alert-volume"}


def test_one_document_opened_again_and_again_is_one_document(case: Case, clock: Any) -> None:
    tune(case, volume__documents_hour=2)
    (document,) = documents(case, 1)
    for _ in range(4):
        open_document(case, document)
        clock.move(minutes=1)
    assert look(case) == []


def test_a_cleared_alarm_does_not_come_back_in_its_window_and_does_in_the_next(case: Case, clock: Any) -> None:
    tune(case, volume__documents_hour=2)
    first, second = documents(case, 2)
    open_document(case, first)
    open_document(case, second)
    (alarm,) = look(case)
    with case.parts.database.unit_of_work() as unit:
        clear_alarm(
            unit, alarm_id=alarm.id, inspection=case.inspection, reason="Agreed with the lead", actor=case.officer
        )
    clock.move(minutes=30)
    open_document(case, first)
    assert len(look(case)) == 1
    clock.move(minutes=31)
    open_document(case, second)
    open_document(case, first)
    assert len(look(case)) == 2


def test_bytes_count_as_they_were_sent(case: Case) -> None:
    tune(case, volume__megabytes_hour=1)
    (document,) = documents(case, 1)
    open_document(case, document, 600_000)
    assert look(case) == []
    open_document(case, document, 400_000)
    (alarm,) = look(case)
    assert alarm.detail.startswith("1 MB were sent from 12:00 to 12:00")


def test_what_one_person_opens_in_two_inspections_is_one_amount_and_belongs_to_the_service(
    case: Case, make_area: Callable[..., Any], parts: Any
) -> None:
    from tests.exchange.inspection_case import case_of  # noqa: PLC0415

    other = case_of(parts, make_area())
    tune(case, volume__documents_hour=2)
    open_document(case, documents(case, 1)[0])
    (elsewhere,) = documents(other, 1)
    with parts.database.unit_of_work() as unit:
        begin_release(unit, elsewhere, case.people[Role.INSPECTOR], Wanted(0, 21, partial=False))
    (alarm,) = look(case)
    assert (alarm.kind, alarm.inspection_id) == ("alert-volume", None)
    assert alarm.detail.startswith("2 documents were opened in 2 inspections from 12:00 to 12:00")


def test_refusals_to_one_person_count_across_every_log_and_an_old_form_does_not(
    case: Case, clock: Any, make_area: Callable[..., Any]
) -> None:
    tune(case, probing__refusals_person=3)
    refuse(case)
    refuse(case, log=case.inspection)
    with case.parts.database.unit_of_work() as unit:
        details: dict[str, trail.DetailValue] = {
            "permission": "csrf", "reason": "form-token", "route": "submissions.upload", "document": None,
        }  # fmt: skip
        trail.record(unit, "access:refused", actor=case.people[Role.CONTRIBUTOR], details=details)
    assert look(case) == []
    clock.move(minutes=29)
    refuse(case, log=make_area().inspection)
    (alarm,) = look(case)
    assert (alarm.kind, alarm.subject, alarm.inspection_id) == ("alert-probing", case.people[Role.CONTRIBUTOR], None)
    assert "3 times something was refused from 12:00 to 12:29" in alarm.detail


def test_refusals_from_one_network_count_together_whoever_asks(case: Case, make_person: Callable[..., Person]) -> None:
    tune(case, probing__refusals_place=4)
    for number in range(3):
        refuse(case, make_person().id, f"198.51.100.{number}")
    refuse(case, make_person().id, "203.0.113.1")
    assert look(case) == []
    refuse(case, make_person().id, "198.51.100.77")
    (alarm,) = look(case)
    assert (alarm.kind, alarm.subject) == ("alert-probing", "service")
    assert "4 times something was refused in one network" in alarm.detail
    assert "198.51.100" not in alarm.detail + alarm.source


def test_a_failed_sign_in_counts_against_its_account(case: Case, client: Any) -> None:
    tune(case, probing__refusals_person=2)
    with case.parts.database.read() as session:
        email = session.get_one(Person, case.people[Role.INSPECTOR]).email
    for _ in range(2):
        client.send("/sign-in", {"email": email, "password": "not the one"})
    (alarm,) = look(case)
    assert (alarm.kind, alarm.subject) == ("alert-probing", case.people[Role.INSPECTOR])


def sign_in_from(case: Case, person: str, address: str) -> None:
    with case.parts.database.unit_of_work() as unit:
        case.parts.places.note_sign_in(unit, person, address)
        trail.record(unit, "sign-in:succeeded", actor=person, subject=person)


def test_a_sign_in_from_a_new_network_is_told_once_and_the_first_of_an_account_never(case: Case, clock: Any) -> None:
    inspector = case.people[Role.INSPECTOR]
    for address in ("192.0.2.1", "192.0.2.200"):
        sign_in_from(case, inspector, address)
        clock.move(minutes=1)
    assert look(case) == []
    for address in ("198.51.100.1", "198.51.100.2", "192.0.2.7"):
        sign_in_from(case, inspector, address)
        clock.move(minutes=1)
    (alarm,) = look(case)
    assert (alarm.kind, alarm.subject, alarm.inspection_id) == ("alert-new-place", inspector, None)
    with case.parts.database.read() as session:
        rows = session.scalars(select(KnownPlace)).all()
    assert len(rows) == 2
    assert all(b"198" not in row.mark + row.salt for row in rows)


def test_one_network_of_two_people_looks_like_two(case: Case) -> None:
    for role in (Role.INSPECTOR, Role.LEAD_INSPECTOR):
        sign_in_from(case, case.people[role], "192.0.2.1")
    with case.parts.database.read() as session:
        assert session.scalar(select(func.count(KnownPlace.mark.distinct()))) == 2
    assert look(case) == []


@pytest.mark.parametrize(
    ("moment", "count"),
    [
        (datetime(2026, 11, 23, 21, 59, tzinfo=UTC), 0),
        (datetime(2026, 11, 23, 22, 1, tzinfo=UTC), 1),
        (datetime(2027, 6, 7, 5, 30, tzinfo=UTC), 0),  # half past six in London's summer
        (datetime(2026, 12, 25, 12, 0, tzinfo=UTC), 1),
        (datetime(2026, 11, 22, 12, 0, tzinfo=UTC), 1),  # a Sunday
    ],
)
def test_a_document_opened_out_of_hours_is_told_once_a_day(
    case: Case, clock: Any, moment: datetime, count: int
) -> None:
    opened = documents(case, 2)
    clock.now = moment
    for document in opened:
        open_document(case, document)
        clock.move(seconds=1)
    found = look(case)
    assert [alarm.kind for alarm in found] == ["alert-out-of-hours"] * count
    assert all(opened[0][-6:].upper() in alarm.detail for alarm in found)


def test_an_alert_that_is_switched_off_raises_nothing(case: Case) -> None:
    tune(case, volume__documents_hour=1, volume__on=0)
    open_document(case, documents(case, 1)[0])
    assert look(case) == []


def test_a_worker_killed_in_the_middle_of_a_look_has_neither_moved_nor_raised(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune(case, volume__documents_hour=2)
    for document in documents(case, 2):
        open_document(case, document)
    raise_alarm = alerts.raise_alarm

    def die_afterwards(*arguments: Any, **named: Any) -> None:
        raise_alarm(*arguments, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(alerts, "raise_alarm", die_afterwards)
    with pytest.raises(KeyboardInterrupt):
        look_for_alerts(case.parts)
    assert alarms(case) == []
    monkeypatch.setattr(alerts, "raise_alarm", raise_alarm)
    assert len(look(case)) == 1
    assert len(look(case)) == 1
    assert case.events("service").count("alarm:raised") == 1


def test_a_look_in_small_batches_finds_the_same_as_one(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "BATCH_ENTRIES", 1)
    monkeypatch.setattr(alerts, "PAGE_ENTRIES", 1)
    tune(case, volume__documents_hour=3, probing__refusals_person=3)
    for document in documents(case, 4):
        open_document(case, document)
        refuse(case)
    assert sorted(alarm.kind for alarm in look(case)) == ["alert-probing", "alert-volume"]
    with case.parts.database.read() as session:
        positions = {row.log_id: row.next_index for row in session.scalars(select(AlertPosition))}
    look(case)
    assert positions[case.inspection] == len(case.entries())


def test_an_entry_that_comes_late_is_counted_with_what_was_seen_already(case: Case, clock: Any) -> None:
    """A log may be looked through before another one that holds something earlier."""
    tune(case, probing__refusals_person=2, probing__minutes=10)
    clock.move(minutes=5)
    refuse(case)
    assert look(case) == []
    clock.now = MONDAY_NOON
    refuse(case, log=case.inspection)
    assert [alarm.kind for alarm in look(case)] == ["alert-probing"]


def test_a_damaged_entry_stops_no_look(case: Case) -> None:
    tune(case, volume__documents_hour=1)
    tamper(case, "UPDATE audit_entry SET entry = :bytes WHERE log_id = :log AND leaf_index = 0", bytes=b"{}")
    open_document(case, documents(case, 1)[0])
    assert [alarm.kind for alarm in look(case)] == ["alert-volume"]


def test_tuning_records_old_and_new_and_refuses_what_contradicts(case: Case) -> None:
    tune(case, volume__documents_hour=7, volume__documents_day=400)
    assert case.entries("service")[-1].details == {"setting": "volume.documents-hour", "old": 150, "new": 7}
    assert case.events("service").count("alert:tuned") == 1
    tune(case, volume__documents_hour=8)
    with pytest.raises(InvalidError) as refused:
        tune(case, out_of_hours__from=22)
    assert refused.value.field == "out-of-hours.to"
    with case.parts.database.read() as session:
        values = thresholds_of(session, case.parts.alerts)
    assert (values["volume.documents-hour"], values["out-of-hours.from"]) == (8, 6)


def test_refused_networks_are_forgotten_after_two_days_and_known_ones_with_their_class(case: Case, clock: Any) -> None:
    refuse(case)
    sign_in_from(case, case.people[Role.INSPECTOR], "192.0.2.1")
    clock.move(days=3)
    roll_off(case.parts, clock.now.date())
    with case.parts.database.read() as session:
        assert session.scalar(select(func.count()).select_from(RefusedPlace)) == 0
        assert session.scalar(select(func.count()).select_from(KnownPlace)) == 1
    clock.move(days=400)
    assert roll_off(case.parts, clock.now.date()).places == 1


def test_old_findings_go_when_new_ones_come(case: Case, clock: Any) -> None:
    tune(case, volume__documents_hour=1, out_of_hours__on=0, volume__documents_day=100000)
    (document,) = documents(case, 1)
    open_document(case, document)
    look(case)
    clock.move(days=40)
    open_document(case, document)
    assert len(look(case)) == 2
    with case.parts.database.read() as session:
        assert session.scalar(select(func.count()).select_from(AlertFinding)) == 1


def test_what_is_read_is_an_entry(case: Case) -> None:
    assert alerts._read(StoredEntry("log", 0, b"no entry", b"")) is None  # type: ignore[arg-type]  # an index as stored


def test_two_workers_at_once_raise_one_alarm(case: Case) -> None:
    tune(case, volume__documents_hour=2)
    for document in documents(case, 2):
        open_document(case, document)
    together = threading.Barrier(2)

    def work() -> None:
        together.wait()
        look_for_alerts(case.parts)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [alarm.kind for alarm in alarms(case)] == ["alert-volume"]
    assert case.events("service").count("alarm:raised") == 1


def test_the_alarms_page_says_what_was_seen_and_leads_to_what_the_person_did(
    case: Case, app: Any, area: Any, sign_in: Callable[..., Any]
) -> None:
    tune(case, volume__documents_hour=1)
    open_document(case, documents(case, 1)[0])
    look(case)
    officer = sign_in(app.test_client(), area.people[Role.DATA_PROTECTION_OFFICER])
    page = officer.get(f"{area.path}/alarms").text
    assert "1 document was opened" in page
    assert "Inspector Example" in page
    person = case.people[Role.INSPECTOR]
    assert f"{area.path}/opened-by?person={person}" in page
    assert f"{area.path}/trail?person={person}" in page


def test_a_flood_of_refusals_from_one_network_is_read_once_for_a_batch(case: Case, clock: Any) -> None:
    tune(case, probing__refusals_place=10, probing__refusals_person=100)
    for _ in range(30):
        refuse(case)
        clock.move(seconds=1)
    asked: list[str] = []
    engine = case.parts.database.engine
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    (alarm,) = look(case)
    assert alarm.kind == "alert-probing"
    assert "in one network" in alarm.detail
    assert len([one for one in asked if "FROM refused_place" in one and one.startswith("SELECT")]) == 1


def test_the_database_takes_entries_while_a_long_day_is_looked_through(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune(case, volume__documents_hour=1)
    open_document(case, documents(case, 1)[0])
    whole = alerts.Look.broken

    def slowly(look: alerts.Look) -> list[alerts.Broken]:
        refuse(case)  # SQLite has one writer: were it held, this would wait for ever
        return whole(look)

    with monkeypatch.context() as patched:
        patched.setattr(alerts.Look, "broken", slowly)
        look_for_alerts(case.parts)
    assert [alarm.kind for alarm in alarms(case)] == ["alert-volume"]


def test_what_another_worker_looked_through_meanwhile_is_not_told_twice(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune(case, volume__documents_hour=1)
    open_document(case, documents(case, 1)[0])
    whole, others = alerts.Look.broken, [1]

    def overtaken(look: alerts.Look) -> list[alerts.Broken]:
        if others:
            others.pop()
            look_for_alerts(case.parts)
        return whole(look)

    monkeypatch.setattr(alerts.Look, "broken", overtaken)
    look_for_alerts(case.parts)
    assert [alarm.kind for alarm in alarms(case)] == ["alert-volume"]
    assert case.events("service").count("alarm:raised") == 1
