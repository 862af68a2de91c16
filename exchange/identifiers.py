"""Opaque identifiers: 128 random bits behind a three-letter prefix, safe in a URL, a path and the log.

They say nothing about a person, a place or an order, so they may stand in the log for ever.
"""

from __future__ import annotations

import re
import secrets

from exchange.errors import NotFoundError

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread
PATTERN = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}")


def new_identifier(prefix: str) -> str:
    """Return a fresh identifier such as `doc_` and 26 characters of base 32 (128 random bits)."""
    number = secrets.randbits(128)
    characters = []
    for _ in range(26):
        number, digit = divmod(number, 32)
        characters.append(ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(characters))}"


def parse_identifier(text: str, prefix: str) -> str:
    """Return `text` when it is an identifier of that prefix.

    Raises:
        NotFoundError: it is not; a malformed identifier and an unknown one look the same to the caller.
    """
    if not PATTERN.fullmatch(text) or not text.startswith(f"{prefix}_"):
        raise NotFoundError
    return text
