"""The controller's legal notes: answered or waived by name before an inspection opens, shown where people act.

Promises: nothing that was answered is changed or removed, a newer answer stands before it; the log holds a commitment
to the text and who gave it, the text stays here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.vocabulary import new_salt
from config.legal_notes import LegalAnswerError, LegalNotes, UnknownLegalNoteError
from config.legal_notes import LegalNote as Question
from exchange import trail
from exchange.accounts.models import Person
from exchange.clock import in_london
from exchange.database import UnitOfWork
from exchange.errors import InvalidError, NotFoundError
from exchange.inspections.models import LegalNote

LONGEST_REASON = 1000


class NoteState(StrEnum):
    """Whether a note still stops the first inspection."""

    MISSING = "missing"
    ANSWERED = "answered"
    WAIVED = "waived"


@dataclass(frozen=True)
class GivenAnswer:
    """One answer or waiver: `text` is the answer, or the reason for the waiver."""

    text: str
    waived: bool
    checked_on: date | None
    given_at: datetime
    given_by: str


@dataclass(frozen=True)
class Note:
    """A question with the answer that counts now, and those before it, the newest first."""

    question: Question
    latest: GivenAnswer | None
    earlier: tuple[GivenAnswer, ...]

    @property
    def state(self) -> NoteState:
        """Where the note stands."""
        if self.latest is None:
            return NoteState.MISSING
        return NoteState.WAIVED if self.latest.waived else NoteState.ANSWERED


def answer_note(unit: UnitOfWork, question: Question, *, actor: str, text: str, checked_on: date | None = None) -> None:
    """Answer a note under the actor's name.

    Raises:
        InvalidError: the answer cannot stand; its field is `answer` or `checked_on`.
    """
    today = in_london(unit.now).date()
    try:
        answer = question.parse_answer(_one_newline(text), checked_on, today)
    except LegalAnswerError as error:
        field = _field_at_fault(question, text, today)
        raise InvalidError(str(error).rstrip("."), field=field) from error
    _keep(unit, "legal-note:answered", question.code, actor, answer.text, answer.checked_on)


def waive_note(unit: UnitOfWork, question: Question, *, actor: str, reason: str) -> None:
    """Waive a note under the actor's name, with the reason.

    Raises:
        InvalidError: no reason, or too long a one; its field is `reason`.
    """
    text = _one_newline(reason).strip()
    if not text:
        raise InvalidError("Enter why the note is waived", field="reason")
    if len(text) > LONGEST_REASON:
        raise InvalidError(f"The reason must be {LONGEST_REASON:,} characters or fewer", field="reason")
    _keep(unit, "legal-note:waived", question.code, actor, text, None)


def missing(session: Session, notes: LegalNotes) -> tuple[str, ...]:
    """Return the codes of the notes that are neither answered nor waived; while there are any, no inspection opens."""
    given = set(session.scalars(select(LegalNote.code).distinct()))
    return tuple(note.code for note in notes.notes if note.code not in given)


def notes_shown(session: Session, notes: LegalNotes, where: str) -> list[Note]:
    """Return the answered and waived notes to show at a place, such as "upload" or "item:1.6"."""
    return [note for note in _with_answers(session, notes.shown_at(where)) if note.latest is not None]


def all_notes(session: Session, notes: LegalNotes) -> list[Note]:
    """Return every note with its state and its history."""
    return _with_answers(session, notes.notes)


def find_question(notes: LegalNotes, code: str) -> Question:
    """Return the question of a code. Raises NotFoundError."""
    try:
        return notes.note(code)
    except UnknownLegalNoteError as error:
        raise NotFoundError from error


def _with_answers(session: Session, questions: Iterable[Question]) -> list[Note]:
    wanted = list(questions)
    given: dict[str, list[GivenAnswer]] = {}
    rows = session.execute(
        select(LegalNote, Person.name)
        .join(Person, Person.id == LegalNote.answered_by)
        .where(LegalNote.code.in_([question.code for question in wanted]))
        .order_by(LegalNote.id.desc())
    )
    for row, name in rows:
        answer = GivenAnswer(row.answer, row.waived, row.checked_on, row.answered_at, name)
        given.setdefault(row.code, []).append(answer)
    return [_note(question, given.get(question.code, [])) for question in wanted]


def _note(question: Question, given: list[GivenAnswer]) -> Note:
    return Note(question, given[0] if given else None, tuple(given[1:]))


def _keep(unit: UnitOfWork, event: str, code: str, actor: str, text: str, checked_on: date | None) -> None:
    salt = new_salt()
    unit.session.add(
        LegalNote(
            code=code,
            answer=text,
            waived=event == "legal-note:waived",
            checked_on=checked_on,
            answered_at=unit.now,
            answered_by=actor,
            salt=salt,
        )
    )
    details: dict[str, trail.DetailValue] = {"note": code, "commitment": trail.commitment(text, salt)}
    trail.record(unit, event, actor=actor, details=details)


def _field_at_fault(question: Question, text: str, today: date) -> str:
    """Tell whether the text or the date was refused, by asking again with a date that can stand."""
    try:
        question.parse_answer(_one_newline(text), today if question.asks_for_date else None, today)
    except LegalAnswerError:
        return "answer"
    return "checked_on"


def _one_newline(text: str) -> str:
    """Browsers send CR LF between lines, and no database takes a NUL."""
    return text.replace("\r\n", "\n").replace("\0", "")
