"""Answers from the log, and the complete statement, which is given only for what was signed."""

from collections.abc import Callable
from typing import Any

import pytest

from exchange.access.roles import Role
from exchange.accounts.models import Person
from exchange.downloads.ranges import Wanted
from exchange.downloads.release import begin_release, end_release
from exchange.errors import ConflictError, InvalidError
from exchange.oversight import answers, answers_shown
from exchange.oversight.answers import Answer, documents_for, nobody_but_these, what_opened, who_opened
from exchange.oversight.transfers_shown import Outcome
from exchange.worker import sign_checkpoints
from tests.exchange.inspection_case import Case, case_of, tamper

CONTENT = b"minutes of the board\n"


def release(case: Case, document: str, role: Role, begin: int = 0, stop: int = 21, sent: int | None = None) -> None:
    with case.parts.database.unit_of_work() as unit:
        identifier = begin_release(unit, document, case.people[role], Wanted(begin, stop, partial=True)).id
    whole = stop - begin
    with case.parts.database.unit_of_work() as unit:
        end_release(unit, identifier, whole if sent is None else sent, completed=sent is None)


def who(case: Case, *documents: str) -> Answer:
    with case.parts.database.read() as session:
        return who_opened(session, case.parts.trail.store, case.inspection, documents)


def sign(case: Case) -> int:
    sign_checkpoints(case.parts)
    return len(case.entries())


def state(case: Case, size: int, document: str | None = None, item: str | None = None) -> answers.Statement:
    return nobody_but_these(case.parts, case.inspection, document=document, item=item, size=size)


def test_who_has_opened_a_document_is_told_by_transfers(case: Case) -> None:
    document = case.send("1.1", content=CONTENT)
    other = case.send("1.1", content=b"others")
    release(case, document, Role.INSPECTOR, 0, 21, sent=9)
    release(case, document, Role.INSPECTOR, 9, 21)
    release(case, document, Role.LEAD_INSPECTOR, 0, 21, sent=4)
    release(case, other, Role.LEAD_INSPECTOR, 0, 6)
    answer = who(case, document)
    assert [(one.person, one.outcome, one.covered, one.size) for one in answer.transfers] == [
        (case.people[Role.LEAD_INSPECTOR], Outcome.BROKEN_OFF, 4, 21),
        (case.people[Role.INSPECTOR], Outcome.COMPLETED, 21, 21),
    ]


def test_what_a_person_has_opened_holds_theirs_alone(case: Case) -> None:
    first, second = case.send("1.1"), case.send("1.4", content=b"more")
    release(case, first, Role.INSPECTOR)
    release(case, second, Role.LEAD_INSPECTOR)
    with case.parts.database.read() as session:
        answer = what_opened(session, case.parts.trail.store, case.inspection, case.people[Role.INSPECTOR])
    assert [one.document for one in answer.transfers] == [first]
    assert answer.documents == (first,)


def test_the_documents_of_an_item_are_those_the_log_says_came_for_it(case: Case) -> None:
    first, _, third = (
        case.send("1.1"),
        case.send("1.4", content=b"words of one"),
        case.send("1.1", "1.4", content=b"words of two"),
    )
    with case.parts.database.read() as session:
        assert documents_for(session, case.parts.trail.store, case.inspection, "1.1") == [first, third]


def test_a_quick_answer_that_leaves_something_out_says_so(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "PAGE_ENTRIES", 2)
    document = case.send("1.1")
    for _ in range(3):
        release(case, document, Role.INSPECTOR)
    assert (len(who(case, document).transfers), who(case, document).is_cut) == (3, False)
    monkeypatch.setattr(answers, "MOST_ENTRIES", 4)
    assert (len(who(case, document).transfers), who(case, document).is_cut) == (2, True)


def test_the_complete_statement_agrees_with_the_quick_answer_and_names_what_was_signed(case: Case) -> None:
    document, other = case.send("1.1"), case.send("1.1", content=b"other")
    release(case, document, Role.INSPECTOR)
    release(case, other, Role.LEAD_INSPECTOR, 0, 5)
    size = sign(case)
    statement = state(case, size, document=document)
    assert statement.answer.transfers == who(case, document).transfers
    with case.parts.database.read() as session:
        connection = session.connection()
        assert statement.root_hash == case.parts.trail.store.root(connection, case.inspection, size)
    of_item = state(case, size, item="1.1")
    assert set(of_item.answer.documents) == {document, other}
    assert of_item.answer.transfers == who(case, document, other).transfers
    assert state(case, size, item="2.1").answer.transfers == ()


def test_a_statement_covers_what_was_there_at_its_checkpoint_and_says_what_came_after(case: Case) -> None:
    document = case.send("1.1")
    size = sign(case)
    release(case, document, Role.INSPECTOR)
    assert state(case, size, document=document).answer.transfers == ()
    assert state(case, size, document=document).log_size == size + 2
    assert len(state(case, sign(case), document=document).answer.transfers) == 1


def test_a_release_that_had_not_ended_at_the_checkpoint_has_no_end(case: Case) -> None:
    document = case.send("1.1")
    with case.parts.database.unit_of_work() as unit:
        begin_release(unit, document, case.people[Role.INSPECTOR], Wanted(0, 21, partial=False))
    (transfer,) = state(case, sign(case), document=document).answer.transfers
    assert transfer.outcome is Outcome.NO_END


def test_a_size_that_was_not_signed_is_refused(case: Case) -> None:
    document = case.send("1.1")
    with pytest.raises(InvalidError) as refused:
        state(case, sign(case) - 1, document=document)
    assert refused.value.field == "size"


HIDING: dict[str, str] = {
    "the entry that tells of it is altered": (
        "UPDATE audit_entry SET entry = (SELECT entry FROM audit_entry AS o WHERE o.log_id = :log AND o.leaf_index = 0)"
        " WHERE log_id = :log AND event = 'release:started'"
    ),
    "the entry that tells of it is gone": "DELETE FROM audit_entry WHERE log_id = :log AND event = 'release:started'",
    "what it is found by is altered": (
        "UPDATE audit_entry SET subject = NULL, actor = 'anonymous', event = 'list:viewed'"
        " WHERE log_id = :log AND event = 'release:started'"
    ),
    "the checkpoint is another": "UPDATE audit_checkpoint SET note = 'no note' WHERE log_id = :log",
}


@pytest.mark.parametrize("how", HIDING)
def test_an_opening_that_somebody_hides_in_the_database_is_stated_or_nothing_is(case: Case, how: str) -> None:
    document = case.send("1.1")
    release(case, document, Role.INSPECTOR)
    size = sign(case)
    tamper(case, HIDING[how])
    if how == "what it is found by is altered":
        assert len(state(case, size, document=document).answer.transfers) == 1
        return
    with pytest.raises(ConflictError, match="Verify the log"):
        state(case, size, document=document)


@pytest.fixture
def officer(app: Any, area: Any, sign_in: Callable[..., Any]) -> Any:
    return sign_in(app.test_client(), area.people[Role.DATA_PROTECTION_OFFICER])


def test_the_pages_answer_and_record_what_kind_of_question_was_asked(case: Case, officer: Any, area: Any) -> None:
    document = case.send("1.1")
    release(case, document, Role.INSPECTOR, 0, 21, sent=9)
    release(case, document, Role.INSPECTOR, 9, 21)
    sign(case)
    person = case.people[Role.INSPECTOR]
    for address, said, question in (
        (f"opened?document={document}", "2 requests, shown as one", "who-opened-document"),
        ("opened?item=1.1", "1 document was received for this item", "who-opened-item"),
        (f"opened-by?person={person}", "What Inspector Example has opened", "what-person-opened"),
        (f"nobody-but?document={document}", "Nobody but these people opened document", "nobody-but-these"),
        ("nobody-but?item=2.1", "no byte of them was handed to anybody", "nobody-but-these"),
    ):
        page = officer.get(f"{area.path}/{address}")
        assert page.status_code == 200
        assert said in page.text, address
        last = case.entries()[-1]
        assert (last.event, last.actor, last.details["question"]) == ("log:asked", case.officer, question)


def test_every_entry_behind_a_transfer_is_reached_from_its_row(case: Case, officer: Any, area: Any) -> None:
    document = case.send("1.1")
    release(case, document, Role.INSPECTOR)
    index = case.events().index("release:started")
    page = officer.get(f"{area.path}/opened?document={document}").text
    assert f'href="{area.path}/trail?before={index + 1}"' in page
    entry = officer.get(f"{area.path}/trail?before={index + 1}").text
    assert f"was given document {document[-6:].upper()}" in entry.split("<tbody")[1].split("</tr>")[0]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("opened", "Choose a document or an item"),
        ("opened-by", "Choose a person"),
        ("nobody-but", "Choose a document or an item"),
        ("nobody-but?item=1.1&size=7", "No checkpoint of that size was signed"),
        ("nobody-but?item=1.1&size=x", "No checkpoint of that size was signed"),
        ("nobody-but?item=1.1", "No checkpoint of that size was signed"),
    ],
)
def test_a_question_that_cannot_be_answered_is_asked_again_in_words(
    officer: Any, area: Any, address: str, said: str
) -> None:
    page = officer.get(f"{area.path}/{address}")
    assert page.status_code == 400
    assert said in page.text
    assert "<title>Error: " in page.text


def test_a_stranger_identifier_is_not_found(officer: Any, area: Any) -> None:
    for address in ("opened?document=per_1", "opened?item=%3Cb%3E", "opened-by?person=Ada"):
        assert officer.get(f"{area.path}/{address}").status_code == 404


@pytest.fixture
def elsewhere(case: Case, make_area: Callable[..., Any]) -> Case:
    """Another inspection, of which this one's officer may learn nothing."""
    return case_of(case.parts, make_area(name="Another Area"))


@pytest.mark.parametrize("page", ["opened", "nobody-but"])
def test_a_document_of_another_inspection_is_not_found_and_not_asked_about(
    case: Case, officer: Any, area: Any, elsewhere: Case, page: str
) -> None:
    theirs = elsewhere.send("1.4")
    sign(case)
    size = len(case.entries())
    answer = officer.get(f"{area.path}/{page}?document={theirs}")
    assert answer.status_code == 404
    assert answer.text == officer.get(f"{area.path}/{page}?document=doc_{'0' * 26}").text
    assert len(case.entries()) == size


def test_a_person_of_another_inspection_is_not_found_and_not_named(
    case: Case, officer: Any, area: Any, elsewhere: Case
) -> None:
    stranger = elsewhere.people[Role.INSPECTOR]
    with case.parts.database.unit_of_work() as unit:
        unit.session.get_one(Person, stranger).name = "Stranger Elsewhere"
    assert officer.get(f"{area.path}/opened-by?person={stranger}").status_code == 404
    for page in ("trail", "trail/export", "trail/export/file?form=jsonl&x=1"):
        mark = "&" if "?" in page else "?"
        assert "Stranger Elsewhere" not in officer.get(f"{area.path}/{page}{mark}person={stranger}").text, page


def test_a_transfer_of_very_many_ranges_links_to_some_entries_and_counts_the_others(
    case: Case, officer: Any, area: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who asks for one byte again and again must not make the officer's page larger than a browser takes."""
    monkeypatch.setattr(answers_shown, "MOST_LINKED", 6)
    document = case.send("1.1")
    for _ in range(10):
        release(case, document, Role.INSPECTOR, 0, 1)
    last = len(case.entries()) - 1
    page = officer.get(f"{area.path}/opened?document={document}").text
    assert "20 entries" in page
    assert "and 14 more, the last of them" in page
    assert page.count(f"{area.path}/trail?before=") == 7
    assert f"{area.path}/trail?before={last + 1}" in page
