"""The second factor: time-based one-time codes (RFC 6238), each taken once, the secret sealed in the database."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime

import pyotp
import segno

from exchange import trail
from exchange.accounts.models import Person
from exchange.database import UnitOfWork
from exchange.errors import ConflictError, InvalidError
from keys.errors import SecretBoxError
from keys.secret_box import open_secret, seal_secret

STEP_SECONDS = 30
NEIGHBOURS = 1  # one step before and after, for clocks that differ

WRONG_CODE = "Security code is not right. Use the newest code in your authenticator app"
UNREADABLE = (
    "Your second factor cannot be read, so you cannot sign in. Nothing was lost. "
    "Ask an administrator for a new sign-in link, and set the second factor up again."
)


@dataclass(frozen=True)
class SecondFactors:
    """Where secrets are sealed and opened, each bound to its person, and whether a second factor is required."""

    key: bytes = field(repr=False)
    required: bool = True

    def offer(self, person_id: str) -> str:
        """Return a fresh secret, sealed, to set up; it counts for nothing until its first code is right."""
        return seal_secret(self.key, f"second-factor-offer:{person_id}", new_secret().encode())

    def open_offer(self, person_id: str, offer: str) -> str | None:
        """Return the secret behind an offer, or None when the offer is not this person's."""
        try:
            return open_secret(self.key, f"second-factor-offer:{person_id}", offer).decode()
        except SecretBoxError:
            return None

    def verify(self, person: Person, code: str, now: datetime) -> int:
        """Check a code of a person who has set up a second factor and return its time step.

        Raises:
            InvalidError: the code is wrong, or was taken before.
            ConflictError: the stored secret cannot be opened.
        """
        try:
            secret = open_secret(self.key, f"second-factor:{person.id}", person.totp_sealed).decode()
        except SecretBoxError as error:
            raise ConflictError(UNREADABLE) from error
        return verify_code(secret, code, now, person.totp_last_step)

    def enrol(self, unit: UnitOfWork, person: Person, offer: str, code: str) -> None:
        """Set up an offered second factor once its first code is right.

        Raises:
            InvalidError: the code is wrong, or the offer is not this person's.
            ConflictError: one is set up already; replacing it takes a new link from an administrator.
        """
        if person.totp_sealed:
            raise ConflictError("A second factor is already set up for this account. Nothing was changed.")
        secret = self.open_offer(person.id, offer)
        if secret is None:
            raise InvalidError("The secret key on this page is too old. Scan the new one", field="code")
        person.totp_last_step = verify_code(secret, code, unit.now, 0)
        person.totp_sealed = seal_secret(self.key, f"second-factor:{person.id}", secret.encode())
        trail.record(unit, "second-factor:enrolled", actor=person.id, subject=person.id)


def new_secret() -> str:
    """Return a fresh secret of 160 bits in base 32."""
    return pyotp.random_base32()


def verify_code(secret: str, code: str, now: datetime, last_step: int) -> int:
    """Check a six-digit code and return the time step it belongs to, to be stored as the last one taken.

    Raises:
        InvalidError: the code is wrong, or was taken before.
    """
    digits = "".join(code.split()).encode()
    totp = pyotp.TOTP(secret)
    step_now = int(now.timestamp()) // STEP_SECONDS
    for step in range(step_now - NEIGHBOURS, step_now + NEIGHBOURS + 1):
        if hmac.compare_digest(totp.at(step * STEP_SECONDS).encode(), digits):
            if step <= last_step:
                raise InvalidError("Security code was used before. Wait for the next code", field="code")
            return step
    raise InvalidError(WRONG_CODE, field="code")


def enrolment_uri(secret: str, *, email: str, service_name: str) -> str:
    """Return the `otpauth:` address that an authenticator app reads."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=service_name)


def enrolment_picture(uri: str) -> str:
    """Return the QR code of `uri` as an SVG element without inline style."""
    return segno.make(uri, error="m").svg_inline(scale=4, dark="#0b0c0c", light="#ffffff", omitsize=False)


def in_groups(secret: str) -> list[str]:
    """Return a secret in groups of four characters, to be typed where no camera is at hand."""
    return [secret[place : place + 4] for place in range(0, len(secret), 4)]
