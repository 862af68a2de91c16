"""Pages about keeping and letting go: the disposal schedule of an inspection, holds, certificates."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from exchange.access.guard import requires_in_inspection
from exchange.access.roles import Permission
from exchange.clock import in_london
from exchange.errors import InvalidError
from exchange.inspections.queries import get_inspection
from exchange.receipts.addresses import receipt_files
from exchange.receipts.pdf import can_render
from exchange.receipts.service import find_evidence
from exchange.retention.forms import WHOLE_INSPECTION, LiftHoldForm, PlaceHoldForm
from exchange.retention.queries import disposal_rows, documents_to_hold, get_certificate, get_hold, holds_of
from exchange.retention.service import lift_hold, place_hold
from exchange.web.choices import choices_of
from exchange.web.form_pages import Page, form_page, show_error
from exchange.web.identity import parts, signed_in

retention = Blueprint("retention", __name__)


@retention.get("/inspections/<inspection_id>/disposal")
@requires_in_inspection(Permission.VIEW_DISPOSAL)
def schedule(inspection_id: str) -> str:
    """Show each document's day of disposal and why, what is due now, and what a hold keeps."""
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
        rows = disposal_rows(session, parts().schedule, parts().catalogue, inspection, _today())
        standing = [
            hold for hold in holds_of(session, parts().catalogue, inspection_id, _today()) if not hold.lifted_at
        ]
    return render_template(
        "retention/schedule.html", inspection=inspection, rows=rows, holds=standing, schedule=parts().schedule
    )


@retention.get("/inspections/<inspection_id>/documents/<document_id>/certificate")
@requires_in_inspection(Permission.VIEW_DISPOSAL)
def certificate(inspection_id: str, document_id: str) -> str:
    """Show what remains of a document that was disposed of."""
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
        found = get_certificate(session, parts().catalogue, inspection_id, document_id)
        place = parts().trail.place_of(session, inspection_id, "disposal:done", document_id)
        evidence = place and find_evidence(session, parts().trail, inspection_id, place.leaf_index)
    return render_template(
        "retention/certificate.html",
        inspection=inspection,
        certificate=found,
        evidence=evidence,
        files=receipt_files("receipts.disposal_receipt", inspection_id=inspection_id, document_id=document_id),
        can_render=can_render(),
    )


@retention.get("/inspections/<inspection_id>/holds")
@requires_in_inspection(Permission.MANAGE_HOLDS)
def holds(inspection_id: str) -> str:
    """List the holds of an inspection, standing and lifted."""
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
        rows = holds_of(session, parts().catalogue, inspection_id, _today())
    return render_template("retention/holds.html", inspection=inspection, holds=rows)


@retention.route("/inspections/<inspection_id>/holds/place", methods=["GET", "POST"], endpoint="place_hold")
@requires_in_inspection(Permission.MANAGE_HOLDS)
def place_one(inspection_id: str) -> Page:
    """Place a hold with a ground and a reason."""
    form = PlaceHoldForm()
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
        documents = documents_to_hold(session, parts().catalogue, inspection_id)
    form.covers.choices = choices_of(
        [(WHOLE_INSPECTION, "The whole inspection"), *((one, f"Document {name}") for one, name in documents)]
    )
    if form.validate_on_submit():
        try:
            return _place(inspection_id, form)
        except InvalidError as error:
            show_error(form, error)
    return form_page("retention/place_hold.html", form, inspection=inspection)


@retention.route("/inspections/<inspection_id>/holds/<hold_id>/lift", methods=["GET", "POST"], endpoint="lift_hold")
@requires_in_inspection(Permission.MANAGE_HOLDS)
def lift_one(inspection_id: str, hold_id: str) -> Page:
    """Lift a hold with a reason."""
    form = LiftHoldForm()
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
        hold = get_hold(session, parts().catalogue, inspection_id, hold_id, _today())
    if form.validate_on_submit():
        try:
            return _lift(inspection_id, hold_id, form)
        except InvalidError as error:
            show_error(form, error)
    return form_page("retention/lift_hold.html", form, inspection=inspection, hold=hold)


def _place(inspection_id: str, form: PlaceHoldForm) -> Response:
    document = None if form.covers.data == WHOLE_INSPECTION else form.covers.data
    with parts().database.unit_of_work() as unit:
        place_hold(
            unit,
            inspection_id=inspection_id,
            document_id=document,
            ground=form.ground.data,
            reason=form.reason.data or "",
            actor=signed_in().person_id,
        )
    flash("The hold is placed. Nothing that it covers will be disposed of until it is lifted.")
    return redirect(url_for("retention.holds", inspection_id=inspection_id), 303)


def _lift(inspection_id: str, hold_id: str, form: LiftHoldForm) -> Response:
    with parts().database.unit_of_work() as unit:
        lift_hold(
            unit,
            inspection_id=inspection_id,
            hold_id=hold_id,
            reason=form.reason.data or "",
            actor=signed_in().person_id,
        )
    flash("The hold is lifted. What it kept and is due will go with the next disposal run.")
    return redirect(url_for("retention.holds", inspection_id=inspection_id), 303)


def _today() -> date:
    return in_london(parts().clock()).date()
