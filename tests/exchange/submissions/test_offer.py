"""What a person says about files is parsed once, with a message on the field it belongs to."""

from __future__ import annotations

from datetime import date

import pytest

from config.catalogue import load_catalogue
from exchange.errors import InvalidError
from exchange.submissions.offer import clean_file_name, log_date, parse_items, parse_offer, title_for

CATALOGUE = load_catalogue()
ASKED = frozenset(str(item.number) for item in CATALOGUE.items if not item.per_child)
TODAY = date(2026, 11, 24)


def test_items_come_back_in_the_order_of_the_annex_each_once() -> None:
    items = parse_items(CATALOGUE, ["1.4", "L1", "1.1", "1.4"], ASKED)
    assert [item.number for item in items] == ["L1", "1.1", "1.4"]


@pytest.mark.parametrize("numbers", [[], ["3.7"], ["7.1"], ["L3"], ["1.1; drop"], ["1.1", "99.1"]])
def test_items_that_are_not_asked_for_are_refused(numbers: list[str]) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_items(CATALOGUE, numbers, ASKED)
    assert caught.value.field == "numbers"


def test_a_list_without_a_data_date_is_refused_on_the_question_about_it() -> None:
    with pytest.raises(InvalidError) as caught:
        parse_offer(parse_items(CATALOGUE, ["L1"], ASKED), "not-dated", None, None, "", TODAY)
    assert caught.value.field == "date_kind"


@pytest.mark.parametrize(
    ("kind", "start", "end", "field"),
    [
        ("as-at", None, None, "start"),
        ("as-at", date(2026, 11, 25), None, "start"),
        ("period", date(2026, 1, 1), None, "end"),
        ("period", date(2026, 3, 1), date(2026, 2, 1), "end"),
        ("as-at", date(2026, 1, 1), date(2026, 3, 1), "end"),
        ("historic-snapshot", date(2026, 1, 1), date(2026, 3, 1), "end"),
        ("not-dated", None, date(2026, 3, 1), "start"),
        ("historic-snapshot", date(1890, 1, 1), None, "start"),
        ("nonsense", None, None, "date_kind"),
        ("", None, None, "date_kind"),
    ],
)
def test_a_wrong_date_is_told_on_its_field(kind: str, start: date | None, end: date | None, field: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_offer(parse_items(CATALOGUE, ["L1"], ASKED), kind, start, end, "", TODAY)
    assert caught.value.field == field


def test_a_historic_snapshot_is_an_honest_answer() -> None:
    offer = parse_offer(parse_items(CATALOGUE, ["L1"], ASKED), "historic-snapshot", date(2026, 1, 15), None, "", TODAY)
    assert log_date(offer.data_date) == "historic-snapshot:2026-01-15"


@pytest.mark.parametrize(
    ("given_name", "cleaned"),
    [
        ("report.docx", "report.docx"),
        ("C:\\Users\\someone\\report.docx", "report.docx"),
        ("../../etc/report.pdf", "report.pdf"),
        ("re\u202eport\x07.docx", "report.docx"),
        ("cafe\u0301.pdf", "caf\u00e9.pdf"),
        ("  two   spaces .pdf", "two spaces .pdf"),
    ],
)
def test_a_file_name_loses_its_folders_and_what_cannot_be_seen(given_name: str, cleaned: str) -> None:
    assert clean_file_name(given_name) == cleaned


@pytest.mark.parametrize("name", ["", "/", "..", "\x00", "a" * 300 + ".pdf"])
def test_a_file_without_a_usable_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidError):
        clean_file_name(name)


def test_several_files_under_one_title_are_told_apart_by_their_names() -> None:
    offer = parse_offer(parse_items(CATALOGUE, ["1.1"], ASKED), "not-dated", None, None, "Governance", TODAY)
    assert title_for(offer, "board.docx", several=True) == "Governance: board"
    assert title_for(offer, "board.docx", several=False) == "Governance"
