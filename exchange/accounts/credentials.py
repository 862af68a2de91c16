"""What a person proves themselves with: the password behind a one-time link, a new password, a second factor.

Promises: a password is hashed outside any transaction, since that takes a third of a second in which nobody else could
write; a change asks for the present password, and failures to give it count like failed sign-ins.
"""

from __future__ import annotations

from datetime import datetime

from exchange.accounts.attempts import Attempts
from exchange.accounts.models import Person
from exchange.accounts.passwords import Passwords, verify_new_password
from exchange.accounts.places import Places
from exchange.accounts.second_factor import SecondFactors
from exchange.accounts.service import change_password, end_sessions, person_invited, take_up_invitation
from exchange.accounts.sessions import SignedIn, Visitor
from exchange.accounts.throttle import Throttle
from exchange.database import Database, UnitOfWork
from exchange.errors import InvalidError

PRESENT_NOT_RIGHT = "Present password is not right"


class Credentials:
    """The acts by which people set and change what they prove themselves with."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        throttle: Throttle,
        second_factors: SecondFactors,
        places: Places,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._attempts = Attempts(database, throttle, places)
        self._second_factors = second_factors

    def take_up_invitation(self, token: str, password: str, now: datetime) -> None:
        """Set the password behind a one-time link.

        Raises:
            ConflictError: the link is spent.
            InvalidError: the password is not good enough.
            BusyError: too many hashes at once.
        """
        with self._database.read() as session:
            person = person_invited(session, token, now)
            verify_new_password(password, email=person.email, name=person.name)
        new_hash = self._passwords.hash(password)
        with self._database.unit_of_work() as unit:
            take_up_invitation(unit, token=token, new_hash=new_hash)

    def change_password(self, who: SignedIn, present: str, new: str, visitor: Visitor, now: datetime) -> None:
        """Change a password; every other session of the person ends.

        Raises:
            InvalidError: the present password is not right, or the new one not good enough or the same.
            ThrottledError, BusyError: wait.
        """
        verified = self._verify_present(who, present, visitor, now)
        verify_new_password(new, email=who.email, name=who.name)
        if new == present:
            raise InvalidError("New password must be different from your present one", field="password")
        new_hash = self._passwords.hash(new)
        with self._database.unit_of_work() as unit:
            person = _unchanged(unit, who.person_id, verified)
            change_password(unit, person, new_hash, keep_session=who.session_id)

    def offer_second_factor(self, person_id: str, offer: str | None) -> tuple[str, str]:
        """Return a sealed offer and its secret: the one at hand when it is this person's, otherwise a fresh one."""
        secret = self._second_factors.open_offer(person_id, offer) if offer else None
        if offer is None or secret is None:
            offer = self._second_factors.offer(person_id)
            secret = self._second_factors.open_offer(person_id, offer) or ""
        return offer, secret

    def set_up_second_factor(
        self, who: SignedIn, *, present: str, offer: str, code: str, visitor: Visitor, now: datetime
    ) -> None:
        """Set up a second factor in a live session; every other session of the person ends.

        Raises:
            InvalidError: the present password or the code is not right.
            ConflictError: one is set up already.
            ThrottledError, BusyError: wait.
        """
        verified = self._verify_present(who, present, visitor, now)
        with self._database.unit_of_work() as unit:
            person = _unchanged(unit, who.person_id, verified)
            self._second_factors.enrol(unit, person, offer, code)
            end_sessions(unit, person.id, because="second-factor-set-up", keep=who.session_id)

    def _verify_present(self, who: SignedIn, password: str, visitor: Visitor, now: datetime) -> str:
        """Return the stored hash that the present password fits."""
        self._attempts.require_open(who.email, visitor.address, who.person_id, now)
        with self._database.read() as session:
            stored = session.get_one(Person, who.person_id).password_hash
        if not self._passwords.matches(stored, password):
            with self._database.unit_of_work() as unit:
                self._attempts.count_failure(unit, who.email, visitor.address, who.person_id, "present-password")
            raise InvalidError(PRESENT_NOT_RIGHT, field="present")
        return stored


def _unchanged(unit: UnitOfWork, person_id: str, verified: str) -> Person:
    """Lock a person whose present password was verified.

    Raises:
        InvalidError: it was changed or reset since, so whoever knows the old one may change nothing.
    """
    person = unit.session.get_one(Person, person_id, with_for_update=True)
    if person.password_hash != verified:
        raise InvalidError(PRESENT_NOT_RIGHT, field="present")
    return person
