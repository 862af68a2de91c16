"""Who saw a document, told by the log's own entries: all of it, parts, broken off, or given with no end recorded.

Promises: bytes that were handed to the network count once, however many requests carried them; a download whose end
nobody recorded is said to be one that may have been whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from audit.entry import Entry
from audit.store import LogStore, SearchFilters

PAGE: Final = 500
RELEASES: Final = ("release:started", "release:completed", "release:broken-off")

ALL, PARTS, NOTHING, UNKNOWN = "all", "parts", "nothing", "unknown"
WORDS: Final = {
    ALL: "Took all of it",
    PARTS: "Took a part of it",
    NOTHING: "Broke off before the first byte",
    UNKNOWN: "Was given it, and no end is recorded: may have taken all of it",
}


@dataclass(frozen=True)
class Sighting:
    """What one person had of one document: how much, in how many downloads, between when and when."""

    person: str
    outcome: str
    bytes_had: int
    completed: int
    broken_off: int
    unended: int
    first_at: datetime
    last_at: datetime

    @property
    def words(self) -> str:
        """The outcome in words."""
        return WORDS[self.outcome]


@dataclass
class _Had:
    """What is counted of one person while the log is read."""

    ranges: list[tuple[int, int]] = field(default_factory=list)
    completed: int = 0
    broken_off: int = 0
    unended: int = 0
    moments: list[datetime] = field(default_factory=list)


def sightings_of(
    store: LogStore[Connection], connection: Connection, log_id: str, document: str, size: int
) -> tuple[Sighting, ...]:
    """Everybody who was given bytes of a document of `size` bytes, the first to see it first."""
    starts: dict[str, Entry] = {}
    ends: dict[str, Entry] = {}
    for entry in _releases(store, connection, log_id, document):
        (starts if entry.event == "release:started" else ends)[str(entry.details["release"])] = entry
    had: dict[str, _Had] = {}
    for release, start in starts.items():
        _count(had.setdefault(start.actor, _Had()), start, ends.get(release))
    found = [_sighting(person, one, size) for person, one in had.items()]
    return tuple(sorted(found, key=lambda sighting: sighting.first_at))


def _releases(store: LogStore[Connection], connection: Connection, log_id: str, document: str) -> Iterator[Entry]:
    before: int | None = None
    while found := store.search(
        connection, log_id, SearchFilters(events=RELEASES, subject=document), before=before, limit=PAGE
    ):
        yield from (stored.entry for stored in found)
        before = found[-1].index


def _count(had: _Had, start: Entry, end: Entry | None) -> None:
    had.moments.append(start.time)
    first, stop = _number(start, "range_start"), _number(start, "range_stop")
    if end is None:
        had.unended += 1
    elif end.event == "release:completed":
        had.completed += 1
        had.ranges.append((first, stop))
    else:
        had.broken_off += 1
        had.ranges.append((first, min(stop, first + _number(end, "bytes"))))


def _sighting(person: str, had: _Had, size: int) -> Sighting:
    total = _covered(had.ranges)
    if had.completed and total >= size:
        outcome = ALL
    elif had.unended:
        outcome = UNKNOWN
    elif total >= size > 0:
        outcome = ALL
    else:
        outcome = PARTS if total else NOTHING
    return Sighting(
        person, outcome, total, had.completed, had.broken_off, had.unended, min(had.moments), max(had.moments)
    )


def _covered(ranges: list[tuple[int, int]]) -> int:
    """How many different bytes the ranges hold."""
    total, reached = 0, 0
    for first, stop in sorted(ranges):
        total += max(0, stop - max(first, reached))
        reached = max(reached, stop)
    return total


def _number(entry: Entry, name: str) -> int:
    value = entry.details[name]
    if not isinstance(value, int):
        raise TypeError(f"{name} of {entry.event} is a number")
    return value
