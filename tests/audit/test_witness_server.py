"""The witness over HTTP: every status with its body, and clients that are slow, many, broken or hostile."""

import http.client
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.cosignature import cosignatures_of, with_signatures
from audit.note import parse_note
from audit.witness import server as server_module
from audit.witness.answer import Witness
from audit.witness.request import MAX_REQUEST_BYTES, format_request
from tests.audit.witness_parts import (
    NAME,
    NOW,
    STRANGER,
    Clock,
    ExampleLog,
    ServedWitness,
    make_witness,
    reopen,
    served,
)

LOG, FORK = ExampleLog(), ExampleLog("two", fork_at=3)
PATIENCE = 60


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def witness(tmp_path: Path, clock: Clock) -> Witness:
    return make_witness(tmp_path / "w1", clock)


@pytest.fixture
def at(witness: Witness) -> Iterator[ServedWitness]:
    with served(witness) as at:
        yield at


def send(
    at: ServedWitness, body: bytes | None, method: str = "POST", path: str = "/add-checkpoint"
) -> tuple[int, str, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", at.port, timeout=PATIENCE)) as connection:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read()


def send_raw(at: ServedWitness, *pieces: bytes, hang_up: bool = True) -> bytes:
    """What comes back to these bytes until the witness hangs up."""
    with socket.create_connection(("127.0.0.1", at.port), timeout=PATIENCE) as connection:
        for piece in pieces:
            connection.sendall(piece)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while more := connection.recv(65536):
                received += more
        except ConnectionResetError:
            pass
        return received


def test_a_cosignature_is_answered_as_a_signature_line(at: ServedWitness) -> None:
    status, kind, body = send(at, LOG.request(0, 5))
    assert (status, kind) == (200, "text/plain; charset=utf-8")
    assert cosignatures_of(parse_note(with_signatures(LOG.signed(5), [body.decode()])), [at.key]) == {NAME: NOW}


REFUSED = {
    "malformed": (b"old x\n\n", 400, None),
    "old-beyond-new": (format_request(11, (), LOG.signed(5)), 400, None),
    "unknown-origin": (ExampleLog(origin="elsewhere.example").request(0, 5), 404, None),
    "unknown-key": (ExampleLog(signer=STRANGER).request(5, 6), 403, None),
    "another-old-size": (LOG.request(4, 6), 409, b"5\n"),
    "another-root": (FORK.request(5, 5), 409, b"5\n"),
    "wrong-proof": (FORK.request(5, 11), 422, None),
}


@pytest.mark.parametrize("refusal", REFUSED)
def test_a_refusal_has_the_status_that_the_specification_gives_it(at: ServedWitness, refusal: str) -> None:
    request, expected, size = REFUSED[refusal]
    assert send(at, LOG.request(0, 5))[0] == 200
    status, kind, body = send(at, request)
    assert status == expected
    if size is None:
        assert kind == "text/plain; charset=utf-8"
        assert body.endswith(b".\n")
    else:
        assert (kind, body) == ("text/x.tlog.size", size)


def test_a_clock_that_ran_back_is_503(at: ServedWitness, clock: Clock) -> None:
    send(at, LOG.request(0, 5))
    clock.now -= 3600
    assert send(at, LOG.request(5, 6))[0] == 503


def test_one_connection_carries_many_requests(at: ServedWitness) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", at.port, timeout=PATIENCE)) as connection:
        connection.connect()
        first = connection.sock
        steps = (
            (b"x", 400),
            (LOG.request(0, 5), 200),
            (FORK.request(5, 9), 422),
            (LOG.request(5, 9), 200),
        )
        for body, expected in steps:
            connection.request("POST", "/add-checkpoint", body)
            response = connection.getresponse()
            response.read()
            assert (response.status, connection.sock) == (expected, first)


def test_requests_sent_ahead_are_answered_in_order(at: ServedWitness) -> None:
    def raw(body: bytes) -> bytes:
        return b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    received = send_raw(at, raw(LOG.request(0, 5)) + raw(LOG.request(5, 6)) + raw(LOG.request(5, 7)))
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"200", b"409"]


def test_an_http_1_0_client_is_answered_and_let_go(at: ServedWitness) -> None:
    body = LOG.request(0, 5)
    head = b"POST /add-checkpoint HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert b" 200 OK\r\n" in send_raw(at, head + body, hang_up=False)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", 404),
        ("GET", "/add-checkpoint", 405),
        ("HEAD", "/add-checkpoint", 405),
        ("PUT", "/add-checkpoint", 501),
        ("FOO", "/add-checkpoint", 501),
        ("POST", "/", 404),
        ("POST", "/add-checkpoint/", 404),
        ("POST", "/add-checkpoint?x=1", 404),
        ("POST", "/../add-checkpoint", 404),
        ("POST", "http://elsewhere.example/add-checkpoint", 404),
    ],
)
def test_there_is_nothing_else(at: ServedWitness, method: str, path: str, expected: int) -> None:
    body = LOG.request(0, 5) if method == "POST" else None
    assert send(at, body, method, path)[0] == expected


POST = b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n"
BROKEN = {
    "no-length": (POST + b"\r\n", b"411"),
    "chunked": (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
    "length-and-chunked": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
    "two-lengths": (POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", b"400"),
    "length-negative": (POST + b"Content-Length: -1\r\n\r\n", b"400"),
    "length-with-plus": (POST + b"Content-Length: +1\r\n\r\nx", b"400"),
    "length-hexadecimal": (POST + b"Content-Length: 0x1\r\n\r\nx", b"400"),
    "length-in-other-digits": (POST + b"Content-Length: \xb2\r\n\r\nx", b"400"),
    "length-empty": (POST + b"Content-Length:\r\n\r\n", b"400"),
    "length-too-large": (POST + b"Content-Length: %d\r\n\r\n" % (MAX_REQUEST_BYTES + 1), b"413"),
    "length-of-many-digits": (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", b"413"),
    "body-empty": (POST + b"Content-Length: 0\r\n\r\n", b"400"),
    "version-unknown": (b"POST /add-checkpoint HTTP/3.0\r\n\r\n", b"505"),
    "version-garbled": (b"POST /add-checkpoint HTTQ/1.1\r\n\r\n", b"400"),
    "one-word": (b"POST\r\n\r\n", b"400"),
    "http-0.9": (b"POST /add-checkpoint\r\n\r\n", b"400"),
    "many-headers": (POST + b"".join(b"X-%d: x\r\n" % each for each in range(200)) + b"\r\n", b"431"),
}


@pytest.mark.parametrize("damage", BROKEN)
def test_a_request_that_is_no_proper_http_is_refused_in_words(at: ServedWitness, damage: str) -> None:
    sent, expected = BROKEN[damage]
    received = send_raw(at, sent)
    assert received.split(b" ")[:2] == [b"HTTP/1.1", expected]
    assert received.endswith(b".\n")
    assert b"Connection: close\r\n" in received or damage == "body-empty"
    assert send(at, LOG.request(0, 5))[0] == 200


def test_a_body_longer_than_allowed_is_refused_and_the_refusal_arrives(at: ServedWitness) -> None:
    assert send(at, b"x" * (MAX_REQUEST_BYTES + 5000))[0] == 413


SILENT = {
    "nothing": b"",
    "half-a-line": b"POST /add",
    "half-a-head": POST,
    "half-a-body": POST + b"Content-Length: 100\r\n\r\nold 0",
    "head-without-end": POST + b"X: " + b"x" * 200_000,
}


@pytest.mark.parametrize("sent", SILENT)
def test_who_hangs_up_in_the_middle_is_forgotten(at: ServedWitness, sent: str) -> None:
    assert b"200" not in send_raw(at, SILENT[sent])
    assert send(at, LOG.request(0, 5))[0] == 200


@pytest.mark.parametrize("sent", SILENT)
def test_who_stops_in_the_middle_is_let_go_when_the_time_is_over(
    witness: Witness, monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    monkeypatch.setattr(server_module, "IDLE_SECONDS", 0.2)
    with served(witness, request_seconds=0.2) as at:
        assert b"200" not in send_raw(at, SILENT[sent], hang_up=False)


def test_who_sends_a_byte_at_a_time_is_let_go_when_the_time_is_over(witness: Witness) -> None:
    pace = threading.Event()

    def drip(connection: socket.socket) -> None:
        while not pace.wait(0.01):  # each byte comes in time; all of them never will
            connection.sendall(b"x")

    with (
        served(witness, request_seconds=0.2) as at,
        socket.create_connection(("127.0.0.1", at.port), timeout=PATIENCE) as connection,
        pytest.raises(OSError, match=r"reset|pipe"),
    ):
        drip(connection)


def test_who_sends_more_than_any_request_holds_is_let_go(at: ServedWitness) -> None:
    def flood(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"x: " + b"x" * 100 + b"\r\n")

    with (
        socket.create_connection(("127.0.0.1", at.port), timeout=PATIENCE) as connection,
        pytest.raises(OSError, match=r"reset|pipe"),
    ):
        flood(connection)


def test_more_clients_than_there_are_threads_are_turned_away_until_one_leaves(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MOST_CONNECTIONS", 2)
    with served(witness) as at:
        first, second = (socket.create_connection(("127.0.0.1", at.port), timeout=PATIENCE) for _ in range(2))
        with first, second:
            assert send_raw(at, b"", hang_up=False).startswith(b"HTTP/1.1 503 ")
        until = time.monotonic() + PATIENCE
        while send_raw(at, POST + b"Content-Length: 0\r\n\r\n").startswith(b"HTTP/1.1 503 "):
            assert time.monotonic() < until
        assert send(at, LOG.request(0, 5))[0] == 200


def test_what_fails_inside_is_a_sentence_to_the_client_and_a_line_in_the_journal(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_body: bytes) -> None:
        raise RuntimeError("a secret of the machine")

    monkeypatch.setattr(Witness, "add_checkpoint", lambda _self, body: fail(body))
    with served(witness) as at:
        status, _, body = send(at, LOG.request(0, 5))
    assert (status, body) == (500, b"The witness failed. Nothing was cosigned.\n")
    assert at.journal[0] == "Failed with RuntimeError. Nothing was cosigned."
    assert not any("secret" in line for line in at.journal)


def test_a_state_that_cannot_be_written_is_503_and_cosigns_nothing(tmp_path: Path, witness: Witness) -> None:
    with served(witness) as at:
        send(at, LOG.request(0, 5))
        with closing(sqlite3.connect(tmp_path / "w1" / "state.sqlite3")) as database:
            database.execute("CREATE TRIGGER full BEFORE UPDATE ON latest BEGIN SELECT RAISE(ABORT, 'full'); END")
            database.commit()
        assert send(at, LOG.request(5, 6))[::2] == (
            503,
            b"The witness cannot write its state now. Nothing was cosigned.\n",
        )
    assert [each.size for each in reopen(tmp_path / "w1")._state.latest()] == [5]


def test_a_state_that_went_away_is_no_new_beginning(tmp_path: Path, witness: Witness) -> None:
    with served(witness) as at:
        send(at, LOG.request(0, 5))
        (tmp_path / "w1" / "state.sqlite3").rename(tmp_path / "elsewhere")
        assert send(at, FORK.request(0, 5))[0] == 500
    assert not (tmp_path / "w1" / "state.sqlite3").exists()


def test_a_journal_line_says_what_was_decided_and_holds_no_body(at: ServedWitness) -> None:
    send(at, LOG.request(0, 5))
    send(at, LOG.request(5, 11))
    send(at, LOG.request(5, 12))
    send(at, b"old 5\n\n\xffsomething private")
    assert at.journal == [
        f"127.0.0.1 POST 200 cosigned 5 after 0 of {LOG.origin}",
        f"127.0.0.1 POST 200 cosigned 11 after 5 of {LOG.origin}",
        f"127.0.0.1 POST 409 refused {LOG.origin}: The old size is not the one cosigned last.",
        "127.0.0.1 POST 400 refused a request: The checkpoint cannot be read. The note is not UTF-8.",
    ]


def test_nothing_that_a_client_sends_can_write_a_journal_line_of_its_own(at: ServedWitness) -> None:
    send_raw(at, b"GET /\x1b[2J\xc2\x85x HTTP/1.1\r\n\r\n")
    send(at, ExampleLog(origin="elsewhere.example\u202e\x7f").request(0, 5))
    assert all(line.isascii() and line.isprintable() for line in at.journal)
    assert len(at.journal) == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.binary(max_size=400))
def test_hostile_bytes_as_a_body_are_400(at: ServedWitness, body: bytes) -> None:
    assert send(at, body)[0] == 400


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.binary(min_size=1, max_size=400), st.booleans())
def test_hostile_bytes_as_a_request_end_nothing_but_their_connection(
    at: ServedWitness,
    sent: bytes,
    begins_well: bool,  # noqa: FBT001  # drawn
) -> None:
    send_raw(at, POST + sent if begins_well else sent)
    assert send(at, b"x")[0] == 400
    assert not any("Failed" in line for line in at.journal)


def test_an_ipv6_address_is_taken_for_one(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    bound: list[int] = []
    monkeypatch.setattr(
        server_module.WitnessServer, "server_bind", lambda server: bound.append(server.socket.family)
    )  # the machine need not have such an address
    monkeypatch.setattr(server_module.WitnessServer, "server_activate", lambda _server: None)
    for address in ("::1", "127.0.0.1"):
        with server_module.WitnessServer((address, 0), witness, lambda _line: None):
            pass
    assert bound == [socket.AF_INET6, socket.AF_INET]
