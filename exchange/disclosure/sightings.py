"""Who saw a document, told by the log's own entries: all of it, parts, broken off, or given with no end recorded.

Promises: bytes that were handed to the network count once, however many requests carried them; a download whose end
nobody recorded is said to be one that may have been whole; looking at a page of it counts as seeing it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from audit.store import LogStore, SearchFilters
from exchange.oversight.service import OPENING_EVENTS, Found, Outcome, Transfer, transfers_in, union

PAGE: Final = 500

ALL, PARTS, NOTHING, UNKNOWN = "all", "parts", "nothing", "unknown"
WORDS: Final = {
    ALL: "Had all of it",
    PARTS: "Had a part of it",
    NOTHING: "Broke off before the first byte",
    UNKNOWN: "Was given it, and no end is recorded: may have all of it",
}


@dataclass(frozen=True)
class Sighting:
    """What one person had of one document: how much, in how many transfers that ended how, between when and when."""

    person: str
    outcome: str
    bytes_had: int
    completed: int
    in_part: int
    broken_off: int
    unended: int
    first_at: datetime
    last_at: datetime

    @property
    def words(self) -> str:
        """The outcome in words."""
        return WORDS[self.outcome]


def sightings_of(
    store: LogStore[Connection], connection: Connection, log_id: str, document: str, size: int
) -> tuple[Sighting, ...]:
    """Everybody who was given bytes of a document of `size` bytes, the first to see it first."""
    by_person: dict[str, list[Transfer]] = {}
    for transfer in transfers_in(_openings(store, connection, log_id, document), {document: size}):
        by_person.setdefault(transfer.person, []).append(transfer)
    found = [_sighting(person, transfers, size) for person, transfers in by_person.items()]
    return tuple(sorted(found, key=lambda sighting: sighting.first_at))


def _openings(store: LogStore[Connection], connection: Connection, log_id: str, document: str) -> Iterator[Found]:
    before: int | None = None
    filters = SearchFilters(events=OPENING_EVENTS, subject=document)
    while found := store.search(connection, log_id, filters, before=before, limit=PAGE):
        yield from (Found(int(stored.index), stored.entry) for stored in found)
        before = found[-1].index


def _sighting(person: str, transfers: list[Transfer], size: int) -> Sighting:
    releases = [release for transfer in transfers for release in transfer.releases]
    had = sum(stop - start for start, stop in union((one.start, one.start + one.sent) for one in releases))
    outcomes = [transfer.outcome for transfer in transfers]
    return Sighting(
        person=person,
        outcome=_outcome(outcomes, had, size),
        bytes_had=had,
        completed=outcomes.count(Outcome.COMPLETED),
        in_part=outcomes.count(Outcome.IN_PART),
        broken_off=outcomes.count(Outcome.BROKEN_OFF),
        unended=outcomes.count(Outcome.NO_END),
        first_at=min(release.started_at for release in releases),
        last_at=max(release.latest for release in releases),
    )


def _outcome(outcomes: list[Outcome], had: int, size: int) -> str:
    if Outcome.COMPLETED in outcomes or had >= size > 0:
        return ALL
    if Outcome.NO_END in outcomes:
        return UNKNOWN
    return PARTS if had else NOTHING
