"""Reads the plain majority of entries at a glance: one pattern for each event, made from the vocabulary.

Promises: what is recognised is exactly what `decode`, `verify_entry` and `copies_of` would accept and say, only some
ten times sooner. What is not recognised is not therefore wrong: lists of several items, the 29th of February and every
kind of damage are left to them.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from audit import fields
from audit.entry import ID_PATTERN
from audit.store import SearchCopies
from audit.vocabulary import NONE, REQUIRED, SERVICE_LOG, VOCABULARY, Event

_DAY: Final = (
    "[1-9][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_TIME: Final = rf"{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{{6}}Z"
_ACTOR: Final = rf"{ID_PATTERN}|system:[a-z][a-z-]{{0,38}}[a-z]|anonymous"
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
    fields.TIME: _TIME,
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


def recognise(encoded: bytes, event_name: str, log_id: str) -> SearchCopies | None:
    """What `copies_of` says of the entry in these bytes; None when only the full reading can tell.

    `event_name` may come from anywhere: another event's pattern does not fit.
    """
    if not encoded.isascii():
        return None
    match = _pattern(event_name, log_id == SERVICE_LOG).fullmatch(encoded.decode())
    if match is None:
        return None
    actor, subject, item, inspection, own_subject, time = match.group(
        "actor", "about", "item", "inspection", "subject", "time"
    )
    if inspection is not None and inspection != log_id:
        return None
    if own_subject is not None:
        subject = own_subject
    elif subject is None and len(VOCABULARY[event_name].about) > 1:
        return None  # the next field in its row may say what the entry is about
    return SearchCopies(time, event_name, actor, inspection, subject, "" if item is None else f"|{item}|")


@lru_cache(maxsize=512)
def _pattern(event_name: str, is_service_log: bool) -> re.Pattern[str]:  # noqa: FBT001  part of a cache's key
    event = VOCABULARY.get(event_name)
    if event is None or event.log == ("inspection" if is_service_log else "service"):
        return re.compile("(?!)")  # fits nothing: the full reading says what is wrong
    details = ",".join(_detail(event, name) for name in sorted(event.fields))
    inspection = "null(?P<inspection>(?!))?" if is_service_log else f'"(?P<inspection>{ID_PATTERN})"'
    groups = "".join(f"(?P<{name}>(?!))?" for name in _absent(event))
    return re.compile(
        rf'{groups}\{{"actor":"(?P<actor>{_ACTOR})","details":\{{{details}\}},"event":"{re.escape(event.name)}",'
        rf'"inspection":{inspection},"subject":{_subject(event)},"time":"(?P<time>{_TIME})","version":1\}}'
    )


def _subject(event: Event) -> str:
    text = f'"(?P<subject>{ID_PATTERN}|service)"'
    return {NONE: "null(?P<subject>(?!))?", REQUIRED: text}.get(event.subject, f"(?:null|{text})")


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


def _absent(event: Event) -> list[str]:
    present = {_group(event, name) for name in event.fields}
    return [name for name in ("about", "item") if name not in present]
