"""Signing in: password, then second factor, then a session whose token only the browser holds.

Promises: a wrong password, an unknown address and a disabled account look the same and take the same time; refusals
are counted and recorded; nobody is signed in by password alone where a second factor is required or set up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select, update

from exchange import trail
from exchange.accounts.attempts import Attempts
from exchange.accounts.models import Person, SignInSession
from exchange.accounts.passwords import Passwords
from exchange.accounts.places import Places
from exchange.accounts.second_factor import SecondFactors
from exchange.accounts.service import end_sessions, fold_email
from exchange.accounts.sessions import (
    COMPLETE,
    SEEN_EVERY,
    WAITING,
    Lifetimes,
    SignedIn,
    Visitor,
    begin_session,
    find_live,
    find_waiting,
)
from exchange.accounts.throttle import Throttle
from exchange.database import Database, UnitOfWork
from exchange.errors import ExchangeError, InvalidError

NOT_RECOGNISED = "Email address or password is not right"
PENDING_LIFE = timedelta(minutes=10)


class Need(StrEnum):
    """What a waiting session still needs before the person is signed in."""

    CODE = "code"
    ENROLMENT = "enrolment"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Waiting:
    """A session whose password was right, and what it needs now."""

    person_id: str
    email: str
    needs: Need


class WaitingEndedError(ExchangeError):
    """The time between password and second factor ran out, or the sign-in was finished elsewhere."""

    def __init__(self) -> None:
        super().__init__("Your sign-in took too long. Nothing was lost. Start again.")


class SignIn:
    """The acts of signing in and out, over the database and the password hasher."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        throttle: Throttle,
        lifetimes: Lifetimes,
        second_factors: SecondFactors,
        places: Places,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._attempts = Attempts(database, throttle, places)
        self._places = places
        self.lifetimes = lifetimes
        self._second_factors = second_factors

    def with_password(self, email: str, password: str, visitor: Visitor, now: datetime) -> str:
        """Check a password and return the token of a session that still waits for the second factor.

        Raises:
            ThrottledError: too many attempts failed of late.
            BusyError: too many sign-ins at once.
            InvalidError: not recognised.
        """
        account = fold_email(email)
        with self._database.read() as session:
            person = session.scalar(select(Person).where(Person.email == account))
        person_id, stored = (person.id, person.password_hash) if person else (None, "")
        self._attempts.require_open(account, visitor.address, person_id, now)
        matched = stored if self._passwords.matches(stored, password) else None
        with self._database.unit_of_work() as unit:
            outcome = self._judge_password(unit, account, person_id, matched, visitor)
        if isinstance(outcome, ExchangeError):
            raise outcome
        return outcome

    def waiting(self, token: str, now: datetime) -> Waiting:
        """Tell whose sign-in waits behind a token and what it needs. Raises WaitingEndedError."""
        with self._database.read() as session:
            row = find_waiting(session, token, now)
            if row is None:
                raise WaitingEndedError
            person = session.get_one(Person, row.person_id)
            return Waiting(person.id, person.email, self._needs(person))

    def with_code(self, token: str, code: str, visitor: Visitor) -> str:
        """Check the second factor of a waiting session and return a fresh token for the finished one.

        Raises:
            InvalidError: the code is wrong or was used; the failure is counted and recorded.
            ThrottledError: too many attempts failed of late.
            WaitingEndedError: start again.
        """
        with self._database.unit_of_work() as unit:
            row, person = self._waiting_person(unit, token)
            refusal = self._judge_code(unit, person, code, visitor)
            if refusal is None:
                return self._complete(unit, row, person, visitor)
        raise refusal

    def without_code(self, token: str, visitor: Visitor) -> str:
        """Finish a waiting session where no second factor is set up and none is required (the worked example)."""
        with self._database.unit_of_work() as unit:
            row, person = self._waiting_person(unit, token)
            if self._needs(person) is not Need.NOTHING:
                raise WaitingEndedError
            return self._complete(unit, row, person, visitor)

    def enrol(self, token: str, offer: str, code: str, visitor: Visitor) -> str:
        """Store a second factor proved by its first code, and finish the waiting session.

        Raises:
            InvalidError: the code is wrong.
            ConflictError: a second factor is set up already.
            WaitingEndedError: start again.
        """
        with self._database.unit_of_work() as unit:
            row, person = self._waiting_person(unit, token)
            self._second_factors.enrol(unit, person, offer, code)
            return self._complete(unit, row, person, visitor)

    def resume(self, token: str, now: datetime) -> SignedIn | None:
        """Return the live session behind a token, or None; notes at most once a minute that it is in use."""
        with self._database.read() as session:
            found = find_live(session, token, now, self.lifetimes)
        if found is not None and now - found.seen_at >= SEEN_EVERY:
            with self._database.unit_of_work() as unit:
                unit.session.execute(
                    update(SignInSession)
                    .where(SignInSession.id == found.session_id, SignInSession.last_seen_at < now)
                    .values(last_seen_at=now)
                )
        return found

    def sign_out(self, signed_in: SignedIn) -> None:
        """End this session."""
        with self._database.unit_of_work() as unit:
            row = unit.session.get_one(SignInSession, signed_in.session_id)
            row.ended_at, row.ended_because = unit.now, "signed-out"
            trail.record(unit, "sign-out:done", actor=signed_in.person_id, subject=signed_in.person_id)

    def sign_out_everywhere(self, signed_in: SignedIn) -> None:
        """End every session of the person."""
        with self._database.unit_of_work() as unit:
            end_sessions(unit, signed_in.person_id, because="signed-out-everywhere")
            trail.record(unit, "sign-out:everywhere", actor=signed_in.person_id, subject=signed_in.person_id)

    def _judge_password(
        self, unit: UnitOfWork, account: str, person_id: str | None, matched: str | None, visitor: Visitor
    ) -> str | ExchangeError:
        """Begin a waiting session, or count and record why not; `matched` is the stored hash that the password fits.

        Hashing takes a while. A password that was changed or reset meanwhile is not right any more: a session begun by
        the old one would outlive the reset that was to end it.
        """
        if refusal := self._attempts.held_back(unit, account, visitor.address, person_id):
            return refusal
        person = unit.session.get(Person, person_id, with_for_update=True) if person_id else None
        matches = person is not None and person.password_hash == matched
        if person is None or not matches or person.disabled_at is not None:
            reason = _why_not(person, matches=matches)
            self._attempts.count_failure(unit, account, visitor.address, person_id, reason)
            return InvalidError(NOT_RECOGNISED, field="email")
        return begin_session(unit, person.id, visitor, stage=WAITING, life=PENDING_LIFE)

    def _judge_code(self, unit: UnitOfWork, person: Person, code: str, visitor: Visitor) -> ExchangeError | None:
        """Take a code, or count and record why not; the refusal is raised once that is committed."""
        if held_back := self._attempts.held_back(unit, person.email, visitor.address, person.id):
            return held_back
        try:
            person.totp_last_step = self._second_factors.verify(person, code, unit.now)
        except InvalidError as refusal:
            self._attempts.count_failure(unit, person.email, visitor.address, person.id, "second-factor")
            return refusal
        return None

    def _complete(self, unit: UnitOfWork, row: SignInSession, person: Person, visitor: Visitor) -> str:
        row.ended_at, row.ended_because = unit.now, "second-factor-given"
        self._attempts.forget(unit, person.email, visitor.address)
        self._places.note_sign_in(unit, person.id, visitor.address)
        trail.record(unit, "sign-in:succeeded", actor=person.id, subject=person.id)
        return begin_session(unit, person.id, visitor, stage=COMPLETE, life=self.lifetimes.whole)

    def _waiting_person(self, unit: UnitOfWork, token: str) -> tuple[SignInSession, Person]:
        """Lock the person, so that two tabs never spend one code or one waiting session twice."""
        row = find_waiting(unit.session, token, unit.now)
        if row is None:
            raise WaitingEndedError
        person = unit.session.get_one(Person, row.person_id, with_for_update=True)
        unit.session.refresh(row)
        if row.ended_at is not None or person.disabled_at is not None:
            raise WaitingEndedError
        return row, person

    def _needs(self, person: Person) -> Need:
        if person.totp_sealed:
            return Need.CODE
        return Need.ENROLMENT if self._second_factors.required else Need.NOTHING


def _why_not(person: Person | None, *, matches: bool) -> str:
    if person is None:
        return "unknown-account"
    return "account-disabled" if matches else "password"
