"""The pages of retention through a real client: due days and why, holds, certificates."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from exchange.access.roles import Role
from exchange.retention.service import run_disposal
from tests.exchange.inspection_case import Case

LONG_AFTER = date(2027, 10, 4)
PAGES = ("disposal", "holds", "holds/place")


@pytest.fixture
def browser(app: Any, area: Any, sign_in: Callable[..., Any]) -> Callable[[Role], Any]:
    return lambda role: sign_in(app.test_client(), area.people[role])


@pytest.fixture
def officer(browser: Callable[[Role], Any]) -> Any:
    return browser(Role.DATA_PROTECTION_OFFICER)


def test_each_document_shows_its_day_and_why(case: Case, officer: Any, area: Any) -> None:
    case.send("1.6", name="Child register.txt")
    page = officer.get(f"{area.path}/disposal").text
    assert "Disposed of on 22 January 2027" in page
    assert "Class A: 60 days after the inspection was notified." in page
    assert "No record says that fieldwork ended, so the backstop decides." in page
    assert "Child register" not in page


def test_what_is_due_is_said_to_be(case: Case, officer: Any, area: Any) -> None:
    case.send("1.6")
    case.set_dates(fieldwork_ended_on=date(2026, 11, 2))
    page = officer.get(f"{area.path}/disposal").text
    assert "1 document is due now" in page
    assert "Due now" in page
    assert "Due since 16 November 2026" in page


def test_a_hold_is_placed_shown_and_lifted(case: Case, officer: Any, area: Any) -> None:
    document = case.send("1.6")
    case.set_dates(fieldwork_ended_on=date(2026, 11, 2))
    assert "section 77 of the Freedom of Information Act 2000" in officer.get(f"{area.path}/holds/place").text
    fields = {"covers": document, "ground": "foi", "reason": "Request 12"}
    answer = officer.send(f"{area.path}/holds/place", fields)
    assert (answer.status_code, answer.location) == (303, f"{area.path}/holds")
    assert "On hold" in officer.get(f"{area.path}/disposal").text
    page = officer.get(f"{area.path}/holds").text
    assert "Request 12" in page
    assert "Standing" in page
    lift = page.split(f"{area.path}/holds/")[2].split("/lift")[0]
    assert "cannot be brought back" in officer.get(f"{area.path}/holds/{lift}/lift").text
    assert officer.send(f"{area.path}/holds/{lift}/lift", {"reason": "Answered"}).status_code == 303
    assert "Lifted" in officer.get(f"{area.path}/holds").text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"covers": "inspection", "reason": "x"}, "Choose why disposal must stop"),
        ({"covers": "inspection", "ground": "foi", "reason": "  "}, "Enter a reason"),
        ({"covers": "doc_of_elsewhere", "ground": "foi", "reason": "x"}, "Not a valid choice"),
    ],
)
def test_a_hold_that_cannot_be_taken_says_why(officer: Any, area: Any, fields: dict[str, str], message: str) -> None:
    page = officer.send(f"{area.path}/holds/place", fields)
    assert page.status_code == 400
    assert message in page.text


def test_a_certificate_says_what_went_when_and_why_and_no_name(case: Case, officer: Any, area: Any) -> None:
    document = case.send("1.1", "1.4", name="Child A minutes.txt")
    digest = case.document(document).sha256
    assert officer.get(f"{area.path}/documents/{document}/certificate").status_code == 404
    run_disposal(case.parts, LONG_AFTER)
    page = officer.get(f"{area.path}/documents/{document}/certificate").text
    assert digest in page.replace("<wbr>", "")
    assert "C: 240 days after the inspection was notified" in page
    assert "The service’s worker" in page
    assert "overwritten, by 28 December 2026 at the latest" in page
    assert "Child A" not in page
    assert "A title to be erased" not in page
    assert "Disposed of" in officer.get(f"{area.path}/disposal").text


@pytest.mark.parametrize("role", [Role.INSPECTOR, Role.NOMINATED_OFFICER, Role.CONTRIBUTOR, Role.LEAD_INSPECTOR])
def test_nobody_but_the_officer_comes_in(role: Role, browser: Callable[[Role], Any], area: Any) -> None:
    visitor = browser(role)
    assert {visitor.get(f"{area.path}/{page}").status_code for page in PAGES} == {403}


def test_a_hold_or_certificate_of_elsewhere_is_not_found(officer: Any, area: Any) -> None:
    nobody = "0" * 26
    assert officer.get(f"{area.path}/holds/hol_{nobody}/lift").status_code == 404
    assert officer.get(f"{area.path}/documents/doc_{nobody}/certificate").status_code == 404
