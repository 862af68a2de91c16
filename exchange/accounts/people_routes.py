"""Pages by which an administrator makes and stops accounts; nothing here leads to an inspection or a document."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from exchange.access.guard import requires
from exchange.access.roles import Permission, Role
from exchange.accounts.forms import NewPersonForm
from exchange.accounts.queries import AccountState, get_account, list_accounts, waiting_resets
from exchange.accounts.service import agree_to_reset, create_account, disable_account, enable_account, invite
from exchange.accounts.support import inspections_touched
from exchange.errors import InvalidError
from exchange.web.form_pages import Page, form_page, show_error
from exchange.web.identity import parts, signed_in
from keys.errors import SecretBoxError
from keys.secret_box import open_secret, seal_secret

people = Blueprint("people", __name__)

LINK = "link"  # where the cookie keeps a sealed one-time link between making it and showing it once


@people.get("/people")
@requires(Permission.MANAGE_ACCOUNTS)
def list_people() -> str:
    """List every account."""
    with parts().database.read() as rows:
        return render_template("people/list.html", accounts=list_accounts(rows, parts().clock()))


@people.route("/people/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_ACCOUNTS)
def new_person() -> Page:
    """Create an account and its one-time link."""
    form = NewPersonForm()
    if form.validate_on_submit():
        try:
            return _create(form)
        except InvalidError as error:
            show_error(form, error)
    return form_page("people/new.html", form)


@people.get("/people/<person_id>")
@requires(Permission.MANAGE_ACCOUNTS)
def person(person_id: str) -> str:
    """Show one account, and a link that was just made: once."""
    return _person_page(person_id)


@people.post("/people/<person_id>/invite")
@requires(Permission.MANAGE_ACCOUNTS)
def invite_again(person_id: str) -> Page:
    """Make a new one-time link; earlier ones stop working."""
    try:
        with parts().database.unit_of_work() as unit:
            token = invite(unit, actor=signed_in().person_id, person_id=person_id, reason=_reason())
    except InvalidError as error:
        return _person_page(person_id, "invite", error), 400
    _keep_link(person_id, token)
    flash("A new link was made. Earlier links no longer work.")
    return redirect(url_for("people.person", person_id=person_id), 303)


@people.get("/resets")
@requires(Permission.AGREE_TO_RESETS)
def resets() -> str:
    """List the reset links that wait for a second person."""
    with parts().database.read() as rows:
        return render_template("people/resets.html", waiting=waiting_resets(rows, parts().clock()))


@people.post("/resets/<invitation_id>/agree", endpoint="agree_to_reset")
@requires(Permission.AGREE_TO_RESETS)
def agree(invitation_id: str) -> Response:
    """Let one reset link work."""
    with parts().database.unit_of_work() as unit:
        name = agree_to_reset(unit, actor=signed_in().person_id, invitation_id=invitation_id).name
    flash(f"The reset link of {name} works now.")
    return redirect(url_for("people.resets"), 303)


@people.post("/people/<person_id>/disable")
@requires(Permission.MANAGE_ACCOUNTS)
def disable(person_id: str) -> Page:
    """Stop an account at once."""
    try:
        with parts().database.unit_of_work() as unit:
            disable_account(unit, actor=signed_in().person_id, person_id=person_id, reason=_reason())
    except InvalidError as error:
        return _person_page(person_id, "disable", error), 400
    flash("The account is disabled. The person was signed out everywhere and taken out of every inspection.")
    return redirect(url_for("people.person", person_id=person_id), 303)


@people.post("/people/<person_id>/enable")
@requires(Permission.MANAGE_ACCOUNTS)
def enable(person_id: str) -> Page:
    """Let an account be used again."""
    try:
        with parts().database.unit_of_work() as unit:
            enable_account(unit, actor=signed_in().person_id, person_id=person_id, reason=_reason())
    except InvalidError as error:
        return _person_page(person_id, "enable", error), 400
    flash("The account is enabled. The person is in no inspection until somebody adds them again.")
    return redirect(url_for("people.person", person_id=person_id), 303)


def _person_page(person_id: str, act: str = "", error: InvalidError | None = None) -> str:
    """An account's page; after an act that was refused, with what is wrong about its reason."""
    with parts().database.read() as rows:
        account = get_account(rows, person_id, parts().clock())
        is_disabled = account.state is AccountState.DISABLED
        asks_why = bool(inspections_touched(rows, person_id, ever=is_disabled))
    return render_template(
        "people/person.html",
        account=account,
        link="" if error else _take_link(person_id),
        is_own=person_id == signed_in().person_id,
        asks_why=asks_why,
        refused={"act": act, "message": error.message, "given": _reason()} if error else None,
    )


def _reason() -> str:
    return request.form.get("reason", "")


def _create(form: NewPersonForm) -> Response:
    with parts().database.unit_of_work() as unit:
        person, token = create_account(
            unit,
            actor=signed_in().person_id,
            email=form.email.data or "",
            name=form.name.data or "",
            organisation=form.organisation.data or "",
            roles=frozenset(Role(role) for role in form.roles.data or []),
        )
        person_id = person.id
    _keep_link(person_id, token)
    flash("The account is created.")
    return redirect(url_for("people.person", person_id=person_id), 303)


def _keep_link(person_id: str, token: str) -> None:
    """Carry a link over the redirect, sealed: the cookie is signed, but a browser keeps it readable on its disk."""
    session[LINK] = seal_secret(parts().small_secrets_key, f"one-time-link:{person_id}", token.encode())


def _take_link(person_id: str) -> str:
    """Return the link that was just made for this person, and forget it; empty when there is none."""
    sealed = session.pop(LINK, "")
    try:
        token = open_secret(parts().small_secrets_key, f"one-time-link:{person_id}", sealed).decode()
    except SecretBoxError:
        return ""
    return parts().settings.public_url + url_for("accounts.activate", token=token)
