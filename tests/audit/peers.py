"""Programs that others wrote, aics-tlog and aics-witness: themselves where Python 3.12 is to be had, or their record.

`make_peer_vectors.py` makes the record by running the peers. The record answers only what is asked byte for byte as it
was asked then, and what our side answers must be byte for byte what the peer accepted then.
"""

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

from audit.note import COSIGNER, VerifierKey, parse_verifier_key
from tests.audit.witness_parts import NOW, POLL_SECONDS

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-peers"
PROGRAMS = Path(__file__).parent / "peer_programs"
RECORD = PROGRAMS / "record.json"
PEER_NAME = "peer.example/w1"

Question = dict[str, Any]


@dataclass(frozen=True)
class PeerWitness:
    """Where the peers' witness answers, its key, and what time it has."""

    url: str
    key: VerifierKey
    now: int


@dataclass(frozen=True)
class Exchange:
    """One request to /add-checkpoint and its answer."""

    request: str
    status: int
    kind: str
    body: str


class Peers(Protocol):
    """What the tests ask of the peers."""

    def judge(self, questions: Sequence[Question]) -> list[bool]:
        """What their library says to each checkpoint, inclusion or consistency proof."""

    def witness(self, folder: Path, log: VerifierKey) -> AbstractContextManager[PeerWitness]:
        """Their witness, following this log."""

    def feed(self, url: str, key: VerifierKey, steps: Sequence[Question]) -> list[str]:
        """What came of each note that their client submitted to our witness."""


class LivePeers:
    """The programs themselves."""

    def judge(self, questions: Sequence[Question]) -> list[bool]:
        return [bool(verdict) for verdict in _run("judge.py", questions)]

    def feed(self, url: str, key: VerifierKey, steps: Sequence[Question]) -> list[str]:
        return [str(outcome) for outcome in _run("feed.py", steps, url, str(key), str(NOW))]

    @contextmanager
    def witness(self, folder: Path, log: VerifierKey) -> Iterator[PeerWitness]:
        config = folder / "peer.json"
        told = ["-c", str(config)]
        made = _witness_command("init", *told, "--name", PEER_NAME, "--listen", "127.0.0.1:0")
        _witness_command("add-log", *told, "--origin", log.name, "--vkey", str(log))
        process = subprocess.Popen(
            [_python(), "-m", "aics_witness", "serve", *told], stderr=subprocess.PIPE, text=True, cwd=folder
        )
        with process:
            assert process.stderr is not None
            said = iter(process.stderr)
            url = next(found[1] for line in said if (found := re.search(r"listening on (http://\S+)", line)))
            reading = threading.Thread(target=lambda: list(said))  # or its journal would fill the pipe
            reading.start()
            try:
                yield PeerWitness(url, parse_verifier_key(made.strip(), COSIGNER), int(time.time()))
            finally:
                process.terminate()
                reading.join()


class RecordedPeers:
    """What the programs answered when the record was made."""

    def __init__(self) -> None:
        self._record = json.loads(RECORD.read_text(encoding="utf-8"))

    def judge(self, questions: Sequence[Question]) -> list[bool]:
        verdicts = {_key(each["question"]): each["verdict"] for each in self._record["judged"]}
        return [verdicts[_key(question)] for question in questions]

    def feed(self, url: str, key: VerifierKey, steps: Sequence[Question]) -> list[str]:
        fed = self._record["fed"]
        assert (steps, str(key)) == (fed["steps"], fed["key"])
        for exchange in (Exchange(**each) for each in fed["exchanges"]):
            assert exchange == post(url, exchange.request)
        return [str(outcome) for outcome in fed["outcomes"]]

    @contextmanager
    def witness(self, folder: Path, log: VerifierKey) -> Iterator[PeerWitness]:  # noqa: ARG002  # keeps no state
        record = self._record["witness"]
        assert record["log"] == str(log)
        answers = {each["request"]: Exchange(**each) for each in record["exchanges"]}
        with _serving(lambda request: answers[request]) as url:
            yield PeerWitness(url, parse_verifier_key(record["key"], COSIGNER), record["now"])


def require_peers() -> Peers:
    """The programs; their record on a machine without Python 3.12. Fails when they only were not installed."""
    if (ENVIRONMENT / ".installed").exists():
        return LivePeers()
    script = ROOT / "tools" / "make_peer_environment.sh"
    found = subprocess.run([script, "--find"], capture_output=True, text=True, check=False)
    assert found.returncode, f"Python 3.12 is there ({found.stdout.strip()}): run tools/make_peer_environment.sh first."
    return RecordedPeers()


@contextmanager
def recording(url: str, exchanges: list[Exchange]) -> Iterator[str]:
    """Stand before a witness, and write down what is said."""

    def pass_on(request: str) -> Exchange:
        exchanges.append(post(url, request))
        return exchanges[-1]

    with _serving(pass_on) as before:
        yield before


def write_record(judged: list[Question], witness: Question, fed: Question) -> None:
    record = {"judged": judged, "witness": witness, "fed": fed}
    RECORD.write_text(json.dumps(record, indent=1, default=asdict, ensure_ascii=False) + "\n", encoding="utf-8")


def post(url: str, request: str) -> Exchange:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=60)
    try:
        connection.request("POST", "/add-checkpoint", request.encode())
        response = connection.getresponse()
        return Exchange(request, response.status, response.headers["Content-Type"], response.read().decode())
    finally:
        connection.close()


@contextmanager
def _serving(answer: Any) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            exchange = answer(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(exchange.status)
            self.send_header("Content-Type", exchange.kind)
            self.send_header("Content-Length", str(len(exchange.body.encode())))
            self.end_headers()
            self.wfile.write(exchange.body.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the standard server's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[POLL_SECONDS])
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _key(question: Question) -> str:
    return json.dumps(question, sort_keys=True)


def _python() -> str:
    return str(ENVIRONMENT / "bin" / "python")


def _run(program: str, questions: Sequence[Question], *arguments: str) -> list[Any]:
    lines = "".join(json.dumps(each) + "\n" for each in questions)
    done = subprocess.run(
        [_python(), str(PROGRAMS / program), *arguments], input=lines, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _witness_command(*words: str) -> str:
    done = subprocess.run([_python(), "-m", "aics_witness", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
