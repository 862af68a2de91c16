"""The catalogue says what the annex says, number by number; the text is read here with a reader of its own."""

import re
from pathlib import Path

import pytest

from config.catalogue import load_catalogue

SOURCE = (Path(__file__).parent / "annex_a_source.txt").read_text(encoding="utf-8").partition("--------\n")[2]
TUESDAY_HEADING = "Information to be provided by the local area partnership following notification."


def plain(text: str) -> str:
    """Words alone: the conversion left tags, bullets and one stray # behind, and two kinds of apostrophe."""
    bare = re.sub(r"<[^>]*>|[•#]", " ", text).replace("'", "’")
    return " ".join(bare.split())


def source_rows() -> dict[str, tuple[str, str]]:
    rows: dict[str, tuple[str, str]] = {}
    latest = ""
    for line in SOURCE.splitlines():
        cells = [plain(cell) for cell in line.split("\t")]
        if re.fullmatch(r"[1-7]\.[0-9]+", cells[0]):
            latest = cells[0]
            rows[latest] = (cells[1], cells[2])
        elif len(cells) == 3 and cells[:2] == ["", ""]:  # a description that runs on after a page break
            title, begun = rows[latest]
            rows[latest] = (title, f"{begun} {cells[2]}")
    return rows


ROWS = source_rows()


def test_the_annex_has_forty_numbered_items_and_no_3_7() -> None:
    assert len(ROWS) == 40
    assert "3.7" not in ROWS


def test_the_catalogue_has_the_numbers_of_the_annex_in_its_order() -> None:
    numbers = [str(item.number) for item in load_catalogue().items]
    assert numbers == ["L1", "L2", "P", *ROWS]


@pytest.mark.parametrize("number", list(ROWS))
def test_title_and_description_are_the_words_of_the_annex(number: str) -> None:
    item = load_catalogue().item(number)
    assert (plain(item.title), plain(item.description)) == ROWS[number]


@pytest.mark.parametrize(("number", "heading"), [("L1", "List 1"), ("L2", "List 2")])
def test_the_lists_are_described_in_the_words_of_the_annex(number: str, heading: str) -> None:
    words = plain(SOURCE.replace("\n-", "\n"))
    item = load_catalogue().item(number)
    assert f"{heading} {plain(item.description)}" in words
    assert item.label == heading


def test_the_list_of_providers_is_what_paragraph_205_asks_for() -> None:
    asked = (
        "list of providers and services where inspectors can sample the records of individual children and young people"
    )
    assert asked in plain(SOURCE)
    assert asked in load_catalogue().item("P").description


def test_what_the_timeline_puts_on_tuesday_is_due_on_tuesday_and_the_rest_on_friday() -> None:
    first_table = SOURCE.partition(TUESDAY_HEADING)[2].partition("Additional information to be provided")[0]
    on_tuesday = {"L1", "L2", "P", *re.findall(r"(?m)^([1-7]\.[0-9])\t", first_table)}
    for item in load_catalogue().items:
        assert item.deadline.code == ("tuesday-11" if item.number in on_tuesday else "friday-17"), item.number


@pytest.mark.parametrize("number", list(ROWS))
def test_an_item_that_asks_for_data_or_numbers_needs_a_data_date(number: str) -> None:
    title_and_words = " ".join(ROWS[number]).lower()
    asks = re.search(
        r"\bdata (on|about|as)\b|\bdata \(|^performance data|\bor data\b|\bnumbers? of\b|\blist of all\b",
        title_and_words,
    )
    person_level = "person-level data" in title_and_words
    assert load_catalogue().item(number).needs_data_date == bool(asks or person_level)
