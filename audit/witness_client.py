"""Asking a witness for its cosignature on a checkpoint of ours (c2sp.org/tlog-witness, the log's side).

Nothing that a witness says is believed before its key has verified it. A witness that is not there is one thing
(WitnessAbsentError: ask again later), a witness that refuses or lies is another (WitnessRefusedError: a person has to
look). No proxy of the environment is used, no redirect followed, and nothing is waited for or read without an end.
"""

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import SplitResult, urlsplit

from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.cosignature import cosignatures_of, with_signatures
from audit.errors import NoteError, WitnessAbsentError, WitnessRefusedError
from audit.note import VerifierKey, parse_note
from audit.proof import Proof
from audit.witness.request import format_request

MAX_ANSWER_BYTES: Final = 16 * 1024
CLOCKS_APART: Final = 3600
"""Seconds that the time of a fresh cosignature may lie from our own."""

_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n")
_SIZE_TYPE: Final = "text/x.tlog.size"
_OVERLOADED: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A verified cosignature: its line with the newline, its POSIX time (s), and the size of the checkpoint.

    `forgot_from` is None, or the size that we know this witness cosigned and that it no longer knows: its state was
    replaced by an older one. Its word is worth less until its keeper has explained that.
    """

    line: str
    time: int
    size: int
    forgot_from: int | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    kind: str
    body: bytes


def ask_witness(
    url: str,
    key: VerifierKey,
    note: str,
    consistency: Callable[[int, int], Proof],
    known_size: int,
    timeout: float,
    *,
    now: Callable[[], float] = time.time,
) -> Cosigned:
    """Have the witness at the submission prefix `url` cosign our signed note, and verify that it did, with its `key`.

    `consistency(old, new)` proves our log's growth; `known_size` is the size that we know it cosigned last (0: none);
    `timeout` bounds each of at most two exchanges, in seconds; looking up its name, and trying several addresses of
    that name, may take longer.

    Raises:
        WitnessAbsentError: no connection, no answer in time, an overload, a redirect, a failure on its side.
        WitnessRefusedError: it will not cosign this, or what it sent is no cosignature of this; `kind` says which and
            `size` is the size that it claims, when it does. `ahead` is a roll-back or fork on our side, unless a
            process of ours has meanwhile had a later checkpoint cosigned: the caller compares with what it has.
        AuditError: whatever `consistency` raises.
    """
    checkpoint = parse_checkpoint(parse_note(note).text)
    asked = min(known_size, checkpoint.size)
    answer = _submit(url, note, checkpoint, asked, consistency, timeout)
    forgot_from = None
    if answer.status == HTTPStatus.CONFLICT:
        held = _size_held(answer, asked, checkpoint)
        forgot_from = known_size if held < known_size else None
        asked, answer = held, _submit(url, note, checkpoint, held, consistency, timeout)
        if answer.status == HTTPStatus.CONFLICT:
            _size_held(answer, asked, checkpoint)
            raise WitnessAbsentError("The witness moved on while it was asked. Ask again.")
    if answer.status != HTTPStatus.OK:
        raise _refusal(answer, asked, checkpoint)
    line, signed_at = _verified(answer.body, key, note)
    if abs(signed_at - now()) > CLOCKS_APART:
        raise WitnessRefusedError(
            "wrong-time", f"The cosignature bears the time {signed_at}, which is not now: an old one, or a wrong clock."
        )
    return Cosigned(line, signed_at, checkpoint.size, forgot_from)


def _submit(
    url: str, note: str, checkpoint: Checkpoint, old: int, consistency: Callable[[int, int], Proof], timeout: float
) -> _Answer:
    proof = consistency(old, checkpoint.size) if 0 < old < checkpoint.size else ()
    return _post(_parts(url), format_request(old, proof, note), timeout)


def _size_held(answer: _Answer, asked: int, checkpoint: Checkpoint) -> int:
    """The size that a conflict names. Raises WitnessRefusedError when nothing can be gained by asking from there."""
    match = _SIZE.fullmatch(answer.body)
    if answer.kind != _SIZE_TYPE or not match:
        raise WitnessRefusedError(
            "unexpected-answer", "The witness says that it holds another state, but not its size."
        )
    held = int(match[1])
    if held > checkpoint.size:
        raise WitnessRefusedError(
            "ahead",
            f"The witness has cosigned {held} entries of {checkpoint.origin}; our checkpoint has {checkpoint.size}. "
            "The log was set back, or somebody else signs with its key.",
            held,
        )
    if held == asked:
        raise _forked(checkpoint) if held == checkpoint.size else _unexpected(answer)
    return held


def _refusal(answer: _Answer, asked: int, checkpoint: Checkpoint) -> WitnessAbsentError | WitnessRefusedError:
    status, origin = answer.status, checkpoint.origin
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _OVERLOADED:
        return WitnessAbsentError(f"The witness cannot answer now (status {status}). Ask again later.")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return WitnessAbsentError(f"The address leads elsewhere (status {status}), which is not followed. Correct it.")
    if status == HTTPStatus.UNPROCESSABLE_ENTITY and asked == checkpoint.size:
        return _forked(checkpoint)
    refusals = {
        HTTPStatus.NOT_FOUND: ("unknown-log", f"The witness does not follow {origin}, or its address is wrong."),
        HTTPStatus.FORBIDDEN: ("unknown-key", f"The witness does not trust the key that signs for {origin}."),
        HTTPStatus.UNPROCESSABLE_ENTITY: (
            "inconsistent",
            f"What the witness cosigned of {origin} at {asked} entries is not the beginning of our log.",
        ),
    }
    kind, words = refusals.get(HTTPStatus(status) if status in list(HTTPStatus) else HTTPStatus.OK, ("", ""))
    return WitnessRefusedError(kind, words) if kind else _unexpected(answer)


def _forked(checkpoint: Checkpoint) -> WitnessRefusedError:
    words = (
        f"The witness cosigned another root hash of {checkpoint.origin} at {checkpoint.size} entries: two histories."
    )
    return WitnessRefusedError("fork", words, checkpoint.size)


def _unexpected(answer: _Answer) -> WitnessRefusedError:
    return WitnessRefusedError("unexpected-answer", f"The witness answered what no witness should ({answer.status}).")


def _verified(body: bytes, key: VerifierKey, note: str) -> tuple[str, int]:
    """The line of this key among those sent, and its time. Raises WitnessRefusedError unless it is there and true."""
    try:
        for line in body.decode().splitlines(keepends=True):
            signed = parse_note(with_signatures(_bare(note), [line]))
            times = cosignatures_of(signed, [key])
            if times:
                return line, times[key.name]
    except (NoteError, UnicodeDecodeError) as error:
        raise WitnessRefusedError(
            "wrong-cosignature", f"What the witness sent is not its cosignature of this checkpoint. {error}"
        ) from error
    raise WitnessRefusedError("wrong-key", f"The witness answered without a cosignature of {key}.")


def _bare(note: str) -> str:
    """The note with its first signature alone: cosignatures that it bears already are not what was asked for."""
    text, _, signatures = note.rpartition("\n\n")
    return f"{text}\n\n" + signatures.splitlines(keepends=True)[0]


def _parts(url: str) -> SplitResult:
    """The parts of a submission prefix. Raises WitnessAbsentError for an address that no request can be sent to."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    odd = not url.isascii() or not url.isprintable() or " " in url
    if not usable or odd or parts.query or parts.fragment or parts.username is not None:
        raise WitnessAbsentError(f"{url} is no address of a witness: http(s)://HOST[:PORT][/PREFIX] is.")
    return parts


def _post(parts: SplitResult, body: bytes, timeout: float) -> _Answer:
    """One exchange, over within `timeout` seconds."""
    try:
        with _connection(parts, timeout) as connection:
            headers = {"Content-Type": "text/plain; charset=utf-8", "Connection": "close"}
            connection.request("POST", parts.path.rstrip("/") + "/add-checkpoint", body, headers)
            response = connection.getresponse()
            content = _content(response)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise WitnessAbsentError(f"The witness at {parts.netloc} did not answer ({type(error).__name__}).") from error
    if len(content) > MAX_ANSWER_BYTES:
        raise WitnessRefusedError("unexpected-answer", "The witness answered with more than any cosignature takes.")
    return _Answer(response.status, response.headers.get_content_type(), content)


def _content(response: http.client.HTTPResponse) -> bytes:
    """The body, or more of it than is taken. Raises OSError when it broke off, or nobody could tell if it had."""
    framed = response.chunked or response.length is not None
    content = response.read(MAX_ANSWER_BYTES + 1)
    if not framed or (response.length and len(content) <= MAX_ANSWER_BYTES):
        raise ConnectionError("The answer broke off.")
    return content


@contextmanager
def _connection(parts: SplitResult, timeout: float) -> Iterator[http.client.HTTPConnection]:
    """A connection that is cut when its time is over: a witness may send one byte at a time for ever."""
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    raw = socket.create_connection((host, parts.port or (443 if secure else 80)), timeout)
    cut = raw.dup()  # the same line, whatever TLS makes of the first socket
    watch = threading.Timer(timeout, _cut, [cut])
    watch.daemon = True
    watch.start()
    try:
        connection = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(parts.netloc)
        with closing(raw), closing(connection):
            connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host) if secure else raw
            yield connection
    finally:
        watch.cancel()
        watch.join()
        cut.close()


def _cut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
