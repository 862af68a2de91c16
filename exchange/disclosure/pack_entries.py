"""The entries of a pack: found by reading every log whole and rebuilding its tree, then told in words, log by log."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sqlalchemy import Connection

from audit.entry import Entry, time_text
from audit.store import LogStore, StoredEntry
from audit.vocabulary import describe
from exchange.clock import say_moment
from exchange.disclosure.subject import Spoken, Subject
from exchange.exports.service import Covered, verified_entries
from exchange.oversight.service import identifiers_in

OWN, ABOUT, THEIR_DOCUMENT = "own act", "about them", "about what they sent"
TOGETHER: Final = 500
DENSE: Final = 10
"""A run of so many entries is read in less time than one entry by itself."""

_ANY_ID = re.compile(rb'"([a-z]{3}_[0-9a-z]{26})"')


@dataclass(frozen=True)
class FoundIn:
    """One log as far as it was read, and the places of the entries that concern the subject."""

    covered: Covered
    places: array[int]


@dataclass(frozen=True)
class ToldEntry:
    """One entry in words, others by their role; number and leaf hash find it again under the checkpoint."""

    log_id: str
    index: int
    time: str
    when: str
    concern: str
    event: str
    sentence: str
    leaf_hash: str


def find_in(
    store: LogStore[Connection], connection: Connection, covered: Covered, identifiers: frozenset[str]
) -> FoundIn:
    """Read a log whole for entries that name one of the identifiers. Raises AuditError when it is damaged."""
    wanted = {identifier.encode("ascii") for identifier in identifiers}

    def names_one(encoded: bytes) -> bool:
        return not wanted.isdisjoint(_ANY_ID.findall(encoded))

    found = verified_entries(store, connection, covered, names_one)
    return FoundIn(covered, array("q", (int(stored.index) for stored in found)))


def told_entries(
    store: LogStore[Connection], connection: Connection, found: list[FoundIn], subject: Subject, spoken: Spoken
) -> Iterator[ToldEntry]:
    """The entries in words, log by log, in their order; memory stays bounded."""
    for one in found:
        places = iter(one.places)
        while together := list(islice(places, TOGETHER)):
            stored = list(_read(store, connection, one.covered.log_id, together))
            spoken.learn(identifiers_in(row.entry for row in stored))
            yield from (_told(row, row.entry, subject, spoken) for row in stored)


def _read(store: LogStore[Connection], connection: Connection, log_id: str, places: list[int]) -> Iterator[StoredEntry]:
    """The entries at these places: as one run where they lie close together, otherwise one by one."""
    first, stop = places[0], places[-1] + 1
    if stop - first > DENSE * len(places):
        yield from (store.entry(connection, log_id, place) for place in places)
        return
    wanted = set(places)
    yield from (stored for stored in store.entries(connection, log_id, first, stop) if int(stored.index) in wanted)


def _told(stored: StoredEntry, entry: Entry, subject: Subject, spoken: Spoken) -> ToldEntry:
    sentence = describe(entry, spoken)
    return ToldEntry(
        log_id=stored.log_id,
        index=int(stored.index),
        time=time_text(entry.time),
        when=say_moment(entry.time),
        concern=_concern(stored, entry, subject),
        event=entry.event,
        sentence=sentence[:1].upper() + sentence[1:],
        leaf_hash=stored.leaf_hash.hex(),
    )


def _concern(stored: StoredEntry, entry: Entry, subject: Subject) -> str:
    if entry.actor == subject.identifier:
        return OWN
    return ABOUT if f'"{subject.identifier}"'.encode("ascii") in stored.encoded else THEIR_DOCUMENT
