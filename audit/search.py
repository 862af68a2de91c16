"""What is copied out of an entry so that it can be found; the entry's own bytes stay the truth."""

import re

from audit.entry import ID_PATTERN, Entry, time_text
from audit.store import SearchCopies
from audit.vocabulary import items_of, subject_of


def copies_of(entry: Entry) -> SearchCopies:
    """The copies that belong beside this entry. Raises VocabularyError for an unknown event."""
    items = items_of(entry)
    return SearchCopies(
        time_text(entry.time),
        entry.event,
        entry.actor,
        entry.inspection,
        subject_of(entry),
        f"|{'|'.join(items)}|" if items else "",
    )


_IDENTIFIER = re.compile(ID_PATTERN)


def names_reference(entry: Entry, reference: str) -> bool:
    """Whether an identifier stands anywhere in the entry that is `reference`, or ends in it."""
    texts = (entry.actor, entry.subject, entry.inspection, *entry.details.values())
    return any(
        isinstance(text, str) and _IDENTIFIER.fullmatch(text) is not None and _is_meant(text, reference)
        for text in texts
    )


def _is_meant(identifier: str, reference: str) -> bool:
    return identifier == reference if "_" in reference else identifier.endswith(reference)
