"""What the log may say: an entry is held to the one table of events before it reaches the log.

An entry whose details have a field too few, too many or in another form is refused.
"""

from collections.abc import Callable

from audit.entry import Detail, Entry
from audit.errors import VocabularyError
from audit.events import IN_INSPECTION, IN_SERVICE, NONE, REQUIRED, SERVICE_LOG, VOCABULARY, Event
from audit.fields import commit_to, new_salt, require_field

__all__ = [
    "NONE",
    "REQUIRED",
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
        if event.log == IN_INSPECTION or entry.inspection is not None:
            raise VocabularyError(
                f"{event.name} of an inspection belongs in that inspection's log, not in the service's."
            )
    elif event.log == IN_SERVICE or entry.inspection != log_id:
        raise VocabularyError(
            f"{event.name} of {entry.inspection or 'the service'} does not belong in the log {log_id}."
        )


def _verify_subject(event: Event, entry: Entry) -> None:
    if entry.subject is None and event.subject == REQUIRED:
        raise VocabularyError(f"{event.name} needs the identifier of what it is about as the entry's subject.")
    if entry.subject is not None and event.subject == NONE:
        raise VocabularyError(f"{event.name} names what it is about in its fields, and has no subject beside them.")
