"""Pages about inspections: the list, opening one, the checklist, the milestones."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from exchange.access.guard import requires, requires_in_inspection
from exchange.access.policy import decide_in_inspection, decide_in_service
from exchange.access.roles import INSPECTION_MATRIX, Permission, Role
from exchange.errors import ConflictError, InvalidError
from exchange.inspections import legal_notes
from exchange.inspections.checklist import build_checklist, progress_of
from exchange.inspections.forms import MilestoneForm, OpenInspectionForm
from exchange.inspections.queries import (
    assignments_of,
    get_inspection,
    inspections_of,
    item_counts,
    names_of,
    requested_items,
)
from exchange.inspections.service import (
    KINDS,
    Opening,
    close_inspection,
    next_step,
    open_inspection,
    record_fieldwork_ended,
    record_report_issued,
)
from exchange.web.form_pages import Page, form_page, given, show_error
from exchange.web.identity import parts, signed_in

inspections = Blueprint("inspections", __name__)


@inspections.get("/")
@requires(Permission.USE_OWN_ACCOUNT)
def home() -> str:
    """List the inspections this person is in."""
    actor = signed_in().actor
    with parts().database.read() as session:
        rows = [
            (inspection, sorted(role.label for role in actor.roles_in(inspection.id)))
            for inspection in inspections_of(session, actor.memberships)
        ]
        missing = legal_notes.missing(session, parts().legal_notes)
    return render_template(
        "inspections/home.html",
        rows=rows,
        kinds=KINDS,
        may_open=decide_in_service(actor, Permission.OPEN_INSPECTION) == "allowed",
        is_administrator=decide_in_service(actor, Permission.MANAGE_ACCOUNTS) == "allowed",
        may_answer_notes=decide_in_service(actor, Permission.ANSWER_LEGAL_NOTES) == "allowed",
        missing=missing,
    )


@inspections.route("/inspections/open", methods=["GET", "POST"], endpoint="open_inspection")
@requires(Permission.OPEN_INSPECTION)
def open_one() -> Page:
    """Open an inspection, once the controller's legal notes are answered or waived."""
    form = OpenInspectionForm()
    askable = [item for item in parts().catalogue.items if not item.per_child]
    form.numbers.choices = {str(item.number): f"{item.label}: {item.title}" for item in askable}
    with parts().database.read() as session:
        missing = legal_notes.missing(session, parts().legal_notes)
        notes = legal_notes.notes_shown(session, parts().legal_notes, "opening")
    if missing:
        return render_template("inspections/open_blocked.html", missing=missing, notes=parts().legal_notes), 409
    if not form.is_submitted():
        form.numbers.data = [str(item.number) for item in askable]
    if form.validate_on_submit():
        try:
            return _open(form)
        except InvalidError as error:
            show_error(form, error)
    return form_page("inspections/open.html", form, notes=notes)


def _open(form: OpenInspectionForm) -> Response:
    with parts().database.unit_of_work() as unit:
        inspection = open_inspection(
            unit,
            parts().trail,
            parts().vault.keyring.create_inspection_key,
            parts().catalogue,
            parts().schedule.version,
            opening=Opening(
                local_area=(form.local_area.data or "").replace("\0", ""),  # no database takes a NUL
                kind=form.kind.data,
                notified_on=given(form.notified_on),
                numbers=tuple(form.numbers.data or ()),
            ),
            actor=signed_in().person_id,
        )
        inspection_id = inspection.id
    flash("The inspection is open. Add the nominated officer and the inspectors next.")
    return redirect(url_for("team.members", inspection_id=inspection_id), 303)


@inspections.get("/inspections/<inspection_id>", endpoint="inspection")
@requires_in_inspection(Permission.VIEW_INSPECTION)
def checklist(inspection_id: str) -> str:
    """Show the checklist: each item, its deadline and its state."""
    actor, now = signed_in().actor, parts().clock()
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
        requested = requested_items(session, inspection_id)
        assigned = assignments_of(session, inspection_id)
        names = names_of(session, {person for people in assigned.values() for person in people})
        groups = build_checklist(
            parts().catalogue,
            requested,
            item_counts(session, inspection_id),
            {number: [names.get(person, "") for person in people] for number, people in assigned.items()},
            actor.items_in(inspection_id) if _is_narrowed(inspection_id) else None,
            now,
        )
        notes = legal_notes.notes_shown(session, parts().legal_notes, "checklist")
    return render_template(
        "inspections/checklist.html",
        inspection=inspection,
        kinds=KINDS,
        groups=groups,
        progress=progress_of(groups, now),
        may=permissions_in(inspection_id),
        notes=notes,
    )


@inspections.route("/inspections/<inspection_id>/milestones", methods=["GET", "POST"])
@requires_in_inspection(Permission.RECORD_MILESTONES)
def milestones(inspection_id: str) -> Page:
    """Record that fieldwork ended, that the final report was issued, and the close."""
    form = MilestoneForm()
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
    if form.validate_on_submit():
        try:
            return _record_milestone(inspection_id, form)
        except InvalidError as error:
            show_error(form, InvalidError(error.message, field="on"))
    step = next_step(inspection)
    return form_page("inspections/milestones.html", form, inspection=inspection, step=step, schedule=parts().schedule)


def _record_milestone(inspection_id: str, form: MilestoneForm) -> Response:
    actor = signed_in().person_id
    with parts().database.unit_of_work() as unit:
        inspection = get_inspection(unit.session, inspection_id, locked=True)
        step = next_step(inspection)
        if form.step.data != step:
            raise ConflictError(
                "Another milestone was recorded since this page was shown, perhaps by this same form. Nothing was "
                "changed now. Go back and reload the page to see what is recorded."
            )
        if step == "fieldwork-ended":
            record_fieldwork_ended(unit, inspection, given(form.on), actor=actor)
            done = "The end of fieldwork is recorded."
        elif step == "report-issued":
            record_report_issued(unit, inspection, given(form.on), actor=actor)
            done = "The issue of the final report is recorded."
        else:
            close_inspection(unit, inspection, actor=actor)
            done = "The inspection is closed."
    flash(done)
    return redirect(url_for("inspections.milestones", inspection_id=inspection_id), 303)


def permissions_in(inspection_id: str) -> dict[str, bool]:
    """What the signed-in person may do in an inspection, for showing links; the guard decides again on use."""
    actor = signed_in().actor
    every = frozenset().union(*INSPECTION_MATRIX.values())
    return {
        permission.name: decide_in_inspection(actor, permission, inspection_id) == "allowed" for permission in every
    }


def _is_narrowed(inspection_id: str) -> bool:
    return signed_in().actor.roles_in(inspection_id) == {Role.CONTRIBUTOR}
