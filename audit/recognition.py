"""Reads the plain majority of entries at a glance: a few comparisons and one pattern for each event's details.

Promises: what is recognised is exactly what `decode` and `verify_entry` would accept and `copies_of` would say, only
some ten times sooner. What is not recognised is not therefore wrong: lists of several items, the 29th of February and
every kind of damage are left to them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from audit import fields
from audit.entry import ID_PATTERN
from audit.events import IN_INSPECTION, IN_SERVICE
from audit.vocabulary import NONE, REQUIRED, SERVICE_LOG, VOCABULARY, Event

_DAY: Final = (
    "[1-9][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_MINUTE: Final = rf"{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:"
_SECOND: Final = r"[0-5][0-9]\.[0-9]{6}Z"
_ACTOR: Final = rf"{ID_PATTERN}|system:[a-z][a-z-]{{0,38}}[a-z]|anonymous"
_SUBJECT: Final = rf"{ID_PATTERN}|service"
_ITEM: Final = r"L[1-9]|P|[1-9]\.[1-9][0-9]?"
_CODE: Final = r"(?=[^\"]{1,64}\")[a-z0-9]+(?:[-._:][a-z0-9]+)*"
_HASH: Final = "[0-9a-f]{64}"

# What stands between the quotation marks of a text; a kind that may be null, a list or a number says so below.
_TEXTS: Final[Mapping[str, str]] = {
    fields.ID: ID_PATTERN,
    fields.ID_OR_NONE: ID_PATTERN,
    fields.ITEM: _ITEM,
    fields.ITEMS: _ITEM,
    fields.ANY_ITEMS: _ITEM,
    fields.SHA256: _HASH,
    fields.SHA256_OR_NONE: _HASH,
    fields.COMMITMENT: _HASH,
    fields.CODE: _CODE,
    fields.CODES: _CODE,
    fields.TIME: _MINUTE + _SECOND,
    fields.DATE: _DAY,
    fields.DATA_DATE: f"as-at:{_DAY}|historic-snapshot|not-dated",
}
_FRAMES: Final[Mapping[str, str]] = {
    fields.ID_OR_NONE: '(?:null|"{}")',
    fields.SHA256_OR_NONE: '(?:null|"{}")',
    fields.ITEMS: r'\["{}"\]',
    fields.ANY_ITEMS: r'\[(?:"{}")?\]',
    fields.CODES: r'\[(?:"{}")?\]',
}
_COUNT: Final = "(?:0|[1-9][0-9]{0,14})"  # 15 digits lie below 2^53 whatever they are

_MINUTES: Final = re.compile(_MINUTE)
_fits_seconds: Final = re.compile(_SECOND).fullmatch
_ACTORS: Final = re.compile(_ACTOR)
_SUBJECTS: Final = re.compile(_SUBJECT)
_END: Final = '","version":1}'
_MOST_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the entries of one event have in common.

    `without` stands between the details and the time of an entry that has no subject of its own, None where each has
    one; `before` and `behind` stand round a subject, None where none has one. `about` and `item` are groups of the
    details' pattern.
    """

    details: re.Pattern[bytes]
    without: str | None
    before: str | None
    behind: str
    about: int | None
    item: int | None


class Recogniser:
    """Recognises entries of one log together with the copies kept beside them; keeps what many of them share."""

    def __init__(self, log_id: str) -> None:
        self._inspection = None if log_id == SERVICE_LOG else log_id
        self._minutes: set[str] = set()
        self._beginnings: dict[str, bytes] = {}
        self._plans: dict[str, _Plan] = {}

    def fits(  # noqa: PLR0911  two comparisons for each column, in one call for each of a million entries
        self, encoded: Any, time: Any, event: Any, actor: Any, inspection: Any, subject: Any, items: Any
    ) -> bool:
        """Whether these bytes are an entry of this log and these its copies; False when only a full reading can tell.

        The values may be of any type, as a column of SQLite gives them.
        """
        try:
            if inspection != self._inspection or (time[:17] not in self._minutes and not self._keep_minute(time)):
                return False
            beginning = self._beginnings.get(actor) or self._beginning(actor)
            if not encoded.startswith(beginning) or not _fits_seconds(time, 17):
                return False
            plan = self._plans.get(event) or self._plan(event)
            about, end = plan.about, b""
            if plan.without is not None:
                end = (plan.without + time + _END).encode()
            if plan.before is not None and (plan.without is None or not encoded.endswith(end)):
                if not _SUBJECTS.fullmatch(subject):
                    return False
                about, end = 0, (plan.before + subject + plan.behind + time + _END).encode()
            if not encoded.endswith(end):
                return False
            found = plan.details.fullmatch(encoded, len(beginning), len(encoded) - len(end))
            if found is None or (subject is not None if about is None else about and found[about] != subject.encode()):
                return False
            item = None if plan.item is None else found[plan.item]
            return bool(items == ("" if item is None else f"|{item.decode()}|"))
        except (AttributeError, KeyError, TypeError, UnicodeError):
            return False

    def _keep_minute(self, time: str) -> bool:
        if not _MINUTES.match(time):
            return False
        if len(self._minutes) >= _MOST_KEPT:
            self._minutes.clear()
        self._minutes.add(time[:17])
        return True

    def _beginning(self, actor: str) -> bytes:
        if not _ACTORS.fullmatch(actor):
            return b"\xff"  # begins nothing
        if len(self._beginnings) >= _MOST_KEPT:
            self._beginnings.clear()
        self._beginnings[actor] = f'{{"actor":"{actor}","details":{{'.encode()
        return self._beginnings[actor]

    def _plan(self, event_name: str) -> _Plan:
        """The plan of an event of this log. Raises KeyError for any other."""
        event = VOCABULARY[event_name]
        if event.log == (IN_INSPECTION if self._inspection is None else IN_SERVICE):
            raise KeyError(event_name)
        inspection = "null" if self._inspection is None else f'"{self._inspection}"'
        frame = f'}},"event":"{event.name}","inspection":{inspection},"subject":'
        pattern = _details_pattern(event)
        self._plans[event_name] = _Plan(
            pattern,
            None if event.subject == REQUIRED else f'{frame}null,"time":"',
            None if event.subject == NONE else f'{frame}"',
            '","time":"',
            pattern.groupindex.get("about"),
            pattern.groupindex.get("item"),
        )
        return self._plans[event_name]


_PATTERNS: Final[dict[str, re.Pattern[bytes]]] = {}


def _details_pattern(event: Event) -> re.Pattern[bytes]:
    if event.name not in _PATTERNS:
        text = ",".join(_detail(event, name) for name in sorted(event.fields))
        _PATTERNS[event.name] = re.compile(text.encode())
    return _PATTERNS[event.name]


def _detail(event: Event, name: str) -> str:
    kind = event.fields[name]
    if kind == fields.COUNT:
        return f'"{name}":{_COUNT}'
    group = _group(event, name)
    text = f"(?P<{group}>{_TEXTS[kind]})" if group else f"(?:{_TEXTS[kind]})"
    return f'"{name}":{_FRAMES.get(kind, chr(34) + "{}" + chr(34)).replace("{}", text)}'


def _group(event: Event, name: str) -> str | None:
    """The group under which a field is needed afterwards."""
    if name in event.about[:1]:
        return "about"
    return "item" if name in ("item", "items") else None
