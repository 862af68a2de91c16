"""A long log of many people, documents and events, so that what is searched for may be common or rare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit.entry import Detail, Entry
from bench.log_database import LogUnderTest
from exchange.clock import utc_now

APART = timedelta(milliseconds=1)  # the check holds entries to the clock of their checkpoints
BATCH = 5_000
PEOPLE = 200
DOCUMENTS = 20_000
ITEMS = ("1.1", "1.4", "2.1", "3.2", "4.1", "5.3", "6.4")
RARE_EVERY = 10_007  # a prime, so that rare entries fall everywhere
RARE_PERSON = "per_" + "z" * 26
RARE_ITEM = "9.99"


@dataclass(frozen=True)
class LongLog:
    """The entries of one inspection's log by their numbers, always the same ones."""

    inspection: str
    begun: datetime = field(default_factory=utc_now)

    def time_of(self, number: int) -> datetime:
        """When an entry was made."""
        return self.begun + number * APART

    def entry(self, number: int) -> Entry:
        """One entry: half are downloads, every RARE_EVERYth is of the rare person about the rare item."""
        time = self.time_of(number)
        if number % RARE_EVERY == 0:
            details: dict[str, Detail] = {"item": RARE_ITEM, "person": RARE_PERSON}
            return Entry("item:assigned", time, person(0), self.inspection, None, details)
        name, details = _act(number)
        return Entry(name, time, person(number % PEOPLE), self.inspection, None, details)

    def build(self, log: LogUnderTest, start: int, stop: int) -> None:
        """Append entries start..stop in large units of work."""
        for first in range(start, stop, BATCH):
            with log.database.unit_of_work() as unit:
                batch = [self.entry(number) for number in range(first, min(first + BATCH, stop))]
                log.trail.append(unit.connection, self.inspection, batch)


def person(number: int) -> str:
    """The identifier of a person."""
    return f"per_{number:026d}"


def document(number: int) -> str:
    """The identifier of a document."""
    return f"doc_{number % DOCUMENTS:026d}"


def sizes_up_to(entries: int) -> Iterator[int]:
    """10^4, 10^5 and 10^6, as far as they go; the number itself where it is none of them."""
    yield from (size for size in (10_000, 100_000, 1_000_000) if size < entries)
    yield entries


def _act(number: int) -> tuple[str, dict[str, Detail]]:
    about = document(number * 7)
    release: dict[str, Detail] = {"release": f"rel_{number:026d}", "document": about}
    kinds: tuple[tuple[str, dict[str, Detail]], ...] = (
        ("release:started", {**release, "range_start": 0, "range_stop": number}),
        ("release:completed", {**release, "bytes": number}),
        ("receipt:viewed", {"document": about}),
        ("list:viewed", {"items": [ITEMS[number % len(ITEMS)]]}),
    )
    return kinds[number % len(kinds)]
