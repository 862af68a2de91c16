"""Downloads of the trail of an inspection or of the service: CSV, workbook, JSON lines."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request

from audit.errors import AuditError
from exchange import trail
from exchange.access.guard import requires, requires_in_inspection
from exchange.access.roles import Permission
from exchange.errors import ConflictError, InvalidError
from exchange.exports.service import export_trail
from exchange.oversight.service import parse_filters
from exchange.web.form_pages import Page
from exchange.web.headers import FILE_POLICY
from exchange.web.identity import parts, signed_in

exports = Blueprint("exports", __name__)

NO_RECORD = (
    "The log takes no entry, so the export could not be recorded and nothing of it was sent. "
    "Verify the log: the result says what is wrong."
)


@exports.get("/inspections/<inspection_id>/trail/export.<form>")
@requires_in_inspection(Permission.EXPORT_TRAIL)
def trail_of_inspection(inspection_id: str, form: str) -> Page:
    """Download the trail of an inspection, by the trail's filters."""
    return _export(inspection_id, form)


@exports.get("/service/trail/export.<form>")
@requires(Permission.EXPORT_TRAIL)
def trail_of_service(form: str) -> Page:
    """Download the service's own trail, by the trail's filters."""
    return _export(trail.SERVICE_LOG, form)


def attachment(file_name: str) -> dict[str, str]:
    """The headers of a file that is kept and never shown within the service; the name is of our own making."""
    return {"Content-Disposition": f'attachment; filename="{file_name}"', "Content-Security-Policy": FILE_POLICY}


def _export(log_id: str, form: str) -> Page:
    try:
        made = export_trail(parts(), log_id, parse_filters(request.args), form, actor=signed_in().person_id)
    except InvalidError as refused:
        return render_template("exports/refused.html", log_id=log_id, refused=refused.message), 400
    except AuditError as error:
        raise ConflictError(NO_RECORD) from error
    return Response(made.stream, headers={**attachment(made.file_name), "Content-Type": made.media_type})
