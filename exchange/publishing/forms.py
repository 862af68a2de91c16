"""The form by which a kept checkpoint comes back."""

from __future__ import annotations

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from govuk_frontend_wtf.wtforms_widgets import GovFileInput, GovSubmitInput, GovTextArea
from wtforms import SubmitField, TextAreaField

from exchange.errors import InvalidError


class CheckKeptForm(FlaskForm):
    """A note or mail that is pasted, or a file; one of both."""

    note = TextAreaField(
        "Paste the checkpoint, or the whole mail",
        widget=GovTextArea(),
        description="Everything that is no checkpoint is passed over",
    )
    file = FileField(
        "Or choose a file",
        widget=GovFileInput(),
        description="A checkpoint that you downloaded, a file from the kept folder, or a saved mail",
    )
    submit = SubmitField("Check it against the log", widget=GovSubmitInput())

    def content(self) -> str | bytes:
        """What was given. Raises InvalidError when nothing was."""
        given: bytes = self.file.data.read() if self.file.data else b""
        pasted: str = (self.note.data or "").strip()
        if not given and not pasted:
            raise InvalidError("Paste a checkpoint or choose a file", field="note")
        return given or pasted
