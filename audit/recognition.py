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
_SECONDS: Final = re.compile(_SECOND)
_ACTORS: Final = re.compile(_ACTOR)
_SUBJECTS: Final = re.compile(_SUBJECT)
_END: Final = b'","version":1}'
_TAIL: Final = 27 + len(_END)  # the time and what follows it
_MOST_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the entries of one event, about one subject of their own or none, have in common.

    `frame` stands between the details and the time. Where `about` is None the copy of the subject is `subject`;
    otherwise it is what that group of the details' pattern holds.
    """

    frame: bytes
    details: re.Pattern[bytes]
    subject: str | None
    about: int | None
    item: int | None


class Recogniser:
    """Recognises entries of one log together with the copies kept beside them; keeps what many of them share."""

    def __init__(self, log_id: str) -> None:
        self._log_id = log_id
        self._inspection = None if log_id == SERVICE_LOG else log_id
        self._minutes: set[str] = set()
        self._beginnings: dict[str, bytes] = {}
        self._plans: dict[tuple[str, str | None], list[_Plan]] = {}

    def fits(self, encoded: Any, time: Any, event: Any, actor: Any, inspection: Any, subject: Any, items: Any) -> bool:
        """Whether these bytes are an entry of this log and these its copies; False when only a full reading can tell.

        The values may be of any type, as a column of SQLite gives them.
        """
        try:
            if inspection != self._inspection or not encoded.endswith(time.encode() + _END):
                return False
            if time[:17] not in self._minutes and not self._keep_minute(time):
                return False
            beginning = self._beginnings.get(actor) or self._beginning(actor)
            if not _SECONDS.fullmatch(time, 17) or not encoded.startswith(beginning):
                return False
            for plan in self._plans.get((event, subject)) or self._plans_of(event, subject):
                stop = len(encoded) - _TAIL - len(plan.frame)
                if encoded.startswith(plan.frame, stop):
                    found = plan.details.fullmatch(encoded, len(beginning), stop)
                    return found is not None and _says(found, plan, subject, items)
        except (AttributeError, TypeError, UnicodeError):
            return False
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

    def _plans_of(self, event_name: str, subject: str | None) -> list[_Plan]:
        event = VOCABULARY.get(event_name)
        if event is None or event.log == (IN_INSPECTION if self._inspection is None else IN_SERVICE):
            return []
        plans = []
        if event.subject != NONE and isinstance(subject, str) and _SUBJECTS.fullmatch(subject):
            plans.append(self._plan(event, f'"{subject}"', subject))
        if event.subject != REQUIRED:
            plans.append(self._plan(event, "null", None))
        if len(self._plans) >= _MOST_KEPT:
            self._plans.clear()
        self._plans[event_name, subject] = plans
        return plans

    def _plan(self, event: Event, own_subject: str, subject: str | None) -> _Plan:
        inspection = "null" if self._inspection is None else f'"{self._inspection}"'
        frame = f'}},"event":"{event.name}","inspection":{inspection},"subject":{own_subject},"time":"'
        pattern = _details_pattern(event)
        about = pattern.groupindex.get("about") if own_subject == "null" else None
        return _Plan(frame.encode(), pattern, subject, about, pattern.groupindex.get("item"))


def _says(found: re.Match[bytes], plan: _Plan, subject: str | None, items: str) -> bool:
    """Whether the details tell of this subject and these items."""
    if plan.about is None:
        if subject != plan.subject:
            return False
    else:
        about: bytes | None = found[plan.about]
        if about is None or subject is None or about != subject.encode():
            return False  # where it is null, another field may say what the entry is about
    item: bytes | None = None if plan.item is None else found[plan.item]
    return items == ("" if item is None else f"|{item.decode()}|")


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
