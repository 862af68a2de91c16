"""Forms of the legal notes: the answer, in one of three shapes after what the note asks for, and the waiver."""

from __future__ import annotations

from flask_wtf import FlaskForm
from govuk_frontend_wtf.wtforms_widgets import GovSubmitInput, GovTextArea, GovTextInput
from wtforms import StringField, SubmitField, TextAreaField

from config.legal_notes import LegalNote as Question
from exchange.web.day_field import DayField

SAVE = "Save the answer under my name"


class AnswerForm(FlaskForm):
    """Answer in text."""

    answer = TextAreaField("Answer", widget=GovTextArea())
    submit = SubmitField(SAVE, widget=GovSubmitInput())


class DatedAnswerForm(AnswerForm):
    """Answer in text, with the date it was checked."""

    checked_on = DayField(
        "When did you check this?", what="Date you checked this", description="For example, 27 3 2026"
    )


class AddressForm(FlaskForm):
    """Answer with the address of a page."""

    answer = StringField("Address of the page", widget=GovTextInput(), description="It begins with https://")
    submit = SubmitField(SAVE, widget=GovSubmitInput())


class WaiveForm(FlaskForm):
    """Waive the note; its button has a name of its own, since both forms stand on one page."""

    reason = TextAreaField(
        "Reason for waiving", widget=GovTextArea(), description="Say why inspections may open without an answer"
    )
    waive = SubmitField("Waive the note under my name", widget=GovSubmitInput())


def form_for(question: Question) -> AnswerForm | AddressForm:
    """Return the form that fits a question."""
    if question.asks_for_date:
        return DatedAnswerForm()
    return AddressForm() if question.kind == "url" else AnswerForm()
