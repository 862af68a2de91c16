"""Where people sign in from and where something is refused, told apart without keeping an address.

Promises: the tables hold keyed hashes of networks (/24 of IPv4, /48 of IPv6) only; a known place is hashed under a salt
of its own, so that equal networks of two people do not look equal; what was refused in a network is forgotten after two
days. What is noted commits with the entry it belongs to.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.accounts.models import KnownPlace, RefusedPlace
from exchange.database import UnitOfWork

IPV4_PREFIX, IPV6_PREFIX = 24, 48  # what one household, office or provider's customer is given


@dataclass(frozen=True)
class Places:
    """Notes and compares networks under a key of the service."""

    key: bytes = field(repr=False)

    def note_sign_in(self, unit: UnitOfWork, person_id: str, address: str) -> None:
        """Note the network that a person has just signed in from; a new one is a row of its own."""
        place = place_of(address)
        known = unit.session.scalars(select(KnownPlace).where(KnownPlace.person_id == person_id)).all()
        for row in known:
            if hmac.compare_digest(row.mark, self._mark(row.salt, place)):
                row.last_seen_at = unit.now
                return
        salt = secrets.token_bytes(32)
        unit.session.add(
            KnownPlace(
                person_id=person_id,
                salt=salt,
                mark=self._mark(salt, place),
                is_first=not known,
                first_seen_at=unit.now,
                last_seen_at=unit.now,
            )
        )

    def note_refusal(self, unit: UnitOfWork, address: str) -> None:
        """Note that something was just refused to somebody in this network."""
        unit.session.add(RefusedPlace(mark=self._mark(b"", place_of(address)).hex(), refused_at=unit.now))

    def _mark(self, salt: bytes, place: str) -> bytes:
        return hmac.new(self.key, len(salt).to_bytes(2) + salt + place.encode(), hashlib.sha256).digest()


def place_of(address: str) -> str:
    """The network that counts as one place: the /24 of an IPv4 address, the /48 of an IPv6 one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "nowhere"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ip_network((parsed, IPV6_PREFIX), strict=False))
        parsed = parsed.ipv4_mapped
    return str(ip_network((parsed, IPV4_PREFIX), strict=False))


def came_from_new_place(session: Session, person_id: str, moment: datetime) -> bool:
    """Whether the sign-in of this moment was the person's first from a network that is not their first."""
    query = select(KnownPlace.id).where(
        KnownPlace.person_id == person_id, KnownPlace.first_seen_at == moment, KnownPlace.is_first.is_(False)
    )
    return session.scalar(query.limit(1)) is not None


def refusals_near(session: Session, moments: Collection[datetime], window: timedelta) -> dict[str, list[datetime]]:
    """For each network in which something was refused at one of these moments: when it was, in order.

    All such times are told that are less than a window before the first of the moments or after the last.
    """
    here = select(RefusedPlace.mark).where(RefusedPlace.refused_at.in_(moments))
    near = (
        select(RefusedPlace.mark, RefusedPlace.refused_at)
        .where(
            RefusedPlace.mark.in_(here),
            RefusedPlace.refused_at > min(moments) - window,
            RefusedPlace.refused_at < max(moments) + window,
        )
        .order_by(RefusedPlace.refused_at)
    )
    times: dict[str, list[datetime]] = {}
    for mark, refused_at in session.execute(near):
        times.setdefault(mark, []).append(refused_at)
    return times
