import datetime as dt
import shutil
from pathlib import Path

import pytest

import config.legal_notes
from config.legal_notes import LegalAnswerError, UnknownLegalNoteError, load_legal_notes
from config.tables import TableError

REAL = Path(config.legal_notes.__file__).parent / "legal_notes.toml"
TODAY = dt.date(2026, 6, 9)


def test_every_question_is_asked_before_an_inspection_opens() -> None:
    notes = load_legal_notes()
    assert notes.shown_at("opening") == notes.notes
    assert [note.code for note in notes.notes] == [
        "lawful-basis",
        "regulation-17",
        "consent-1-6",
        "processor-contract",
        "ofsted-privacy-notice",
        "cqc-privacy-notice",
        "ofsted-retention",
        "cqc-retention",
    ]


def test_the_consent_position_is_shown_at_its_item_and_at_no_other() -> None:
    notes = load_legal_notes()
    assert [note.code for note in notes.shown_at("item:1.6")] == ["consent-1-6"]
    assert notes.shown_at("item:1.5") == ()


def test_an_answer_is_kept_as_typed_without_the_space_around_it() -> None:
    answer = load_legal_notes().note("lawful-basis").parse_answer("  Article 6(1)(e)\n", None, TODAY)
    assert answer.text == "Article 6(1)(e)"
    assert answer.checked_on is None


def test_what_an_inspectorate_states_carries_the_date_it_was_checked() -> None:
    note = load_legal_notes().note("cqc-retention")
    assert note.asks_for_date
    assert note.parse_answer("As stated", TODAY, TODAY).checked_on == TODAY


@pytest.mark.parametrize(
    ("code", "text", "checked_on", "message"),
    [
        ("lawful-basis", "  ", None, "Enter an answer"),
        ("lawful-basis", "a" * 4001, None, "4,000"),
        ("lawful-basis", "yes", TODAY, "no date"),
        ("ofsted-retention", "yes", None, "Enter the date"),
        ("ofsted-retention", "yes", dt.date(2026, 6, 10), "future"),
        ("ofsted-privacy-notice", "http://www.gov.uk/notice", None, "https"),
        ("ofsted-privacy-notice", "javascript:alert(1)", None, "https"),
        ("ofsted-privacy-notice", "https://", None, "https"),
        ("ofsted-privacy-notice", "https://user@www.gov.uk/", None, "https"),
        ("ofsted-privacy-notice", "https://[", None, "https"),
        ("ofsted-privacy-notice", "https://www.gov.uk/a notice", None, "https"),
    ],
)
def test_an_answer_that_cannot_stand_is_refused_with_what_to_change(
    code: str, text: str, checked_on: dt.date | None, message: str
) -> None:
    with pytest.raises(LegalAnswerError, match=message):
        load_legal_notes().note(code).parse_answer(text, checked_on, TODAY)


def test_an_unknown_note_is_refused() -> None:
    with pytest.raises(UnknownLegalNoteError):
        load_legal_notes().note("weather")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"item:1.6"', '"item:six"', "item number"),
        ('"item:1.6"', '"somewhere"', "somewhere"),
        ('kind = "url"', 'kind = "link"', "kind"),
        ('code = "regulation-17"', 'code = "lawful-basis"', "twice"),
        ('shown_where = ["opening", "item:1.6", "audit"]', "shown_where = []", "nowhere"),
    ],
)
def test_questions_that_contradict_themselves_are_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    copy = tmp_path / "legal_notes.toml"
    shutil.copy(REAL, copy)
    text = copy.read_text(encoding="utf-8")
    assert old in text
    copy.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TableError, match=complaint):
        load_legal_notes(copy)
