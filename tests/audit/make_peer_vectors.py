"""Writes peer_programs/record.json anew by running the peers: `.venv/bin/python -m tests.audit.make_peer_vectors`.

Needs .venv-peers (tools/make_peer_environment.sh). The tests then hold the record against ours, without the peers.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from audit.errors import WitnessRefusedError
from audit.log import AuditLog
from audit.sql_store import SqlLogStore, install
from audit.witness_client import ask_witness
from tests.audit.example_log import INSPECTION, ORIGIN, START, FixedSigner, open_engine
from tests.audit.peer_questions import FORK, OURS, ask_of, fixed_witness, steps_of_a_client
from tests.audit.peers import Exchange, LivePeers, recording, write_record
from tests.audit.witness_parts import LOG_KEY, served

PEERS = LivePeers()


def judged(folder: Path) -> list[dict[str, Any]]:
    engine = open_engine(f"sqlite:///{folder / 'log.sqlite3'}")
    log = AuditLog(SqlLogStore(), FixedSigner(), lambda: START)
    with engine.begin() as connection:
        install(connection)
        log.create(connection, INSPECTION, ORIGIN)
    questions = ask_of(log, engine)
    verdicts = PEERS.judge(questions)
    return [{"question": each, "verdict": verdict} for each, verdict in zip(questions, verdicts, strict=True)]


def witness(folder: Path) -> dict[str, Any]:
    exchanges: list[Exchange] = []
    with PEERS.witness(folder, LOG_KEY) as at, recording(at.url, exchanges) as url:
        for log, old, size in ((OURS, 0, 5), (OURS, 5, 11), (FORK, 11, 11), (FORK, 11, 15), (OURS, 5, 7)):
            try:
                ask_witness(url, at.key, log.signed(size), log.proof, old, 60)
            except WitnessRefusedError:
                continue
    return {"log": str(LOG_KEY), "key": str(at.key), "now": at.now, "exchanges": exchanges}


def fed(folder: Path) -> dict[str, Any]:
    exchanges: list[Exchange] = []
    steps, _ = steps_of_a_client()
    with served(fixed_witness(folder / "w1")) as at, recording(at.url, exchanges) as url:
        outcomes = PEERS.feed(url, at.key, steps)
    return {"key": str(at.key), "steps": steps, "exchanges": exchanges, "outcomes": outcomes}


if __name__ == "__main__":
    with TemporaryDirectory() as name:
        write_record(judged(Path(name)), witness(Path(name)), fed(Path(name)))
