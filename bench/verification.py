"""Full verification of a long log, and verification of what came since: entries a second, and memory."""

from __future__ import annotations

import resource
import sys
import time

from sqlalchemy import Connection

from audit.fsck import check_growth, check_log
from bench.figures import say, verdict
from bench.log_database import LogUnderTest
from bench.long_log import LongLog
from bench.proofs import WrongProofError, milliseconds

SPEED_GOAL = 167_000.0
MEMORY_GOAL_MIB = 64.0
ADDED = 100
_MIB = 2**20 if sys.platform == "darwin" else 2**10  # in the unit of ru_maxrss


def measure_check(log: LogUnderTest, kind: str, entries: int) -> None:
    """Verify everything once and print how fast it went, by the clock and by the processor."""
    key = log.signer.public_key_bytes
    with log.database.engine.connect() as connection:
        log.trail.store.tree_size(connection, log.inspection)
        memory = _peak_mib()
        started, cpu = time.perf_counter(), time.process_time()
        checked = check_log(log.trail.store, connection, log.inspection, key)
        elapsed, cpu = time.perf_counter() - started, time.process_time() - cpu
        grown = _peak_mib() - memory
    if checked.findings or checked.tree_size != entries:
        raise WrongProofError(str(checked.findings[:3]))
    say(f"\nFull verification of {entries:,} entries on {kind}: {elapsed:.1f} s, {cpu:.1f} s of them on a processor")
    speed = entries / elapsed
    say(verdict(f"at least {SPEED_GOAL:,.0f} entries a second by the clock: {speed:,.0f}", met=speed >= SPEED_GOAL))
    say(f"  in a second of processor time: {entries / cpu:,.0f}")
    say(verdict(f"memory grows by at most {MEMORY_GOAL_MIB:.0f} MiB: {grown:.0f} MiB", met=grown <= MEMORY_GOAL_MIB))


def measure_growth(log: LogUnderTest, long: LongLog, entries: int) -> None:
    """Verify what came since a state: it costs what was added, not what is there."""
    key, store = log.signer.public_key_bytes, log.trail.store
    with log.database.engine.connect() as connection:
        _, state = check_growth(store, connection, log.inspection, key, None)
    long.build(log, entries, entries + ADDED)

    def look(connection: Connection) -> None:
        report, reached = check_growth(store, connection, log.inspection, key, state)
        if report.findings or reached.size != entries + ADDED:
            raise WrongProofError(str(report.findings[:3]))

    with log.database.engine.connect() as connection:
        spent = [milliseconds(lambda: look(connection)) for _ in range(5)]
    say(f"  verification of {ADDED} entries that came since: {min(spent):.1f} ms")


def _peak_mib() -> float:
    """The most memory that the process ever held: what grows is what the check needed beyond that."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MIB
