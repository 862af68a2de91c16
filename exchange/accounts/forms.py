"""Forms of the pages about accounts. What a value must be is decided by the services; here it is only asked for."""

from __future__ import annotations

from flask_wtf import FlaskForm
from govuk_frontend_wtf.wtforms_widgets import GovCheckboxesInput, GovPasswordInput, GovSubmitInput, GovTextInput
from wtforms import PasswordField, SelectMultipleField, StringField, SubmitField
from wtforms.validators import InputRequired, Length

from exchange.access.roles import Role
from exchange.accounts.passwords import MAXIMUM, MINIMUM
from exchange.web.choices import choices_of

NEW_PASSWORD_HINT = (
    f"Use {MINIMUM} characters or more. Three unrelated words are easy to remember and hard to guess. "
    "You can paste from a password manager."
)
CODE_HINT = "The 6 digits your authenticator app shows now"


class SignInForm(FlaskForm):
    """Email address and password."""

    email = StringField(
        "Email address", widget=GovTextInput(), validators=[InputRequired(message="Enter your email address")]
    )
    password = PasswordField(
        "Password", widget=GovPasswordInput(), validators=[InputRequired(message="Enter your password")]
    )
    submit = SubmitField("Sign in", widget=GovSubmitInput())


class CodeForm(FlaskForm):
    """The code of the second factor."""

    code = StringField(
        "Security code",
        widget=GovTextInput(),
        validators=[InputRequired(message="Enter the security code"), Length(max=20, message="Enter 6 digits")],
        description=CODE_HINT,
    )
    submit = SubmitField("Continue", widget=GovSubmitInput())


class NewPasswordForm(FlaskForm):
    """A first password, or another one after a new link."""

    password = PasswordField(
        "Password",
        widget=GovPasswordInput(),
        validators=[InputRequired(message="Enter a password")],
        description=NEW_PASSWORD_HINT,
    )
    submit = SubmitField("Save the password", widget=GovSubmitInput())


class ChangePasswordForm(FlaskForm):
    """The present password and a new one."""

    present = PasswordField(
        "Present password",
        widget=GovPasswordInput(),
        validators=[InputRequired(message="Enter your present password")],
    )
    password = PasswordField(
        "New password",
        widget=GovPasswordInput(),
        validators=[
            InputRequired(message="Enter a new password"),
            Length(max=MAXIMUM, message=f"Password must be {MAXIMUM} characters or fewer"),
        ],
        description=NEW_PASSWORD_HINT,
    )
    submit = SubmitField("Change the password", widget=GovSubmitInput())


class SetUpForm(CodeForm):
    """The present password and the first code, when a second factor is set up in a live session."""

    present = PasswordField(
        "Present password",
        widget=GovPasswordInput(),
        validators=[InputRequired(message="Enter your present password")],
    )


class NewPersonForm(FlaskForm):
    """Somebody who is to have an account."""

    name = StringField("Full name", widget=GovTextInput(), validators=[InputRequired(message="Enter a full name")])
    email = StringField(
        "Email address",
        widget=GovTextInput(),
        validators=[InputRequired(message="Enter an email address")],
        description="A work address that only this person reads. They sign in with it",
    )
    organisation = StringField("Organisation (optional)", widget=GovTextInput(), description="For example, the council")
    roles = SelectMultipleField(
        "Roles in the whole service",
        widget=GovCheckboxesInput(),
        choices=choices_of((role.value, role.label) for role in (Role.ADMINISTRATOR, Role.LEAD_INSPECTOR)),
        description="Leave empty for everybody else: they are given their role inside an inspection",
    )
    submit = SubmitField("Create the account", widget=GovSubmitInput())
