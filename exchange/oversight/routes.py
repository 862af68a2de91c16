"""Pages of oversight: the trail of an inspection and of the service, verification, evidence, access, alarms."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, flash, redirect, render_template, request
from sqlalchemy.orm import Session

from audit.errors import AuditError
from exchange.access.guard import requires, requires_in_inspection
from exchange.access.roles import Permission
from exchange.errors import InvalidError, NotFoundError
from exchange.inspections import legal_notes
from exchange.oversight.access_routes import moment_values
from exchange.oversight.filters import TrailFilters, parse_before, parse_filters
from exchange.oversight.forms import ClearAlarmForm
from exchange.oversight.queries import (
    FilterChoices,
    TrailPage,
    access_list,
    alarms_of,
    inspection_choices,
    open_alarms,
    read_trail,
    service_choices,
)
from exchange.oversight.scopes import Scope, scope_of, service_scope
from exchange.oversight.service import (
    clear_alarm,
    export_evidence,
    record_access_viewed,
    record_trail_viewed,
    verify_log,
)
from exchange.oversight.verification import FINDINGS
from exchange.web.form_pages import Page, form_page, show_error
from exchange.web.headers import FILE_POLICY
from exchange.web.identity import parts, signed_in

oversight = Blueprint("oversight", __name__)


@oversight.get("/inspections/<inspection_id>/trail")
@requires_in_inspection(Permission.VIEW_TRAIL)
def trail(inspection_id: str) -> Page:
    """Show the trail of an inspection in plain words, filtered and a page at a time."""
    return _trail_page(
        scope_of(inspection_id), lambda session: inspection_choices(session, parts().catalogue, inspection_id)
    )


@oversight.post("/inspections/<inspection_id>/trail/verify")
@requires_in_inspection(Permission.VERIFY_LOG)
def verify(inspection_id: str) -> str:
    """Check an inspection's log now and show what was proved."""
    return _verified_page(scope_of(inspection_id))


@oversight.get("/inspections/<inspection_id>/trail/evidence")
@requires_in_inspection(Permission.EXPORT_EVIDENCE)
def evidence(inspection_id: str) -> Response:
    """Download an inspection's log as evidence that is verified offline."""
    return _evidence(scope_of(inspection_id))


@oversight.get("/inspections/<inspection_id>/access")
@requires_in_inspection(Permission.VIEW_ACCESS)
def access(inspection_id: str) -> Page:
    """Show who has access to an inspection now, who had it, and who had it at any moment."""
    scope = scope_of(inspection_id)
    with parts().database.unit_of_work() as unit:
        record_access_viewed(unit, inspection_id, actor=signed_in().person_id)
    with parts().database.read() as session:
        now, past = access_list(session, parts().catalogue, inspection_id)
        notes = legal_notes.notes_shown(session, parts().legal_notes, "audit")
        values = moment_values(session, scope)
    page = render_template("oversight/access.html", scope=scope, members=now, past=past, notes=notes, **values)
    return (page, 400) if values["error"] else page


@oversight.get("/inspections/<inspection_id>/alarms")
@requires_in_inspection(Permission.CLEAR_ALARMS)
def alarms(inspection_id: str) -> str:
    """List the alarms of an inspection."""
    return _alarms_page(scope_of(inspection_id))


@oversight.route(
    "/inspections/<inspection_id>/alarms/<alarm_id>/clear", methods=["GET", "POST"], endpoint="clear_alarm"
)
@requires_in_inspection(Permission.CLEAR_ALARMS)
def clear_one(inspection_id: str, alarm_id: str) -> Page:
    """Clear an alarm of an inspection, with a reason."""
    return _clear_page(scope_of(inspection_id), alarm_id)


@oversight.get("/service/trail")
@requires(Permission.VIEW_SERVICE_TRAIL)
def service_trail() -> Page:
    """Show the service's own trail: accounts, sign-ins, keys, legal notes, alarms."""
    return _trail_page(service_scope(), service_choices)


@oversight.post("/service/trail/verify")
@requires(Permission.VERIFY_LOG)
def verify_service() -> str:
    """Check the service's own log now."""
    return _verified_page(service_scope())


@oversight.get("/service/trail/evidence")
@requires(Permission.EXPORT_EVIDENCE)
def service_evidence() -> Response:
    """Download the service's own log as evidence."""
    return _evidence(service_scope())


@oversight.get("/service/alarms")
@requires(Permission.CLEAR_ALARMS)
def service_alarms() -> str:
    """List the alarms that belong to no inspection."""
    return _alarms_page(service_scope())


@oversight.route("/service/alarms/<alarm_id>/clear", methods=["GET", "POST"])
@requires(Permission.CLEAR_ALARMS)
def clear_service_alarm(alarm_id: str) -> Page:
    """Clear an alarm that belongs to no inspection, with a reason."""
    return _clear_page(service_scope(), alarm_id)


def _trail_page(scope: Scope, choices_of: Callable[[Session], FilterChoices]) -> Page:
    error: InvalidError | None = None
    filters = TrailFilters()
    try:
        filters = parse_filters(request.args)
    except InvalidError as found:
        error = found
    page = None if error else _read_recorded(scope, filters)
    inspection = None if scope.inspection is None else scope.log_id
    with parts().database.read() as session:
        choices, alarmed = choices_of(session), open_alarms(session, inspection)
    rendered = render_template(
        "oversight/trail.html",
        scope=scope,
        page=page,
        filters=filters,
        given=request.args,
        error=error,
        choices=choices,
        alarmed=alarmed,
        is_first=not request.args.get("before"),
    )
    return (rendered, 400) if error else rendered


def _read_recorded(scope: Scope, filters: TrailFilters) -> TrailPage | None:
    """Record the look, then look; None when the log takes no entry: no record, no act."""
    try:
        with parts().database.unit_of_work() as unit:
            record_trail_viewed(unit, scope.log_id, filters, actor=signed_in().person_id)
    except AuditError:
        return None
    before = parse_before(request.args.get("before", ""))
    with parts().database.read() as session:
        return read_trail(
            session, parts().trail.store, parts().catalogue, log_id=scope.log_id, filters=filters, before=before
        )


def _verified_page(scope: Scope) -> str:
    result = verify_log(parts(), scope.log_id, actor=signed_in().person_id)
    return render_template("oversight/verified.html", scope=scope, result=result, kinds=FINDINGS)


def _evidence(scope: Scope) -> Response:
    pieces = export_evidence(parts(), scope.log_id, actor=signed_in().person_id)
    name = f"evidence-{scope.log_id}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Security-Policy": FILE_POLICY}
    return Response(pieces, mimetype="application/zip", headers=headers)


def _alarms_page(scope: Scope) -> str:
    inspection = None if scope.inspection is None else scope.log_id
    with parts().database.read() as session:
        rows = alarms_of(session, parts().catalogue, inspection)
    return render_template("oversight/alarms.html", scope=scope, alarms=rows)


def _clear_page(scope: Scope, alarm_id: str) -> Page:
    form = ClearAlarmForm()
    inspection = None if scope.inspection is None else scope.log_id
    with parts().database.read() as session:
        alarm = next((row for row in alarms_of(session, parts().catalogue, inspection) if row.id == alarm_id), None)
    if alarm is None:
        raise NotFoundError
    if form.validate_on_submit():
        try:
            with parts().database.unit_of_work() as unit:
                clear_alarm(
                    unit,
                    alarm_id=alarm_id,
                    inspection=inspection,
                    reason=form.reason.data or "",
                    actor=signed_in().person_id,
                )
        except InvalidError as error:
            show_error(form, error)
        else:
            flash("The alarm is cleared.")
            return redirect(scope.url("alarms"), 303)
    return form_page("oversight/clear_alarm.html", form, scope=scope, alarm=alarm)
