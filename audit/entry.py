"""One act, and its one canonical encoding.

An entry is encoded as RFC 8785 (JSON Canonicalization Scheme) JSON, narrowed until the scheme has no hard corner
left: strings are printable ASCII, numbers are integers below 2^53, there is one level of details. `decode` accepts
exactly the bytes that `encode` writes, so an entry has one leaf hash and no second reading.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from audit.errors import EntryError

VERSION: Final = 1
MAX_ENTRY_BYTES: Final = 65_535
"""The longest encoding: what a tlog-tiles entry bundle can carry (a 16-bit length)."""
MAX_INTEGER: Final = 2**53 - 1

ID_PATTERN: Final = r"[a-z]{3}_[0-9a-z]{26}"

_EVENT = re.compile(r"[a-z]+(?:-[a-z]+)*:[a-z]+(?:-[a-z]+)*")
_ACTOR = re.compile(rf"{ID_PATTERN}|system:[a-z][a-z-]{{0,38}}[a-z]|anonymous")
_INSPECTION = re.compile(ID_PATTERN)
_SUBJECT = re.compile(rf"{ID_PATTERN}|service")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TEXT = re.compile(r"[ -~]{0,1024}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)
_KEYS = frozenset({"actor", "details", "event", "inspection", "subject", "time", "version"})

Detail = str | int | bool | None | list[str] | tuple[str, ...]
Details = Mapping[str, Detail]


@dataclass(frozen=True, slots=True)
class Entry:
    """One act: what happened, when, by whom, in which inspection, about what.

    `time` is aware and UTC, to the microsecond. `actor` is an opaque identifier, `system:<name>` or `anonymous`;
    `inspection` and `subject` are opaque identifiers (`subject` may be `service`, the log of that name) or None.
    Lists in `details` are kept as tuples. Raises EntryError when a field is not in that form.
    """

    event: str
    time: datetime
    actor: str
    inspection: str | None = None
    subject: str | None = None
    details: Details = field(default_factory=dict, hash=False)
    version: int = VERSION

    def __post_init__(self) -> None:
        if type(self.version) is not int or self.version != VERSION:
            raise EntryError(f"This software reads entries of version {VERSION} only.")
        _require(_EVENT, self.event, "event")
        _require(_ACTOR, self.actor, "actor")
        if self.inspection is not None:
            _require(_INSPECTION, self.inspection, "inspection")
        if self.subject is not None:
            _require(_SUBJECT, self.subject, "subject")
        _require_utc(self.time)
        object.__setattr__(self, "details", _frozen_details(self.details))

    def encode(self) -> bytes:
        """The canonical bytes. Raises EntryError when they are longer than MAX_ENTRY_BYTES."""
        fields = {
            "actor": self.actor,
            "details": dict(self.details),
            "event": self.event,
            "inspection": self.inspection,
            "subject": self.subject,
            "time": time_text(self.time),
            "version": self.version,
        }
        # RFC 8785 sorts by UTF-16 code units, which is what Python does to ASCII keys.
        encoded = _ENCODER.encode(fields).encode("ascii")
        if len(encoded) > MAX_ENTRY_BYTES:
            raise EntryError(f"The entry takes {len(encoded)} bytes; the most is {MAX_ENTRY_BYTES}.")
        return encoded


def decode(encoded: bytes) -> Entry:
    """The entry in these bytes. Raises EntryError unless they are exactly what `encode` writes."""
    if len(encoded) > MAX_ENTRY_BYTES:
        raise EntryError("The entry is too long.")
    fields = _parse_object(encoded)
    if fields.keys() != _KEYS or not isinstance(fields["details"], dict):
        raise EntryError("The entry does not have exactly the fields of an entry.")
    fields["time"] = parse_time(fields["time"])
    entry = Entry(**fields)
    if entry.encode() != encoded:
        raise EntryError("The entry is not in its canonical encoding.")
    return entry


def time_text(time: datetime) -> str:
    """An aware UTC time as RFC 3339 with six decimals and `Z`: 27 characters, ordered like the times."""
    return time.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_time(text: object) -> datetime:
    """The time in `time_text`'s form. Raises EntryError for any other."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise EntryError("The time is not written as 2026-01-31T09:30:00.000000Z.")
    try:
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    except ValueError as error:
        raise EntryError("The time is not a time of the calendar.") from error


def _parse_object(encoded: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(encoded.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise EntryError("The entry is not JSON in ASCII.") from error
    if not isinstance(fields, dict):
        raise EntryError("The entry is not a JSON object.")
    return fields


def _require(pattern: re.Pattern[str], value: object, name: str) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise EntryError(f"The {name} of an entry cannot be {value!r:.80}.")


def _require_utc(time: object) -> None:
    if not isinstance(time, datetime) or time.utcoffset() != timedelta(0):
        raise EntryError("The time of an entry is an aware time in UTC.")


def _frozen_details(details: object) -> Details:
    if not isinstance(details, Mapping):
        raise EntryError("The details of an entry are named values.")
    frozen: dict[str, Detail] = {}
    for name, value in details.items():
        _require(_FIELD, name, "field name")
        frozen[name] = _frozen_detail(name, value)
    return MappingProxyType(frozen)


def _frozen_detail(name: str, value: object) -> Detail:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and _TEXT.fullmatch(value):
        return str(value)
    if isinstance(value, int) and -MAX_INTEGER <= value <= MAX_INTEGER:
        return int(value)
    if isinstance(value, list | tuple) and all(isinstance(text, str) and _TEXT.fullmatch(text) for text in value):
        return tuple(str(text) for text in value)
    raise EntryError(
        f"The field {name} must be printable ASCII, an integer below 2^53, true, false, null or a list of texts."
    )
