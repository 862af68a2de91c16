"""Searches of a long log as an officer makes them: by person, document, item, reference, event and time."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from audit.entry import Detail, Entry
from audit.store import SearchFilters
from bench.figures import say
from bench.log_database import LogUnderTest, database_url, open_log
from bench.proofs import WrongProofError
from exchange.clock import utc_now
from exchange.identifiers import new_identifier
from exchange.oversight.answers import Reading

BATCH = 5_000
PEOPLE, DOCUMENTS = 60, 400
PAGE = 51
ITEMS = ("L1", "1.1", "1.4", "2.2", "3.1", "4.4", "5.3", "6.1")


@dataclass(frozen=True)
class Cast:
    """Who and what the entries are about; the last person and document come once, at the very beginning."""

    people: tuple[str, ...]
    documents: tuple[str, ...]
    rare_person: str
    rare_document: str
    rare_hold: str


def measure_search(entries: int, runs: int, databases: list[str]) -> None:
    """Seed a log with a plausible mixture of events and time each kind of search."""
    for kind in databases:
        with tempfile.TemporaryDirectory(prefix="exchange-bench-") as name:
            folder = Path(name)
            with database_url(kind, folder) as url, open_log(url, folder) as log:
                cast = _seed(log, entries)
                if kind == "postgresql":
                    with log.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                        connection.exec_driver_sql("ANALYZE audit_entry")
                say(f"\nA log of {entries:,} entries on {kind}, one page of 50 for each search, median of {runs}")
                _measure(log, cast, entries, runs)
                _measure_statement(log, cast, entries)


def _seed(log: LogUnderTest, entries: int) -> Cast:
    people = tuple(new_identifier("per") for _ in range(PEOPLE))
    documents = tuple(new_identifier("doc") for _ in range(DOCUMENTS))
    cast = Cast(people, documents, new_identifier("per"), new_identifier("doc"), new_identifier("hld"))
    made = _entries(log, cast, entries)
    while batch := [entry for _, entry in zip(range(BATCH), made, strict=False)]:
        with log.database.unit_of_work() as unit:
            log.trail.append(unit.session.connection(), log.inspection, batch)
    return cast


def _entries(log: LogUnderTest, cast: Cast, entries: int) -> Iterator[Entry]:
    order, moment = random.Random(1), utc_now() - timedelta(days=400)

    def make(event: str, actor: str, **details: Detail) -> Entry:
        return Entry(event, moment, actor, log.inspection, details=details)

    yield make("receipt:viewed", cast.rare_person, document=cast.rare_document)
    yield make(
        "hold:placed", cast.people[0], hold=cast.rare_hold, scope="inspection", document=None, commitment="0" * 64
    )
    for number in range(entries - 2):
        moment += timedelta(seconds=30)
        person, document = order.choice(cast.people), order.choice(cast.documents)
        what = number % 10
        if what < 3:
            release = new_identifier("rel")
            yield make("release:started", person, release=release, document=document, range_start=0, range_stop=9)
        elif what < 6:
            yield make("release:completed", person, release=new_identifier("rel"), document=document, bytes=9)
        elif what < 8:
            yield make("list:viewed", person, items=[order.choice(ITEMS)])
        elif what < 9:
            yield make("receipt:viewed", person, document=document)
        else:
            yield make(
                "access:refused",
                person,
                permission="download",
                reason="not-assigned",
                route="downloads.content",
                document=document,
            )


def _measure(log: LogUnderTest, cast: Cast, entries: int, runs: int) -> None:
    person, document, now = cast.people[0], cast.documents[0], utc_now() - timedelta(days=400)
    middle = now + timedelta(seconds=15 * entries)
    searches = {
        "nothing: the newest": SearchFilters(),
        "a person": SearchFilters(person=person),
        "a person who did one thing, first of all": SearchFilters(person=cast.rare_person),
        "a document": SearchFilters(subject=document),
        "a document with one entry, first of all": SearchFilters(subject=cast.rare_document),
        "an item": SearchFilters(item="4.4"),
        "an item that nothing names": SearchFilters(item="7.7"),
        "an event": SearchFilters(events=("access:refused",)),
        "an event that never happened": SearchFilters(events=("inspection:closed",)),
        "a day in the middle": SearchFilters(since=middle, until=middle + timedelta(days=1)),
        "a person on a day in the middle": SearchFilters(person=person, since=middle, until=middle + timedelta(days=1)),
        "a day before the first": SearchFilters(until=now - timedelta(days=1)),
        "a reference that is often named": SearchFilters(reference=document[-6:]),
        "a reference with one entry, first of all": SearchFilters(reference=cast.rare_hold[-6:]),
        "a reference that nothing has": SearchFilters(reference="zzzzzz"),
    }
    with log.database.engine.connect() as connection:
        for words, filters in searches.items():

            def search(filters: SearchFilters = filters) -> int:
                return len(log.trail.store.search(connection, log.inspection, filters, None, PAGE))

            found, milliseconds = _timed(search, runs)
            say(f"  {words:<44} {milliseconds:10,.1f} ms   {found} found")


def _measure_statement(log: LogUnderTest, cast: Cast, entries: int) -> None:
    """What the page "nobody but these" does: every entry read and hashed, those about one document decoded."""
    with log.database.engine.connect() as connection:
        started = time.perf_counter()
        reading = Reading(cast.documents[0], None)
        root = reading.read(log.trail.store.entries(connection, log.inspection, 0, entries))
        seconds = time.perf_counter() - started
        if root != log.trail.store.root(connection, log.inspection, entries):
            raise WrongProofError
    say(f"  a complete statement, {len(reading.found):,} entries about it {seconds:17,.2f} s")


def _timed(act: Callable[[], int], runs: int) -> tuple[int, float]:
    found, times = act(), []
    for _ in range(runs):
        started = time.perf_counter()
        found = act()
        times.append((time.perf_counter() - started) * 1000)
    return found, statistics.median(times)
