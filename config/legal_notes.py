"""The legal questions that the controller answers before the first inspection opens; the answers are not kept here.

Promises: each answer is parsed once into a frozen value, or refused with a sentence that says what is missing.
"""

import datetime as dt
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from config.item_number import ItemNumber, ItemNumberError
from config.tables import FOLDER, Row, TableError, read_table, rows, verify_unique

_FILE = "legal_notes.toml"
_PLACES = frozenset({"opening", "checklist", "upload", "download", "audit", "retention"})
_LONGEST_ANSWER = 4000  # characters; a page of text


class UnknownLegalNoteError(LookupError):
    """There is no legal note of that code."""


class LegalAnswerError(ValueError):
    """The answer cannot stand; the message says what to change."""


@dataclass(frozen=True)
class LegalAnswer:
    """A parsed answer: its text, and the date it was checked where the note asks for one."""

    text: str
    checked_on: dt.date | None


@dataclass(frozen=True)
class LegalNote:
    """One question, why it is asked, where its answer is shown and what form the answer has."""

    code: str
    question: str
    help: str
    shown_where: tuple[str, ...]
    kind: str

    @property
    def asks_for_date(self) -> bool:
        """Whether the answer carries the date it was checked."""
        return self.kind == "text-and-date"

    def parse_answer(self, text: str, checked_on: dt.date | None, today: dt.date) -> LegalAnswer:
        """The answer that a person typed on `today` (London).

        Raises:
            LegalAnswerError: it is empty, too long, no https address where one is asked for, or its date is missing,
                in the future, or not asked for.
        """
        answer = text.strip()
        if not answer:
            raise LegalAnswerError("Enter an answer, or waive the note under your name.")
        if len(answer) > _LONGEST_ANSWER:
            raise LegalAnswerError(f"The answer must be {_LONGEST_ANSWER:,} characters or fewer.")
        if self.kind == "url":
            _verify_address(answer)
        if self.asks_for_date and checked_on is None:
            raise LegalAnswerError("Enter the date on which you checked this.")
        if not self.asks_for_date and checked_on is not None:
            raise LegalAnswerError("This note has no date; leave it empty.")
        if checked_on is not None and checked_on > today:
            raise LegalAnswerError("The date on which you checked this is in the future.")
        return LegalAnswer(answer, checked_on)


@dataclass(frozen=True)
class LegalNotes:
    """One version of the questions, in the order they are asked."""

    version: str
    notes: tuple[LegalNote, ...]

    def note(self, code: str) -> LegalNote:
        """The note of a code.

        Raises:
            UnknownLegalNoteError: there is none.
        """
        for note in self.notes:
            if note.code == code:
                return note
        raise UnknownLegalNoteError("There is no legal note of that code.")

    def shown_at(self, place: str) -> tuple[LegalNote, ...]:
        """The notes whose answers are shown at a place, such as "upload" or "item:1.6"."""
        return tuple(note for note in self.notes if place in note.shown_where)


@cache
def load_legal_notes(path: Path | None = None) -> LegalNotes:
    """Read the questions (the file beside this module unless given); kept for the life of the process.

    Raises:
        TableError: the file is malformed, a code stands twice, or a place is unknown.
    """
    path = path or FOLDER / _FILE
    table = dict(read_table(path))
    found = rows(table, "notes", _note, path.name)
    table.pop("notes")
    heading = Row(table, path.name)
    notes = LegalNotes(heading.get("version", str), found)
    heading.verify_all_read()
    verify_unique((note.code for note in found), path.name)
    return notes


def _note(row: Row) -> LegalNote:
    note = LegalNote(
        code=row.get("code", str),
        question=row.get("question", str),
        help=row.get("help", str),
        shown_where=row.texts("shown_where"),
        kind=row.one_of("kind", ("text", "url", "text-and-date")),
    )
    if not note.shown_where:
        raise TableError(f"{_FILE}: {note.code} is shown nowhere")
    for place in note.shown_where:
        _verify_place(place, note.code)
    return note


def _verify_place(place: str, code: str) -> None:
    if place in _PLACES:
        return
    try:
        if not place.startswith("item:"):
            raise TableError(f"{_FILE}: {code} names a place that no page has: {place}")
        ItemNumber(place.removeprefix("item:"))
    except ItemNumberError as refused:
        raise TableError(f"{_FILE}: {code}: {refused}") from refused


def _verify_address(answer: str) -> None:
    try:
        parts = urlsplit(answer)
        fits = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        fits = False
    if not fits or any(letter.isspace() for letter in answer):
        raise LegalAnswerError("Enter the whole address of the page, beginning with https://")
