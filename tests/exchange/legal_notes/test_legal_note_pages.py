"""The controller's legal notes: answered or waived by name, shown where people act, and never overwritten."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from audit.vocabulary import commit_to
from exchange.access.roles import Role
from exchange.errors import InvalidError, NotFoundError
from exchange.inspections.legal_notes import answer_note, find_question, missing, notes_shown, waive_note
from exchange.inspections.models import LegalNote
from exchange.parts import Parts
from tests.exchange.visiting import Browser, MadePerson, MovableClock, words_of
from tests.exchange.visiting_fixtures import MakePerson, ServiceEntries, SignInAs

NOTICE = "/legal-notes/ofsted-privacy-notice"
BASIS = "/legal-notes/lawful-basis"
RETENTION = "/legal-notes/ofsted-retention"


@pytest.fixture
def officer(client: Browser, make_person: MakePerson, sign_in: SignInAs) -> MadePerson:
    """A data protection officer who is signed in with `client`."""
    person = make_person(Role.DATA_PROTECTION_OFFICER, name="Dana Example")
    sign_in(client, person)
    return person


def codes_missing(parts: Parts) -> tuple[str, ...]:
    with parts.database.read() as session:
        return missing(session, parts.legal_notes)


def test_every_note_is_missing_at_first_and_none_when_each_is_answered_or_waived(
    parts: Parts, make_person: MakePerson
) -> None:
    officer = make_person(Role.DATA_PROTECTION_OFFICER)
    assert codes_missing(parts) == tuple(note.code for note in parts.legal_notes.notes)
    for note in parts.legal_notes.notes:
        with parts.database.unit_of_work() as unit:
            waive_note(unit, note, actor=officer.id, reason="Settled in another way.")
    assert codes_missing(parts) == ()


def test_an_answer_is_shown_with_name_and_time_and_recorded_without_its_text(
    client: Browser, officer: MadePerson, parts: Parts, service_entries: ServiceEntries
) -> None:
    answer = client.send(NOTICE, {"answer": "https://www.example.org/notice", "submit": "x"})
    assert answer.headers["Location"] == "/legal-notes"
    page = words_of(client.get("/legal-notes"))
    assert "https://www.example.org/notice" in page
    assert "Answered by Dana Example, Monday 2 March 2026 at 9am" in page
    assert "7 notes are still open" in page
    last = service_entries()[-1]
    with parts.database.read() as session:
        row = session.scalars(select(LegalNote)).one()
    assert (last.event, last.actor) == ("legal-note:answered", officer.id)
    assert last.details == {"note": "ofsted-privacy-notice", "commitment": commit_to(row.answer, row.salt)}


def test_a_waiver_needs_a_reason_and_carries_the_name(
    client: Browser, officer: MadePerson, service_entries: ServiceEntries
) -> None:
    answer = client.send(BASIS, {"reason": " ", "waive": "x"})
    assert answer.status_code == 400
    assert "Enter why the note is waived" in words_of(answer)
    assert '<details class="govuk-details" open' in answer.text
    client.send(BASIS, {"reason": "Settled in the\r\nagreement.", "waive": "x"})
    assert "Waived by Dana Example" in words_of(client.get("/legal-notes"))
    assert service_entries()[-1].event == "legal-note:waived"


def test_a_later_answer_stands_before_the_earlier_one_and_both_are_kept(
    client: Browser, officer: MadePerson, parts: Parts, clock: MovableClock
) -> None:
    client.send(BASIS, {"answer": "Article 6(1)(c)", "submit": "x"})
    assert "Article 6(1)(c)</textarea>" in client.get(BASIS).text  # begins with what counts now
    clock.advance(minutes=5)
    client.send(BASIS, {"answer": "Article 6(1)(e)", "submit": "x"})
    page = words_of(client.get("/legal-notes"))
    assert page.index("Article 6(1)(e)") < page.index("1 earlier answer") < page.index("Article 6(1)(c)")
    with parts.database.read() as session:
        assert len(session.scalars(select(LegalNote)).all()) == 2
        shown = notes_shown(session, parts.legal_notes, "upload")
    assert [note.latest.text for note in shown if note.latest] == ["Article 6(1)(e)"]


@pytest.mark.parametrize(
    ("path", "fields", "sentence"),
    [
        (BASIS, {"answer": ""}, "Enter an answer"),
        (BASIS, {"answer": "a" * 4001}, "4,000 characters or fewer"),
        (NOTICE, {"answer": "http://example.org"}, "beginning with https://"),
        (NOTICE, {"answer": "javascript:alert(1)"}, "beginning with https://"),
        (RETENTION, {"answer": "Six years"}, "Enter the date on which you checked this"),
        (RETENTION, {"answer": "Six years", "checked_on": ["3", "3", "2026"]}, "is in the future"),
        (RETENTION, {"answer": "Six years", "checked_on": ["31", "2", "2026"]}, "must be a real date"),
        (RETENTION, {"answer": "Six years", "checked_on": ["", "2", "2026"]}, "must include a day"),
        (RETENTION, {"answer": "Six years", "checked_on": ["1"]}, "must include a month and a year"),
        (RETENTION, {"answer": "Six years", "checked_on": ["1", "2", "26"]}, "must be a real date"),
        (RETENTION, {"answer": "Six years", "checked_on": ["²", "2", "2026"]}, "must be a real date"),
        (RETENTION, {"answer": "", "checked_on": ["1", "2", "2026"]}, "Enter an answer"),
    ],
)
def test_an_answer_that_cannot_stand_is_refused_in_words_and_changes_nothing(
    client: Browser,
    officer: MadePerson,
    parts: Parts,
    path: str,
    fields: dict[str, object],
    sentence: str,
) -> None:
    before = codes_missing(parts)
    answer = client.send(path, {**fields, "submit": "x"})
    assert answer.status_code == 400
    assert sentence in words_of(answer)
    assert codes_missing(parts) == before


def test_the_error_about_a_date_leads_to_the_day(client: Browser, officer: MadePerson) -> None:
    answer = client.send(RETENTION, {"answer": "Six years", "submit": "x"})
    assert 'href="#checked_on-day"' in answer.text
    assert answer.text.count('id="checked_on-day"') == 1


def test_a_dated_answer_shows_when_it_was_checked(client: Browser, officer: MadePerson) -> None:
    client.send(RETENTION, {"answer": "Six years", "checked_on": ["1", "2", "2026"], "submit": "x"})
    assert "Checked on 1 February 2026" in words_of(client.get("/legal-notes"))


def test_today_is_that_of_london(parts: Parts, make_person: MakePerson, clock: MovableClock) -> None:
    officer = make_person(Role.DATA_PROTECTION_OFFICER)
    clock.moment = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)  # 1 July in London
    question = find_question(parts.legal_notes, "cqc-retention")
    with parts.database.unit_of_work() as unit:
        answer_note(unit, question, actor=officer.id, text="Six years", checked_on=date(2026, 7, 1))
    with pytest.raises(InvalidError), parts.database.unit_of_work() as unit:
        answer_note(unit, question, actor=officer.id, text="Six years", checked_on=date(2026, 7, 2))


def test_notes_are_shown_only_where_they_belong_and_only_once_given(parts: Parts, make_person: MakePerson) -> None:
    officer = make_person(Role.DATA_PROTECTION_OFFICER)
    with parts.database.unit_of_work() as unit:
        waive_note(unit, find_question(parts.legal_notes, "consent-1-6"), actor=officer.id, reason="None is held.")
    with parts.database.read() as session:
        shown = {place: notes_shown(session, parts.legal_notes, place) for place in ("item:1.6", "upload", "opening")}
    assert [note.question.code for note in shown["item:1.6"]] == ["consent-1-6"]
    assert shown["upload"] == []
    assert [note.question.code for note in shown["opening"]] == ["consent-1-6"]


def test_an_answer_cannot_smuggle_mark_up_into_pages(client: Browser, officer: MadePerson) -> None:
    client.send(BASIS, {"answer": "<script>alert(1)</script>", "submit": "x"})
    assert "<script>alert" not in client.get("/legal-notes").text
    assert "<script>alert" not in client.get(BASIS).text


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.LEAD_INSPECTOR])
def test_others_of_the_service_read_the_notes_and_do_not_answer_them(
    client: Browser, make_person: MakePerson, sign_in: SignInAs, role: Role
) -> None:
    sign_in(client, make_person(role))
    page = words_of(client.get("/legal-notes"))
    assert "Only a data protection officer can answer or waive a note" in page
    assert "Answer or waive" not in page
    assert client.get(BASIS).status_code == 403


def test_an_unknown_note_is_not_found(client: Browser, officer: MadePerson, parts: Parts) -> None:
    assert client.get("/legal-notes/no-such-note").status_code == 404
    with pytest.raises(NotFoundError):
        find_question(parts.legal_notes, "no-such-note")
