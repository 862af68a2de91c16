"""The one way in which fields become bytes to be authenticated: no two lists of fields share an encoding."""

import base64
import binascii


def length_prefixed(*fields: bytes) -> bytes:
    """Join fields, each behind its length as four big-endian bytes."""
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def to_base64url(data: bytes) -> str:
    """Encode as base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Decode base64url without padding; raise ValueError for any text but the one that `to_base64url` makes."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64url") from error
    if to_base64url(data) != text:
        raise ValueError("not the canonical base64url")
    return data
