"""The second factor: time-based one-time codes (RFC 6238), each taken once, the secret sealed in the database."""

from __future__ import annotations

import hmac
from datetime import datetime

import pyotp
import segno

from exchange.errors import InvalidError

STEP_SECONDS = 30
NEIGHBOURS = 1  # one step before and after, for clocks that differ

WRONG_CODE = "Security code is not right. Use the newest code in your authenticator app"


def new_secret() -> str:
    """Return a fresh secret of 160 bits in base 32."""
    return pyotp.random_base32()


def verify_code(secret: str, code: str, now: datetime, last_step: int) -> int:
    """Check a six-digit code and return the time step it belongs to, to be stored as the last one taken.

    Raises:
        InvalidError: the code is wrong, or was taken before.
    """
    digits = code.replace(" ", "")
    totp = pyotp.TOTP(secret)
    step_now = int(now.timestamp()) // STEP_SECONDS
    for step in range(step_now - NEIGHBOURS, step_now + NEIGHBOURS + 1):
        if hmac.compare_digest(totp.at(step * STEP_SECONDS), digits):
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
