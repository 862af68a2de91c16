"""Where to go after signing in: one of our own pages, or home. Nothing else is followed."""

from __future__ import annotations

from flask import current_app, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect


def return_path() -> str:
    """Return the path that `next` names when it is a page of this service, otherwise that of the home page."""
    wanted = request.args.get("next", "")
    return wanted if is_own_page(wanted) else url_for("inspections.home")


def is_own_page(text: str) -> bool:
    """Tell whether a text is the path of a page here: no host, no scheme, nothing that browsers read as one."""
    if not text.startswith("/") or text.startswith("//") or "\\" in text or not text.isprintable() or " " in text:
        return False
    path = text.partition("?")[0].partition("#")[0]
    try:
        endpoint, _ = current_app.url_map.bind("").match(path, method="GET")
    except (HTTPException, RequestRedirect):
        return False
    return endpoint not in {
        "accounts.sign_in",
        "accounts.second_factor",
        "accounts.enrol",
        "accounts.activate",
        "static",
    }
