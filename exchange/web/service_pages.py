"""Pages about the service itself, and the two addresses by which a machine asks whether it lives and works."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, current_app, render_template

from exchange.access.guard import public
from exchange.web.identity import parts
from exchange.web.readiness import readiness

service_pages = Blueprint("service_pages", __name__)


@service_pages.get("/help")
@public(reason="somebody who cannot sign in needs help most")
def help_page() -> str:
    """Help for people of every role."""
    settings = parts().settings
    return render_template(
        "service_pages/help.html",
        max_file_bytes=settings.max_file_bytes,
        window_minutes=settings.sign_in_window_minutes,
        idle_minutes=settings.session_idle_minutes,
        second_factor_required=not settings.example,
    )


@service_pages.get("/privacy")
@public(reason="people may read what is kept about them before they sign in")
def privacy() -> str:
    """What the service keeps about the people who use it, and who answers for the documents."""
    return render_template("service_pages/privacy.html")


@service_pages.get("/accessibility")
@public(reason="an accessibility statement is open to everybody")
def accessibility() -> str:
    """The accessibility statement."""
    return render_template("service_pages/accessibility.html")


@service_pages.get("/cookies")
@public(reason="people may read what is stored in their browser before they sign in")
def cookies() -> str:
    """The one cookie there is."""
    return render_template(
        "service_pages/cookies.html",
        cookie_name=current_app.config["SESSION_COOKIE_NAME"],
        idle_minutes=parts().settings.session_idle_minutes,
        session_hours=parts().settings.session_hours,
    )


@service_pages.get("/healthz")
@public(reason="a machine asks whether the process lives; the answer says nothing else")
def health() -> Response:
    """Answer that this process serves requests."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@service_pages.get("/readyz")
@public(reason="a machine asks whether the process can work; the answer names four parts and their state")
def ready() -> Response:
    """Answer whether database, store and keys can be reached and the log goes on: 200 when all hold, otherwise 503."""
    found = readiness(parts())
    lines = "".join(f"{name}: {'ok' if holds else 'not reachable'}\n" for name, holds in found.items())
    status = HTTPStatus.OK if all(found.values()) else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(lines, status, content_type="text/plain; charset=utf-8")
