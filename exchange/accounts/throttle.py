"""Throttling of failed attempts, counted in the database so that every process sees the same number.

Buckets are keyed hashes of account and address: a reader of the table learns neither. An account is throttled for
one address after few failures and for all addresses only after many, so a stranger cannot easily lock somebody out.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from exchange.accounts.models import AttemptCounter
from exchange.database import UnitOfWork

ACCOUNT_FACTOR = 5  # how many times the limit one account may reach from all addresses together
ADDRESS_FACTOR = 5  # and one address over all accounts


@dataclass(frozen=True)
class Throttle:
    """The limit: so many failures per window of so many minutes; `key` hides who is counted."""

    limit: int
    window: timedelta
    key: bytes

    def is_closed(self, session: Session, now: datetime, account: str, address: str) -> bool:
        """Tell whether another attempt must wait."""
        since = now - self.window
        for bucket, limit in self._buckets(account, address):
            failures = session.scalar(
                select(func.coalesce(func.sum(AttemptCounter.failures), 0)).where(
                    AttemptCounter.bucket == bucket, AttemptCounter.window_start > since
                )
            )
            if (failures or 0) >= limit:
                return True
        return False

    def count_failure(self, unit: UnitOfWork, account: str, address: str) -> None:
        """Count one failed attempt, and forget what is older than two windows."""
        start = unit.now.replace(second=0, microsecond=0)
        for bucket, _ in self._buckets(account, address):
            row = unit.session.scalar(
                select(AttemptCounter)
                .where(AttemptCounter.bucket == bucket, AttemptCounter.window_start == start)
                .with_for_update()
            )
            if row is None:
                unit.session.add(AttemptCounter(bucket=bucket, window_start=start, failures=1))
            else:
                row.failures += 1
        unit.session.execute(delete(AttemptCounter).where(AttemptCounter.window_start < unit.now - 2 * self.window))

    def forget(self, unit: UnitOfWork, account: str, address: str) -> None:
        """Clear the count of one account from one address after a success."""
        bucket = self._buckets(account, address)[0][0]
        unit.session.execute(delete(AttemptCounter).where(AttemptCounter.bucket == bucket))

    def _buckets(self, account: str, address: str) -> list[tuple[str, int]]:
        return [
            (self._hash("both", account, address), self.limit),
            (self._hash("account", account), self.limit * ACCOUNT_FACTOR),
            (self._hash("address", address), self.limit * ADDRESS_FACTOR),
        ]

    def _hash(self, *parts: str) -> str:
        text = "\x1f".join(parts).encode()
        return hmac.new(self.key, text, hashlib.sha256).hexdigest()
