"""Every event that a log may hold, with its exact fields and what it means in plain English.

Adding an event is adding one row. A row names the log it belongs to, the fields of its details with their kinds,
whether the entry has a subject, and its sentence. An entry whose details have a field too few, too many or in
another form is refused before it reaches the log.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from audit.entry import Detail, Entry
from audit.errors import VocabularyError
from audit.fields import (
    ANY_ITEMS,
    CODE,
    CODES,
    COMMITMENT,
    COUNT,
    DATA_DATE,
    DATE,
    ID,
    ID_OR_NONE,
    ITEM,
    ITEMS,
    SHA256,
    SHA256_OR_NONE,
    TIME,
    commit_to,
    new_salt,
    require_field,
)

__all__ = [
    "SERVICE_LOG",
    "VOCABULARY",
    "Event",
    "commit_to",
    "describe",
    "items_of",
    "new_salt",
    "subject_of",
    "verify_entry",
]

SERVICE_LOG: Final = "service"
"""The id of the one log that belongs to no inspection; every other log is named by its inspection's id."""

NONE, OPTIONAL, REQUIRED = "none", "optional", "required"
_SERVICE, _INSPECTION, _BOTH = "service", "inspection", "both"


@dataclass(frozen=True, slots=True)
class Event:
    """One row: the event's name, its log, its sentence, its fields and whether the entry names a subject.

    `about` lists the fields that may hold the identifier of what the event is about, the first that is not None
    counting: what a search by subject finds. It is empty when the entry has a subject of its own.
    """

    name: str
    log: str
    meaning: str
    fields: Mapping[str, str] = field(default_factory=dict)
    subject: str = NONE
    about: tuple[str, ...] = ()


_DOCUMENT = ("document",)
_REFUSED = {"permission": CODE, "reason": CODE, "route": CODE}
_NOTE = {"note": CODE, "commitment": COMMITMENT}
_RELEASE = {"release": ID, "document": ID}
_RANGE = {"range_start": COUNT, "range_stop": COUNT}
_MEMBER = {"person": ID, "role": CODE}
_ASSIGNMENT = {"item": ITEM, "person": ID}
_FILE = {"size": COUNT, "sha256": SHA256}

_ROWS: Final = (
    # The service's own log
    Event("log:opened", _SERVICE, "The log of {subject} was opened.", subject=REQUIRED),
    Event(
        "key:rotated",
        _SERVICE,
        "Version {key_version} of the key-encryption key came into use.",
        {"key_version": COUNT},
    ),
    Event("account:created", _SERVICE, "{actor} created the account of {subject}.", subject=REQUIRED),
    Event("account:invited", _SERVICE, "{actor} invited {subject}.", subject=REQUIRED),
    Event("account:reset-agreed", _SERVICE, "{actor} agreed to a reset of the account of {subject}.", subject=REQUIRED),
    Event("account:activated", _SERVICE, "{subject} accepted the invitation and set a password.", subject=REQUIRED),
    Event("account:disabled", _SERVICE, "{actor} disabled the account of {subject}.", subject=REQUIRED),
    Event("account:enabled", _SERVICE, "{actor} enabled the account of {subject}.", subject=REQUIRED),
    Event("password:changed", _SERVICE, "The password of {subject} was changed by {actor}.", subject=REQUIRED),
    Event("second-factor:enrolled", _SERVICE, "{subject} set up a second factor.", subject=REQUIRED),
    Event("second-factor:reset", _SERVICE, "{actor} reset the second factor of {subject}.", subject=REQUIRED),
    Event("sign-in:succeeded", _SERVICE, "{subject} signed in.", subject=REQUIRED),
    Event("sign-in:refused", _SERVICE, "A sign-in as {subject} was refused: {reason}.", {"reason": CODE}, OPTIONAL),
    Event(
        "sign-in:throttled", _SERVICE, "Sign-in as {subject} was held back after too many attempts.", subject=OPTIONAL
    ),
    Event("sign-out:done", _SERVICE, "{subject} signed out.", subject=REQUIRED),
    Event("sign-out:everywhere", _SERVICE, "Every session of {subject} was ended by {actor}.", subject=REQUIRED),
    Event("role:granted-service", _SERVICE, "{actor} gave {subject} the role {role}.", {"role": CODE}, REQUIRED),
    Event("legal-note:answered", _SERVICE, "{actor} answered the legal note {note}.", _NOTE),
    Event("legal-note:waived", _SERVICE, "{actor} waived the legal note {note}, giving a reason.", _NOTE),
    Event("alarm:raised", _SERVICE, "An alarm was raised: {kind}, about {subject}.", {"kind": CODE}, OPTIONAL),
    Event(
        "alarm:cleared",
        _SERVICE,
        "{actor} cleared an alarm, giving a reason: {kind}, about {subject}.",
        {"kind": CODE, "commitment": COMMITMENT},
        OPTIONAL,
    ),
    # Both: refusals are recorded where the object belongs, in the service's log when there is none
    Event(
        "access:refused",
        _BOTH,
        "{actor} was refused {permission} at {route}: {reason}.",
        {**_REFUSED, "document": ID_OR_NONE},
        about=_DOCUMENT,
    ),
    # An inspection and its people
    Event(
        "inspection:opened",
        _INSPECTION,
        "{actor} opened a {kind} inspection, notified on {notified_on}, asking for {items} of catalogue {catalogue}.",
        {"kind": CODE, "notified_on": DATE, "catalogue": CODE, "items": ITEMS},
    ),
    Event("inspection:fieldwork-ended", _INSPECTION, "{actor} recorded that fieldwork ended on {on}.", {"on": DATE}),
    Event(
        "inspection:report-issued", _INSPECTION, "{actor} recorded that the report was issued on {on}.", {"on": DATE}
    ),
    Event("inspection:closed", _INSPECTION, "{actor} closed the inspection."),
    Event("member:added", _INSPECTION, "{actor} made {person} a member, as {role}.", _MEMBER, about=("person",)),
    Event(
        "member:removed", _INSPECTION, "{actor} ended the membership of {person} as {role}.", _MEMBER, about=("person",)
    ),
    Event("item:assigned", _INSPECTION, "{actor} assigned item {item} to {person}.", _ASSIGNMENT, about=("person",)),
    Event(
        "item:unassigned", _INSPECTION, "{actor} took item {item} back from {person}.", _ASSIGNMENT, about=("person",)
    ),
    Event(
        "deadline:moved",
        _INSPECTION,
        "{actor} moved the deadline of item {item} to {due}, giving a reason.",
        {"item": ITEM, "due": TIME, "commitment": COMMITMENT},
    ),
    # Submissions
    Event(
        "submission:accepted",
        _INSPECTION,
        "{actor} submitted document {document} ({kind}, {size} bytes) for {items}. Date of its data: {data_date}.",
        {
            "document": ID,
            "items": ITEMS,
            **_FILE,
            "kind": CODE,
            "data_date": DATA_DATE,
            "name_commitment": COMMITMENT,
            "title_commitment": COMMITMENT,
        },
        about=_DOCUMENT,
    ),
    Event(
        "submission:refused",
        _INSPECTION,
        "A file that {actor} sent for {items} was refused: {reason}.",
        {"reason": CODE, "items": ANY_ITEMS},
    ),
    Event(
        "submission:checked",
        _INSPECTION,
        "Document {document} was read back from the store and is whole.",
        {"document": ID, "sha256": SHA256},
        about=_DOCUMENT,
    ),
    Event(
        "submission:check-failed",
        _INSPECTION,
        "Document {document} was read back from the store and is not what was received.",
        {"document": ID, "expected": SHA256, "found": SHA256_OR_NONE},
        about=_DOCUMENT,
    ),
    Event(
        "receipt:viewed",
        _INSPECTION,
        "{actor} viewed the receipt of document {document}.",
        {"document": ID},
        about=_DOCUMENT,
    ),
    Event("list:viewed", _INSPECTION, "{actor} viewed the list of what has come for {items}.", {"items": ANY_ITEMS}),
    # Releases: recorded before the first byte, and again at the end
    Event(
        "release:started",
        _INSPECTION,
        "{actor} was given document {document}, bytes {range_start} up to {range_stop}.",
        {**_RELEASE, **_RANGE},
        about=("document",),
    ),
    Event(
        "release:completed",
        _INSPECTION,
        "The download of document {document} by {actor} was completed ({bytes} bytes).",
        {**_RELEASE, "bytes": COUNT},
        about=("document",),
    ),
    Event(
        "release:broken-off",
        _INSPECTION,
        "The download of document {document} by {actor} broke off after {bytes} bytes.",
        {**_RELEASE, "bytes": COUNT},
        about=("document",),
    ),
    # Retention
    Event(
        "hold:placed",
        _INSPECTION,
        "{actor} placed the hold {hold} on the {scope} {document}, giving a reason.",
        {"hold": ID, "scope": CODE, "document": ID_OR_NONE, "commitment": COMMITMENT},
        about=("document", "hold"),
    ),
    Event(
        "hold:lifted",
        _INSPECTION,
        "{actor} lifted the hold {hold}, giving a reason.",
        {"hold": ID, "commitment": COMMITMENT},
        about=("hold",),
    ),
    Event(
        "disposal:started",
        _INSPECTION,
        "The disposal of document {document} began under the rule {rule}: certificate {certificate}.",
        {"document": ID, "certificate": ID, "rule": CODE, **_FILE},
        about=_DOCUMENT,
    ),
    Event(
        "disposal:done",
        _INSPECTION,
        "Document {document} was disposed of under the rule {rule}: certificate {certificate}.",
        {"document": ID, "certificate": ID, "rule": CODE, **_FILE},
        about=_DOCUMENT,
    ),
    Event(
        "disposal:failed",
        _INSPECTION,
        "The disposal of document {document} failed: {reason}.",
        {"document": ID, "reason": CODE},
        about=_DOCUMENT,
    ),
    Event(
        "inspection-key:destroyed",
        _INSPECTION,
        "The inspection's key was destroyed; nothing of it can be opened again.",
    ),
    # Oversight
    Event("trail:viewed", _BOTH, "{actor} viewed the trail, filtered by: {filters}.", {"filters": CODES}),
    Event(
        "trail:verified",
        _BOTH,
        "{actor} had {tree_size} entries of the log verified: {result}.",
        {"tree_size": COUNT, "result": CODE},
    ),
    Event("evidence:exported", _BOTH, "{actor} exported the evidence for {tree_size} entries.", {"tree_size": COUNT}),
    Event("access-list:viewed", _BOTH, "{actor} viewed the list of who has access."),
)

VOCABULARY: Final[Mapping[str, Event]] = {event.name: event for event in _ROWS}


def verify_entry(entry: Entry, log_id: str) -> None:
    """Raise VocabularyError unless the entry is exactly what the vocabulary says, and belongs in the log `log_id`."""
    event = _event(entry)
    _verify_log(event, entry, log_id)
    _verify_subject(event, entry)
    missing = [name for name in event.fields if name not in entry.details]
    extra = [name for name in entry.details if name not in event.fields]
    if missing or extra:
        raise VocabularyError(
            f"{event.name} has the fields {', '.join(event.fields) or 'none'}; "
            f"missing: {', '.join(missing) or 'none'}; not known: {', '.join(extra) or 'none'}."
        )
    for name, kind in event.fields.items():
        require_field(kind, name, entry.details[name])


def subject_of(entry: Entry) -> str | None:
    """The identifier of what the entry is about: its subject, or the field that its event names for it."""
    if entry.subject is not None:
        return entry.subject
    for name in _event(entry).about:
        value = entry.details.get(name)
        if isinstance(value, str):
            return value
    return None


def items_of(entry: Entry) -> tuple[str, ...]:
    """The item numbers that the entry names."""
    item, items = entry.details.get("item"), entry.details.get("items")
    if isinstance(item, str):
        return (item,)
    return tuple(items) if isinstance(items, list | tuple) else ()


def describe(entry: Entry, name_of: Callable[[str], str] = str) -> str:
    """What the entry says, as a sentence; `name_of` turns an opaque identifier into the name shown for it."""
    values = {name: _shown(value, name_of) for name, value in entry.details.items()}
    values["actor"] = name_of(entry.actor)
    values["subject"] = "an unknown account" if entry.subject is None else name_of(entry.subject)
    return _event(entry).meaning.format_map(values)


def _shown(value: Detail, name_of: Callable[[str], str]) -> str:
    if value is None:
        return "as a whole"
    if isinstance(value, list | tuple):
        return ", ".join(map(name_of, value)) or "nothing named"
    return name_of(value) if isinstance(value, str) else str(value)


def _event(entry: Entry) -> Event:
    try:
        return VOCABULARY[entry.event]
    except KeyError as error:
        raise VocabularyError(f"The vocabulary has no event {entry.event}.") from error


def _verify_log(event: Event, entry: Entry, log_id: str) -> None:
    if log_id == SERVICE_LOG:
        if event.log == _INSPECTION or entry.inspection is not None:
            raise VocabularyError(
                f"{event.name} of an inspection belongs in that inspection's log, not in the service's."
            )
    elif event.log == _SERVICE or entry.inspection != log_id:
        raise VocabularyError(
            f"{event.name} of {entry.inspection or 'the service'} does not belong in the log {log_id}."
        )


def _verify_subject(event: Event, entry: Entry) -> None:
    if entry.subject is None and event.subject == REQUIRED:
        raise VocabularyError(f"{event.name} needs the identifier of what it is about as the entry's subject.")
    if entry.subject is not None and event.subject == NONE:
        raise VocabularyError(f"{event.name} names what it is about in its fields, and has no subject beside them.")
