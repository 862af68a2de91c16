"""Who is asking: decided once per request, from the session alone.

Flask-Login holds the token of a live session in the signed cookie; the row behind it says whose it is. Nothing else
in a request (header, address, parameter) is ever taken for identity.
"""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app, g, redirect, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from exchange.access.policy import Actor
from exchange.accounts.sessions import SignedIn, Visitor
from exchange.parts import Parts


class SignedInUser(UserMixin):
    """What Flask-Login keeps in the request: the session's token and what stands behind it."""

    def __init__(self, token: str, signed_in: SignedIn) -> None:
        self.token = token
        self.signed_in = signed_in

    def get_id(self) -> str:
        """The token, which Flask-Login puts into the signed cookie."""
        return self.token


def parts() -> Parts:
    """The parts of the application that serves this request."""
    return cast("Parts", current_app.extensions["exchange"])


def visitor() -> Visitor:
    """Where this request comes from."""
    return Visitor(request.remote_addr or "", request.headers.get("User-Agent", ""))


def signed_in() -> SignedIn:
    """The live session of this request; the guard has seen to it that there is one."""
    return cast("SignedInUser", current_user).signed_in


def current_actor() -> Actor:
    """The actor that the policy judges.

    Raises:
        NotSignedInError: nobody is signed in.
    """
    if not current_user.is_authenticated:
        raise NotSignedInError
    return signed_in().actor


class NotSignedInError(Exception):
    """The page asks for somebody who is signed in."""


def start_session(token: str) -> None:
    """Bind this browser to a finished sign-in; whatever its cookie held before is dropped."""
    session.clear()
    found = parts().sign_in.resume(token, parts().clock())
    if found is not None:
        login_user(SignedInUser(token, found))


def end_session() -> None:
    """Forget the session in this browser (its row is ended by the service)."""
    logout_user()
    session.clear()


def ask_to_sign_in() -> Response:
    """Send the person to the sign-in page, and back afterwards when they were only reading."""
    come_back = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("accounts.sign_in", next=come_back) if come_back != "/" else url_for("accounts.sign_in"))


def init_identity(app: Flask) -> None:
    """Wire Flask-Login to the sessions in the database."""
    manager = LoginManager()
    manager.session_protection = None  # sessions end by our own rules; an address may change on a train
    manager.init_app(app)

    @manager.user_loader  # type: ignore[untyped-decorator]  # flask-login has no types
    def load(token: str) -> SignedInUser | None:
        found = parts().sign_in.resume(token, parts().clock())
        g.session_ran_out = found is None
        return None if found is None else SignedInUser(token, found)
