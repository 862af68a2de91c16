"""Pages of the legal notes: what the controller has settled, and answering or waiving under one's name."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for

from exchange.access.guard import requires
from exchange.access.policy import Decision, decide_in_service
from exchange.access.roles import Permission
from exchange.database import UnitOfWork
from exchange.errors import InvalidError
from exchange.inspections.legal_note_forms import AddressForm, AnswerForm, DatedAnswerForm, WaiveForm, form_for
from exchange.inspections.legal_notes import Note, NoteState, all_notes, answer_note, find_question, waive_note
from exchange.web.form_pages import Page, form_page, show_error
from exchange.web.identity import parts, signed_in

legal_notes = Blueprint("legal_notes", __name__)


@legal_notes.get("/legal-notes")
@requires(Permission.READ_LEGAL_NOTES)
def list_notes() -> str:
    """Show every note, its state, who answered and when."""
    with parts().database.read() as session:
        notes = all_notes(session, parts().legal_notes)
    return render_template(
        "legal_notes/list.html",
        notes=notes,
        missing=sum(note.state is NoteState.MISSING for note in notes),
        may_answer=decide_in_service(signed_in().actor, Permission.ANSWER_LEGAL_NOTES) is Decision.ALLOWED,
    )


@legal_notes.route("/legal-notes/<code>", methods=["GET", "POST"], endpoint="answer_note")
@requires(Permission.ANSWER_LEGAL_NOTES)
def answer_one(code: str) -> Page:
    """Answer or waive one note."""
    note = _note(code)
    form, waiver = form_for(note.question), WaiveForm()
    sent = waiver if waiver.waive.data else form
    if sent.validate_on_submit():
        try:
            with parts().database.unit_of_work() as unit:
                done = _waive(unit, waiver, note) if sent is waiver else _answer(unit, form, note)
        except InvalidError as error:
            show_error(sent, error)
        else:
            flash(done)
            return redirect(url_for("legal_notes.list_notes"), 303)
    if sent is waiver or not form.is_submitted():
        _fill(form, note)
    return form_page("legal_notes/answer.html", form, waiver=waiver, note=note)


def _note(code: str) -> Note:
    question = find_question(parts().legal_notes, code)
    with parts().database.read() as session:
        return next(note for note in all_notes(session, parts().legal_notes) if note.question == question)


def _answer(unit: UnitOfWork, form: AnswerForm | AddressForm, note: Note) -> str:
    checked_on = form.checked_on.data if isinstance(form, DatedAnswerForm) else None
    text = form.answer.data or ""
    answer_note(unit, note.question, actor=signed_in().person_id, text=text, checked_on=checked_on)
    return "The answer is saved under your name."


def _waive(unit: UnitOfWork, form: WaiveForm, note: Note) -> str:
    waive_note(unit, note.question, actor=signed_in().person_id, reason=form.reason.data or "")
    return "The note is waived under your name."


def _fill(form: AnswerForm | AddressForm, note: Note) -> None:
    """Begin with the answer that counts now; the date of the check is always typed anew."""
    if note.latest is not None and not note.latest.waived:
        form.answer.data = note.latest.text
