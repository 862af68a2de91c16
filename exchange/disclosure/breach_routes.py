"""Pages about breaches of personal data in one inspection: the register, one breach, each step, and its export."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for

from exchange import trail
from exchange.access.guard import requires_in_inspection
from exchange.access.roles import Permission
from exchange.clock import in_london
from exchange.disclosure import breach as register
from exchange.disclosure.breach_queries import BreachView, breaches_of, documents_to_name, view_breach
from exchange.disclosure.deadline import parse_moment
from exchange.disclosure.forms import BreachForm, CloseBreachForm, ReportForm
from exchange.disclosure.models import Breach
from exchange.errors import InvalidError
from exchange.inspections.queries import get_inspection
from exchange.web.attachments import attachment
from exchange.web.choices import choices_of
from exchange.web.form_pages import Page, form_page, show_error
from exchange.web.identity import parts, signed_in

breach_pages = Blueprint("breaches", __name__)


@breach_pages.get("/inspections/<inspection_id>/breaches")
@requires_in_inspection(Permission.MANAGE_BREACHES)
def list_all(inspection_id: str) -> str:
    """List the breaches of an inspection with their clocks."""
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
        rows = breaches_of(session, inspection_id, parts().clock())
    return render_template("disclosure/breaches.html", inspection=inspection, breaches=rows)


@breach_pages.route("/inspections/<inspection_id>/breaches/record", methods=["GET", "POST"])
@requires_in_inspection(Permission.MANAGE_BREACHES)
def record(inspection_id: str) -> Page:
    """Record a breach."""
    form = _breach_form(inspection_id)
    if form.validate_on_submit():
        try:
            with parts().database.unit_of_work() as unit:
                made = register.record_breach(
                    unit, inspection_id=inspection_id, facts=_facts(form), actor=signed_in().person_id
                ).id
        except InvalidError as error:
            show_error(form, error)
        else:
            flash("The breach is recorded. The clock runs from when you became aware of it.")
            return redirect(url_for("breaches.show", inspection_id=inspection_id, breach_id=made), 303)
    return _form(inspection_id, "disclosure/record_breach.html", form)


@breach_pages.get("/inspections/<inspection_id>/breaches/<breach_id>")
@requires_in_inspection(Permission.MANAGE_BREACHES)
def show(inspection_id: str, breach_id: str) -> str:
    """Show all that is known of a breach, who saw what, and the clock; printable."""
    found = _view(inspection_id, breach_id, "breach:viewed")
    return render_template("disclosure/breach.html", breach=found, inspection=found.inspection)


@breach_pages.get("/inspections/<inspection_id>/breaches/<breach_id>/file")
@requires_in_inspection(Permission.MANAGE_BREACHES)
def take(inspection_id: str, breach_id: str) -> Response:
    """Download the record of a breach: HTML to read and print, JSON for programs with `form=json`."""
    form = "json" if request.args.get("form") == "json" else "html"
    found = _view(inspection_id, breach_id, "breach:exported", form=form)
    content = _json(found) if form == "json" else render_template("disclosure/breach_file.html", breach=found)
    media = "application/json" if form == "json" else "text/html; charset=utf-8"
    return Response(content, headers={**attachment(f"breach-{found.id}.{form}"), "Content-Type": media})


@breach_pages.route("/inspections/<inspection_id>/breaches/<breach_id>/change", methods=["GET", "POST"])
@requires_in_inspection(Permission.MANAGE_BREACHES)
def change(inspection_id: str, breach_id: str) -> Page:
    """Put right or add to what is known."""
    form = _breach_form(inspection_id, _current(inspection_id, breach_id))
    if form.validate_on_submit():
        try:
            with parts().database.unit_of_work() as unit:
                found = register.find_breach(unit.session, inspection_id, breach_id, locked=True)
                register.change_breach(unit, found, _facts(form), actor=signed_in().person_id)
        except InvalidError as error:
            show_error(form, error)
        else:
            return _saved(inspection_id, breach_id, "The change is recorded, and what stood before is kept.")
    return _form(inspection_id, "disclosure/change_breach.html", form, breach_id)


@breach_pages.route("/inspections/<inspection_id>/breaches/<breach_id>/report", methods=["GET", "POST"])
@requires_in_inspection(Permission.MANAGE_BREACHES)
def report(inspection_id: str, breach_id: str) -> Page:
    """Record who was told, or why no report is made."""
    form = ReportForm()
    _current(inspection_id, breach_id)
    if form.validate_on_submit():
        try:
            with parts().database.unit_of_work() as unit:
                _report(unit, register.find_breach(unit.session, inspection_id, breach_id, locked=True), form)
        except InvalidError as error:
            show_error(form, error)
        else:
            return _saved(inspection_id, breach_id, "That is recorded.")
    return _form(inspection_id, "disclosure/report_breach.html", form, breach_id)


@breach_pages.route("/inspections/<inspection_id>/breaches/<breach_id>/close", methods=["GET", "POST"])
@requires_in_inspection(Permission.MANAGE_BREACHES)
def close(inspection_id: str, breach_id: str) -> Page:
    """Close a breach with a reason."""
    form = CloseBreachForm()
    _current(inspection_id, breach_id)
    if form.validate_on_submit():
        try:
            with parts().database.unit_of_work() as unit:
                found = register.find_breach(unit.session, inspection_id, breach_id, locked=True)
                register.close_breach(unit, found, reason=form.reason.data or "", actor=signed_in().person_id)
        except InvalidError as error:
            show_error(form, error)
        else:
            return _saved(inspection_id, breach_id, "The breach is closed.")
    return _form(inspection_id, "disclosure/close_breach.html", form, breach_id)


def _report(unit: Any, found: Breach, form: ReportForm) -> None:
    actor, words = signed_in().person_id, form.words.data or ""
    if form.told.data not in {"ico", "people", "not"}:
        raise InvalidError("Choose who was told, or that no report is made", field="told")
    if form.told.data == "not":
        register.decide_not_to_report(unit, found, words=words, actor=actor)
        return
    told_at = parse_moment(form.told_at.data, form.told_at_time.data or "", field="told_at", what="that was")
    act = register.report_breach if form.told.data == "ico" else register.tell_people
    act(unit, found, told_at=told_at, words=words, actor=actor)


def _breach_form(inspection_id: str, current: Breach | None = None) -> BreachForm:
    if current is None:
        form = BreachForm()
    else:
        at = in_london(current.aware_at)
        form = BreachForm(
            data={
                "aware_at_time": f"{at:%H:%M}",
                "happened": current.happened,
                "documents": current.documents,
                "children": "" if current.children is None else str(current.children),
            }
        )
        if not form.is_submitted():
            form.aware_at.raw_data = [str(at.day), str(at.month), str(at.year)]
    with parts().database.read() as session:
        form.documents.choices = choices_of(documents_to_name(session, parts(), inspection_id))
    return form


def _facts(form: BreachForm) -> register.Facts:
    aware_at = parse_moment(
        form.aware_at.data, form.aware_at_time.data or "", field="aware_at", what="you became aware"
    )
    return register.Facts(
        aware_at, form.happened.data or "", _number(form.children.data), tuple(form.documents.data or ())
    )


def _number(typed: str | None) -> int | None:
    text = (typed or "").strip().replace(",", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:  # noqa: PLR2004  far beyond any number of children
        raise InvalidError("Enter the number of children in digits, like 12, or leave it empty", field="children")
    return int(text)


def _current(inspection_id: str, breach_id: str) -> Breach:
    with parts().database.read() as session:
        found = register.find_breach(session, inspection_id, breach_id)
        session.expunge_all()
    return found


def _form(inspection_id: str, template: str, form: Any, breach_id: str = "") -> Page:
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
    return form_page(template, form, inspection=inspection, breach_id=breach_id)


def _saved(inspection_id: str, breach_id: str, sentence: str) -> Page:
    flash(sentence)
    return redirect(url_for("breaches.show", inspection_id=inspection_id, breach_id=breach_id), 303)


def _view(inspection_id: str, breach_id: str, event: str, **details: str) -> BreachView:
    """Record the look, then look."""
    with parts().database.unit_of_work() as unit:
        found = register.find_breach(unit.session, inspection_id, breach_id)
        told: dict[str, trail.DetailValue] = {"breach": found.id, **details}
        trail.record(unit, event, actor=signed_in().person_id, inspection=inspection_id, details=told)
    with parts().database.read() as session:
        found = register.find_breach(session, inspection_id, breach_id)
        view = view_breach(session, parts(), found, parts().clock())
        session.expunge_all()
    return view


def _json(view: BreachView) -> str:
    inspection = {"id": view.inspection.id, "local_area": view.inspection.local_area}
    plain = {**{name: value for name, value in vars(view).items() if name != "inspection"}, "inspection": inspection}
    return json.dumps(plain, default=_plain, ensure_ascii=False, indent=2) + "\n"


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else asdict(value)
