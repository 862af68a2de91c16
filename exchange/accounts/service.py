"""Decisions about accounts: making one, the invitation, roles in the service, disabling. No Flask here."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from exchange import trail
from exchange.access.roles import SERVICE_ROLES, Role
from exchange.accounts.models import Invitation, Person, ServiceRole, SignInSession
from exchange.accounts.passwords import Passwords, verify_new_password
from exchange.database import UnitOfWork
from exchange.errors import ConflictError, InvalidError, NotFoundError
from exchange.identifiers import new_identifier
from exchange.inspections.models import Membership

INVITATION_LIFE = timedelta(days=3)
EMAIL = re.compile(r"[^\s@,;<>\"']{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")

LINK_SPENT = (
    "This link has been used, has expired or is not complete. Nothing was lost. "
    "Ask the administrator who invited you for a new link."
)


def parse_email(text: str) -> str:
    """Return an e-mail address folded to lower case.

    Raises:
        InvalidError: it is not one, or carries line breaks or more than one recipient.
    """
    email = text.strip().casefold()
    if len(email) > 254 or not EMAIL.fullmatch(email):  # noqa: PLR2004  RFC 5321
        raise InvalidError("Enter an email address in the correct format, like name@example.com", field="email")
    return email


def create_account(
    unit: UnitOfWork, *, actor: str, email: str, name: str, organisation: str, roles: frozenset[Role]
) -> tuple[Person, str]:
    """Make an account and its invitation; return the person and the one-time token (shown once, never stored).

    Raises:
        InvalidError: the address is malformed or taken, the name is empty, or the roles may not be held together.
    """
    address = parse_email(email)
    if not name.strip():
        raise InvalidError("Enter a name", field="name")
    if unit.session.scalar(select(Person.id).where(Person.email == address)):
        raise InvalidError("There is already an account with this email address", field="email")
    if not roles <= SERVICE_ROLES:
        raise InvalidError("That role is given inside an inspection, not here", field="roles")
    if Role.ADMINISTRATOR in roles and len(roles) > 1:
        raise InvalidError("An administrator cannot hold another role: they must not read documents", field="roles")
    person = Person(
        id=new_identifier("per"),
        email=address,
        name=name.strip()[:120],
        organisation=organisation.strip()[:120],
        created_at=unit.now,
    )
    unit.session.add(person)
    unit.session.flush()
    trail.record(unit, "account:created", actor=actor, subject=person.id)
    for role in sorted(roles):
        unit.session.add(ServiceRole(person_id=person.id, role=role, granted_at=unit.now))
        trail.record(unit, "role:granted-service", actor=actor, subject=person.id, details={"role": role})
    return person, invite(unit, actor=actor, person=person, purpose="activate")


def invite(unit: UnitOfWork, *, actor: str, person: Person, purpose: str) -> str:
    """Make a one-time link token for a person; earlier unused ones stop working."""
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
            purpose=purpose,
            made_at=unit.now,
            expires_at=unit.now + INVITATION_LIFE,
        )
    )
    trail.record(unit, "account:invited", actor=actor, subject=person.id, details={"purpose": purpose})
    return token


def person_invited(session: Session, token: str, now: object) -> Person:
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
    return person


def take_up_invitation(unit: UnitOfWork, passwords: Passwords, *, token: str, password: str) -> Person:
    """Set the password behind a one-time link; a reset also drops the second factor and every open session.

    Raises:
        ConflictError: the link is spent.
        InvalidError: the password is not good enough.
    """
    person = person_invited(unit.session, token, unit.now)
    verify_new_password(password, email=person.email, name=person.name)
    invitation = unit.session.scalars(
        select(Invitation).where(Invitation.token_hash == hash_token(token)).with_for_update()
    ).one()
    if invitation.used_at is not None:
        raise ConflictError(LINK_SPENT)
    invitation.used_at = unit.now
    person.password_hash = passwords.hash(password)
    if invitation.purpose == "reset":
        person.totp_sealed, person.totp_last_step = "", 0
        trail.record(unit, "second-factor:reset", actor=person.id, subject=person.id)
        end_sessions(unit, person.id, because="password-reset")
    person.activated_at = person.activated_at or unit.now
    trail.record(unit, "account:activated", actor=person.id, subject=person.id)
    return person


def change_password(unit: UnitOfWork, person: Person, new_hash: str, *, keep_session: str) -> None:
    """Store a new password hash and end every other session of the person."""
    person.password_hash = new_hash
    trail.record(unit, "password:changed", actor=person.id, subject=person.id)
    end_sessions(unit, person.id, because="password-changed", keep=keep_session)


def disable_account(unit: UnitOfWork, *, actor: str, person_id: str) -> None:
    """Stop an account: sessions end at once, memberships end, nothing can be signed in to.

    Raises:
        NotFoundError: no such person.
        ConflictError: it is the actor's own account.
    """
    person = unit.session.get(Person, person_id)
    if person is None:
        raise NotFoundError
    if person.id == actor:
        raise ConflictError("You cannot disable your own account. Nothing was changed. Ask another administrator.")
    if person.disabled_at is not None:
        return
    person.disabled_at = unit.now
    end_sessions(unit, person.id, because="account-disabled")
    memberships = unit.session.scalars(
        select(Membership).where(Membership.person_id == person.id, Membership.ended_at.is_(None))
    ).all()
    for membership in memberships:
        membership.ended_at, membership.ended_by = unit.now, actor
        trail.record(
            unit,
            "member:removed",
            actor=actor,
            inspection=membership.inspection_id,
            subject=person.id,
            details={"role": membership.role},
        )
    trail.record(unit, "account:disabled", actor=actor, subject=person.id)


def enable_account(unit: UnitOfWork, *, actor: str, person_id: str) -> None:
    """Let a disabled account sign in again; memberships do not come back."""
    person = unit.session.get(Person, person_id)
    if person is None:
        raise NotFoundError
    if person.disabled_at is not None:
        person.disabled_at = None
        trail.record(unit, "account:enabled", actor=actor, subject=person.id)


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
