"""Root, proof and full verification of a long log in SQLite, beside a table that keeps leaf hashes alone."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, text

from audit.fsck import check_log
from audit.merkle import root_of
from audit.proof import verify_inclusion
from bench.figures import percentile, say, verdict
from bench.log_database import LogUnderTest, database_url, open_log

PROOF_GOAL_MS = 5.0
VERIFY_GOAL = 100_000.0
BATCH = 5_000
PROOFS = 300
SCANNED = 100_000


class WrongProofError(Exception):
    """A proof made here does not lead to the root: nothing measured counts."""


def measure_proofs(entries: int) -> None:
    """Build a log of `entries` entries and measure what reads it."""
    with tempfile.TemporaryDirectory(prefix="exchange-bench-") as name:
        folder = Path(name)
        with database_url("sqlite", folder) as url, open_log(url, folder) as log:
            seconds = _build(log, entries)
            say(f"\nA log of {entries:,} entries on SQLite, built at {entries / seconds:,.0f} entries a second")
            with log.database.engine.connect() as connection:
                _measure_reading(log, connection, entries)
                _measure_scan(log, connection, min(entries, SCANNED))
                _measure_check(log, connection, entries)


def _build(log: LogUnderTest, entries: int) -> float:
    started = time.perf_counter()
    for start in range(0, entries, BATCH):
        with log.database.unit_of_work() as unit:
            batch = [log.entry(number) for number in range(start, min(start + BATCH, entries))]
            log.trail.append(unit.session.connection(), log.inspection, batch)
    return time.perf_counter() - started


def _measure_reading(log: LogUnderTest, connection: Connection, entries: int) -> None:
    store, order = log.trail.store, random.Random(1)
    places = [order.randrange(entries) for _ in range(PROOFS)]
    root = store.root(connection, log.inspection, entries)
    roots = [_milliseconds(lambda: store.root(connection, log.inspection, entries)) for _ in places]
    proofs = [
        _milliseconds(lambda at=place: store.inclusion_proof(connection, log.inspection, at, entries))  # type: ignore[misc]  # a lambda's default has no type of its own
        for place in places
    ]
    for place in places[:20]:
        proof = store.inclusion_proof(connection, log.inspection, place, entries)
        verify_inclusion(store.entry(connection, log.inspection, place).leaf_hash, place, entries, proof, root)
    say(f"  root             p50 {percentile(roots, 0.5):.2f} ms, p95 {percentile(roots, 0.95):.2f} ms")
    say(f"  inclusion proof  p50 {percentile(proofs, 0.5):.2f} ms, p95 {percentile(proofs, 0.95):.2f} ms")
    slow = percentile(proofs, 0.95)
    goal = f"inclusion proof at {entries:,} entries under {PROOF_GOAL_MS:.0f} ms: {slow:.2f} ms (p95)"
    say(verdict(goal, met=slow < PROOF_GOAL_MS))


def _measure_scan(log: LogUnderTest, connection: Connection, entries: int) -> None:
    """What the same root costs where only leaf hashes are kept and every one of them is read."""
    query = text("SELECT leaf_hash FROM audit_entry WHERE log_id = :log AND leaf_index < :stop ORDER BY leaf_index")

    def scan() -> bytes:
        rows = connection.execute(query, {"log": log.inspection, "stop": entries})
        return root_of([row[0] for row in rows])

    spent = min(_milliseconds(scan) for _ in range(3))
    if scan() != log.trail.store.root(connection, log.inspection, entries):
        raise WrongProofError
    say(f"  a root from leaf hashes alone, at {entries:,} entries: {spent:,.0f} ms")


def _measure_check(log: LogUnderTest, connection: Connection, entries: int) -> None:
    key = log.signer.public_key_bytes
    started, cpu = time.perf_counter(), time.process_time()
    checked = check_log(log.trail.store, connection, log.inspection, key)
    elapsed, cpu = time.perf_counter() - started, time.process_time() - cpu
    if checked.findings or checked.tree_size != entries:
        raise WrongProofError(str(checked.findings[:3]))
    say(f"  full verification  {entries / elapsed:,.0f} entries a second, of which {cpu / elapsed:.0%} on a processor")
    speed = entries / cpu
    goal = f"full verification of at least {VERIFY_GOAL:,.0f} entries a second of CPU time: {speed:,.0f}"
    say(verdict(goal, met=speed >= VERIFY_GOAL))


def _milliseconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000
