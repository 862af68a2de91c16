"""Decisions about accounts: making one, the invitation, roles in the service, disabling. No Flask here."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from exchange import trail
from exchange.access.roles import SERVICE_ROLES, Role
from exchange.accounts.models import Invitation, Person, ServiceRole, SignInSession
from exchange.accounts.support import DISABLED, ENABLED, LINK_MADE, record_reset_agreed, record_support
from exchange.database import UnitOfWork
from exchange.errors import ConflictError, InvalidError, NotFoundError
from exchange.identifiers import new_identifier, parse_identifier
from exchange.inspections.models import Assignment, Membership

INVITATION_LIFE = timedelta(days=3)
EMAIL = re.compile(r"[^\s@,;<>\"']{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")

LONGEST_EMAIL = 254  # RFC 5321
LONGEST_NAME = 120

ADDRESS_TAKEN = "There is already an account with this email address"
NOT_AGREED = (
    "This link does not work yet: a data protection officer has to agree to it first. Nothing was lost and the link "
    "stays good. Try it again when they have."
)
LINK_SPENT = (
    "This link has been used, has expired or is not complete. Nothing was lost. "
    "Ask the administrator who invited you for a new link."
)


def parse_email(text: str) -> str:
    """Return an e-mail address folded to lower case.

    Raises:
        InvalidError: it is not one, or carries line breaks or more than one recipient.
    """
    email = fold_email(text)
    if not EMAIL.fullmatch(email):
        raise InvalidError("Enter an email address in the correct format, like name@example.com", field="email")
    return email


def fold_email(text: str) -> str:
    """Return what somebody typed as an address in the form that is stored; empty when no address can look like it."""
    email = text.strip().casefold()
    return email if email.isprintable() and len(email) <= LONGEST_EMAIL else ""


def create_account(
    unit: UnitOfWork, *, actor: str, email: str, name: str, organisation: str, roles: frozenset[Role]
) -> tuple[Person, str]:
    """Make an account and its invitation; return the person and the one-time token (shown once, never stored).

    Raises:
        InvalidError: the address is malformed or taken, the name is empty, or the roles may not be held together.
    """
    address = parse_email(email)
    if unit.session.scalar(select(Person.id).where(Person.email == address)):
        raise InvalidError(ADDRESS_TAKEN, field="email")
    if Role.DATA_PROTECTION_OFFICER in roles and actor != trail.HOST:
        # Otherwise an administrator could make the second person whom a reset asks for.
        raise InvalidError("A data protection officer of the whole service is made on the host", field="roles")
    if not roles <= SERVICE_ROLES:
        raise InvalidError("That role is given inside an inspection, not here", field="roles")
    if Role.ADMINISTRATOR in roles and len(roles) > 1:
        raise InvalidError("An administrator cannot hold another role: they must not read documents", field="roles")
    person = Person(
        id=new_identifier("per"),
        email=address,
        name=_parse_name(name, "name", "Enter a full name"),
        organisation=_parse_name(organisation, "organisation", "") if organisation.strip() else "",
        created_at=unit.now,
    )
    unit.session.add(person)
    try:
        unit.session.flush()
    except IntegrityError as error:  # two administrators at once
        raise InvalidError(ADDRESS_TAKEN, field="email") from error
    trail.record(unit, "account:created", actor=actor, subject=person.id)
    for role in sorted(roles):
        unit.session.add(ServiceRole(person_id=person.id, role=role, granted_at=unit.now))
        trail.record(unit, "role:granted-service", actor=actor, subject=person.id, details={"role": role})
    return person, invite(unit, actor=actor, person_id=person.id)


def invite(unit: UnitOfWork, *, actor: str, person_id: str, reason: str = "") -> str:
    """Make a one-time link token for a person; earlier unused ones stop working.

    Whoever has set a password before gets a link that also drops the second factor and every open session when used,
    and that works only once a data protection officer agreed (`agree_to_reset`): the administrator who holds the link
    cannot open somebody's account alone, and the officer who agrees does not have it.

    Raises:
        NotFoundError: no such person.
        ConflictError: the account is disabled.
        InvalidError: the person is in an inspection and no reason is given.
    """
    person = get_person(unit.session, person_id)
    if person.disabled_at is not None:
        raise ConflictError("This account is disabled, so no link was made. Enable it first.")
    record_support(unit, act=LINK_MADE, person_id=person.id, actor=actor, reason=reason)
    unit.session.execute(
        update(Invitation)
        .where(Invitation.person_id == person.id, Invitation.used_at.is_(None))
        .values(used_at=unit.now)
    )
    token = secrets.token_urlsafe(32)
    unit.session.add(
        Invitation(
            id=new_identifier("inv"),
            token_hash=hash_token(token),
            person_id=person.id,
            purpose="reset" if person.activated_at else "activate",
            made_by=actor,
            made_at=unit.now,
            expires_at=unit.now + INVITATION_LIFE,
        )
    )
    trail.record(unit, "account:invited", actor=actor, subject=person.id)
    return token


def get_person(session: Session, person_id: str) -> Person:
    """Return a person. Raises NotFoundError for an identifier that is unknown or malformed, or whose name is erased."""
    person = session.get(Person, parse_identifier(person_id, "per"))
    if person is None or not person.name:
        raise NotFoundError
    return person


def person_invited(session: Session, token: str, now: datetime) -> Person:
    """Return the person a live invitation token belongs to.

    Raises:
        ConflictError: no live invitation has this token.
    """
    row = session.scalar(select(Invitation).where(Invitation.token_hash == hash_token(token)))
    if row is None or row.used_at is not None or row.expires_at <= now:
        raise ConflictError(LINK_SPENT)
    person = session.get_one(Person, row.person_id)
    if person.disabled_at is not None:
        raise ConflictError(LINK_SPENT)
    # The account decides as well: it may have been activated while its link was made.
    if (row.purpose == "reset" or person.activated_at is not None) and not row.agreed_by:
        raise ConflictError(NOT_AGREED)
    return person


def agree_to_reset(unit: UnitOfWork, *, actor: str, invitation_id: str) -> Person:
    """Let a reset link work: the second person's part.

    Raises:
        NotFoundError: no reset waits under this identifier.
        ConflictError: the actor made the link, or it is the actor's own account.
    """
    row = unit.session.get(Invitation, parse_identifier(invitation_id, "inv"), with_for_update=True)
    if row is None or row.purpose != "reset" or row.used_at or row.agreed_by or row.expires_at <= unit.now:
        raise NotFoundError
    if actor in {row.made_by, row.person_id}:
        raise ConflictError("Somebody else has to agree to this reset. Nothing was changed.")
    row.agreed_by = actor
    trail.record(unit, "account:reset-agreed", actor=actor, subject=row.person_id)
    record_reset_agreed(unit, person_id=row.person_id, actor=actor)
    return unit.session.get_one(Person, row.person_id)


def take_up_invitation(unit: UnitOfWork, *, token: str, new_hash: str) -> Person:
    """Store the password hash behind a one-time link; a reset also drops the second factor and every open session.

    Raises:
        ConflictError: the link is spent.
    """
    person = person_invited(unit.session, token, unit.now)
    invitation = unit.session.scalars(
        select(Invitation).where(Invitation.token_hash == hash_token(token)).with_for_update()
    ).one()
    unit.session.refresh(invitation)
    if invitation.used_at is not None:
        raise ConflictError(LINK_SPENT)
    invitation.used_at = unit.now
    person.password_hash = new_hash
    if person.activated_at is None:
        person.activated_at = unit.now
        trail.record(unit, "account:activated", actor=person.id, subject=person.id)
        return person
    trail.record(unit, "password:changed", actor=person.id, subject=person.id)
    if person.totp_sealed:
        person.totp_sealed, person.totp_last_step = "", 0
        trail.record(unit, "second-factor:reset", actor=person.id, subject=person.id)
    end_sessions(unit, person.id, because="password-reset")
    return person


def change_password(unit: UnitOfWork, person: Person, new_hash: str, *, keep_session: str) -> None:
    """Store a new password hash and end every other session of the person."""
    person.password_hash = new_hash
    trail.record(unit, "password:changed", actor=person.id, subject=person.id)
    end_sessions(unit, person.id, because="password-changed", keep=keep_session)


def disable_account(unit: UnitOfWork, *, actor: str, person_id: str, reason: str = "") -> None:
    """Stop an account: sessions end at once, memberships and assignments end, nothing can be signed in to.

    Raises:
        NotFoundError: no such person.
        ConflictError: it is the actor's own account.
        InvalidError: the person is in an inspection and no reason is given.
    """
    person = get_person(unit.session, person_id)
    if person.id == actor:
        raise ConflictError("You cannot disable your own account. Nothing was changed. Ask another administrator.")
    if person.disabled_at is not None:
        return
    record_support(unit, act=DISABLED, person_id=person.id, actor=actor, reason=reason)
    person.disabled_at = unit.now
    end_sessions(unit, person.id, because="account-disabled")
    _end_memberships(unit, person.id, actor)
    trail.record(unit, "account:disabled", actor=actor, subject=person.id)


def enable_account(unit: UnitOfWork, *, actor: str, person_id: str, reason: str = "") -> None:
    """Let a disabled account sign in again; memberships do not come back.

    Raises:
        NotFoundError: no such person.
        InvalidError: the person was in an inspection whose log is open, and no reason is given.
    """
    person = get_person(unit.session, person_id)
    if person.disabled_at is not None:
        record_support(unit, act=ENABLED, person_id=person.id, actor=actor, reason=reason)
        person.disabled_at = None
        trail.record(unit, "account:enabled", actor=actor, subject=person.id)


def _end_memberships(unit: UnitOfWork, person_id: str, actor: str) -> None:
    memberships = unit.session.scalars(
        select(Membership).where(Membership.person_id == person_id, Membership.ended_at.is_(None))
    ).all()
    for membership in memberships:
        membership.ended_at, membership.ended_by = unit.now, actor
        details: dict[str, trail.DetailValue] = {"person": person_id, "role": membership.role}
        trail.record(unit, "member:removed", actor=actor, inspection=membership.inspection_id, details=details)
    assignments = unit.session.scalars(
        select(Assignment).where(Assignment.person_id == person_id, Assignment.ended_at.is_(None))
    ).all()
    for assignment in assignments:
        assignment.ended_at = unit.now
        details = {"person": person_id, "item": assignment.number}
        trail.record(unit, "item:unassigned", actor=actor, inspection=assignment.inspection_id, details=details)


def end_sessions(unit: UnitOfWork, person_id: str, *, because: str, keep: str = "") -> None:
    """End every open session of a person, but for the one named `keep`."""
    unit.session.execute(
        update(SignInSession)
        .where(
            SignInSession.person_id == person_id,
            SignInSession.ended_at.is_(None),
            SignInSession.id != keep,
        )
        .values(ended_at=unit.now, ended_because=because)
    )


def hash_token(token: str) -> bytes:
    """Return what the database keeps of a secret token (256 random bits need no slow hash)."""
    return hashlib.sha256(token.encode()).digest()


def _parse_name(text: str, field: str, missing: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise InvalidError(missing, field=field)
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidError(f"Use {LONGEST_NAME} ordinary characters or fewer", field=field)
    return name
