"""Downloads of the trail of an inspection or of the service: CSV, workbook, JSON lines."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from audit.errors import AuditError
from exchange import trail
from exchange.access.guard import requires, requires_in_inspection
from exchange.access.roles import Permission
from exchange.errors import ConflictError, InvalidError
from exchange.exports.service import FORMS, MOST_ROWS, export_trail
from exchange.exports.words import say_filters
from exchange.oversight.service import load_names_in, parse_filters
from exchange.web.attachments import attachment
from exchange.web.form_pages import Page
from exchange.web.identity import parts, signed_in

exports = Blueprint("exports", __name__)

NO_RECORD = (
    "The log takes no entry, or cannot be read whole, so nothing of it was exported. "
    "Verify the log: the result says what is wrong."
)


@exports.get("/inspections/<inspection_id>/trail/export")
@requires_in_inspection(Permission.EXPORT_TRAIL)
def choose(inspection_id: str) -> Page:
    """Offer the forms in which the trail of an inspection can be taken, by the filters of the address."""
    return _choose(inspection_id)


@exports.get("/inspections/<inspection_id>/trail/export/file")
@requires_in_inspection(Permission.EXPORT_TRAIL)
def take(inspection_id: str) -> Page:
    """Download the trail of an inspection, by the trail's filters; `form` names the form, CSV unless given."""
    return _take(inspection_id)


@exports.get("/service/trail/export")
@requires(Permission.EXPORT_TRAIL)
def choose_of_service() -> Page:
    """Offer the forms in which the service's own trail can be taken."""
    return _choose(trail.SERVICE_LOG)


@exports.get("/service/trail/export/file")
@requires(Permission.EXPORT_TRAIL)
def take_of_service() -> Page:
    """Download the service's own trail, by the trail's filters."""
    return _take(trail.SERVICE_LOG)


def _choose(log_id: str, refused: str = "") -> Page:
    try:
        filters = parse_filters(request.args)
    except InvalidError as error:
        return _page(log_id, {}, "", error.message), 400
    with parts().database.read() as session:
        wanted = {filters.person or "", filters.document or ""}
        names = load_names_in(session, parts().trail.store, parts().catalogue, log_id, wanted)
    page = _page(log_id, filters.query(), say_filters(filters, names) if filters.codes else "", refused)
    return (page, 400) if refused else page


def _page(log_id: str, query: dict[str, Any], said: str, refused: str) -> str:
    is_service = log_id == trail.SERVICE_LOG
    place: dict[str, Any] = {} if is_service else {"inspection_id": log_id}
    links = {
        form: url_for("exports.take_of_service" if is_service else "exports.take", form=form, **place, **query)
        for form in FORMS
    }
    back = url_for("oversight.service_trail" if is_service else "oversight.trail", **place, **query)
    return render_template(
        "exports/choose.html", links=links, back=back, said=said, refused=refused, most_rows=MOST_ROWS
    )


def _take(log_id: str) -> Page:
    form = request.args.get("form", "csv")
    try:
        made = export_trail(parts(), log_id, parse_filters(request.args), form, actor=signed_in().person_id)
    except InvalidError as refused:
        return _choose(log_id, refused.message)
    except AuditError as error:
        raise ConflictError(NO_RECORD) from error
    return Response(made.stream, headers={**attachment(made.file_name), "Content-Type": made.media_type})
