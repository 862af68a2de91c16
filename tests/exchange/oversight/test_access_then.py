"""Who has access now and who had it then: two computations, compared, and an alarm where they differ."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from audit.errors import AuditError
from exchange.access.roles import Role
from exchange.accounts.sessions import load_actor
from exchange.errors import InvalidError
from exchange.inspections import team
from exchange.inspections.models import Inspection, Membership
from exchange.oversight.access_check import check_access
from exchange.oversight.access_then import Compared, compare_access
from exchange.oversight.moment_field import fields_of, parse_moment
from exchange.submissions.models import Alarm
from tests.exchange.inspection_case import Case, tamper

START = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def compared(case: Case, inspection: str | None = "") -> Compared:
    with case.parts.database.read() as session:
        return compare_access(session, case.parts.trail.store, case.inspection if inspection == "" else inspection)


def remove(case: Case, role: Role) -> None:
    giver = case.people[Role.NOMINATED_OFFICER if role is Role.CONTRIBUTOR else Role.LEAD_INSPECTOR]
    with case.parts.database.unit_of_work() as unit:
        row = unit.session.scalars(
            select(Membership).where(Membership.person_id == case.people[role], Membership.ended_at.is_(None))
        ).one()
        inspection = unit.session.get_one(Inspection, case.inspection)
        team.remove_member(unit, inspection, actor=load_actor(unit.session, giver), membership_id=row.id)


def held(case: Case, moment: datetime) -> set[tuple[str, str]]:
    at = compared(case).at(moment)
    assert set(at.records) == set(at.log)
    return {(span.person, span.what) for span in at.records}


def change(case: Case, statement: str, **values: object) -> None:
    with case.parts.database.engine.execution_options(write=True).begin() as connection:
        connection.execute(text(statement), {"inspection": case.inspection, **values})


def alarms(case: Case) -> list[Alarm]:
    with case.parts.database.read() as session:
        return list(session.scalars(select(Alarm).where(Alarm.kind == "access-differs")))


def test_records_and_log_agree_on_who_had_what_before_and_after_it_ended(case: Case, clock: Any) -> None:
    contributor = case.people[Role.CONTRIBUTOR]
    clock.move(hours=1)
    remove(case, Role.CONTRIBUTOR)
    assert {what for person, what in held(case, START) if person == contributor} == {"contributor", "1.1", "1.4"}
    assert {what for person, what in held(case, clock.now) if person == contributor} == set()
    assert {what for person, what in held(case, clock.now - MINUTE) if person == contributor} == {
        "contributor", "1.1", "1.4",
    }  # fmt: skip
    assert held(case, START - MINUTE) == set()
    assert not compared(case).differs


def test_a_role_given_again_is_a_span_of_its_own(case: Case, clock: Any) -> None:
    clock.move(hours=1)
    remove(case, Role.INSPECTOR)
    clock.move(hours=1)
    with case.parts.database.unit_of_work() as unit:
        inspection = unit.session.get_one(Inspection, case.inspection)
        actor = load_actor(unit.session, case.lead)
        email = unit.session.execute(
            text("SELECT email FROM person WHERE id = :id"), {"id": case.people[Role.INSPECTOR]}
        ).scalar_one()
        team.add_member(unit, inspection, actor=actor, email=email, role=Role.INSPECTOR)
    spans = [span for span in compared(case).log if span.what == "inspector"]
    assert [(span.since, span.until) for span in sorted(spans)] == [
        (START, START + timedelta(hours=1)),
        (START + timedelta(hours=2), None),
    ]
    assert not compared(case).differs


INSERT = (
    "INSERT INTO membership (inspection_id, person_id, role, granted_at, granted_by, ended_by)"
    " VALUES (:inspection, :person, 'lead-inspector', :now, :person, '')"
)
BEHIND = {
    "a membership without its entry": (INSERT, (1, 0)),
    "a membership that was removed": ("DELETE FROM membership WHERE person_id = :person", (0, 1)),
    "a membership that was ended": ("UPDATE membership SET ended_at = :now WHERE person_id = :person", (1, 1)),
    "a membership that was moved back in time": (
        "UPDATE membership SET granted_at = :before WHERE person_id = :person",
        (1, 1),
    ),
    "a role that was exchanged": ("UPDATE membership SET role = 'lead-inspector' WHERE person_id = :person", (1, 1)),
}


@pytest.mark.parametrize("how", BEHIND)
def test_access_that_was_changed_behind_the_log_differs_and_raises_one_alarm(case: Case, how: str) -> None:
    statement, (records, log) = BEHIND[how]
    before = START - timedelta(days=9)
    values = {"person": case.people[Role.INSPECTOR], "now": START.replace(tzinfo=None), "before": before}
    used = {name: value for name, value in values.items() if f":{name}" in statement}
    if case.parts.database.engine.dialect.name == "sqlite":
        used = {name: str(value)[:19] + ".000000" if name != "person" else value for name, value in used.items()}
    change(case, statement, **used)
    found = compared(case)
    assert (len(found.only_records), len(found.only_log)) == (records, log)
    for _ in range(2):
        assert check_access(case.parts, [case.inspection]) == 1
    (alarm,) = alarms(case)
    assert (alarm.inspection_id, alarm.subject) == (case.inspection, case.inspection)
    assert f"{records} only in the records, {log} only in the log" in alarm.detail


def test_a_role_across_the_service_without_its_entry_differs(case: Case) -> None:
    assert [span.what for span in compared(case, None).only_records] == ["lead-inspector"]  # made by the test, not by
    assert check_access(case.parts, ["service"]) == 1  # the service
    assert [alarm.inspection_id for alarm in alarms(case)] == [None]


def test_an_end_after_the_log_was_closed_is_confirmed_by_the_service(case: Case, clock: Any) -> None:
    case.set_dates(fieldwork_ended_on=START.date(), report_issued_on=START.date())
    with case.parts.database.unit_of_work() as unit:
        from exchange import trail  # noqa: PLC0415

        trail.record(unit, "log:closed", actor=trail.WORKER, inspection=case.inspection)
    clock.move(hours=1)
    remove(case, Role.INSPECTOR)
    assert "closed-log:acted" in case.events("service")
    assert not compared(case).differs
    change(case, "UPDATE membership SET ended_at = granted_at WHERE ended_at IS NOT NULL")
    assert compared(case).differs


def test_a_log_that_cannot_be_read_raises_no_alarm_about_access(case: Case) -> None:
    tamper(case, "UPDATE audit_entry SET entry = :bytes WHERE log_id = :log AND event = 'member:added'", bytes=b"{}")
    with pytest.raises(AuditError):
        compared(case)
    assert check_access(case.parts, [case.inspection]) == 0


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ({"day": "1", "month": "7", "year": "2026", "time": "9:30am"}, datetime(2026, 7, 1, 8, 30, tzinfo=UTC)),
        ({"day": "1", "month": "12", "year": "2026", "time": "14.05"}, datetime(2026, 12, 1, 14, 5, tzinfo=UTC)),
        ({"day": "1", "month": "12", "year": "2026", "time": "12am"}, datetime(2026, 12, 1, 0, 0, tzinfo=UTC)),
        ({"day": "1", "month": "12", "year": "2026", "time": "12 PM"}, datetime(2026, 12, 1, 12, 0, tzinfo=UTC)),
        ({"day": "1", "month": "12", "year": "2026"}, datetime(2026, 12, 1, 23, 59, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_as_london_time_to_the_end_of_its_minute(typed: dict[str, str], moment: datetime) -> None:
    found = parse_moment(typed)
    assert found is not None
    assert found.replace(second=0, microsecond=0) == moment
    assert parse_moment(fields_of(found)) == found


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"day": "31", "month": "2", "year": "2026"}, "day"),
        ({"time": "9:30"}, "day"),
        ({"day": "1", "month": "1", "year": "1999"}, "day"),
        ({"day": "1", "month": "1", "year": "2026", "time": "24:00"}, "time"),
        ({"day": "1", "month": "1", "year": "2026", "time": "13pm"}, "time"),
        ({"day": "1", "month": "1", "year": "2026", "time": "noon"}, "time"),
        ({"day": "1", "month": "1", "year": "2026", "time": "9:75"}, "time"),
    ],
)
def test_a_moment_that_is_none_is_said_so(typed: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        parse_moment(typed)
    assert refused.value.field == field


AUTUMN = {"day": "25", "month": "10", "year": "2026"}


@pytest.mark.parametrize(
    ("time", "moment"),
    [
        ("1:30am BST", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("01:30 gmt", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2am", datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
        ("00:59 BST", datetime(2026, 10, 24, 23, 59, tzinfo=UTC)),
    ],
)
def test_both_moments_of_an_hour_that_comes_twice_can_be_asked_about(time: str, moment: datetime) -> None:
    found = parse_moment({**AUTUMN, "time": time})
    assert found is not None
    assert found.replace(second=0, microsecond=0) == moment
    assert parse_moment(fields_of(found)) == found


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({**AUTUMN, "time": "1:30am"}, "came twice"),
        ({**AUTUMN, "time": "3am BST"}, "did not show BST"),
        ({"day": "29", "month": "3", "year": "2026", "time": "01:30"}, "no such time"),
    ],
)
def test_a_time_that_the_clocks_skipped_or_showed_twice_is_asked_for_again(typed: dict[str, str], said: str) -> None:
    """Otherwise somebody who had access in one of the two hours would not be among those who are shown."""
    with pytest.raises(InvalidError, match=said) as refused:
        parse_moment(typed)
    assert refused.value.field == "time"


def test_no_moment_is_none() -> None:
    assert parse_moment({"day": " "}) is None


@pytest.fixture
def officer(app: Any, area: Any, sign_in: Callable[..., Any]) -> Any:
    return sign_in(app.test_client(), area.people[Role.DATA_PROTECTION_OFFICER])


def test_the_page_shows_a_past_moment_and_every_difference(case: Case, officer: Any, area: Any, clock: Any) -> None:
    clock.move(minutes=10)
    remove(case, Role.INSPECTOR)
    page = officer.get(f"{area.path}/access?day=23&month=11&year=2026&time=9:35am").text
    assert "both say the same, for this moment and for every other" in page
    then = page.split("Who had access on Monday 23 November 2026 at 9:35am")[1]
    assert "Inspector Example" in then.split("</table>")[0]
    change(case, "DELETE FROM membership WHERE person_id = :person", person=case.people[Role.INSPECTOR])
    page = officer.get(f"{area.path}/access").text
    assert "The records and the log disagree about access" in page
    assert "In the log, and the records do not say it" in page
    assert alarms(case) == []  # a look changes nothing; the worker raises it


def test_a_moment_in_the_future_and_one_that_is_none_are_refused_beside_their_fields(officer: Any, area: Any) -> None:
    for query, said in (("day=40", "The date must be a real date"), ("day=1&month=1&year=2090", "now or in the past")):
        page = officer.get(f"{area.path}/access?{query}")
        assert page.status_code == 400
        assert page.text.count(said) == 2


def test_the_service_says_who_has_and_had_a_role_across_it(
    app: Any, make_person: Callable[..., Any], sign_in: Callable[..., Any]
) -> None:
    browser = sign_in(app.test_client(), make_person(Role.DATA_PROTECTION_OFFICER, name="Service Officer"))
    page = browser.get("/service/access").text
    assert "Service Officer" in page
    assert "In the records, and no entry of the log tells of it" in page  # the test gave the role, not the service
    early = browser.get("/service/access?day=1&month=1&year=2026").text
    assert "Nobody had access on" in early
