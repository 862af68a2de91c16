"""Forms of the oversight pages."""

from __future__ import annotations

from flask_wtf import FlaskForm
from govuk_frontend_wtf.wtforms_widgets import GovSubmitInput, GovTextArea
from wtforms import SubmitField, TextAreaField
from wtforms.validators import InputRequired, Length

from exchange.oversight.alarms import MAX_REASON


class ClearAlarmForm(FlaskForm):
    """Clear an alarm, with the reason why it may stand aside."""

    reason = TextAreaField(
        "What was found, and what was done about it",
        widget=GovTextArea(),
        validators=[
            InputRequired(message="Enter what was found and what was done"),
            Length(max=MAX_REASON, message=f"The reason must be {MAX_REASON} characters or fewer"),
        ],
        description="Do not name a child. The reason is kept with the alarm, and its fingerprint in the trail",
    )
    submit = SubmitField("Clear the alarm", widget=GovSubmitInput())
