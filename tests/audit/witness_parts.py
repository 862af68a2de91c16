"""What the tests of witnesses share: a log that grows and can be forked, a witness of its own, both on loopback."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.merkle import NodeAddress, leaf_hash, root_of
from audit.note import COSIGNER, NoteSigner, VerifierKey
from audit.proof import Proof, prove_consistency, prove_inclusion
from audit.witness.answer import Witness
from audit.witness.folder import create_folder, open_folder
from audit.witness.request import format_request
from audit.witness.server import REQUEST_SECONDS, WitnessServer
from audit.witness.state import TrustedLog, WitnessState
from tests.audit.example_log import ORIGIN, FixedSigner

PREFIX = "exchange.example.org/log"
NAME = "witness.example/w1"
POLL_SECONDS = 0.02  # until a server notices that its test is over
NOW = 1_772_442_000
LOG_SIGNER, STRANGER = FixedSigner(), FixedSigner(1)
LOG_KEY = VerifierKey(ORIGIN, LOG_SIGNER.public_key_bytes)


class Clock:
    """A clock that the test sets."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@dataclass(frozen=True)
class ExampleLog:
    """A log of numbered leaves; those from `fork_at` on are others in the log of another `history`."""

    history: str = "one"
    fork_at: int = 0
    origin: str = ORIGIN
    signer: NoteSigner = LOG_SIGNER

    def leaf(self, index: int) -> bytes:
        history = "one" if index < self.fork_at else self.history
        return leaf_hash(f"{history} {index}".encode())

    def root(self, size: int) -> bytes:
        return root_of([self.leaf(index) for index in range(size)])

    def signed(self, size: int) -> str:
        return sign_checkpoint(Checkpoint(self.origin, size, self.root(size)), self.signer)

    def proof(self, old: int, new: int) -> Proof:
        return prove_consistency(old, new, self._nodes)

    def inclusion(self, index: int, size: int) -> Proof:
        return prove_inclusion(index, size, self._nodes)

    def request(self, old: int, new: int) -> bytes:
        return format_request(old, self.proof(old, new) if 0 < old < new else (), self.signed(new))

    def _nodes(self, addresses: Sequence[NodeAddress]) -> dict[NodeAddress, bytes]:
        found = {}
        for address in addresses:
            first = address.position << address.level
            found[address] = root_of([self.leaf(first + offset) for offset in range(1 << address.level)])
        return found


def make_witness(folder: Path, clock: Clock | None = None, *, name: str = NAME, below: bool = True) -> Witness:
    """A new witness that follows every log of the example service."""
    create_folder(folder, name)
    prefix = VerifierKey(PREFIX, LOG_SIGNER.public_key_bytes)
    open_folder(folder).state.trust(TrustedLog(prefix if below else LOG_KEY, below))
    return reopen(folder, clock)


def reopen(folder: Path, clock: Clock | None = None) -> Witness:
    opened = open_folder(folder)
    return Witness(opened.key.name, opened.signer, opened.state, clock or Clock())


def state_in(folder: Path) -> WitnessState:
    return open_folder(folder).state


@contextmanager
def served(witness: Witness, request_seconds: float = REQUEST_SECONDS) -> Iterator["ServedWitness"]:
    """The witness on loopback."""
    journal: list[str] = []
    with WitnessServer(("127.0.0.1", 0), witness, journal.append, request_seconds) as server:
        thread = threading.Thread(target=server.serve_forever, args=[POLL_SECONDS])
        thread.start()
        try:
            yield ServedWitness(witness.key, server.server_port, journal)
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class ServedWitness:
    """Where a witness answers, its key, and the lines of its journal."""

    key: VerifierKey
    port: int
    journal: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass
class Reply:
    """What a scripted witness answers to one request: raw bytes after reading it, then it hangs up."""

    status: int = 200
    kind: str = "text/plain; charset=utf-8"
    body: bytes = b""
    raw: bytes | None = None


class ScriptedWitness:
    """A witness that answers what it was told to, in order, and keeps what it was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[bytes] = []
        self.paths: list[str] = []
        self.url = ""

    @contextmanager
    def serving(self) -> Iterator["ScriptedWitness"]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                script.paths.append(self.path)
                script.asked.append(self.rfile.read(int(self.headers["Content-Length"])))
                reply = script.replies.pop(0)
                if reply.raw is not None:
                    self.wfile.write(reply.raw)
                    return
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.kind)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the standard server's name
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_address[1]}"
            thread = threading.Thread(target=server.serve_forever, args=[POLL_SECONDS])
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


def cosigner_key(signer: NoteSigner, name: str = NAME) -> VerifierKey:
    return VerifierKey(name, signer.public_key_bytes, COSIGNER)
