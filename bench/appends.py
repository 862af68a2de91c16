"""Entries appended per second through the service's unit of work and trail, beside bare chained inserts."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.bare_chain import BarePostgres, BareSqlite
from bench.figures import Spread, ratios, say, turned, verdict
from bench.log_database import LogUnderTest, database_url, open_log

GOAL = 0.6
BATCH = 16
THREADS = 8
Append = Callable[[int], None]
_OURS, _BARE = "exchange", "bare"


@dataclass(frozen=True)
class Shape:
    """How appends come: from how many threads, and how many entries in one transaction."""

    name: str
    threads: int = 1
    batch: int = 1


SHAPES = (
    Shape("one at a time"),
    Shape(f"{THREADS} threads", threads=THREADS),
    Shape(f"batches of {BATCH}", batch=BATCH),
)


@dataclass
class Rates:
    """Entries a second, run by run."""

    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


def measure_appends(runs: int, seconds: float, databases: Sequence[str]) -> None:
    """Measure and print every shape on every database, in turned runs of `seconds` each."""
    for kind in databases:
        with tempfile.TemporaryDirectory(prefix="exchange-bench-") as name:
            folder = Path(name)
            with database_url(kind, folder) as url, open_log(url, folder) as log:
                appenders = _appenders(kind, url, folder, log)
                rates = {shape: _runs(shape, appenders, runs, seconds) for shape in SHAPES}
        _report(kind, rates)


def _appenders(kind: str, url: str, folder: Path, log: LogUnderTest) -> dict[str, Append]:
    bare = BareSqlite(folder) if kind == "sqlite" else BarePostgres(url)
    entry = log.entry(0).encode()
    return {_OURS: log.append, _BARE: lambda count: bare.append(entry, count)}


def _runs(shape: Shape, appenders: dict[str, Append], runs: int, seconds: float) -> Rates:
    rates = Rates()
    by_name = {_OURS: rates.ours, _BARE: rates.bare}
    for append in appenders.values():
        rate(append, shape, seconds / 4)  # not counted: it opens connections and warms code
    for run in range(runs):
        for name in turned(list(appenders), run):
            by_name[name].append(rate(appenders[name], shape, seconds))
    return rates


def rate(append: Append, shape: Shape, seconds: float) -> float:
    """Entries a second that were committed; every thread stops at the same time."""
    counts = [0] * shape.threads
    failures: list[BaseException] = []
    started = time.perf_counter()

    def work(worker: int) -> None:
        try:
            while time.perf_counter() - started < seconds:
                append(shape.batch)
                counts[worker] += shape.batch
        except BaseException as error:  # noqa: BLE001  it is raised again by the thread that measures
            failures.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(shape.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(counts) / (time.perf_counter() - started)


def _report(kind: str, rates: dict[Shape, Rates]) -> None:
    say(f"\nAppends on {kind}, durable, entries a second, median (range)")
    for shape, each in rates.items():
        share = ratios(each.ours, each.bare)
        say(
            f"  {shape.name:<14}  exchange {Spread.of(each.ours).text(0)}, bare chain {Spread.of(each.bare).text(0)}, "
            f"ratio {share.text()}"
        )
    factor = ratios(rates[SHAPES[0]].ours, rates[SHAPES[0]].bare).median
    if factor > 1:  # the bare chain does strictly less, so nothing but the disk can have decided
        say("  not judged: the bare chain came out slower, so others were using the disk; measure again")
        return
    say(verdict(f"one at a time at least {GOAL} of the bare chain: {factor:.2f}", met=factor >= GOAL))
