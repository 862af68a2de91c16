"""Roots, proofs and checkpoints of a growing log in SQLite, beside pymerkle's tree in SQLite over the same entries."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from pymerkle import SqliteTree
from sqlalchemy import Connection, text

from audit.merkle import root_of
from audit.proof import verify_inclusion
from bench.figures import Spread, percentile, say, verdict
from bench.log_database import LogUnderTest
from bench.long_log import LongLog

PROOF_GOAL_MS = 5.0
ROOT_GOAL_MS = 2.0
RATE_GOAL = 2_000.0
TIMES_GOAL = 40.0
PROOFS = 300
THEIR_PROOFS = 5
"""Of pymerkle fewer are measured: one takes over a second at a million entries."""
SCANNED = 100_000


class WrongProofError(Exception):
    """A proof made here does not lead to the root: nothing measured counts."""


class Peer:
    """pymerkle's SqliteTree, its cache of subroots emptied before each measurement as ours keeps none."""

    def __init__(self, folder: Path) -> None:
        self._tree = SqliteTree(str(folder / "pymerkle.sqlite3"), algorithm="sha256")

    def grow(self, entries: list[bytes]) -> None:
        """Append entries."""
        self._tree.append_entries(entries)

    def root_ms(self, size: int) -> float:
        """Milliseconds for a root."""
        self._tree.cache_clear()
        return milliseconds(lambda: self._tree.get_root(size))

    def proof_ms(self, index: int, size: int) -> float:
        """Milliseconds for an inclusion proof."""
        self._tree.cache_clear()
        return milliseconds(lambda: self._tree.prove_inclusion(index + 1, size))

    def close(self) -> None:
        """Close its database."""
        self._tree.close()


def measure_at(log: LogUnderTest, peer: Peer, entries: int) -> None:
    """Print roots, proofs and a checkpoint at this size, and judge them at a million."""
    store, order = log.trail.store, random.Random(entries)
    places = [order.randrange(entries) for _ in range(PROOFS)]
    with log.database.engine.connect() as connection:
        root = store.root(connection, log.inspection, entries)
        roots = [milliseconds(lambda: store.root(connection, log.inspection, entries)) for _ in places]
        proofs = [_proof_ms(log, connection, place, entries, root) for place in places]
    signed = _checkpoint_ms(log, entries)
    their_roots = [peer.root_ms(entries) for _ in range(THEIR_PROOFS)]
    their_proofs = [peer.proof_ms(place, entries) for place in places[:THEIR_PROOFS]]
    say(f"\nA log of {entries:,} entries on SQLite, milliseconds, median (range)")
    for name, ours, theirs in (("root", roots, their_roots), ("inclusion proof", proofs, their_proofs)):
        times = Spread.of(theirs).median / Spread.of(ours).median
        say(
            f"  {name:<16} exchange {Spread.of(ours).text(3)}, pymerkle {Spread.of(theirs).text(1)}, "
            f"{times:,.0f} times as long"
        )
    say(f"  signed checkpoint, committed: {signed:.2f}; pymerkle signs nothing")
    _judge(entries, roots, proofs, Spread.of(their_roots).median, Spread.of(their_proofs).median)


def measure_scan(log: LogUnderTest, entries: int) -> None:
    """What the same root costs where only leaf hashes are kept and every one of them is read."""
    query = text("SELECT leaf_hash FROM audit_entry WHERE log_id = :log AND leaf_index < :stop ORDER BY leaf_index")
    stop = min(entries, SCANNED)
    with log.database.engine.connect() as connection:

        def scan() -> bytes:
            rows = connection.execute(query, {"log": log.inspection, "stop": stop})
            return root_of([row[0] for row in rows])

        spent = min(milliseconds(scan) for _ in range(3))
        if scan() != log.trail.store.root(connection, log.inspection, stop):
            raise WrongProofError
    say(f"  a root from leaf hashes alone, at {stop:,} entries: {spent:,.0f} ms")


def grow_both(log: LogUnderTest, long: LongLog, peer: Peer, start: int, stop: int) -> None:
    """Append entries start..stop to the log and to the peer."""
    long.build(log, start, stop)
    for first in range(start, stop, 50_000):
        peer.grow([long.entry(number).encode() for number in range(first, min(first + 50_000, stop))])


def milliseconds(act: Callable[[], object]) -> float:
    """How long an act takes by the clock."""
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


def _proof_ms(log: LogUnderTest, connection: Connection, place: int, entries: int, root: bytes) -> float:
    store = log.trail.store
    started = time.perf_counter()
    proof = store.inclusion_proof(connection, log.inspection, place, entries)
    spent = (time.perf_counter() - started) * 1000
    verify_inclusion(store.entry(connection, log.inspection, place).leaf_hash, place, entries, proof, root)
    return spent


def _checkpoint_ms(log: LogUnderTest, entries: int) -> float:
    def sign() -> None:
        with log.database.unit_of_work() as unit:
            checkpoint = log.trail.log.sign_checkpoint(unit.connection, log.inspection)
        if checkpoint.tree_size != entries:
            raise WrongProofError

    return milliseconds(sign)


def _judge(entries: int, roots: list[float], proofs: list[float], their_root: float, their_proof: float) -> None:
    slow, rate = percentile(proofs, 0.95), 1000 / Spread.of(proofs).median
    root = percentile(roots, 0.95)
    say(
        verdict(
            f"root at {entries:,} entries under {ROOT_GOAL_MS:.0f} ms: {root:.2f} ms (p95)", met=root < ROOT_GOAL_MS
        )
    )
    say(verdict(f"inclusion proof under {PROOF_GOAL_MS:.0f} ms: {slow:.2f} ms (p95)", met=slow < PROOF_GOAL_MS))
    say(verdict(f"at least {RATE_GOAL:,.0f} proofs a second: {rate:,.0f}", met=rate >= RATE_GOAL))
    if entries >= 1_000_000:
        times = min(their_root / Spread.of(roots).median, their_proof / Spread.of(proofs).median)
        goal = f"root and proof at least {TIMES_GOAL:.0f} times as fast as pymerkle's: {times:,.0f} times"
        say(verdict(goal, met=times >= TIMES_GOAL))
