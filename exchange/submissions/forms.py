"""The upload form. Its fields come before its files, so that everything is known before the first byte is sealed."""

from __future__ import annotations

from flask_wtf import FlaskForm
from govuk_frontend_wtf.wtforms_widgets import GovCheckboxesInput, GovTextInput
from wtforms import RadioField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length

from exchange.submissions.offer import LONGEST_TITLE
from exchange.web.day_field import DayField

DATE_KINDS = {
    "as-at": "One day",
    "period": "A period",
    "historic-snapshot": "A historic snapshot, such as the SEN2 survey or a census",
    "not-dated": "No date: the files are not data",
}


class UploadForm(FlaskForm):
    """What is said about the files. The files themselves are read from the stream, never by this form."""

    class Meta:
        """The token is checked by the route, on the stream's first field."""

        csrf = False

    numbers = SelectMultipleField(
        "Which items do the files answer?",
        widget=GovCheckboxesInput(),
        validators=[InputRequired(message="Choose at least one item that the files answer")],
        description="Choose every item that applies. A file is stored once and shown under each (paragraph 195)",
    )
    date_kind = RadioField(
        "What date does the data represent?",
        choices=DATE_KINDS,
        validators=[InputRequired(message="Choose what date the data represents")],
    )
    start = DayField("Date", what="Date of the data")
    end = DayField("End date", what="End date")
    title = StringField(
        "Title (optional)",
        widget=GovTextInput(),
        validators=[Length(max=LONGEST_TITLE, message=f"Title must be {LONGEST_TITLE} characters or fewer")],
        description="Leave it empty to use each file’s own name. Never put a child’s name in a title",
    )
