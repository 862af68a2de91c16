"""Appends by number of inspections and of writing processes: inspections must not wait for one another."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from audit.entry import Entry
from audit.log import AuditLog
from audit.sql_store import SqlLogStore
from bench.figures import Spread, ratios, say, turned, verdict
from bench.log_database import database_url, open_log
from exchange import trail
from exchange.clock import utc_now
from exchange.database import Database
from exchange.identifiers import new_identifier
from exchange.trail import Trail
from keys.signing import LogSigner

GOAL = 3.0
MOST = 8
SLOW_SYNC = 0.01
"""Seconds by which a commit is held back in the second part, as by a disk that syncs slowly: there processors, of which
the writers and the database share few, do not decide, and what waits for what shows."""


@dataclass(frozen=True)
class Layout:
    """So many writers, dealt out over so many inspections."""

    inspections: int
    writers: int

    def __str__(self) -> str:
        return f"{_count(self.inspections, 'inspection')}, {_count(self.writers, 'writer')}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


ONE_LOG, ALONE, APART = Layout(1, MOST), Layout(1, 1), Layout(MOST, MOST)
LAYOUTS = (ALONE, Layout(1, 4), ONE_LOG, Layout(4, 4), Layout(4, MOST), APART)


@dataclass(frozen=True)
class Place:
    """Where a writer finds the log."""

    url: str
    key: Path
    sync: float = 0.0


def measure_inspections(runs: int, seconds: float, databases: Sequence[str]) -> None:
    """Measure and print every layout on every database, in turned runs."""
    for kind in databases:
        with tempfile.TemporaryDirectory(prefix="exchange-bench-") as name:
            folder = Path(name)
            with database_url(kind, folder) as url, open_log(url, folder) as log:
                logs = [log.inspection, *(new_identifier("ins") for _ in range(MOST - 1))]
                with log.database.unit_of_work() as unit:
                    for inspection in logs[1:]:
                        log.trail.create(unit, inspection)
                log.database.dispose()
                key = folder / "signing.key"
                rates = _runs(Place(url, key), logs, LAYOUTS, runs, seconds)
                slow = _runs(Place(url, key, SLOW_SYNC), logs, (ALONE, ONE_LOG, APART), runs, seconds)
        _report(kind, rates, slow)


def _runs(
    place: Place, logs: Sequence[str], layouts: Sequence[Layout], runs: int, seconds: float
) -> dict[Layout, list[float]]:
    rates: dict[Layout, list[float]] = {layout: [] for layout in layouts}
    for run in range(runs):
        for layout in turned(layouts, run):
            rates[layout].append(rate(place, logs[: layout.inspections], layout.writers, seconds))
    return rates


def rate(place: Place, logs: Sequence[str], writers: int, seconds: float) -> float:
    """Entries a second that were committed by all writers together."""
    context = multiprocessing.get_context("spawn")
    barrier, counts = context.Barrier(writers), context.SimpleQueue()
    processes = [
        context.Process(target=write, args=(place, logs[number % len(logs)], seconds, barrier, counts))
        for number in range(writers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise WriterFailedError(f"{writers} writers on {len(logs)} logs")
    rates: list[float] = [counts.get() for _ in processes]
    return sum(rates)


class WriterFailedError(Exception):
    """A writing process ended with an error; what it said stands above."""


def write(place: Place, inspection: str, seconds: float, barrier: Barrier, counts: Any) -> None:
    """Append one entry after another, each in its own unit of work, for so many seconds."""
    store = SqlLogStore()
    log = Trail(AuditLog(store, LogSigner.open(place.key), utc_now), store, "bench.example.org/log")

    def append_slowly(connection: Connection, log_id: str, entries: list[Entry]) -> None:
        log.append(connection, log_id, entries)
        time.sleep(place.sync)  # the head stays locked, as it does while a disk syncs

    database = Database(place.url, utc_now, append_slowly if place.sync else log.append)
    document, person = new_identifier("doc"), new_identifier("per")

    def append(number: int) -> None:
        details: dict[str, trail.DetailValue] = {"release": document, "document": document, "bytes": number}
        with database.unit_of_work() as unit:
            trail.record(unit, "release:completed", actor=person, inspection=inspection, details=details)

    append(0)
    barrier.wait()
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        append(count)
        count += 1
    counts.put(count / (time.perf_counter() - started))
    database.dispose()


def _report(kind: str, rates: dict[Layout, list[float]], slow: dict[Layout, list[float]]) -> None:
    say(f"\nAppends on {kind} by inspections and writing processes, entries a second, median (range)")
    _print(rates)
    say(f"  the same where a commit takes {SLOW_SYNC * 1000:.0f} ms more:")
    _print(slow)
    if kind != "postgresql":
        return
    for name, each in (("", rates), (", commits held back", slow)):
        beside, alone = ratios(each[APART], each[ONE_LOG]).median, ratios(each[APART], each[ALONE]).median
        goal = f"{APART} at least {GOAL:.0f} times the rate of one log{name}: {alone:.2f} of one writer's"
        say(verdict(f"{goal}, {beside:.2f} of as many writers'", met=min(alone, beside) >= GOAL))


def _print(rates: dict[Layout, list[float]]) -> None:
    for layout, each in rates.items():
        times = ratios(each, rates[ALONE]).text()
        say(f"  {layout!s:<26} {Spread.of(each).text(0)}, times one writer {times}")
