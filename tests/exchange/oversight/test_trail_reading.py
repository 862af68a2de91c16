"""The trail in plain words: names beside the log, filters, pages."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from exchange.access.policy import Decision
from exchange.access.roles import Permission, Role
from exchange.errors import InvalidError, NotFoundError
from exchange.oversight import queries
from exchange.oversight.filters import TrailFilters, parse_before, parse_filters
from exchange.oversight.names import ACTS, REASONS
from exchange.oversight.queries import TrailPage, inspection_choices, read_trail
from exchange.oversight.service import record_access_viewed
from exchange.retention.service import run_disposal
from tests.exchange.inspection_case import Case, make_workbook, tamper


def page_of(case: Case, before: int | None = None, **filters: Any) -> TrailPage:
    with case.parts.database.read() as session:
        return read_trail(
            session,
            case.parts.trail.store,
            case.parts.catalogue,
            log_id=case.inspection,
            filters=TrailFilters(**filters),
            before=before,
        )


def sentences(case: Case, **filters: Any) -> list[str]:
    return [row.sentence for row in page_of(case, **filters).rows]


def test_a_sentence_names_people_items_and_dates_and_never_the_title(case: Case) -> None:
    document = case.send("1.1", "L2", name="book.xlsx", content=make_workbook())
    (row, *_) = page_of(case, document=document).rows
    reference = document[-6:].upper()
    assert row.sentence.startswith(f"Nominated officer Example submitted document {reference} (List 2, 1.1) (xlsx, ")
    assert row.sentence.endswith("for List 2, 1.1. Date of its data: as at 23 November 2026.")
    assert (row.mark, row.time) == ("", case.parts.clock())


def test_a_name_that_is_erased_is_said_to_be(case: Case) -> None:
    with case.parts.database.unit_of_work() as unit:
        record_access_viewed(unit, case.inspection, actor="per_" + "0" * 26)
    assert sentences(case)[0] == "Somebody whose name is erased viewed the list of who has access."


def test_what_the_worker_does_is_said_of_the_worker(case: Case) -> None:
    document = case.send("1.1")
    run_disposal(case.parts, date(2027, 10, 4))
    reference = document[-6:].upper()
    assert sentences(case, document=document)[0].startswith(
        f"Document {reference} (1.1) was disposed of under the rule class C of the retention schedule: certificate "
    )


def test_each_filter_shows_what_matches_and_nothing_else(case: Case, clock: Any) -> None:
    first = case.send("1.1")
    clock.move(days=1)
    second = case.send("1.4", content=b"other\n")
    contributor, nominated = case.people[Role.CONTRIBUTOR], case.people[Role.NOMINATED_OFFICER]
    assert len(sentences(case, document=first)) == 1
    assert all("Contributor Example" in sentence for sentence in sentences(case, person=contributor))
    assert all("1.4" in sentence for sentence in sentences(case, item="1.4", since=date(2026, 11, 24)))
    assert len(sentences(case, since=date(2026, 11, 24))) == 1
    assert (
        sentences(case, reference=second[-6:]) == sentences(case, reference=second) == sentences(case, document=second)
    )
    assert len(sentences(case, event="submission:accepted", until=date(2026, 11, 23))) == 1
    found = page_of(case, person=nominated, event="submission:accepted").rows
    assert [row.index for row in found] == sorted((row.index for row in found), reverse=True)
    assert second[-6:].upper() in found[0].sentence


def test_a_day_begins_and_ends_in_london(case: Case, clock: Any) -> None:
    clock.now = datetime(2027, 6, 1, 23, 30, tzinfo=UTC)  # half past midnight on 2 June in London
    case.send("1.1")
    assert len(sentences(case, since=date(2027, 6, 2), until=date(2027, 6, 2))) == 1
    assert sentences(case, since=date(2027, 6, 1), until=date(2027, 6, 1)) == []


def test_pages_go_back_by_leaf_index_without_gap_or_repetition(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE_ENTRIES", 3)
    for number in range(4):
        case.send("1.1", content=f"minutes {number}\n".encode())
    whole, before, seen = len(case.entries()), None, []
    while True:
        page = page_of(case, before)
        seen += [row.index for row in page.rows]
        before = page.before
        if before is None:
            break
    assert seen == list(range(whole - 1, -1, -1))


def test_a_damaged_entry_is_shown_as_damaged(case: Case) -> None:
    case.send("1.1")
    tamper(case, "UPDATE audit_entry SET entry = :bytes WHERE log_id = :log AND leaf_index = 0", bytes=b"{}")
    last = page_of(case).rows[-1]
    assert (last.index, last.mark, last.time) == (0, "Damaged", None)


def test_choices_hold_whoever_was_ever_a_member(case: Case) -> None:
    case.send("1.1")
    with case.parts.database.read() as session:
        choices = inspection_choices(session, case.parts.catalogue, case.inspection)
    assert choices.events[0] == ("every-refusal", "Every refusal")
    assert {value for value, _ in choices.people} == set(case.people.values())
    assert len(choices.documents) == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"since-day": "31", "since-month": "2", "since-year": "2026"}, "since"),
        ({"since-day": "1"}, "since"),
        ({"reference": "9K2F4"}, "reference"),
        ({"reference": "%" * 6}, "reference"),
        ({"reference": "doc_" + "1" * 25}, "reference"),
        ({"until-day": "1", "until-month": "1", "until-year": "9999"}, "until"),
        ({"until-day": "x", "until-month": "1", "until-year": "2026"}, "until"),
        ({"since-day": "9", "since-month": "1", "since-year": "9" * 3900}, "since"),
        (
            {
                "since-day": "2", "since-month": "1", "since-year": "2026",
                "until-day": "1", "until-month": "1", "until-year": "2026",
            },
            "until",
        ),
    ],
)  # fmt: skip
def test_dates_and_references_that_are_none_are_said_so(given: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidError) as raised:
        parse_filters(given)
    assert raised.value.field == field


def test_filters_go_into_an_address_and_come_back_the_same() -> None:
    filters = TrailFilters(
        person="per_" + "1" * 26,
        document="doc_" + "2" * 26,
        item="L1",
        reference="9k2f4q",
        event="every-refusal",
        since=date(2026, 1, 2),
        until=date(2026, 3, 4),
    )
    assert parse_filters(MultiDict(filters.query())) == filters
    assert filters.codes == ["person", "document", "item", "reference", "event", "since", "until"]


def test_what_no_form_of_ours_sends_is_not_found_or_not_used() -> None:
    with pytest.raises(NotFoundError):
        parse_filters({"person": "Ada Example"})
    assert parse_filters({"item": "<b>", "event": "no:such"}) == TrailFilters()
    given = ("", "-1", "x", "7", "9" * 30, "9" * 5000)  # Python reads no number of more than 4,300 digits
    assert [parse_before(text) for text in given] == [None, None, None, 7, 2**53, 2**53]


def test_every_permission_and_every_reason_for_a_refusal_has_words() -> None:
    assert set(Permission) <= ACTS.keys()
    assert set(Decision) - {Decision.ALLOWED} <= REASONS.keys()
