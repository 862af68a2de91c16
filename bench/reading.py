"""A log that grows to 10^4, 10^5 and 10^6 entries, and at each size what reads it: proofs, searches, verification."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.figures import say
from bench.log_database import database_url, open_log
from bench.long_log import BATCH, LongLog, sizes_up_to
from bench.proofs import Peer, grow_both, measure_at, measure_scan
from bench.searches import PlainTable, measure_searches
from bench.verification import measure_check, measure_growth

MOST_ON_POSTGRESQL = 300_000
"""Verification on PostgreSQL is measured on a shorter log: building it is what takes long."""


def measure_reading(entries: int, databases: Sequence[str]) -> None:
    """Measure and print all of it; proofs and searches on SQLite."""
    if "sqlite" in databases:
        _measure_sqlite(entries)
    if "postgresql" in databases:
        _measure_postgresql(min(entries, MOST_ON_POSTGRESQL))


def _measure_sqlite(entries: int) -> None:
    with tempfile.TemporaryDirectory(prefix="exchange-bench-") as name:
        folder = Path(name)
        with database_url("sqlite", folder) as url, open_log(url, folder) as log:
            long = LongLog(log.inspection)
            with contextlib.closing(Peer(folder)) as peer, contextlib.closing(PlainTable(folder)) as plain:
                before = 0
                for size in sizes_up_to(entries):
                    grow_both(log, long, peer, before, size)
                    for first in range(before, size, BATCH):
                        plain.grow(first, [long.entry(one) for one in range(first, min(first + BATCH, size))])
                    measure_at(log, peer, size)
                    measure_searches(log, long, plain, size)
                    before = size
            measure_scan(log, entries)
            measure_check(log, "sqlite", entries)
            measure_growth(log, long, entries)


def _measure_postgresql(entries: int) -> None:
    with tempfile.TemporaryDirectory(prefix="exchange-bench-") as name:
        folder = Path(name)
        with database_url("postgresql", folder) as url, open_log(url, folder) as log:
            long = LongLog(log.inspection)
            started = time.perf_counter()
            long.build(log, 0, entries)
            built = entries / (time.perf_counter() - started)
            say(f"\nA log of {entries:,} entries on PostgreSQL, built at {built:,.0f} entries a second")
            measure_check(log, "postgresql", entries)
            measure_growth(log, long, entries)
