"""Attempts to prove who one is: held back after too many failures, counted and recorded when they fail.

Promises: a failure is counted in the same transaction as its entry; somebody who goes on trying while held back adds
at most one entry a minute to the log, so that the trail cannot be flooded from outside.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from exchange import trail
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

    def __init__(self, database: Database, throttle: Throttle) -> None:
        self._database = database
        self._throttle = throttle

    def require_open(self, account: str, address: str, person_id: str | None, now: datetime) -> None:
        """Let an attempt through, or record that it was held back.

        Raises:
            ThrottledError: too many attempts failed of late.
        """
        with self._database.read() as session:
            closed = self._throttle.is_closed(session, now, account, address)
        if closed:
            with self._database.unit_of_work() as unit:
                error = self.hold_back(unit, account, address, person_id)
            raise error

    def is_closed(self, unit: UnitOfWork, account: str, address: str) -> bool:
        """Tell whether an attempt must wait, inside a transaction that will also count it."""
        return self._throttle.is_closed(unit.session, unit.now, account, address)

    def hold_back(self, unit: UnitOfWork, account: str, address: str, person_id: str | None) -> ThrottledError:
        """Record that an attempt was held back, once a minute, and return the error to raise after the commit."""
        if self._throttle.count_held_back(unit, account, address) == 1:
            trail.record(unit, "sign-in:throttled", actor=trail.ANONYMOUS, subject=person_id)
        return ThrottledError(self._throttle.window)

    def count_failure(self, unit: UnitOfWork, account: str, address: str, person_id: str | None, reason: str) -> None:
        """Count and record a failed attempt."""
        self._throttle.count_failure(unit, account, address)
        trail.record(unit, "sign-in:refused", actor=trail.ANONYMOUS, subject=person_id, details={"reason": reason})

    def forget(self, unit: UnitOfWork, account: str, address: str) -> None:
        """Clear the count of an account from an address after a success."""
        self._throttle.forget(unit, account, address)
