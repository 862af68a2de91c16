"""Pages by which a person signs in and out and looks after their own account."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_login import current_user
from markupsafe import Markup
from werkzeug.wrappers import Response

from exchange.access.guard import public, requires
from exchange.access.roles import Permission
from exchange.accounts.attempts import ThrottledError
from exchange.accounts.forms import ChangePasswordForm, CodeForm, NewPasswordForm, SetUpForm, SignInForm
from exchange.accounts.queries import open_sessions
from exchange.accounts.return_path import return_path
from exchange.accounts.second_factor import enrolment_picture, enrolment_uri, in_groups
from exchange.accounts.service import person_invited
from exchange.accounts.sign_in import Need, Waiting, WaitingEndedError
from exchange.errors import BusyError, InvalidError
from exchange.web.form_pages import Page, form_page, show_error
from exchange.web.identity import end_session, parts, signed_in, start_session, visitor

accounts = Blueprint("accounts", __name__)

# What the signed cookie holds between two pages: the token of a waiting sign-in, and a sealed secret to set up.
WAITING_TOKEN = "waiting"  # noqa: S105  the name of a place, not a secret
OFFER = "offer"


@accounts.route("/sign-in", methods=["GET", "POST"])
@public(reason="people sign in here")
def sign_in() -> Page:
    """Ask for email address and password."""
    if current_user.is_authenticated:
        return redirect(return_path(), 303)
    form = SignInForm()
    if form.validate_on_submit():
        try:
            token = parts().sign_in.with_password(
                form.email.data or "", form.password.data or "", visitor(), parts().clock()
            )
        except (InvalidError, BusyError) as error:
            return _refused("accounts/sign_in.html", form, error, "email")
        return _go_on(token)
    return form_page("accounts/sign_in.html", form)


@accounts.route("/sign-in/code", methods=["GET", "POST"])
@public(reason="the second step of signing in; the waiting sign-in is looked up first")
def second_factor() -> Page:
    """Ask for the code of the second factor."""
    token = session.get(WAITING_TOKEN, "")
    try:
        waiting = _require_waiting(token, Need.CODE)
        form = CodeForm()
        if form.validate_on_submit():
            return _finish(parts().sign_in.with_code(token, form.code.data or "", visitor()))
    except WaitingEndedError as error:
        return _start_again(error)
    except (InvalidError, BusyError) as error:
        return _refused("accounts/code.html", form, error, "code", email=waiting.email)
    return form_page("accounts/code.html", form, email=waiting.email)


@accounts.route("/sign-in/set-up-code", methods=["GET", "POST"])
@public(reason="the second step of a first sign-in; the waiting sign-in is looked up first")
def enrol() -> Page:
    """Set up the second factor that is required before anything else can be done."""
    token = session.get(WAITING_TOKEN, "")
    try:
        waiting = _require_waiting(token, Need.ENROLMENT)
        shown = _offer(waiting.person_id, waiting.email)
        form = CodeForm()
        if form.validate_on_submit():
            return _finish(parts().sign_in.enrol(token, session[OFFER], form.code.data or "", visitor()))
    except WaitingEndedError as error:
        return _start_again(error)
    except InvalidError as error:
        return _refused("accounts/enrol.html", form, error, "code", **shown)
    return form_page("accounts/enrol.html", form, **shown)


@accounts.post("/sign-out")
@requires(Permission.USE_OWN_ACCOUNT)
def sign_out() -> Response:
    """End this session."""
    parts().sign_in.sign_out(signed_in())
    end_session()
    flash("You are signed out.")
    return redirect(url_for("accounts.sign_in"), 303)


@accounts.post("/sign-out/everywhere")
@requires(Permission.USE_OWN_ACCOUNT)
def sign_out_everywhere() -> Response:
    """End every session of the person, this one too."""
    parts().sign_in.sign_out_everywhere(signed_in())
    end_session()
    flash("You are signed out on every device.")
    return redirect(url_for("accounts.sign_in"), 303)


@accounts.route("/activate/<token>", methods=["GET", "POST"])
@public(reason="a one-time link, checked before anything is shown, by which a person sets a password")
def activate(token: str) -> Page:
    """Set a password by a one-time link."""
    with parts().database.read() as rows:
        email = person_invited(rows, token, parts().clock()).email
    form = NewPasswordForm()
    if form.validate_on_submit():
        try:
            parts().credentials.take_up_invitation(token, form.password.data or "", parts().clock())
        except (InvalidError, BusyError) as error:
            return _refused("accounts/activate.html", form, error, "password", email=email)
        if current_user.is_authenticated:
            parts().sign_in.sign_out(signed_in())
        end_session()
        flash("Your password is saved. Sign in with it now.")
        return redirect(url_for("accounts.sign_in"), 303)
    return form_page("accounts/activate.html", form, email=email)


@accounts.get("/account")
@requires(Permission.USE_OWN_ACCOUNT)
def account() -> str:
    """Show a person their own account and where they are signed in."""
    who = signed_in()
    with parts().database.read() as rows:
        sessions = open_sessions(rows, who.person_id, parts().clock(), parts().sign_in.lifetimes)
    return render_template("accounts/account.html", who=who, sessions=sessions)


@accounts.route("/account/password", methods=["GET", "POST"])
@requires(Permission.USE_OWN_ACCOUNT)
def change_password() -> Page:
    """Change the password."""
    form, who = ChangePasswordForm(), signed_in()
    if form.validate_on_submit():
        now = parts().clock()
        try:
            parts().credentials.change_password(who, form.present.data or "", form.password.data or "", visitor(), now)
        except (InvalidError, BusyError) as error:
            return _refused("accounts/password.html", form, error, "present", email=who.email)
        flash("Your password is changed. Every other browser was signed out.")
        return redirect(url_for("accounts.account"), 303)
    return form_page("accounts/password.html", form, email=who.email)


@accounts.route("/account/second-factor", methods=["GET", "POST"])
@requires(Permission.USE_OWN_ACCOUNT)
def set_up_second_factor() -> Page:
    """Set up a second factor in a live session."""
    form, who = SetUpForm(), signed_in()
    if who.has_second_factor:
        return render_template("accounts/second_factor_set.html")
    shown = _offer(who.person_id, who.email)
    if form.validate_on_submit():
        now, offer = parts().clock(), session[OFFER]
        try:
            parts().credentials.set_up_second_factor(
                who, present=form.present.data or "", offer=offer, code=form.code.data or "", visitor=visitor(), now=now
            )
        except (InvalidError, BusyError) as error:
            return _refused("accounts/second_factor.html", form, error, "present", **shown)
        session.pop(OFFER, None)
        flash("Your second factor is set up. From now on, sign in with your password and a code.")
        return redirect(url_for("accounts.account"), 303)
    return form_page("accounts/second_factor.html", form, **shown)


def _go_on(token: str) -> Response:
    """Take a right password to its next step; whatever the cookie held before is dropped."""
    session.clear()
    match parts().sign_in.waiting(token, parts().clock()).needs:
        case Need.NOTHING:
            return _finish(parts().sign_in.without_code(token, visitor()))
        case Need.CODE:
            step = "accounts.second_factor"
        case Need.ENROLMENT:
            step = "accounts.enrol"
    session[WAITING_TOKEN] = token
    return redirect(url_for(step, next=request.args.get("next")), 303)


def _finish(token: str) -> Response:
    start_session(token)
    return redirect(return_path(), 303)


def _require_waiting(token: str, need: Need) -> Waiting:
    """Return the waiting sign-in. Raises WaitingEndedError when there is none or it waits for something else."""
    waiting = parts().sign_in.waiting(token, parts().clock())
    if waiting.needs is not need:
        raise WaitingEndedError
    return waiting


def _start_again(error: WaitingEndedError) -> Page:
    """Back to the first step; with the reason, for somebody who had got further."""
    if session.pop(WAITING_TOKEN, None) is None:
        return redirect(url_for("accounts.sign_in", next=request.args.get("next")), 303)
    return _refused("accounts/sign_in.html", SignInForm(formdata=None), InvalidError(error.message), "email")


def _offer(person_id: str, email: str) -> dict[str, object]:
    """What a set-up page shows; the sealed secret stays in the cookie, so a reload shows the same picture."""
    session[OFFER], secret = parts().credentials.offer_second_factor(person_id, session.get(OFFER))
    uri = enrolment_uri(secret, email=email, service_name=parts().settings.service_name)
    return {"picture": Markup(enrolment_picture(uri)), "groups": in_groups(secret)}  # noqa: S704  an SVG of our own making


def _refused(template: str, form: object, error: InvalidError | BusyError, field: str, **values: object) -> Page:
    """Show a form again with the reason: 400, 429 when throttled, 503 when too much is going on."""
    found = error.field if isinstance(error, InvalidError) and error.field else field
    show_error(form, InvalidError(error.message, field=found))
    status = 400
    if isinstance(error, BusyError):
        status = 429 if isinstance(error, ThrottledError) else 503
    return render_template(template, form=form, **values), status
