"""Signing in: password, then second factor, then a session whose token only the browser holds.

Promises: a wrong password, an unknown address and a disabled account look the same; refusals are counted and
recorded; a session ends after idling, after its longest life, on sign-out, and everywhere on request.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from exchange import trail
from exchange.access.policy import Actor
from exchange.access.roles import Role
from exchange.accounts.models import Person, ServiceRole, SignInSession
from exchange.accounts.passwords import Passwords
from exchange.accounts.second_factor import verify_code
from exchange.accounts.service import end_sessions, hash_token
from exchange.accounts.throttle import Throttle
from exchange.database import Database, UnitOfWork
from exchange.errors import BusyError, InvalidError
from exchange.identifiers import new_identifier
from exchange.inspections.models import Assignment, Membership

NOT_RECOGNISED = "Email address or password is not right"
SLOW_DOWN = (
    "There have been too many attempts to sign in. Nothing was lost and the account is not locked. "
    "Wait 15 minutes and try again, or ask an administrator for a new sign-in link."
)
PENDING_LIFE = timedelta(minutes=10)
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Lifetimes:
    """How long a session lives: idle and in all."""

    idle: timedelta
    whole: timedelta


@dataclass(frozen=True)
class Visitor:
    """Where a request comes from: an address and what the browser calls itself, both cut to length."""

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


class SignIn:
    """The acts of signing in and out, over the database and the password hasher."""

    def __init__(self, database: Database, passwords: Passwords, throttle: Throttle, lifetimes: Lifetimes) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._lifetimes = lifetimes

    def with_password(self, email: str, password: str, visitor: Visitor, now: datetime) -> str:
        """Check a password and return the token of a session that still waits for the second factor.

        Raises:
            BusyError: throttled, or too many sign-ins at once.
            InvalidError: not recognised.
        """
        account = email.strip().casefold()
        with self._database.read() as session:
            closed = self._throttle.is_closed(session, now, account, visitor.address)
            person = session.scalar(select(Person).where(Person.email == account))
        if closed:
            with self._database.unit_of_work() as unit:
                trail.record(unit, "sign-in:throttled", actor=trail.ANONYMOUS, subject=person.id if person else None)
            raise BusyError(SLOW_DOWN)
        matches = self._passwords.matches(person.password_hash if person else "", password)
        if person is None or not matches or person.disabled_at is not None:
            self._refuse(person, account, visitor, _why_not(person, matches=matches))
            raise InvalidError(NOT_RECOGNISED, field="email")
        with self._database.unit_of_work() as unit:
            return self._begin(unit, person.id, visitor, stage="password", life=PENDING_LIFE)

    def with_code(self, token: str, secret: str, code: str, visitor: Visitor) -> str:
        """Check the second factor of a waiting session and return a fresh token for the finished one.

        Raises:
            InvalidError: the code is wrong or was used; the failure is counted and recorded.
            BusyError: throttled.
        """
        failure: InvalidError | None = None
        with self._database.unit_of_work() as unit:
            row = self._pending(unit.session, token, unit.now)
            person = unit.session.get_one(Person, row.person_id, with_for_update=True)
            if self._throttle.is_closed(unit.session, unit.now, person.email, visitor.address):
                trail.record(unit, "sign-in:throttled", actor=trail.ANONYMOUS, subject=person.id)
                failure, closed = None, True
            else:
                closed = False
                try:
                    person.totp_last_step = verify_code(secret, code, unit.now, person.totp_last_step)
                except InvalidError as error:
                    failure = error
                    self._throttle.count_failure(unit, person.email, visitor.address)
                    trail.record(
                        unit,
                        "sign-in:refused",
                        actor=trail.ANONYMOUS,
                        subject=person.id,
                        details={"reason": "second-factor"},
                    )
                else:
                    return self._complete(unit, row, person, visitor)
        if closed:
            raise BusyError(SLOW_DOWN)
        raise failure or InvalidError(NOT_RECOGNISED, field="code")

    def without_code(self, token: str, visitor: Visitor) -> str:
        """Finish a waiting session where no second factor is set up and none is required (the worked example)."""
        with self._database.unit_of_work() as unit:
            row = self._pending(unit.session, token, unit.now)
            return self._complete(unit, row, unit.session.get_one(Person, row.person_id), visitor)

    def enrol(self, token: str, sealed_secret: str, secret: str, code: str, visitor: Visitor) -> str:
        """Store a second factor proved by its first code, and finish the waiting session."""
        with self._database.unit_of_work() as unit:
            row = self._pending(unit.session, token, unit.now)
            person = unit.session.get_one(Person, row.person_id, with_for_update=True)
            if person.totp_sealed:
                raise InvalidError("A second factor is already set up for this account. Sign in again", field="code")
            store_second_factor(unit, person, sealed_secret, secret, code)
            return self._complete(unit, row, person, visitor)

    def person_waiting(self, token: str, now: datetime) -> Person:
        """Return whose second factor a waiting session asks for. Raises InvalidError when it has run out."""
        with self._database.read() as session:
            return session.get_one(Person, self._pending(session, token, now).person_id)

    def resume(self, token: str, now: datetime) -> SignedIn | None:
        """Return the live session behind a token, or None; notes at most once a minute that it is in use."""
        with self._database.read() as session:
            row = session.scalar(select(SignInSession).where(SignInSession.token_hash == hash_token(token)))
            if row is None or row.stage != "complete" or not self._is_live(row, now):
                return None
            person = session.get_one(Person, row.person_id)
            if person.disabled_at is not None:
                return None
            signed_in = SignedIn(
                session_id=row.id,
                person_id=person.id,
                name=person.name,
                email=person.email,
                has_second_factor=bool(person.totp_sealed),
                actor=load_actor(session, person.id),
            )
            stale = now - row.last_seen_at >= SEEN_EVERY
        if stale:
            with self._database.unit_of_work() as unit:
                unit.session.execute(
                    update(SignInSession).where(SignInSession.id == signed_in.session_id).values(last_seen_at=now)
                )
        return signed_in

    def sign_out(self, signed_in: SignedIn, *, everywhere: bool) -> None:
        """End this session, or every session of the person."""
        with self._database.unit_of_work() as unit:
            if everywhere:
                end_sessions(unit, signed_in.person_id, because="signed-out-everywhere")
                event = "sign-out:everywhere"
            else:
                row = unit.session.get_one(SignInSession, signed_in.session_id)
                row.ended_at, row.ended_because = unit.now, "signed-out"
                event = "sign-out:done"
            trail.record(unit, event, actor=signed_in.person_id, subject=signed_in.person_id)

    def _refuse(self, person: Person | None, account: str, visitor: Visitor, reason: str) -> None:
        with self._database.unit_of_work() as unit:
            self._throttle.count_failure(unit, account, visitor.address)
            trail.record(
                unit,
                "sign-in:refused",
                actor=trail.ANONYMOUS,
                subject=person.id if person else None,
                details={"reason": reason},
            )

    def _begin(self, unit: UnitOfWork, person: str, visitor: Visitor, *, stage: str, life: timedelta) -> str:
        token = secrets.token_urlsafe(32)
        unit.session.add(
            SignInSession(
                id=new_identifier("ses"),
                token_hash=hash_token(token),
                person_id=person,
                stage=stage,
                started_at=unit.now,
                last_seen_at=unit.now,
                expires_at=unit.now + life,
                address=visitor.address[:45],
                browser=visitor.browser[:200],
            )
        )
        return token

    def _complete(self, unit: UnitOfWork, row: SignInSession, person: Person, visitor: Visitor) -> str:
        row.ended_at, row.ended_because = unit.now, "second-factor-given"
        self._throttle.forget(unit, person.email, visitor.address)
        trail.record(unit, "sign-in:succeeded", actor=person.id, subject=person.id)
        return self._begin(unit, person.id, visitor, stage="complete", life=self._lifetimes.whole)

    def _pending(self, session: Session, token: str, now: datetime) -> SignInSession:
        row = session.scalar(select(SignInSession).where(SignInSession.token_hash == hash_token(token)))
        if row is None or row.stage != "password" or row.ended_at is not None or row.expires_at <= now:
            raise InvalidError("Your sign-in took too long. Nothing was lost. Start again", field="code")
        return row

    def _is_live(self, row: SignInSession, now: datetime) -> bool:
        idle_until = row.last_seen_at + self._lifetimes.idle
        return row.ended_at is None and now < row.expires_at and now < idle_until


def store_second_factor(unit: UnitOfWork, person: Person, sealed_secret: str, secret: str, code: str) -> None:
    """Set up a second factor once its first code is right. Raises InvalidError for a wrong code."""
    person.totp_last_step = verify_code(secret, code, unit.now, 0)
    person.totp_sealed = sealed_secret
    trail.record(unit, "second-factor:enrolled", actor=person.id, subject=person.id)


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


def _why_not(person: Person | None, *, matches: bool) -> str:
    if person is None:
        return "unknown-account"
    return "account-disabled" if matches else "password"
