"""Forms of the legal notes: one of three, after the kind of answer that the note asks for."""

from __future__ import annotations

from flask_wtf import FlaskForm
from govuk_frontend_wtf.wtforms_widgets import GovRadioInput, GovSubmitInput, GovTextArea, GovTextInput
from wtforms import RadioField, StringField, SubmitField, TextAreaField
from wtforms.validators import InputRequired

from config.legal_notes import LegalNote as Question
from exchange.web.choices import choices_of
from exchange.web.day_field import DayField

ANSWER, WAIVE = "answer", "waive"


class DecisionForm(FlaskForm):
    """Answer or waive."""

    decision = RadioField(
        "What do you want to do?",
        widget=GovRadioInput(),
        choices=choices_of([(ANSWER, "Answer the question"), (WAIVE, "Waive the note")]),
        validators=[InputRequired(message="Choose whether you answer or waive the note")],
    )
    reason = TextAreaField(
        "Reason for waiving",
        widget=GovTextArea(),
        description="Say why inspections may open without an answer. Your name and the time are recorded with it",
    )
    submit = SubmitField("Save under my name", widget=GovSubmitInput())


class AnswerForm(DecisionForm):
    """Answer in text, or waive."""

    answer = TextAreaField("Answer", widget=GovTextArea())


class AddressForm(DecisionForm):
    """Answer with the address of a page, or waive."""

    answer = StringField("Address of the page", widget=GovTextInput(), description="It begins with https://")


class DatedAnswerForm(AnswerForm):
    """Answer in text with the date it was checked, or waive."""

    checked_on = DayField(
        "When did you check this?", what="Date you checked this", description="For example, 27 3 2026"
    )


def form_for(question: Question) -> AnswerForm | AddressForm:
    """Return the form that fits a question."""
    if question.asks_for_date:
        return DatedAnswerForm()
    return AddressForm() if question.kind == "url" else AnswerForm()
