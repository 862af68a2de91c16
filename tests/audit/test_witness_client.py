"""Asking a witness: what is believed, what is an absence, what is a refusal, and that nothing waits for ever."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from audit.cosignature import cosign, cosignatures_of, with_signatures
from audit.errors import ProofError, WitnessAbsentError, WitnessRefusedError
from audit.note import VerifierKey, parse_note
from audit.proof import Proof
from audit.witness import answer
from audit.witness.answer import Witness
from audit.witness.server import WitnessServer
from audit.witness_client import CLOCKS_APART, MAX_ANSWER_BYTES, Cosigned, ask_witness
from tests.audit.example_log import FixedSigner
from tests.audit.witness_parts import (
    NAME,
    NOW,
    PREFIX,
    STRANGER,
    Clock,
    ExampleLog,
    Reply,
    ScriptedWitness,
    cosigner_key,
    make_witness,
    reopen,
    served,
)

LOG, FORK = ExampleLog(), ExampleLog("two", fork_at=3)
COSIGNER = FixedSigner(50)
KEY = cosigner_key(COSIGNER)
PATIENCE = 60.0


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return make_witness(tmp_path / "w1")


def ask(
    url: str, key: VerifierKey, size: int, known: int = 0, *, log: ExampleLog = LOG, timeout: float = PATIENCE
) -> Cosigned:
    return ask_witness(url, key, log.signed(size), log.proof, known, timeout, now=Clock())


def line(
    size: int, *, log: ExampleLog = LOG, signer: FixedSigner = COSIGNER, name: str = NAME, time: int = NOW
) -> bytes:
    return cosign(parse_note(log.signed(size)).text, name, signer, time).encode()


def conflict(size: int) -> Reply:
    return Reply(409, "text/x.tlog.size", f"{size}\n".encode())


def refused(*replies: Reply, size: int = 11, known: int = 5) -> WitnessRefusedError:
    with ScriptedWitness(*replies).serving() as script, pytest.raises(WitnessRefusedError) as error:
        ask(script.url, KEY, size, known)
    assert script.replies == []
    return error.value


def require_absent(*replies: Reply, timeout: float = PATIENCE) -> None:
    with ScriptedWitness(*replies).serving() as script, pytest.raises(WitnessAbsentError):
        ask(script.url, KEY, 11, 5, timeout=timeout)
    assert script.replies == []


def test_a_witness_follows_a_growing_log(witness: Witness) -> None:
    with served(witness) as at:
        for known, size in ((0, 5), (5, 11), (11, 11), (11, 12)):
            cosigned = ask(at.url, at.key, size, known)
            note = parse_note(with_signatures(LOG.signed(size), [cosigned.line]))
            assert cosignatures_of(note, [at.key]) == {NAME: cosigned.time}
            assert cosigned == Cosigned(cosigned.line, NOW, size)
    assert [each.split(" ")[2] for each in at.journal] == ["200"] * 4


@pytest.mark.parametrize(("known", "forgot"), [(0, None), (5, None), (9, 9)])
def test_a_witness_that_holds_another_size_is_asked_once_more_from_there(
    witness: Witness, known: int, forgot: int | None
) -> None:
    with served(witness) as at:
        ask(at.url, at.key, 7)
        assert ask(at.url, at.key, 11, known) == Cosigned(line_of(witness, 11), NOW, 11, forgot)
    assert [each.split(" ")[2] for each in at.journal] == ["200", "409", "200"]


def line_of(witness: Witness, size: int) -> str:
    return cosign(parse_note(LOG.signed(size)).text, NAME, witness._signer, NOW)


def test_what_is_asked_is_the_known_size_its_proof_and_the_note() -> None:
    with ScriptedWitness(Reply(body=line(11))).serving() as script:
        ask(script.url + "/prefix/", KEY, 11, 5)
    assert script.asked == [LOG.request(5, 11)]
    assert script.paths == ["/prefix/add-checkpoint"]


def test_cosignatures_that_the_note_bears_already_are_no_answer() -> None:
    note = with_signatures(LOG.signed(11), [line(11).decode()])
    with ScriptedWitness(Reply()).serving() as script, pytest.raises(WitnessRefusedError) as error:
        ask_witness(script.url, KEY, note, LOG.proof, 5, PATIENCE, now=Clock())
    assert error.value.kind == "wrong-key"


def test_a_note_that_bears_a_cosignature_is_cosigned_again() -> None:
    note = with_signatures(LOG.signed(11), [line(11).decode()])
    with ScriptedWitness(Reply(body=line(11))).serving() as script:
        assert ask_witness(script.url, KEY, note, LOG.proof, 5, PATIENCE, now=Clock()).line == line(11).decode()


def test_cosignatures_of_unknown_keys_are_ignored_beside_the_known_one() -> None:
    body = line(11, name="witness.example/w2", signer=STRANGER) + line(11)
    with ScriptedWitness(Reply(body=body)).serving() as script:
        assert ask(script.url, KEY, 11, 5).line == line(11).decode()


def log_signature(size: int) -> bytes:
    return LOG.signed(size).split("\n\n")[1].encode()


WRONG_ANSWERS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "wrong-key"),
    "of-another-key-and-name": (line(11, name="witness.example/w2", signer=STRANGER), "wrong-key"),
    "of-another-key-under-this-name": (line(11, signer=STRANGER), "wrong-key"),
    "of-this-key-under-another-name": (line(11, name="witness.example/w2"), "wrong-key"),
    "the-log-s-own-signature": (log_signature(11), "wrong-key"),
    "of-an-older-checkpoint": (line(5), "wrong-cosignature"),
    "of-another-history": (line(11, log=FORK), "wrong-cosignature"),
    "of-another-log": (line(11, log=ExampleLog(origin=PREFIX + "/service")), "wrong-cosignature"),
    "older": (line(11, time=NOW - CLOCKS_APART - 1), "wrong-time"),
    "in-the-future": (line(11, time=NOW + CLOCKS_APART + 1), "wrong-time"),
    "signature-altered": (line(11)[:-6] + b"AAA=\n", "wrong-cosignature"),
    "signature-shorter": (line(11).replace(b"==\n", b"\n")[:-9] + b"\n", "wrong-cosignature"),
    "without-newline": (line(11)[:-1], "wrong-cosignature"),
    "second-false-line-first": (line(5) + line(11), "wrong-cosignature"),
    "junk": (b"<html>It works!</html>\n", "wrong-cosignature"),
    "not-utf-8": (b"\xff" + line(11), "wrong-cosignature"),
    "whole-note": (LOG.signed(11).encode() + line(11), "wrong-cosignature"),
    "too-long": (b"x" * (MAX_ANSWER_BYTES + 1), "unexpected-answer"),
}


@pytest.mark.parametrize("mutation", WRONG_ANSWERS)
def test_a_wrong_answer_is_not_believed(mutation: str) -> None:
    body, kind = WRONG_ANSWERS[mutation]
    assert refused(Reply(body=body)).kind == kind


REFUSALS = {
    "unknown-log": (Reply(404), 11, "unknown-log"),
    "unknown-key": (Reply(403), 11, "unknown-key"),
    "inconsistent": (Reply(422), 11, "inconsistent"),
    "fork": (conflict(5), 5, "fork"),
    "fork-as-422": (Reply(422), 5, "fork"),
    "bad-request": (Reply(400), 11, "unexpected-answer"),
    "teapot": (Reply(418), 11, "unexpected-answer"),
    "unheard-of": (Reply(499), 11, "unexpected-answer"),
    "created": (Reply(201, body=line(11)), 11, "unexpected-answer"),
    "conflict-that-is-none": (conflict(5), 11, "unexpected-answer"),
    "conflict-without-type": (Reply(409, body=b"7\n"), 11, "unexpected-answer"),
    "conflict-without-size": (Reply(409, "text/x.tlog.size"), 11, "unexpected-answer"),
    "conflict-with-leading-zero": (Reply(409, "text/x.tlog.size", b"07\n"), 11, "unexpected-answer"),
    "conflict-without-newline": (Reply(409, "text/x.tlog.size", b"7"), 11, "unexpected-answer"),
    "conflict-of-many-digits": (Reply(409, "text/x.tlog.size", b"9" * 5000 + b"\n"), 11, "unexpected-answer"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_is_told_by_its_kind(refusal: str) -> None:
    reply, size, kind = REFUSALS[refusal]
    assert refused(reply, size=size).kind == kind


@pytest.mark.parametrize("known", [0, 5, 11, 20])
def test_a_witness_that_is_ahead_of_us_is_not_followed(known: int) -> None:
    error = refused(conflict(20), known=known)
    assert (error.kind, error.size) == ("ahead", 20)


def test_a_fork_found_on_the_second_try_is_a_fork() -> None:
    assert refused(conflict(11), conflict(11)).kind == "fork"
    assert refused(conflict(7), Reply(422)).kind == "inconsistent"


def test_a_witness_that_moves_on_while_it_is_asked_is_asked_later() -> None:
    require_absent(conflict(7), conflict(8))


BEGINNING = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
ABSENCES = {
    "failing": Reply(500),
    "unavailable": Reply(503),
    "overloaded": Reply(429),
    "redirecting": Reply(302),
    "redirecting-for-good": Reply(308),
    "hangs-up": Reply(raw=b""),
    "hangs-up-in-the-head": Reply(raw=BEGINNING),
    "hangs-up-in-the-body": Reply(raw=BEGINNING + b"Content-Length: %d\r\n\r\n%b" % (len(line(11)), line(11)[:50])),
    "says-no-length": Reply(raw=BEGINNING + b"\r\n" + line(11)),
    "chunk-broken-off": Reply(raw=BEGINNING + b"Transfer-Encoding: chunked\r\n\r\nff\r\n" + line(11)[:50]),
    "no-http": Reply(raw=b"SSH-2.0-OpenSSH\r\n"),
    "status-no-number": Reply(raw=b"HTTP/1.1 abc OK\r\n\r\n"),
    "head-without-end": Reply(raw=BEGINNING + b"X: x\r\n" * 200),
}


@pytest.mark.parametrize("absence", ABSENCES)
def test_a_witness_that_cannot_answer_is_absent_and_not_a_refusal(absence: str) -> None:
    require_absent(ABSENCES[absence])


def test_an_answer_in_chunks_is_read() -> None:
    raw = BEGINNING + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(line(11)), line(11))
    with ScriptedWitness(Reply(raw=raw)).serving() as script:
        assert ask(script.url, KEY, 11, 5).line == line(11).decode()


def test_nobody_listening_is_an_absence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(WitnessAbsentError):
        ask(f"http://127.0.0.1:{port}", KEY, 11)


@contextmanager
def stalling(serve: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that accepts one connection and does as it is told with it until the test is over."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                serve(connection, over)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def test_a_witness_that_never_answers_is_absent_when_the_time_is_over() -> None:
    with stalling(lambda _connection, over: bool(over.wait(PATIENCE))) as url, pytest.raises(WitnessAbsentError):
        ask(url, KEY, 11, timeout=0.2)


@pytest.mark.parametrize("beginning", [b"", BEGINNING, BEGINNING + b"Content-Length: 9999\r\n\r\n"])
def test_a_witness_that_answers_a_byte_at_a_time_is_absent_when_the_time_is_over(beginning: bytes) -> None:
    def drip(connection: socket.socket, over: threading.Event) -> None:
        try:
            connection.sendall(beginning)
            while not over.wait(0.01):
                connection.sendall(b"x")
        except OSError:
            return

    with stalling(drip) as url, pytest.raises(WitnessAbsentError):
        ask(url, KEY, 11, timeout=0.3)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "witness.example",
        "ftp://witness.example",
        "file:///etc/passwd",
        "http://",
        "http://[::1",
        "http://w.example:0",
        "http://w.example:99999",
        "http://w.example/?x=1",
        "http://w.example/#x",
        "http://someone:secret@w.example/",
        "http://w.example/\u00e9",
        "http://127.0.0.1:1/a b\r\nX: y",
    ],
)
def test_an_address_that_is_none_is_an_absence_in_words(url: str) -> None:
    with pytest.raises(WitnessAbsentError, match="is no address of a witness"):
        ask(url, KEY, 11)


def test_a_redirect_is_not_followed(witness: Witness) -> None:
    with served(witness) as at:
        raw = (
            b"HTTP/1.1 307 Temporary Redirect\r\nLocation: %b/add-checkpoint\r\nContent-Length: 0\r\n\r\n"
            % at.url.encode()
        )
        require_absent(Reply(raw=raw))
    assert at.journal == []


def test_a_proxy_of_the_environment_is_not_asked(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedWitness().serving() as proxy, served(witness) as at:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert ask(at.url, at.key, 5).size == 5
    assert proxy.asked == []


def test_a_log_that_cannot_prove_its_growth_says_so_itself() -> None:
    def fail(_old: int, _new: int) -> Proof:
        raise ProofError("a node is missing")

    with pytest.raises(ProofError):
        ask_witness("http://127.0.0.1:1", KEY, LOG.signed(11), fail, 5, PATIENCE)


def fail(*_: object) -> None:
    raise MemoryError


def test_a_witness_that_dies_before_its_commit_is_absent_and_follows_later(
    tmp_path: Path, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer, "advance", fail)
    with served(witness) as at, pytest.raises(WitnessAbsentError):
        ask(at.url, at.key, 5)
    monkeypatch.undo()
    with served(reopen(tmp_path / "w1")) as at:
        assert ask(at.url, at.key, 11) == Cosigned(line_of(witness, 11), NOW, 11)
    assert len(at.journal) == 1


def test_a_witness_that_dies_after_its_commit_is_absent_and_cosigns_the_same_later(
    tmp_path: Path, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer, "cosign", fail)
    with served(witness) as at, pytest.raises(WitnessAbsentError):
        ask(at.url, at.key, 5)
    monkeypatch.undo()
    with served(reopen(tmp_path / "w1")) as at:
        with pytest.raises(WitnessRefusedError) as error:
            ask(at.url, at.key, 5, log=FORK)
        assert error.value.kind == "fork"
        assert ask(at.url, at.key, 5) == Cosigned(line_of(witness, 5), NOW, 5)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of its own for 127.0.0.1, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + built.public_bytes(Encoding.PEM))
    return path


@contextmanager
def served_over_tls(witness: Witness, certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with WitnessServer(("127.0.0.1", 0), witness, lambda _line: None) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_witness_behind_tls_is_asked_when_its_certificate_is_trusted(
    witness: Witness, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with served_over_tls(witness, certificate) as url:
        assert ask(url, witness.key, 5).size == 5


def test_a_certificate_that_nobody_vouches_for_is_an_absence(witness: Witness, certificate: Path) -> None:
    with served_over_tls(witness, certificate) as url, pytest.raises(WitnessAbsentError):
        ask(url, witness.key, 5)
    assert witness._state.latest() == []
