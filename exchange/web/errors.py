"""Errors turned into pages: what happened, whether anything was lost, what to do now; and refusals into entries.

Promises: never a stack trace, never silence; another's object and no object look the same; a refusal is recorded in
the log before its page is sent, though nothing else changed; of strangers, the first of each minute.
"""

from __future__ import annotations

from http import HTTPStatus

import structlog
from flask import Flask, render_template, request
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from audit.errors import EntryError, LogDamagedError, LogRolledBackError
from exchange import trail
from exchange.access.guard import OutsiderError
from exchange.accounts.throttle import network_of
from exchange.errors import (
    BusyError,
    ConflictError,
    ContentUnavailableError,
    ExchangeError,
    InvalidError,
    NotFoundError,
    RefusedError,
)
from exchange.identifiers import PATTERN
from exchange.inspections.queries import inspection_exists
from exchange.web.form_stream import BodyError
from exchange.web.identity import NotSignedInError, ask_to_sign_in, parts, signed_in, visitor

log = structlog.get_logger("exchange.web")

Answer = tuple[str, int] | Response

NOT_FOUND = (
    "If you typed the address, check it. If you followed a link, the page may have gone, "
    "or it may not be open to you. Nothing was changed or lost."
)
BROKEN = (
    "Something went wrong at our end. If you were uploading, only files for which you saw a receipt were kept. "
    "Try again in a few minutes; if it goes on, tell us the time and what you were doing."
)

STOPPED = (
    "The records of this service were put back to an older state than the one it had reached. So that nothing is "
    "mended quietly, it takes and shows nothing until the people who run it have decided how to go on. What you sent "
    "just now was not taken. Keep your files and receipts, and ask the contact below when to come back."
)


DAMAGED = (
    "A log that this depends on is not as it was written, or takes no entry, and nothing is done or shown here without "
    "its entry. Nothing was changed, and what you sent just now was not taken. Data protection officers can verify the "
    "log and export the evidence. Everybody else: tell us the time and what you were doing."
)


def page(status: HTTPStatus, title: str, text: str) -> tuple[str, int]:
    """Render the one error page."""
    return render_template("error.html", title=title, text=text), int(status)


def init_errors(app: Flask) -> None:
    """Register a handler for every error that can reach the edge."""
    app.register_error_handler(NotSignedInError, lambda _: ask_to_sign_in())
    app.register_error_handler(OutsiderError, _outsider)
    app.register_error_handler(NotFoundError, lambda _: _not_found())
    app.register_error_handler(RefusedError, _refused)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(BodyError, _body)
    app.register_error_handler(ExchangeError, _domain)
    app.register_error_handler(LogRolledBackError, _rolled_back)
    app.register_error_handler(LogDamagedError, _damaged)
    app.register_error_handler(EntryError, _damaged)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _not_found() -> tuple[str, int]:
    return page(HTTPStatus.NOT_FOUND, "Page not found", NOT_FOUND)


def _outsider(error: OutsiderError) -> tuple[str, int]:
    record_refusal(error.permission, error.reason, error.inspection)
    return _not_found()


def _refused(error: RefusedError) -> tuple[str, int]:
    record_refusal(error.permission, error.reason, error.inspection)
    return page(HTTPStatus.FORBIDDEN, "You cannot do this", error.message)


def record_refusal(permission: str, reason: str, inspection: str | None) -> None:
    """Append `access:refused` to the inspection's log where there is one, otherwise to the service's.

    Strangers who are refused again and again add one entry a minute for each place they come from: nobody fills the log
    from outside.
    """
    place = "" if current_user.is_authenticated else network_of(visitor().address) or "nowhere"
    if place:
        with parts().database.read() as session:
            if parts().throttle.was_noted(session, parts().clock(), "refused", place):
                return
    arguments = request.view_args or {}
    document = str(arguments.get("document_id", ""))
    with parts().database.unit_of_work() as unit:
        if place and not parts().throttle.note(unit, "refused", place):
            return
        if reason != "form-token":  # a form that has grown old tries nothing
            parts().places.note_refusal(unit, visitor().address)
        known = inspection if inspection and inspection_exists(unit.session, inspection) else None
        details: dict[str, trail.DetailValue] = {
            "permission": permission,
            "reason": reason,
            "route": (request.endpoint or "unknown").replace("_", "-"),
            "document": document if PATTERN.fullmatch(document) else None,
        }
        actor = signed_in().person_id if current_user.is_authenticated else trail.ANONYMOUS
        trail.record(unit, "access:refused", actor=actor, inspection=known, details=details)


def _stale_form(_: CSRFError) -> tuple[str, int]:
    record_refusal("csrf", "form-token", None)
    return page(
        HTTPStatus.BAD_REQUEST,
        "The form is too old",
        "The page was open for a long time, or you signed in again in another tab. What you sent was not taken and "
        "nothing else was changed. Go back, reload the page and send it again.",
    )


def _body(error: BodyError) -> tuple[str, int]:
    return page(error.status, error.title, error.message)


def _domain(error: ExchangeError) -> tuple[str, int]:
    if isinstance(error, ContentUnavailableError):
        log.error("content unavailable", route=request.endpoint)
        return page(HTTPStatus.INTERNAL_SERVER_ERROR, "This file cannot be read", _unreadable())
    status = {
        BusyError: HTTPStatus.SERVICE_UNAVAILABLE,
        ConflictError: HTTPStatus.CONFLICT,
        InvalidError: HTTPStatus.BAD_REQUEST,
    }.get(type(error), HTTPStatus.BAD_REQUEST)
    title = "Try again in a little while" if isinstance(error, BusyError) else "This could not be done"
    return page(status, title, error.message)


def _rolled_back(error: LogRolledBackError) -> tuple[str, int]:
    log.critical("the database went back behind what was signed", detail=str(error))
    return page(HTTPStatus.SERVICE_UNAVAILABLE, "The service has stopped taking anything", STOPPED)


def _damaged(error: Exception) -> tuple[str, int]:
    log.error("the log is damaged", kind=type(error).__name__, route=request.endpoint)
    return page(HTTPStatus.INTERNAL_SERVER_ERROR, "The log is not as it was written", DAMAGED)


def _unreadable() -> str:
    return (
        "The sealed file is not as it was when it was received, so none of it was sent. An alarm has been raised "
        "with the data protection officer. Ask the partnership for the file again."
    )


def _http(error: HTTPException) -> Answer:
    code = error.code or 500
    if code == HTTPStatus.NOT_FOUND:
        return _not_found()
    if code == HTTPStatus.METHOD_NOT_ALLOWED:
        text, status = page(HTTPStatus.METHOD_NOT_ALLOWED, "This page is not used that way", NOT_FOUND)
        response = Response(text, status, content_type="text/html; charset=utf-8")
        response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or []))
        return response
    if code < 500:  # noqa: PLR2004  a fault of the request
        return page(HTTPStatus(code), "The request could not be read", "Nothing was changed. Go back and try again.")
    return page(HTTPStatus(code), "Sorry, there is a problem with the service", BROKEN)


def _unexpected(error: Exception) -> tuple[str, int]:
    # The class and the place are logged; the message is not, since it may hold what somebody sent.
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "unknown"
    log.error("unexpected error", kind=type(error).__name__, place=place, route=request.endpoint)
    if isinstance(error, SQLAlchemyError):
        return page(HTTPStatus.SERVICE_UNAVAILABLE, "Sorry, the service cannot reach its records", BROKEN)
    return page(HTTPStatus.INTERNAL_SERVER_ERROR, "Sorry, there is a problem with the service", BROKEN)
