"""The pages of oversight through a real client: who may see what, what each shows, and what each records."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from exchange.access.roles import Role
from exchange.inspections.models import Membership
from exchange.oversight import queries
from exchange.oversight.service import raise_alarm
from exchange.submissions.models import Alarm
from exchange.submissions.receiving import record_refused
from tests.exchange.inspection_case import Case, tamper

OFFICER_PAGES = ("trail", "trail/evidence", "alarms", "access")
SERVICE_PAGES = ("/service/trail", "/service/trail/evidence", "/service/alarms")


@pytest.fixture
def browser(app: Any, area: Any, sign_in: Callable[..., Any]) -> Callable[[Role], Any]:
    """A browser of its own for the person with this role in the inspection."""
    return lambda role: sign_in(app.test_client(), area.people[role])


@pytest.fixture
def officer(browser: Callable[[Role], Any]) -> Any:
    return browser(Role.DATA_PROTECTION_OFFICER)


@pytest.fixture
def service_officer(app: Any, make_person: Callable[..., Any], sign_in: Callable[..., Any]) -> Any:
    return sign_in(app.test_client(), make_person(Role.DATA_PROTECTION_OFFICER, name="Service Officer"))


def test_the_officer_reads_the_trail_and_the_look_is_in_it(case: Case, officer: Any, area: Any) -> None:
    case.send("1.1")
    page = officer.get(f"{area.path}/trail")
    assert page.status_code == 200
    assert "Nominated officer Example submitted document" in page.text
    assert "viewed the trail, filtered by: nothing named" in page.text
    assert case.entries()[-1].event == "trail:viewed"


def test_filters_stay_in_the_address_and_only_their_names_are_recorded(
    case: Case, officer: Any, area: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PAGE_ENTRIES", 1)
    case.send("1.1")
    case.send("1.1", content=b"more\n")
    person = case.people[Role.NOMINATED_OFFICER]
    page = officer.get(f"{area.path}/trail?person={person}&item=1.1&since-day=1&since-month=1&since-year=2026")
    assert f"person={person}&amp;item=1.1&amp;since-day=1" in page.text
    assert "Older entries" in page.text
    assert case.entries()[-1].details == {"filters": ("person", "item", "since")}


def test_a_date_that_is_none_is_shown_beside_its_field(officer: Any, area: Any) -> None:
    page = officer.get(f"{area.path}/trail?since-day=31&since-month=2&since-year=2026")
    assert page.status_code == 400
    assert "<title>Error: " in page.text
    assert page.text.count("‘From’ must be a real date") == 2


def test_a_refusal_is_marked_in_words(officer: Any, browser: Callable[[Role], Any], area: Any) -> None:
    assert browser(Role.INSPECTOR).get(f"{area.path}/trail").status_code == 403
    page = officer.get(f"{area.path}/trail?event=every-refusal")
    assert "Refused" in page.text
    assert "Inspector Example tried to read the trail and was refused: their role does not allow it." in page.text


def test_a_refused_file_is_told_in_words_and_not_by_its_code(officer: Any, area: Any, parts: Any) -> None:
    sender = area.people[Role.NOMINATED_OFFICER].id
    record_refused(parts, area.inspection, sender, ["1.1"], "held-kind")
    page = officer.get(f"{area.path}/trail?event=every-refusal")
    assert "sent for 1.1 was refused: files of its kind are not taken." in page.text


@pytest.mark.parametrize("role", [Role.INSPECTOR, Role.NOMINATED_OFFICER, Role.CONTRIBUTOR, Role.LEAD_INSPECTOR])
def test_nobody_but_the_officer_comes_in(role: Role, browser: Callable[[Role], Any], area: Any) -> None:
    visitor = browser(role)
    answers = {page: visitor.get(f"{area.path}/{page}").status_code for page in OFFICER_PAGES}
    assert answers == {**dict.fromkeys(OFFICER_PAGES, 403), "access": 200 if role is Role.LEAD_INSPECTOR else 403}


def test_an_officer_of_elsewhere_finds_nothing(service_officer: Any, area: Any) -> None:
    assert {service_officer.get(f"{area.path}/{page}").status_code for page in OFFICER_PAGES} == {404}


def test_verify_now_shows_what_was_proved(case: Case, officer: Any, area: Any) -> None:
    size = len(case.entries())
    page = officer.send(f"{area.path}/trail/verify", form_at=f"{area.path}/trail")
    assert page.status_code == 200
    assert "The log is whole" in page.text
    assert f"{size + 1} entries were checked" in page.text
    assert "What a check here cannot prove" in page.text


def test_verify_now_names_the_first_bad_index(case: Case, officer: Any, area: Any) -> None:
    officer.send(f"{area.path}/trail/verify", form_at=f"{area.path}/trail")
    tamper(case, "UPDATE audit_entry SET entry = :bytes WHERE log_id = :log AND leaf_index = 2", bytes=b"{}")
    page = officer.send(f"{area.path}/trail/verify", form_at=f"{area.path}/trail")
    assert "An entry was altered. The first bad index is 2." in page.text
    assert "1 alarm is not cleared" in officer.get(f"{area.path}/trail").text


def test_a_trail_that_cannot_record_the_look_shows_nothing_but_the_way_to_verify(
    case: Case, officer: Any, area: Any
) -> None:
    for _ in range(4):
        officer.get(f"{area.path}/trail")
    tamper(case, "DELETE FROM audit_node WHERE log_id = :log")
    while "The log takes no entry" not in (page := officer.get(f"{area.path}/trail").text):
        assert len(case.entries()) < 64, "the log goes on taking entries over lost nodes"
    assert "submitted" not in page
    assert "Verify the log now" in page
    shown = officer.send(f"{area.path}/trail/verify", form_at=f"{area.path}/trail")
    assert "The log is damaged" in shown.text


def test_evidence_comes_as_a_zip_with_safe_headers(officer: Any, area: Any) -> None:
    answer = officer.get(f"{area.path}/trail/evidence")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="evidence-{area.inspection}.zip"'
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "entries.jsonl" in zipfile.ZipFile(io.BytesIO(answer.data)).namelist()


def test_who_has_and_had_access_is_shown_and_recorded(
    case: Case, officer: Any, browser: Callable[[Role], Any], area: Any, clock: Any
) -> None:
    lead = browser(Role.LEAD_INSPECTOR)
    clock.move(minutes=5)
    with case.parts.database.read() as session:
        membership = session.scalar(select(Membership.id).where(Membership.role == Role.INSPECTOR))
    lead.send(f"{area.path}/members/{membership}/remove", form_at=f"{area.path}/members")
    page = officer.get(f"{area.path}/access")
    assert "Items 1.1, 1.4" in page.text
    assert "ended by Lead Example" in page.text
    assert case.entries()[-1].event == "access-list:viewed"


def test_an_alarm_is_listed_and_cleared_with_a_reason(case: Case, officer: Any, area: Any) -> None:
    with case.parts.database.unit_of_work() as unit:
        raise_alarm(unit, kind="disposal-failed", inspection=case.inspection, subject=case.inspection)
    with case.parts.database.read() as session:
        alarm = session.scalars(select(Alarm.id)).one()
    assert "could not be disposed of" in officer.get(f"{area.path}/alarms").text
    empty = officer.send(f"{area.path}/alarms/{alarm}/clear", {"reason": ""})
    assert (empty.status_code, "Enter what was found" in empty.text) == (400, True)
    answer = officer.send(f"{area.path}/alarms/{alarm}/clear", {"reason": "Disk replaced"})
    assert (answer.status_code, answer.location) == (303, f"{area.path}/alarms")
    assert "Disk replaced" in officer.get(f"{area.path}/alarms").text


def test_the_services_trail_belongs_to_the_services_officer(
    case: Case, service_officer: Any, officer: Any, browser: Callable[[Role], Any]
) -> None:
    assert {service_officer.get(page).status_code for page in SERVICE_PAGES} == {200}
    assert {officer.get(page).status_code for page in SERVICE_PAGES} == {403}
    assert {browser(Role.LEAD_INSPECTOR).get(page).status_code for page in SERVICE_PAGES} == {403}
    page = service_officer.send("/service/trail/verify", form_at="/service/trail")
    assert "The log is whole" in page.text
    assert "Service Officer signed in" in service_officer.get("/service/trail").text
    assert case.entries("service")[-1].event == "trail:viewed"


def test_an_alarm_of_the_service_is_cleared_by_its_officer(case: Case, service_officer: Any) -> None:
    with case.parts.database.unit_of_work() as unit:
        raise_alarm(unit, kind="log-damaged", inspection=None, subject="service")
    with case.parts.database.read() as session:
        alarm = session.scalars(select(Alarm.id)).one()
    assert service_officer.send(f"/service/alarms/{alarm}/clear", {"reason": "Restored"}).status_code == 303
    assert case.events("service")[-1] == "alarm:cleared"


@pytest.mark.parametrize("page", ["access", "trail/evidence", "opened?item=1.1", "log/checkpoint"])
def test_a_page_whose_look_cannot_be_recorded_says_why_and_shows_nothing(
    case: Case, app: Any, officer: Any, area: Any, page: str
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    officer.get(f"{area.path}/trail/evidence").close()
    tamper(case, "DELETE FROM audit_entry WHERE log_id = :log AND leaf_index >= 3")
    tamper(case, "DELETE FROM audit_node WHERE log_id = :log")
    answer = officer.get(f"{area.path}/{page}")
    assert answer.status_code == 500
    assert "The log is not as it was written" in answer.text
    assert "Inspector Example" not in answer.text
