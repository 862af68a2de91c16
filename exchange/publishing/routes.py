"""Pages of a log and its witnesses: its state, its checkpoint and export, and checking what somebody kept."""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, render_template, request

from audit.offline_page import offline_page
from exchange import trail
from exchange.access.guard import public, requires, requires_in_inspection
from exchange.access.roles import Permission
from exchange.errors import ConflictError, InvalidError
from exchange.oversight.scopes import Scope, scope_of, service_scope
from exchange.oversight.service import export_tiles
from exchange.oversight.verification import FINDINGS
from exchange.publishing.forms import CheckKeptForm
from exchange.publishing.found_notes import LONGEST_TEXT
from exchange.publishing.kept import check_kept
from exchange.publishing.queries import cosigned_note, read_log_page
from exchange.publishing.words import say_verdict
from exchange.web.form_pages import Page, form_page, show_error
from exchange.web.headers import FILE_POLICY
from exchange.web.identity import parts, signed_in

publishing = Blueprint("publishing", __name__)

SERVICE_PAGES = {
    "log": "service_log",
    "check": "check_service",
    "checkpoint": "service_checkpoint",
    "tiles": "service_tiles",
}
WITH_FILE = {"publishing.check", "publishing.check_service"}
VERIFIER_NAME = "verify.html"


@publishing.url_value_preprocessor
def bound_form(endpoint: str | None, _values: dict[str, object] | None) -> None:
    """Bound a form with a file before anything reads it, so that it is held in memory and never on disk."""
    if endpoint in WITH_FILE:
        request.max_content_length = LONGEST_TEXT


@publishing.get("/inspections/<inspection_id>/log")
@requires_in_inspection(Permission.VERIFY_LOG)
def log(inspection_id: str) -> str:
    """Show how far an inspection's log is signed, witnessed, kept, mailed and checked."""
    return _log_page(scope_of(inspection_id))


@publishing.get("/service/log")
@requires(Permission.VERIFY_LOG)
def service_log() -> str:
    """Show the same of the service's own log."""
    return _log_page(service_scope())


@publishing.route("/inspections/<inspection_id>/log/check", methods=["GET", "POST"])
@requires_in_inspection(Permission.VERIFY_LOG)
def check(inspection_id: str) -> Page:
    """Check a checkpoint of an inspection's log that somebody kept."""
    return _check_page(scope_of(inspection_id))


@publishing.route("/service/log/check", methods=["GET", "POST"])
@requires(Permission.VERIFY_LOG)
def check_service() -> Page:
    """Check a checkpoint of the service's own log that somebody kept."""
    return _check_page(service_scope())


@publishing.get("/inspections/<inspection_id>/log/checkpoint")
@requires_in_inspection(Permission.EXPORT_EVIDENCE)
def checkpoint(inspection_id: str) -> Response:
    """Download the newest checkpoint of an inspection's log."""
    return _checkpoint(scope_of(inspection_id))


@publishing.get("/service/log/checkpoint")
@requires(Permission.EXPORT_EVIDENCE)
def service_checkpoint() -> Response:
    """Download the newest checkpoint of the service's own log."""
    return _checkpoint(service_scope())


@publishing.get("/inspections/<inspection_id>/log/tiles")
@requires_in_inspection(Permission.EXPORT_EVIDENCE)
def tiles(inspection_id: str) -> Response:
    """Download an inspection's log as tiles, for standard clients."""
    return _tiles(scope_of(inspection_id))


@publishing.get("/service/log/tiles")
@requires(Permission.EXPORT_EVIDENCE)
def service_tiles() -> Response:
    """Download the service's own log as tiles."""
    return _tiles(service_scope())


@publishing.get("/verifier")
@public(reason="a program that verifies evidence; it holds no data, and whoever was given evidence may need it")
def verifier() -> Response:
    """Give away the page that verifies evidence offline."""
    headers = {
        "Content-Disposition": f'attachment; filename="{VERIFIER_NAME}"',
        "Content-Security-Policy": FILE_POLICY,
    }
    return Response(offline_page(), mimetype="text/html", headers=headers)


def _address(scope: Scope, page: str) -> str:
    endpoint = page if scope.inspection is not None else SERVICE_PAGES[page]
    return scope.to(f"publishing.{endpoint}")


def _log_page(scope: Scope) -> str:
    with parts().database.read() as session:
        page = read_log_page(parts(), session, scope.log_id)
    settings = parts().settings
    return render_template(
        "publishing/log.html",
        scope=scope,
        page=page,
        to=lambda name: _address(scope, name),
        kinds=FINDINGS,
        verifier_digest=hashlib.sha256(offline_page()).hexdigest(),
        keeps=settings.checkpoint_folder is not None,
        mails=bool(settings.smtp_host),
    )


def _check_page(scope: Scope) -> Page:
    form = CheckKeptForm()
    if form.validate_on_submit():
        try:
            found = check_kept(parts(), scope.log_id, form.content(), actor=signed_in().person_id)
        except InvalidError as error:
            show_error(form, error)
        else:
            return render_template(
                "publishing/checked.html",
                scope=scope,
                found=found,
                to=lambda name: _address(scope, name),
                say=say_verdict,
            )
    return form_page("publishing/check.html", form, scope=scope, to=lambda name: _address(scope, name))


def _checkpoint(scope: Scope) -> Response:
    with parts().database.unit_of_work() as unit:
        connection = unit.session.connection()
        latest = parts().trail.store.latest_checkpoint(connection, scope.log_id)
        if latest is None:
            raise ConflictError(
                "Nothing was signed of this log yet. The worker signs it within minutes. Try again then."
            )
        note = cosigned_note(parts(), connection, latest)
        details: dict[str, trail.DetailValue] = {"tree_size": latest.tree_size}
        person = signed_in().person_id
        trail.record(unit, "checkpoint:downloaded", actor=person, inspection=scope.inspection_id, details=details)
    name = f"checkpoint-{scope.log_id}-{latest.tree_size}.txt"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Security-Policy": FILE_POLICY}
    return Response(note, mimetype="text/plain", headers=headers)


def _tiles(scope: Scope) -> Response:
    pieces = export_tiles(parts(), scope.log_id, actor=signed_in().person_id)
    name = f"tiles-{scope.log_id}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Security-Policy": FILE_POLICY}
    return Response(pieces, mimetype="application/zip", headers=headers)
