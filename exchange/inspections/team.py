"""Decisions about who is in an inspection and which items contributors answer. No Flask here."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange import trail
from exchange.access.policy import Actor, Decision, decide_in_inspection
from exchange.access.roles import INSPECTING_ROLES, MAY_GRANT, PARTNERSHIP_ROLES, Permission, Role
from exchange.accounts.models import Person, ServiceRole
from exchange.accounts.service import parse_email
from exchange.database import UnitOfWork
from exchange.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from exchange.inspections.models import Assignment, Inspection, Membership, RequestedItem


def grantable_roles(actor: Actor, inspection_id: str) -> frozenset[Role]:
    """The roles this person may give in this inspection; empty for most."""
    roles: set[Role] = set()
    for permission, granted in MAY_GRANT.items():
        if decide_in_inspection(actor, permission, inspection_id) is Decision.ALLOWED:
            roles |= granted
    return frozenset(roles)


def verify_may_grant(actor: Actor, inspection_id: str) -> None:
    """Raise RefusedError unless the actor may give somebody a role in this inspection."""
    if not grantable_roles(actor, inspection_id):
        raise _refused(inspection_id)


def add_member(unit: UnitOfWork, inspection: Inspection, *, actor: Actor, email: str, role: Role) -> Person:
    """Give somebody with an account a role in an inspection.

    Raises:
        RefusedError: the actor may not give this role.
        InvalidError: there is no such account, it is disabled, it is an administrator's, it already has the role,
            or the role would put one person on both sides of the inspection.
    """
    _verify_may_grant(actor, inspection.id, role)
    if inspection.closed_at is not None:
        raise ConflictError("This inspection is closed. Nobody was added.")
    person = unit.session.scalar(select(Person).where(Person.email == parse_email(email)))
    if person is None or person.disabled_at is not None:
        raise InvalidError(
            "There is no account with this email address. Ask an administrator to create it first", field="email"
        )
    _verify_fits(unit.session, inspection.id, person, role)
    unit.session.add(
        Membership(
            inspection_id=inspection.id,
            person_id=person.id,
            role=role,
            granted_at=unit.now,
            granted_by=actor.person,
        )
    )
    _record(unit, "member:added", inspection.id, actor.person, person.id, role)
    return person


def remove_member(unit: UnitOfWork, inspection: Inspection, *, actor: Actor, membership_id: int) -> None:
    """End a membership at once; a contributor's assignments end with it.

    Raises:
        NotFoundError: no such live membership here.
        RefusedError: the actor may not.
        ConflictError: it is the last lead inspector's, or an officer's whom somebody else brought in.
    """
    membership = unit.session.get(Membership, membership_id, with_for_update=True)
    if membership is None or membership.inspection_id != inspection.id or membership.ended_at is not None:
        raise NotFoundError
    role = Role(membership.role)
    _verify_may_grant(actor, inspection.id, role)
    if role is Role.DATA_PROTECTION_OFFICER:
        _verify_may_end_officer(unit.session, membership, actor)
    if role is Role.LEAD_INSPECTOR and _live_count(unit.session, inspection.id, role) == 1:
        raise ConflictError("An inspection needs a lead inspector. Nothing was changed. Add another one first.")
    membership.ended_at, membership.ended_by = unit.now, actor.person
    _record(unit, "member:removed", inspection.id, actor.person, membership.person_id, role)
    if role is Role.CONTRIBUTOR:
        set_assignments(unit, inspection, actor=actor.person, person_id=membership.person_id, numbers=())


def _verify_may_end_officer(session: Session, membership: Membership, actor: Actor) -> None:
    """Whoever is audited must not be able to send the auditor away: only who brought the officer in ends it."""
    if membership.granted_by == actor.person:
        return
    giver_is_here = session.scalar(
        select(Membership.id).where(
            Membership.inspection_id == membership.inspection_id,
            Membership.person_id == membership.granted_by,
            Membership.ended_at.is_(None),
        )
    )
    if giver_is_here or Role.LEAD_INSPECTOR not in actor.roles_in(membership.inspection_id):
        raise ConflictError(
            "A data protection officer’s access is ended by the person who gave it, or by the lead inspector once that "
            "person has left. Nothing was changed."
        )


def assign_items(
    unit: UnitOfWork, inspection: Inspection, *, actor: str, person_id: str, numbers: Iterable[str]
) -> None:
    """Set which items a contributor answers. Raises InvalidError for items not asked for or somebody else's role."""
    is_contributor = unit.session.scalar(
        select(Membership.id).where(
            Membership.inspection_id == inspection.id,
            Membership.person_id == person_id,
            Membership.role == Role.CONTRIBUTOR,
            Membership.ended_at.is_(None),
        )
    )
    if is_contributor is None:
        raise InvalidError("Items are assigned to contributors of this inspection", field="person")
    asked = set(unit.session.scalars(select(RequestedItem.number).where(RequestedItem.inspection_id == inspection.id)))
    chosen = set(numbers)
    if not chosen <= asked:
        raise InvalidError("Choose items that this inspection asks for", field="numbers")
    set_assignments(unit, inspection, actor=actor, person_id=person_id, numbers=chosen)


def set_assignments(
    unit: UnitOfWork, inspection: Inspection, *, actor: str, person_id: str, numbers: Iterable[str]
) -> None:
    """Make the live assignments of a person exactly `numbers`, with an entry for each that begins or ends."""
    wanted = set(numbers)
    live = unit.session.scalars(
        select(Assignment).where(
            Assignment.inspection_id == inspection.id,
            Assignment.person_id == person_id,
            Assignment.ended_at.is_(None),
        )
    ).all()
    for assignment in live:
        if assignment.number not in wanted:
            assignment.ended_at = unit.now
            _record_item(unit, "item:unassigned", inspection.id, actor, person_id, assignment.number)
    for number in sorted(wanted - {assignment.number for assignment in live}):
        unit.session.add(
            Assignment(
                inspection_id=inspection.id,
                person_id=person_id,
                number=number,
                assigned_at=unit.now,
                assigned_by=actor,
            )
        )
        _record_item(unit, "item:assigned", inspection.id, actor, person_id, number)


def _verify_may_grant(actor: Actor, inspection_id: str, role: Role) -> None:
    if role not in grantable_roles(actor, inspection_id):
        raise _refused(inspection_id)


def _refused(inspection_id: str) -> RefusedError:
    return RefusedError(
        "Your role does not allow you to give or end this role. Nothing was changed.",
        permission=Permission.MANAGE_INSPECTORS,
        reason=Decision.ROLE_DOES_NOT_ALLOW,
        inspection=inspection_id,
    )


def _verify_fits(session: Session, inspection_id: str, person: Person, role: Role) -> None:
    service_roles = set(session.scalars(select(ServiceRole.role).where(ServiceRole.person_id == person.id)))
    if Role.ADMINISTRATOR in service_roles:
        raise InvalidError(
            "This is an administrator’s account. An administrator cannot be in an inspection", field="email"
        )
    held = {
        Role(value)
        for value in session.scalars(
            select(Membership.role).where(
                Membership.inspection_id == inspection_id,
                Membership.person_id == person.id,
                Membership.ended_at.is_(None),
            )
        )
    }
    if role in held:
        raise InvalidError("This person already has this role here", field="email")
    sides = [INSPECTING_ROLES, PARTNERSHIP_ROLES, frozenset({Role.DATA_PROTECTION_OFFICER})]
    if any(held & side and role not in side for side in sides):
        raise InvalidError(
            "This person is already on another side of this inspection. One person inspects, answers or audits",
            field="email",
        )


def _live_count(session: Session, inspection_id: str, role: Role) -> int:
    rows = session.scalars(
        select(Membership.id)
        .where(Membership.inspection_id == inspection_id, Membership.role == role, Membership.ended_at.is_(None))
        .with_for_update()
    )
    return len(rows.all())


def _record(unit: UnitOfWork, event: str, inspection: str, actor: str, person: str, role: Role) -> None:
    details: dict[str, trail.DetailValue] = {"person": person, "role": role}
    trail.record(unit, event, actor=actor, inspection=inspection, details=details)


def _record_item(unit: UnitOfWork, event: str, inspection: str, actor: str, person: str, number: str) -> None:
    details: dict[str, trail.DetailValue] = {"person": person, "item": number}
    trail.record(unit, event, actor=actor, inspection=inspection, details=details)
