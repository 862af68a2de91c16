"""Two operators who agree to lie are caught by one honest witness: the whole story over HTTP on loopback.

The operator of the log signs two histories with one key, one for the council and one for the inspectors. A second
operator runs a witness and cosigns whatever the first asks for. A third party runs an honest witness, and the readers'
policy asks for it too.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from audit.cosignature import cosign, with_signatures
from audit.errors import QuorumError, WitnessRefusedError
from audit.note import VerifierKey, parse_note
from audit.policy import Policy, parse_policy
from audit.witness.request import parse_request
from audit.witness_client import ask_witness
from tests.audit.example_log import FixedSigner
from tests.audit.witness_parts import (
    LOG_KEY,
    NOW,
    POLL_SECONDS,
    Clock,
    ExampleLog,
    ServedWitness,
    cosigner_key,
    make_witness,
    reopen,
    served,
)

FOR_COUNCIL = ExampleLog("for the council", fork_at=8)
FOR_INSPECTORS = ExampleLog("for the inspectors", fork_at=8)
ACCOMPLICE = FixedSigner(90)
ACCOMPLICE_KEY = cosigner_key(ACCOMPLICE, "accomplice.example/w1")
GROUPS = ("all accomplice honest", "2 accomplice honest")


@contextmanager
def colluding() -> Iterator[str]:
    """A witness that remembers nothing and verifies nothing."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = parse_request(self.rfile.read(int(self.headers["Content-Length"])))
            line = cosign(request.note.text, ACCOMPLICE_KEY.name, ACCOMPLICE, NOW).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(line)))
            self.end_headers()
            self.wfile.write(line)

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


@pytest.fixture
def honest(tmp_path: Path) -> Iterator[ServedWitness]:
    with served(make_witness(tmp_path / "honest", name="honest.example/w1")) as at:
        yield at


@pytest.fixture
def accomplice() -> Iterator[str]:
    with colluding() as url:
        yield url


def policy(honest: VerifierKey, group: str) -> Policy:
    text = f"log {LOG_KEY}\nwitness accomplice {ACCOMPLICE_KEY}\nwitness honest {honest}\n"
    return parse_policy((text + f"group readers {group}\nquorum readers\n").encode())


def cosigned(log: ExampleLog, size: int, asked: list[tuple[str, VerifierKey]], known: int = 0) -> str:
    """The log's checkpoint with every cosignature that its operator can get."""
    lines = []
    for url, key in asked:
        try:
            lines.append(ask_witness(url, key, log.signed(size), log.proof, known, 60, now=Clock()).line)
        except WitnessRefusedError:
            continue
    return with_signatures(log.signed(size), lines)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("size", [12, 20])
def test_one_honest_witness_keeps_a_second_history_from_being_believed(
    honest: ServedWitness, accomplice: str, tmp_path: Path, group: str, size: int
) -> None:
    both = [(accomplice, ACCOMPLICE_KEY), (honest.url, honest.key)]
    readers = policy(honest.key, group)
    shown_to_council = parse_note(cosigned(FOR_COUNCIL, 12, both))
    assert readers.verify(shown_to_council) == {"accomplice": NOW, "honest": NOW}

    shown_to_inspectors = parse_note(cosigned(FOR_INSPECTORS, size, both, known=12))
    with pytest.raises(QuorumError):
        readers.verify(shown_to_inspectors)

    (kept,) = reopen(tmp_path / "honest")._state.refused()
    assert (kept.kind, kept.size) == ("fork" if size == 12 else "unproved", size)
    assert (kept.held, kept.note) == (FOR_COUNCIL.signed(12), FOR_INSPECTORS.signed(size))


def test_without_the_honest_witness_both_histories_would_be_believed(honest: ServedWitness, accomplice: str) -> None:
    """What the quorum is for: the same readers, asking for any witness, are shown two histories."""
    readers = policy(honest.key, "any accomplice honest")
    for log in (FOR_COUNCIL, FOR_INSPECTORS):
        assert readers.verify(parse_note(cosigned(log, 12, [(accomplice, ACCOMPLICE_KEY)]))) == {"accomplice": NOW}


def test_the_refusal_tells_the_operator_that_it_was_seen(honest: ServedWitness) -> None:
    cosigned(FOR_COUNCIL, 12, [(honest.url, honest.key)])
    for size, kind in ((12, "fork"), (20, "inconsistent")):
        with pytest.raises(WitnessRefusedError) as error:
            ask_witness(honest.url, honest.key, FOR_INSPECTORS.signed(size), FOR_INSPECTORS.proof, 12, 60, now=Clock())
        assert error.value.kind == kind


def test_a_history_that_is_cut_back_is_not_cosigned_either(honest: ServedWitness) -> None:
    cosigned(FOR_COUNCIL, 12, [(honest.url, honest.key)])
    with pytest.raises(WitnessRefusedError) as error:
        ask_witness(honest.url, honest.key, FOR_COUNCIL.signed(9), FOR_COUNCIL.proof, 0, 60, now=Clock())
    assert (error.value.kind, error.value.size) == ("ahead", 12)
