"""Several processes write one log at once, and one of them is killed: no fork, no gap, every proof valid."""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import Connection, Engine

from audit.checkpoint import open_checkpoint
from audit.fsck import check_log
from audit.log import AuditLog
from audit.proof import verify_consistency, verify_inclusion
from tests.audit import rfc9162
from tests.audit.example_log import INSPECTION, FixedSigner, entry_number

ROOT = Path(__file__).resolve().parents[2]
COUNT = 40
Log = AuditLog[Connection]


def begin(engine: Engine, first: int) -> subprocess.Popen[str]:
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.audit.appending", url, str(first), str(COUNT)]
    process = subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def finish(process: subprocess.Popen[str]) -> list[int]:
    said, _ = process.communicate(timeout=120)
    return [int(line) for line in said.split()]


def require_whole(connection: Connection, log: Log, numbers: list[int]) -> None:
    """The log holds entries of exactly these numbers, in some order, and proves each of them."""
    size = len(numbers)
    stored = list(log.store.entries(connection, INSPECTION, 0, size))
    assert log.store.tree_size(connection, INSPECTION) == size
    assert sorted(one.encoded for one in stored) == sorted(entry_number(number).encode() for number in numbers)
    root = log.store.root(connection, INSPECTION)
    assert root == rfc9162.tree_hash([one.encoded for one in stored])
    for one in stored:
        proof = log.store.inclusion_proof(connection, INSPECTION, one.index, size)
        verify_inclusion(one.leaf_hash, one.index, size, proof, root)
    for kept in log.store.checkpoints(connection, INSPECTION):
        signed = open_checkpoint(kept.note, log.verifier_key(connection, INSPECTION))
        proof = log.store.consistency_proof(connection, INSPECTION, signed.size, size)
        verify_consistency(signed.size, size, signed.root, root, proof)
    assert check_log(log.store, connection, INSPECTION, FixedSigner().public_key_bytes).findings == ()  # type: ignore[arg-type]  # the store reads raw rows too


def test_two_processes_at_once_make_one_log(engine: Engine, log: Log) -> None:
    processes = [begin(engine, first) for first in (0, 1000)]
    for process in processes:
        tell(process)
    taken = [finish(process) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert [len(indexes) for indexes in taken] == [COUNT, COUNT]
    assert all(indexes == sorted(indexes) for indexes in taken)
    assert sorted(taken[0] + taken[1]) == list(range(2 * COUNT))
    with engine.begin() as connection:
        numbers = [*range(COUNT), *range(1000, 1000 + COUNT)]
        require_whole(connection, log, numbers)


def test_a_process_that_is_killed_leaves_a_log_that_the_other_goes_on_with(engine: Engine, log: Log) -> None:
    killed, going_on = begin(engine, 0), begin(engine, 1000)
    for process in (killed, going_on):
        tell(process)
    assert killed.stdout is not None
    for _ in range(5):
        killed.stdout.readline()
    killed.kill()
    finish(killed)
    assert len(finish(going_on)) == COUNT
    with engine.begin() as connection:
        size = log.store.tree_size(connection, INSPECTION)
        assert size >= COUNT + 5
        require_whole(connection, log, [*range(size - COUNT), *range(1000, 1000 + COUNT)])
