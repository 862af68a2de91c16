"""Opaque identifiers: the only texts that this package lets into a path or a context.

An identifier is three lower-case letters, an underscore and 26 characters of Crockford base32 (128 random bits,
left-padded to 130): it holds no dot, slash or separator, and says nothing about what it names.
"""

import re
import secrets

from keys.errors import IdentifierError

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PATTERN = re.compile(r"[a-z]{3}_[0-9a-z]{26}", re.ASCII)


def is_identifier(text: str) -> bool:
    """Tell identifiers from other names, where both may be met."""
    return _PATTERN.fullmatch(text) is not None


def require_identifier(text: str) -> str:
    """Hand back `text` when it is an identifier; raise IdentifierError otherwise."""
    if not is_identifier(text):
        raise IdentifierError(
            "This is not an identifier (three letters, an underscore, 26 letters or digits). It was not used."
        )
    return text


def new_identifier(prefix: str) -> str:
    """Make `prefix_` and 26 characters from 128 bits of the system's randomness."""
    number = int.from_bytes(secrets.token_bytes(16), "big")
    digits = "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
    return require_identifier(f"{prefix}_{digits}")
