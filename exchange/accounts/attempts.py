"""Attempts to prove who one is: held back after too many failures, counted and recorded when they fail.

Promises: a failure is counted in the same transaction as its entry; somebody who goes on trying while held back adds
at most one entry a minute to the log for each limit that was reached, whatever names they try, so that the trail cannot
be flooded from outside.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from exchange import trail
from exchange.accounts.places import Places
from exchange.accounts.throttle import Throttle
from exchange.database import Database, UnitOfWork
from exchange.errors import BusyError


class ThrottledError(BusyError):
    """Too many failed attempts; waiting helps, and nothing is locked."""

    def __init__(self, window: timedelta) -> None:
        minutes = max(1, round(window.total_seconds() / 60))
        wait = "a minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__(
            "There have been too many attempts to sign in. Nothing was lost and the account is not locked. "
            f"Wait {wait} and try again, or ask an administrator for a new sign-in link."
        )


class Attempts:
    """The gate before every check of a password or a code."""

    def __init__(self, database: Database, throttle: Throttle, places: Places) -> None:
        self._database = database
        self._throttle = throttle
        self._places = places

    def require_open(self, account: str, address: str, person_id: str | None, now: datetime) -> None:
        """Let an attempt through, or record that it was held back.

        Raises:
            ThrottledError: too many attempts failed of late.
        """
        with self._database.read() as session:
            bucket = self._throttle.closed_bucket(session, now, account, address)
            is_noted = bucket is not None and self._throttle.was_noted(session, now, bucket)
        if bucket is None:
            return
        if not is_noted:
            with self._database.unit_of_work() as unit:
                self._note(unit, bucket, person_id, address)
        raise ThrottledError(self._throttle.window)

    def held_back(self, unit: UnitOfWork, account: str, address: str, person_id: str | None) -> ThrottledError | None:
        """Judge again inside the transaction that will count the attempt: others may have failed in the meantime.

        Return the error to raise after the commit, once it is recorded that the attempt was held back; or None.
        """
        bucket = self._throttle.closed_bucket(unit.session, unit.now, account, address)
        if bucket is None:
            return None
        self._note(unit, bucket, person_id, address)
        return ThrottledError(self._throttle.window)

    def count_failure(self, unit: UnitOfWork, account: str, address: str, person_id: str | None, reason: str) -> None:
        """Count and record a failed attempt."""
        self._throttle.count_failure(unit, account, address)
        self._places.note_refusal(unit, address)
        trail.record(unit, "sign-in:refused", actor=trail.ANONYMOUS, subject=person_id, details={"reason": reason})

    def _note(self, unit: UnitOfWork, bucket: str, person_id: str | None, address: str) -> None:
        if self._throttle.note(unit, bucket):
            self._places.note_refusal(unit, address)
            trail.record(unit, "sign-in:throttled", actor=trail.ANONYMOUS, subject=person_id)

    def forget(self, unit: UnitOfWork, account: str, address: str) -> None:
        """Clear the count of an account from an address after a success."""
        self._throttle.forget(unit, account, address)
