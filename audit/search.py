"""What is copied out of an entry so that it can be found; the entry's own bytes stay the truth."""

from audit.entry import Entry, time_text
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
