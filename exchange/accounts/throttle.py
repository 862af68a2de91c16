"""Throttling of failed attempts, counted in the database so that every process sees the same number.

Buckets are keyed hashes of account and address: a reader of the table learns neither. An account is throttled for
one address after few failures and for all addresses only after many, so a stranger cannot easily lock somebody out.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from exchange.accounts.models import AttemptCounter
from exchange.database import UnitOfWork

ACCOUNT_FACTOR = 5  # how many times the limit one account may reach from all addresses together
ADDRESS_FACTOR = 5  # and one address over all accounts
IPV6_PREFIX = 64  # one household holds so many addresses that only its network can be counted


@dataclass(frozen=True)
class Throttle:
    """The limit: so many failures per window of so many minutes; `key` hides who is counted."""

    limit: int
    window: timedelta
    key: bytes = field(repr=False)

    def is_closed(self, session: Session, now: datetime, account: str, address: str) -> bool:
        """Tell whether another attempt must wait."""
        return self.closed_bucket(session, now, account, address) is not None

    def closed_bucket(self, session: Session, now: datetime, account: str, address: str) -> str | None:
        """Return the widest bucket that makes another attempt wait, or None."""
        since = now - self.window
        for bucket, limit in reversed(self._buckets(account, address)):
            failures = session.scalar(
                select(func.coalesce(func.sum(AttemptCounter.failures), 0)).where(
                    AttemptCounter.bucket == bucket, AttemptCounter.window_start > since
                )
            )
            if (failures or 0) >= limit:
                return bucket
        return None

    def count_failure(self, unit: UnitOfWork, account: str, address: str) -> None:
        """Count one failed attempt, and forget what is older than two windows."""
        for bucket, _ in self._buckets(account, address):
            _count(unit, bucket)
        old = (
            select(AttemptCounter.id)
            .where(AttemptCounter.window_start < unit.now - 2 * self.window)
            .with_for_update(skip_locked=True)
        )
        unit.session.execute(delete(AttemptCounter).where(AttemptCounter.id.in_(old)))

    def was_noted(self, session: Session, now: datetime, *what: str) -> bool:
        """Tell whether `what` was noted in this minute."""
        rows = select(AttemptCounter.id).where(
            AttemptCounter.bucket == self._hash("noted", *what), AttemptCounter.window_start == _minute(now)
        )
        return session.scalar(rows.limit(1)) is not None

    def note(self, unit: UnitOfWork, *what: str) -> bool:
        """Note that `what` happened and tell whether it was the first time in this minute; it closes nothing."""
        return _count(unit, self._hash("noted", *what)) == 1

    def forget(self, unit: UnitOfWork, account: str, address: str) -> None:
        """Clear the count of one account from one address after a success."""
        bucket = self._buckets(account, address)[0][0]
        unit.session.execute(delete(AttemptCounter).where(AttemptCounter.bucket == bucket))

    def _buckets(self, account: str, address: str) -> list[tuple[str, int]]:
        network = network_of(address)
        return [
            (self._hash("both", account, network), self.limit),
            (self._hash("account", account), self.limit * ACCOUNT_FACTOR),
            (self._hash("address", network), self.limit * ADDRESS_FACTOR),
        ]

    def _hash(self, *parts: str) -> str:
        text = "\x1f".join(parts).encode()
        return hmac.new(self.key, text, hashlib.sha256).hexdigest()


def network_of(address: str) -> str:
    """Return what is counted as one place: an IPv4 address, or the /64 network of an IPv6 one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, IPV6_PREFIX), strict=False))
    return str(parsed)


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


def _count(unit: UnitOfWork, bucket: str) -> int:
    """Add one to a bucket's row of this minute and return the sum; two at once never collide."""
    insert = postgresql.insert if unit.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = (
        insert(AttemptCounter)
        .values(bucket=bucket, window_start=_minute(unit.now), failures=1)
        .on_conflict_do_update(
            index_elements=[AttemptCounter.bucket, AttemptCounter.window_start],
            set_={"failures": AttemptCounter.failures + 1},
        )
        .returning(AttemptCounter.failures)
    )
    return unit.session.execute(statement).scalar_one()
