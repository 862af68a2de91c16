"""The kinds of value that an entry's fields may hold, each a closed form: none of them can carry free text."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import date
from typing import Final

from audit.entry import ID_PATTERN, Detail, parse_time
from audit.errors import EntryError, VocabularyError

MIN_SALT_BYTES: Final = 16

ID: Final = "id"
ID_OR_NONE: Final = "id or none"
ITEM: Final = "item number"
ITEMS: Final = "item numbers"
ANY_ITEMS: Final = "item numbers, or none"
COUNT: Final = "count"
SHA256: Final = "SHA-256"
SHA256_OR_NONE: Final = "SHA-256 or none"
COMMITMENT: Final = "commitment"
CODE: Final = "code"
CODES: Final = "codes"
TIME: Final = "time"
DATE: Final = "date"
DATA_DATE: Final = "data date"

_ID = re.compile(ID_PATTERN)
_ITEM = re.compile(r"L[1-9]|P|[1-9]\.[1-9][0-9]?")
_HEX = re.compile(r"[0-9a-f]{64}")
_CODE = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+(?:[-._:][a-z0-9]+)*")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATA_DATE = re.compile(
    r"(?:as-at:(?P<at>[0-9-]{10})|(?:period|historic-snapshot):(?P<start>[0-9-]{10})/(?P<end>[0-9-]{10})"
    r"|historic-snapshot(?::(?P<taken>[0-9-]{10}))?|not-dated)"
)


def commit_to(value: str, salt: bytes) -> str:
    """HMAC-SHA-256 of the UTF-8 value under a random salt, in hexadecimal.

    The log holds the commitment; value and salt live beside it. While both exist anyone can check that this is the
    value that was recorded; once the salt is destroyed the commitment says nothing about the value, however few values
    there could have been. Raises VocabularyError for a salt shorter than MIN_SALT_BYTES.
    """
    if len(salt) < MIN_SALT_BYTES:
        raise VocabularyError(f"A salt has at least {MIN_SALT_BYTES} random bytes.")
    return hmac.new(salt, value.encode(), hashlib.sha256).hexdigest()


def new_salt() -> bytes:
    """32 random bytes, one salt for each commitment."""
    return secrets.token_bytes(32)


def require_field(kind: str, name: str, value: Detail) -> None:
    """Raise VocabularyError unless `value` has the form of `kind`."""
    if not _CHECKS[kind](value):
        raise VocabularyError(f"The field {name} must be: {kind}. It cannot be {value!r:.80}.")


def _matches(pattern: re.Pattern[str]) -> Callable[[Detail], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _or_none(check: Callable[[Detail], bool]) -> Callable[[Detail], bool]:
    return lambda value: value is None or check(value)


def _all_different(check: Callable[[Detail], bool], fewest: int) -> Callable[[Detail], bool]:
    return lambda value: (
        isinstance(value, list | tuple)
        and fewest <= len(set(value)) == len(value)
        and all(check(element) for element in value)
    )


def _is_count(value: Detail) -> bool:
    return type(value) is int and value >= 0


def _is_time(value: Detail) -> bool:
    try:
        parse_time(value)
    except EntryError:
        return False
    return True


def _is_date(value: Detail) -> bool:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_data_date(value: Detail) -> bool:
    match = _DATA_DATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return False
    dates = [text for text in match.groups() if text is not None]
    return all(_is_date(text) for text in dates) and dates == sorted(dates)


_CHECKS: Final[dict[str, Callable[[Detail], bool]]] = {
    ID: _matches(_ID),
    ID_OR_NONE: _or_none(_matches(_ID)),
    ITEM: _matches(_ITEM),
    ITEMS: _all_different(_matches(_ITEM), 1),
    ANY_ITEMS: _all_different(_matches(_ITEM), 0),
    COUNT: _is_count,
    SHA256: _matches(_HEX),
    SHA256_OR_NONE: _or_none(_matches(_HEX)),
    COMMITMENT: _matches(_HEX),
    CODE: _matches(_CODE),
    CODES: _all_different(_matches(_CODE), 0),
    TIME: _is_time,
    DATE: _is_date,
    DATA_DATE: _is_data_date,
}
