"""The register of breaches: every step commits to words kept beside the log; the page tells who saw what."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from audit.entry import time_text
from audit.vocabulary import commit_to
from exchange.access.roles import Role
from exchange.disclosure import breach as register
from exchange.disclosure.breach import Facts
from exchange.disclosure.models import Breach, BreachStep
from exchange.errors import ConflictError, InvalidError, NotFoundError
from exchange.retention.service import run_disposal
from tests.exchange.disclosure.conftest import Release
from tests.exchange.inspection_case import Case, case_of

WORDS = "A list was opened at home"


@pytest.fixture
def document(case: Case) -> str:
    return case.send("1.1", content=b"z" * 50)


def facts(case: Case, *documents: str, **given: Any) -> Facts:
    return Facts(
        given.get("aware_at", case.parts.clock() - timedelta(hours=2)),
        given.get("happened", WORDS),
        given.get("children"),
        documents,
    )


def record(case: Case, *documents: str, **given: Any) -> str:
    with case.parts.database.unit_of_work() as unit:
        told = facts(case, *documents, **given)
        return register.record_breach(unit, inspection_id=case.inspection, facts=told, actor=case.officer).id


def act(case: Case, breach: str, do: Callable[..., None], **given: Any) -> None:
    with case.parts.database.unit_of_work() as unit:
        found = register.find_breach(unit.session, case.inspection, breach, locked=True)
        do(unit, found, actor=case.officer, **given)


def close_it(case: Case, breach: str) -> None:
    act(case, breach, register.decide_not_to_report, words="Nobody took it")
    act(case, breach, register.close_breach, reason="Done")


def test_recording_is_an_entry_with_counts_and_a_commitment_and_no_words(case: Case, document: str) -> None:
    breach = record(case, document, children=12)
    entry = case.entries()[-1]
    assert entry.event == "breach:recorded"
    aware = case.parts.clock() - timedelta(hours=2)
    assert {**entry.details, "commitment": None} == {
        "breach": breach,
        "aware_at": time_text(aware),
        "documents": 1,
        "commitment": None,
    }
    assert WORDS.encode() not in entry.encode()


def test_every_step_opens_its_commitment(case: Case, document: str, rows: Callable[[Any], list[Any]]) -> None:
    breach = record(case)
    now = case.parts.clock()
    act(case, breach, register.change_breach, facts=facts(case, document, children=3))
    act(case, breach, register.report_breach, told_at=now, words="IC-1")
    act(case, breach, register.tell_people, told_at=now, words="The family, by telephone")
    act(case, breach, register.close_breach, reason="The laptop is back")
    entries = [entry for entry in case.entries() if entry.event.startswith("breach:")]
    steps = rows(BreachStep)
    assert [entry.event for entry in entries] == [
        "breach:recorded",
        "breach:changed",
        "breach:reported",
        "breach:reported",
        "breach:closed",
    ]
    assert [commit_to(step.said, step.salt) for step in steps] == [entry.details["commitment"] for entry in entries]
    assert len({step.salt for step in steps}) == len(steps)
    assert entries[1].details["parts"] == ("children", "documents")
    assert [entry.details["told"] for entry in entries[2:4]] == ["commissioner", "people-affected"]


def test_nothing_of_an_earlier_step_is_lost_by_a_change(case: Case, rows: Callable[[Any], list[Any]]) -> None:
    breach = record(case, happened="First words")
    act(case, breach, register.change_breach, facts=facts(case, happened="Second words"))
    assert [json.loads(step.said)["happened"] for step in rows(BreachStep)] == ["First words", "Second words"]
    assert [row.happened for row in rows(Breach)] == ["Second words"]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "nothing happened": ({"happened": " \n "}, "happened"),
    "too long": ({"happened": "x" * 10_001}, "happened"),
    "in the future": ({"aware_at": datetime(2030, 1, 1, tzinfo=UTC)}, "aware_at"),
    "fewer than none": ({"children": -1}, "children"),
    "more than there are": ({"children": 10**7}, "children"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_recorded_is_told_and_leaves_nothing(
    case: Case, rows: Callable[[Any], list[Any]], name: str
) -> None:
    given, field = WRONG[name]
    before = case.events()
    with pytest.raises(InvalidError) as refused:
        record(case, **given)
    assert refused.value.field == field
    assert case.events() == before
    assert rows(Breach) == []


def test_a_document_of_another_inspection_is_not_found(case: Case, make_area: Any) -> None:
    elsewhere = case_of(case.parts, make_area(name="Other Area")).send("1.1")
    with pytest.raises(NotFoundError):
        record(case, elsewhere)


def test_a_change_that_changes_nothing_is_refused(case: Case) -> None:
    breach = record(case)
    with pytest.raises(InvalidError, match="Nothing differs"):
        act(case, breach, register.change_breach, facts=facts(case))


def test_a_report_cannot_lie_in_the_future_or_before_anybody_was_aware(case: Case) -> None:
    breach, now = record(case), case.parts.clock()
    for told_at in (now + timedelta(minutes=1), now - timedelta(hours=3)):
        with pytest.raises(InvalidError) as refused:
            act(case, breach, register.report_breach, told_at=told_at, words="IC-1")
        assert refused.value.field == "told_at"


def test_a_breach_is_closed_only_when_it_says_whether_it_was_reported(case: Case) -> None:
    breach = record(case)
    with pytest.raises(InvalidError, match="Record first whether"):
        act(case, breach, register.close_breach, reason="Done")
    close_it(case, breach)
    for do, given in (
        (register.change_breach, {"facts": facts(case, children=1)}),
        (register.report_breach, {"told_at": case.parts.clock(), "words": "x"}),
        (register.tell_people, {"told_at": case.parts.clock(), "words": "x"}),
        (register.decide_not_to_report, {"words": "x"}),
        (register.close_breach, {"reason": "again"}),
    ):
        with pytest.raises(ConflictError, match="closed"):
            act(case, breach, do, **given)  # type: ignore[arg-type]


def test_what_was_reported_is_not_decided_away(case: Case) -> None:
    breach = record(case)
    act(case, breach, register.report_breach, told_at=case.parts.clock(), words="IC-1")
    with pytest.raises(ConflictError, match="was reported"):
        act(case, breach, register.decide_not_to_report, words="No risk")


def words_of(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_the_page_tells_what_whose_how_many_and_who_saw_it(
    case: Case, document: str, release: Release, officer: Any, area: Any
) -> None:
    release(Role.INSPECTOR, document, 0, 50)
    breach = record(case, document)
    page = officer.get(f"{area.path}/breaches/{breach}")
    said = words_of(page.text)
    assert "70 hours left. The report to the Information Commissioner’s Office is due by" in said
    assert "Unknown: nobody has entered a number" in said
    assert "Inspector Example" in said
    assert "Had all of it: 50 bytes of 50 bytes. Completed 1, broken off 0" in said
    assert "Could have opened it and never did: Lead Example." in said
    assert "Class C: Other items 1.1 to 6.4" in said
    assert "As at 23 November 2026" in said
    assert "6 years after the register entry was closed. It is not closed yet." in said
    assert "A title to be erased" not in page.text
    assert case.entries()[-1].event == "breach:viewed"


def test_a_breach_that_is_overdue_says_by_how_much_on_every_page(
    case: Case, officer: Any, area: Any, clock: Any, document: str
) -> None:
    breach = record(case, document, children=0)
    clock.move(hours=73)
    fresh = _again(officer, area)
    for path in (f"{area.path}/breaches/{breach}", f"{area.path}/breaches", f"{area.path}/desk"):
        assert "verdue by 3 hours" in fresh.get(path).text, path
    link = f'<a class="govuk-link" href="{area.path}/breaches">See the breaches</a>'
    assert link in fresh.get(f"{area.path}/desk").text
    assert "Children 0" in words_of(fresh.get(f"{area.path}/breaches/{breach}").text)


def _again(officer: Any, area: Any) -> Any:
    """The officer, signed in again: the session ran out while the clock moved."""
    person = area.people[Role.DATA_PROTECTION_OFFICER]
    answer = officer.send("/sign-in", {"email": person.email, "password": "correct-horse-battery-staple"})
    assert answer.status_code == 303
    return officer


def test_the_whole_course_of_a_breach_through_its_pages(
    case: Case, document: str, officer: Any, area: Any, rows: Callable[[Any], list[Any]]
) -> None:
    path = f"{area.path}/breaches"
    told = {
        "aware_at": ["23", "11", "2026"],
        "aware_at_time": "8:15am",
        "happened": "It was sent to another council",
        "documents": [document],
        "children": "",
    }
    made = officer.send(f"{path}/record", told)
    assert made.status_code == 303, words_of(made.text)
    (breach,) = rows(Breach)
    assert breach.aware_at == datetime(2026, 11, 23, 8, 15, tzinfo=UTC)
    assert breach.children is None
    form = officer.get(f"{path}/{breach.id}/change").text
    assert 'value="08:15"' in form
    assert "It was sent to another council" in form
    assert re.search(rf'value="{document}"[^>]* checked', form)
    assert officer.send(f"{path}/{breach.id}/change", {**told, "children": "1,204"}).status_code == 303
    ico = {"told": "ico", "told_at": ["23", "11", "2026"], "told_at_time": "09:00", "words": "Reference IC-1"}
    assert officer.send(f"{path}/{breach.id}/report", ico).status_code == 303
    assert officer.send(f"{path}/{breach.id}/close", {"reason": "It was deleted there"}).status_code == 303
    said = words_of(officer.get(f"{path}/{breach.id}").text)
    assert "1,204" in said
    assert "Reported 45 minutes after becoming aware, within the 72 hours" in said
    assert "told to the Information Commissioner" in words_of(officer.get(f"{area.path}/trail").text)
    assert "Closed" in words_of(officer.get(path).text)


BAD_FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "no day": ({"aware_at": ["", "", ""]}, "Enter the day you became aware"),
    "no such day": ({"aware_at": ["31", "2", "2026"]}, "must be a real date"),
    "no time": ({"aware_at_time": ""}, "Enter the time you became aware"),
    "no words": ({"happened": ""}, "Enter what happened"),
    "children in words": ({"children": "a few"}, "Enter the number of children in digits"),
    "a huge number": ({"children": "9" * 30}, "Enter the number of children in digits"),
    "a document of nobody": ({"documents": ["doc_00000000000000000000000000"]}, "not a valid choice"),
}


@pytest.mark.parametrize("name", BAD_FORMS)
def test_a_form_that_cannot_be_taken_says_why_and_keeps_what_was_typed(
    case: Case, officer: Any, area: Any, name: str
) -> None:
    changed, sentence = BAD_FORMS[name]
    told = {"aware_at": ["23", "11", "2026"], "aware_at_time": "8:15", "happened": "Typed with care", "children": ""}
    answer = officer.send(f"{area.path}/breaches/record", {**told, **changed})
    assert answer.status_code == 400
    assert sentence in answer.text
    assert "<title>Error: " in answer.text
    assert name == "no words" or "Typed with care" in answer.text
    assert "breach:recorded" not in case.events()


@pytest.mark.parametrize("chosen", [{}, {"told": "nobody"}])
def test_choosing_nothing_of_who_was_told_says_what_to_choose(
    case: Case, officer: Any, area: Any, chosen: dict[str, str]
) -> None:
    path = f"{area.path}/breaches/{record(case)}/report"
    answer = officer.send(path, {**chosen, "words": "Typed with care"})
    assert answer.status_code == 400
    assert "Choose who was told, or that no report is made" in answer.text
    assert "Not a valid choice" not in answer.text
    assert "Typed with care" in answer.text
    assert "breach:reported" not in case.events()


def test_recorded_words_are_shown_as_they_were_typed(case: Case, officer: Any, area: Any) -> None:
    breach = record(case, happened="iPad left on a train")
    act(case, breach, register.decide_not_to_report, words="eSafety says a risk is unlikely")
    act(case, breach, register.close_breach, reason="van der Example has it back")
    page = officer.get(f"{area.path}/breaches/{breach}").text
    assert page.count("iPad left on a train") == 2
    assert page.count("eSafety says a risk is unlikely") == 2
    assert "van der Example has it back" in page
    for changed in ("IPad", "ESafety", "Van der"):
        assert changed not in page


def test_a_breach_is_taken_as_a_file_to_print_and_as_json(
    case: Case, document: str, release: Release, officer: Any, area: Any
) -> None:
    release(Role.INSPECTOR, document, 0, 20)
    breach = record(case, document, happened="<script>alert(1)</script>")
    page = officer.get(f"{area.path}/breaches/{breach}/file")
    assert page.headers["Content-Disposition"] == f'attachment; filename="breach-{breach}.html"'
    assert page.headers["Content-Security-Policy"].startswith("sandbox")
    assert "<script" not in page.text
    assert "Had a part of it" in page.text
    assert case.entries()[-1].details == {"breach": breach, "form": "html"}
    found = json.loads(officer.get(f"{area.path}/breaches/{breach}/file?form=json").text)
    assert found["clock"] == "70 hours left"
    assert found["children"] is None
    assert found["inspection"]["id"] == case.inspection
    assert found["documents"][0]["viewers"][0]["sighting"]["bytes_had"] == 20
    assert found["due_at"] == (case.parts.clock() + timedelta(hours=70)).isoformat()
    assert case.entries()[-1].details == {"breach": breach, "form": "json"}


def test_no_other_role_and_no_officer_of_elsewhere_sees_a_breach(
    case: Case, app: Any, area: Any, sign_in: Any, make_area: Any
) -> None:
    breach = record(case)
    for role in (Role.LEAD_INSPECTOR, Role.INSPECTOR, Role.NOMINATED_OFFICER, Role.CONTRIBUTOR):
        browser = sign_in(app.test_client(), area.people[role])
        assert browser.get(f"{area.path}/breaches/{breach}").status_code == 403
    other = make_area(name="Other Area")
    stranger = sign_in(app.test_client(), other.people[Role.DATA_PROTECTION_OFFICER])
    assert stranger.get(f"{area.path}/breaches/{breach}").status_code == 404
    assert stranger.get(f"{other.path}/breaches/{breach}").status_code == 404


def test_disposal_leaves_the_register_and_what_it_tells_of_a_document(
    case: Case, document: str, release: Release, officer: Any, area: Any
) -> None:
    release(Role.INSPECTOR, document, 0, 50)
    breach = record(case, document)
    assert run_disposal(case.parts, date(2028, 1, 3)).disposed == [document]
    said = words_of(officer.get(f"{area.path}/breaches/{breach}").text)
    assert "Disposed of since" in said
    assert "Had all of it" in said
