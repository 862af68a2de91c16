"""Forms of the retention pages."""

from __future__ import annotations

from flask_wtf import FlaskForm
from govuk_frontend_wtf.wtforms_widgets import GovRadioInput, GovSelect, GovSubmitInput, GovTextArea
from wtforms import RadioField, SelectField, SubmitField, TextAreaField
from wtforms.validators import InputRequired

from exchange.retention.holds import GROUNDS
from exchange.web.choices import choices_of

WHOLE_INSPECTION = "inspection"


class PlaceHoldForm(FlaskForm):
    """Stop the disposal of a document or of everything in an inspection."""

    covers = SelectField(
        "What must be kept",
        widget=GovSelect(),
        validators=[InputRequired(message="Choose what must be kept")],
        description="A hold on the whole inspection also keeps what arrives later",
    )
    ground = RadioField(
        "Why disposal must stop",
        widget=GovRadioInput(),
        choices=choices_of(GROUNDS.items()),
        validators=[InputRequired(message="Choose why disposal must stop")],
    )
    reason = TextAreaField(
        "Reason",
        widget=GovTextArea(),
        validators=[InputRequired(message="Enter a reason")],
        description="Your reference for the request or case. Do not name a child. The reason is kept with the hold",
    )
    submit = SubmitField("Place the hold", widget=GovSubmitInput())


class LiftHoldForm(FlaskForm):
    """Lift a hold, with the reason why nothing stands in the way of disposal any more."""

    reason = TextAreaField(
        "Why the hold can be lifted",
        widget=GovTextArea(),
        validators=[InputRequired(message="Enter a reason")],
        description="For example, when the request was answered and the time to appeal is over. Do not name a child",
    )
    submit = SubmitField("Lift the hold", widget=GovSubmitInput())


class ApproveLogDisposalForm(FlaskForm):
    """Approve the disposal of a closed log that is due, with what was looked at."""

    reason = TextAreaField(
        "What you looked at, and why nothing needs this log any more",
        widget=GovTextArea(),
        validators=[InputRequired(message="Enter what you looked at")],
        description="For example, that no request, complaint or claim is pending. Do not name a child",
    )
    submit = SubmitField("Approve the disposal", widget=GovSubmitInput())
