"""Pages about the people in an inspection and the items they answer."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, url_for
from werkzeug.wrappers import Response

from exchange.access.guard import requires_in_inspection
from exchange.access.roles import Permission, Role
from exchange.errors import InvalidError, NotFoundError
from exchange.inspections.forms import AddMemberForm, AssignForm
from exchange.inspections.queries import assignments_of, get_inspection, members_of, requested_items
from exchange.inspections.service import in_order
from exchange.inspections.team import add_member as add
from exchange.inspections.team import assign_items, grantable_roles, verify_may_grant
from exchange.inspections.team import remove_member as remove
from exchange.web.form_pages import Page, form_page, show_error
from exchange.web.identity import parts, signed_in

team = Blueprint("team", __name__)


@team.get("/inspections/<inspection_id>/members")
@requires_in_inspection(Permission.VIEW_INSPECTION)
def members(inspection_id: str) -> Page:
    """Show who is in the inspection, and, to those who may, the form to add somebody."""
    return _members_page(inspection_id, _member_form(inspection_id))


@team.post("/inspections/<inspection_id>/members", endpoint="add_member")
@requires_in_inspection(Permission.VIEW_INSPECTION)
def add_one(inspection_id: str) -> Page:
    """Give somebody a role; which roles, the service decides."""
    verify_may_grant(signed_in().actor, inspection_id)
    form = _member_form(inspection_id)
    if form.validate_on_submit():
        try:
            with parts().database.unit_of_work() as unit:
                inspection = get_inspection(unit.session, inspection_id)
                role = Role(form.role.data)
                person = add(unit, inspection, actor=signed_in().actor, email=form.email.data or "", role=role)
                done = f"{person.name} was added as {role.label.lower()}."
        except InvalidError as error:
            show_error(form, error)
        else:
            flash(done)
            return redirect(url_for("team.members", inspection_id=inspection_id), 303)
    return _members_page(inspection_id, form)


@team.post("/inspections/<inspection_id>/members/<int(max=2147483647):membership_id>/remove", endpoint="remove_member")
@requires_in_inspection(Permission.VIEW_INSPECTION)
def remove_one(inspection_id: str, membership_id: int) -> Response:
    """End a membership at once."""
    with parts().database.unit_of_work() as unit:
        inspection = get_inspection(unit.session, inspection_id)
        remove(unit, inspection, actor=signed_in().actor, membership_id=membership_id)
    flash("Access was ended.")
    return redirect(url_for("team.members", inspection_id=inspection_id), 303)


@team.route("/inspections/<inspection_id>/members/<person_id>/items", methods=["GET", "POST"])
@requires_in_inspection(Permission.ASSIGN_ITEMS)
def assignments(inspection_id: str, person_id: str) -> Page:
    """Choose the items a contributor answers."""
    form = AssignForm()
    catalogue = parts().catalogue
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
        asked = in_order(catalogue, requested_items(session, inspection_id))
        now_assigned = [
            number for number, people in assignments_of(session, inspection_id).items() if person_id in people
        ]
        people = [member for member in members_of(session, inspection_id) if member.person_id == person_id]
    if not any(member.role is Role.CONTRIBUTOR for member in people):
        raise NotFoundError
    form.numbers.choices = {n: f"{catalogue.item(n).label}: {catalogue.item(n).title}" for n in asked}
    if not form.is_submitted():
        form.numbers.data = now_assigned
    if form.validate_on_submit():
        with parts().database.unit_of_work() as unit:
            assign_items(
                unit,
                get_inspection(unit.session, inspection_id),
                actor=signed_in().person_id,
                person_id=person_id,
                numbers=form.numbers.data or (),
            )
        flash(f"The items of {people[0].name} were saved.")
        return redirect(url_for("team.members", inspection_id=inspection_id), 303)
    return form_page("inspections/assignments.html", form, inspection=inspection, person=people[0])


def _member_form(inspection_id: str) -> AddMemberForm:
    form = AddMemberForm()
    roles = grantable_roles(signed_in().actor, inspection_id)
    form.role.choices = {"": "Choose a role"} | {role.value: role.label for role in Role if role in roles}
    return form


def _members_page(inspection_id: str, form: AddMemberForm) -> Page:
    actor = signed_in().actor
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
        people = members_of(session, inspection_id)
        assigned = assignments_of(session, inspection_id)
    items_by_person: dict[str, list[str]] = {}
    for number, persons in assigned.items():
        for person in persons:
            items_by_person.setdefault(person, []).append(number)
    return form_page(
        "inspections/members.html",
        form,
        inspection=inspection,
        people=people,
        items={person: in_order(parts().catalogue, numbers) for person, numbers in items_by_person.items()},
        grantable=grantable_roles(actor, inspection_id),
        may_assign=actor.items_in(inspection_id) is None and Role.NOMINATED_OFFICER in actor.roles_in(inspection_id),
        catalogue=parts().catalogue,
    )
