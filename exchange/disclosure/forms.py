"""Forms of the pages about breaches and subject access."""

from __future__ import annotations

from flask_wtf import FlaskForm
from govuk_frontend_wtf.wtforms_widgets import (
    GovCheckboxesInput,
    GovRadioInput,
    GovSelect,
    GovSubmitInput,
    GovTextArea,
    GovTextInput,
)
from wtforms import RadioField, SelectField, SelectMultipleField, StringField, SubmitField, TextAreaField

from exchange.web.choices import choices_of
from exchange.web.day_field import DayField

TIME_HINT = "For example, 14:30 or 2:30pm"

TOLD = {
    "ico": "The Information Commissioner’s Office was told",
    "not": "No report is made: a risk to people is unlikely",
    "people": "People affected were told",
}


class BreachForm(FlaskForm):
    """What is known of a breach."""

    aware_at = DayField(
        "When did you become aware of it?",
        what="day you became aware",
        description="The 72 hours count from then. For example, 27 3 2026",
    )
    aware_at_time = StringField("At what time?", widget=GovTextInput(), description=TIME_HINT)
    happened = TextAreaField(
        "What happened?",
        widget=GovTextArea(),
        description="What went wrong, the likely consequences, and what was done about it. Do not name a child",
    )
    documents = SelectMultipleField(
        "Which documents does it concern?",
        widget=GovCheckboxesInput(),
        description="Leave all empty if none, or if nobody knows yet",
    )
    children = StringField(
        "How many children does it concern?",
        widget=GovTextInput(),
        description="As a number, roughly if need be. Leave it empty if nobody knows: it is then said to be unknown",
    )
    submit = SubmitField("Save", widget=GovSubmitInput())


class ReportForm(FlaskForm):
    """Who was told, or why nobody is."""

    told = RadioField(
        "What is there to record?",
        widget=GovRadioInput(),
        choices=choices_of(TOLD.items()),
        validate_choice=False,  # the page says itself what to choose
    )
    told_at = DayField("When was that?", what="day", description="Leave it empty if no report is made")
    told_at_time = StringField("At what time?", widget=GovTextInput(), description=TIME_HINT)
    words = TextAreaField(
        "In words",
        widget=GovTextArea(),
        description="The reference of the report, whom you told and how, or why a risk is unlikely. Name no child",
    )
    submit = SubmitField("Record this", widget=GovSubmitInput())


class CloseBreachForm(FlaskForm):
    """Close a breach."""

    reason = TextAreaField(
        "What was done, and why can this be closed?",
        widget=GovTextArea(),
        description="Do not name a child. It is kept with the breach",
    )
    submit = SubmitField("Close this breach", widget=GovSubmitInput())


class SubjectAccessForm(FlaskForm):
    """Whose data is asked for."""

    person = SelectField("Person", widget=GovSelect(), validate_choice=False)
    identifier = StringField(
        "Or another identifier",
        widget=GovTextInput(),
        description="Such as a child’s pseudonym, when that is what you were given. It is not a name",
    )
    submit = SubmitField("Prepare the pack", widget=GovSubmitInput())
