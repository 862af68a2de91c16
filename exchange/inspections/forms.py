"""Forms of the inspections pages."""

from __future__ import annotations

from flask_wtf import FlaskForm
from govuk_frontend_wtf.wtforms_widgets import (
    GovCheckboxesInput,
    GovRadioInput,
    GovSelect,
    GovSubmitInput,
    GovTextInput,
)
from wtforms import HiddenField, RadioField, SelectField, SelectMultipleField, StringField, SubmitField
from wtforms.validators import InputRequired, Length

from exchange.inspections.service import KINDS
from exchange.web.day_field import DayField


class OpenInspectionForm(FlaskForm):
    """Open an inspection."""

    local_area = StringField(
        "Local area",
        widget=GovTextInput(),
        validators=[
            InputRequired(message="Enter the name of the local area"),
            Length(max=120, message="Local area must be 120 characters or fewer"),
        ],
        description="The area as the report will name it, for example Example Area",
    )
    kind = RadioField(
        "Kind of inspection",
        widget=GovRadioInput(),
        choices=KINDS,
        validators=[InputRequired(message="Choose a full or a monitoring inspection")],
        description="A monitoring inspection may ask for some or all of the items",
    )
    notified_on = DayField(
        "Monday of notification",
        what="Monday of notification",
        description="Deadlines are counted from this day",
    )
    numbers = SelectMultipleField(
        "Items asked for",
        widget=GovCheckboxesInput(),
        validators=[InputRequired(message="Choose at least one item to ask for")],
        description="A full inspection asks for all of them",
    )
    submit = SubmitField("Open the inspection", widget=GovSubmitInput())


class MilestoneForm(FlaskForm):
    """Record a day on which something happened."""

    step = HiddenField()  # the milestone that the page asked for: one form sent twice never takes two steps
    on = DayField("Date", what="Date")
    submit = SubmitField("Record this date", widget=GovSubmitInput())


class AddMemberForm(FlaskForm):
    """Give somebody a role in an inspection."""

    email = StringField(
        "Email address",
        widget=GovTextInput(),
        validators=[InputRequired(message="Enter an email address"), Length(max=254)],
        description="The person needs an account. An administrator creates accounts",
    )
    role = SelectField("Role", widget=GovSelect(), validators=[InputRequired(message="Choose a role")])
    submit = SubmitField("Add this person", widget=GovSubmitInput())


class AssignForm(FlaskForm):
    """Choose the items that a contributor answers."""

    numbers = SelectMultipleField("Items", widget=GovCheckboxesInput(), description="Leave all empty to assign none")
    submit = SubmitField("Save", widget=GovSubmitInput())
