"""One entry as an export shows it: its numbers and identifiers, and the sentence with the names that stand beside."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sqlalchemy.orm import Session

from audit.entry import Entry, time_text
from audit.store import StoredEntry
from audit.vocabulary import describe, items_of, subject_of
from config.catalogue import Catalogue
from exchange.clock import in_london
from exchange.oversight.service import identifiers_in, load_names, mark_of

TOGETHER: Final = 500

HEADER: Final = (
    "index",
    "time_utc",
    "time_london",
    "event",
    "mark",
    "sentence",
    "actor",
    "actor_name",
    "subject",
    "items",
    "details",
    "leaf_hash",
)


@dataclass(frozen=True)
class ExportRow:
    """An entry in words and in its own bytes."""

    stored: StoredEntry
    entry: Entry
    sentence: str
    mark: str
    actor_name: str

    @property
    def cells(self) -> tuple[str | int, ...]:
        """The row under HEADER."""
        entry = self.entry
        return (
            int(self.stored.index),
            time_text(entry.time),
            f"{in_london(entry.time):%Y-%m-%d %H:%M:%S %Z}",
            entry.event,
            self.mark,
            self.sentence,
            entry.actor,
            self.actor_name,
            subject_of(entry) or "",
            " ".join(items_of(entry)),
            json.dumps(dict(entry.details), sort_keys=True, separators=(",", ":")),
            self.stored.leaf_hash.hex(),
        )


def rows_in_words(
    session: Session, catalogue: Catalogue, found: Iterable[tuple[StoredEntry, Entry]]
) -> Iterator[ExportRow]:
    """Put names beside the entries, some hundred at a time, so that memory stays bounded."""
    source = iter(found)
    while together := list(islice(source, TOGETHER)):
        names = load_names(session, catalogue, identifiers_in(entry for _, entry in together))
        for stored, entry in together:
            sentence = describe(entry, names)
            actor = names(entry.actor)
            yield ExportRow(stored, entry, sentence[:1].upper() + sentence[1:], mark_of(entry.event), actor)
