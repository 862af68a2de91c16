"""Sessions: the row behind a signed-in browser, how long it lives, and the actor that stands behind it.

Promises: the database holds only the hash of a token; a session ends after idling, after its longest life, and at
once when it is ended or its account is disabled.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.access.policy import Actor
from exchange.access.roles import Role
from exchange.accounts.models import Person, ServiceRole, SignInSession
from exchange.accounts.service import hash_token
from exchange.database import UnitOfWork
from exchange.identifiers import new_identifier
from exchange.inspections.models import Assignment, Membership

WAITING = "password"  # the password was right, the second factor is still to come
COMPLETE = "complete"
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Lifetimes:
    """How long a session lives: idle and in all."""

    idle: timedelta
    whole: timedelta


@dataclass(frozen=True)
class Visitor:
    """Where a request comes from: an address and what the browser calls itself."""

    address: str
    browser: str


@dataclass(frozen=True)
class SignedIn:
    """A live session: its row's identifier, whose it is, and the actor that the policy judges."""

    session_id: str
    person_id: str
    name: str
    email: str
    has_second_factor: bool
    actor: Actor
    seen_at: datetime


def begin_session(unit: UnitOfWork, person_id: str, visitor: Visitor, *, stage: str, life: timedelta) -> str:
    """Begin a session and return its token, which only the browser will hold (256 random bits)."""
    token = secrets.token_urlsafe(32)
    unit.session.add(
        SignInSession(
            id=new_identifier("ses"),
            token_hash=hash_token(token),
            person_id=person_id,
            stage=stage,
            started_at=unit.now,
            last_seen_at=unit.now,
            expires_at=unit.now + life,
            address=storable(visitor.address, 45),
            browser=storable(visitor.browser, 200),
        )
    )
    return token


def find_waiting(session: Session, token: str, now: datetime) -> SignInSession | None:
    """Return the session that waits for its second factor, unless it ran out."""
    row = session.scalar(select(SignInSession).where(SignInSession.token_hash == hash_token(token)))
    if row is None or row.stage != WAITING or row.ended_at is not None or row.expires_at <= now:
        return None
    return row


def find_live(session: Session, token: str, now: datetime, lifetimes: Lifetimes) -> SignedIn | None:
    """Return the live session behind a token, with its actor, or None."""
    row = session.scalar(select(SignInSession).where(SignInSession.token_hash == hash_token(token)))
    if row is None or row.stage != COMPLETE or not is_live(row, now, lifetimes):
        return None
    person = session.get_one(Person, row.person_id)
    if person.disabled_at is not None:
        return None
    return SignedIn(
        session_id=row.id,
        person_id=person.id,
        name=person.name,
        email=person.email,
        has_second_factor=bool(person.totp_sealed),
        actor=load_actor(session, person.id),
        seen_at=row.last_seen_at,
    )


def is_live(row: SignInSession, now: datetime, lifetimes: Lifetimes) -> bool:
    """Tell whether a session is neither ended, nor idle for too long, nor past its longest life."""
    return row.ended_at is None and now < row.expires_at and now < row.last_seen_at + lifetimes.idle


def load_actor(session: Session, person_id: str) -> Actor:
    """Read a person's roles, memberships and assignments as the policy wants them (three short queries)."""
    service = session.scalars(select(ServiceRole.role).where(ServiceRole.person_id == person_id)).all()
    memberships: dict[str, set[Role]] = {}
    for inspection, role in session.execute(
        select(Membership.inspection_id, Membership.role).where(
            Membership.person_id == person_id, Membership.ended_at.is_(None)
        )
    ):
        memberships.setdefault(inspection, set()).add(Role(role))
    assigned: dict[str, set[str]] = {}
    for inspection, number in session.execute(
        select(Assignment.inspection_id, Assignment.number).where(
            Assignment.person_id == person_id, Assignment.ended_at.is_(None)
        )
    ):
        assigned.setdefault(inspection, set()).add(number)
    return Actor(
        person=person_id,
        service_roles=frozenset(Role(role) for role in service),
        memberships={key: frozenset(roles) for key, roles in memberships.items()},
        assigned={key: frozenset(numbers) for key, numbers in assigned.items()},
    )


def storable(text: str, length: int) -> str:
    """Return what a browser sent without what no database takes, cut to length."""
    return "".join(character for character in text if character.isprintable())[:length]
