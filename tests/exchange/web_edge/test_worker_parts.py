"""The parts of the guarded worker by themselves."""

import errno
import socket
from collections.abc import Iterator

import pytest
from gunicorn.http.unreader import Unreader
from gunicorn.workers.gthread import ThreadWorker
from hypothesis import given
from hypothesis import strategies as st

from exchange.web import last_words, worker_trial
from exchange.web.lanes import Lane, Lanes
from exchange.web.pace import Pace, PaceLimits, TooSlowError
from exchange.web.paced_socket import PacedSocket
from exchange.web.request_gate import HEAD_LIMIT, HeadTooLargeError, RequestGate

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"


def gate_after(data: bytes) -> RequestGate:
    gate = RequestGate()
    gate.feed(data)
    return gate


@given(cuts=st.lists(st.integers(0, len(HEAD) + 5), max_size=8))
def test_a_request_is_ready_with_its_last_byte_however_it_is_cut(cuts: list[int]) -> None:
    request = HEAD + b"12345"
    gate = RequestGate()
    ends = [*sorted(set(cuts) - {0}), len(request)]
    for start, end in zip([0, *ends], ends, strict=False):
        assert not gate.is_ready
        if start < end:
            gate.feed(request[start:end])
        if end == len(request):
            break
    assert gate.is_ready
    assert gate.take() == request
    assert gate.is_empty


def test_a_request_without_a_body_is_ready_with_its_head() -> None:
    assert not gate_after(b"GET / HTTP/1.1\r\n\r").is_ready
    assert gate_after(b"GET / HTTP/1.1\r\n\r\n").is_ready


@pytest.mark.parametrize(("length", "is_long"), [(65_536, False), (65_537, True), (10**17, True)])
def test_a_long_body_is_not_waited_for(length: int, is_long: bool) -> None:  # noqa: FBT001 - a table of expectations
    gate = gate_after(f"PUT / HTTP/1.1\r\ncontent-length:{length}\r\nHost: a\r\n\r\n".encode())
    assert (gate.is_ready, gate.is_long) == (is_long, is_long)


def test_adjacent_lengths_are_all_seen() -> None:
    assert gate_after(b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 99999\r\n\r\n").is_long


@pytest.mark.parametrize("header", [b"Transfer-Encoding: chunked", b"expect : 100-continue", b"EXPECT:100-continue"])
def test_a_body_that_cannot_be_waited_for_is_not(header: bytes) -> None:
    assert gate_after(b"PUT / HTTP/1.1\r\n" + header + b"\r\nContent-Length: 9\r\n\r\n").is_ready


def test_a_head_of_bare_line_feeds_goes_to_the_parser_at_once() -> None:
    assert gate_after(b"GET / HTTP/1.1\nHost: a\n\n").is_ready


def test_a_head_without_end_is_refused() -> None:
    gate = gate_after(bytes(HEAD_LIMIT))
    with pytest.raises(HeadTooLargeError):
        gate.feed(b"x")


def test_no_more_is_asked_for_than_the_small_body_still_misses() -> None:
    assert gate_after(HEAD + b"12").wanted == 3


def test_a_lane_takes_as_many_as_it_is_wide_and_in_order() -> None:
    lanes: Lanes[str] = Lanes(pages=2, long=1)
    for name in ("a", "b", "c"):
        lanes.queue(name, Lane.PAGE, 10)
    assert lanes.admit() == ["a", "b"]
    assert lanes.admit() == []
    lanes.leave("a")
    assert lanes.admit() == ["c"]


def test_who_begins_to_wait_frees_a_page_place_and_crowds_the_long_lane() -> None:
    lanes: Lanes[str] = Lanes(pages=1, long=1)
    lanes.queue("a", Lane.PAGE, 10)
    assert lanes.admit() == ["a"]
    assert not lanes.move_to_long("a")
    lanes.queue("b", Lane.PAGE, 10)
    lanes.queue("c", Lane.LONG, 10)
    assert lanes.admit() == ["b"]
    assert lanes.move_to_long("b")
    assert not lanes.move_to_long("b")
    lanes.leave("a")
    assert lanes.admit() == []
    lanes.leave("b")
    assert lanes.admit() == ["c"]


def test_those_whose_time_is_over_are_given_back_once() -> None:
    lanes: Lanes[str] = Lanes(pages=0, long=0)
    lanes.queue("a", Lane.PAGE, 1)
    lanes.queue("b", Lane.PAGE, 3)
    lanes.queue("c", Lane.LONG, 2)
    assert lanes.overdue(2) == ["a", "c"]
    assert lanes.overdue(2) == []


@pytest.fixture
def line() -> Iterator[tuple[PacedSocket, socket.socket]]:
    near, far = socket.socketpair()
    paced = PacedSocket.adopt(near)
    with paced, far:
        yield paced, far


QUICK = PaceLimits(idle_seconds=0.05, grace_seconds=0.05, bytes_per_second=1_000_000)


def test_a_socket_with_its_bytes_here_never_says_it_waits(line: tuple[PacedSocket, socket.socket]) -> None:
    paced, far = line
    paced.begin(lambda: pytest.fail("waited"))
    far.sendall(b"abcdef")
    buffer = bytearray(3)
    assert (paced.recv(3), paced.recv_into(buffer)) == (b"abc", 3)
    paced.setblocking(True)  # noqa: FBT003 - as the server does
    paced.sendall(b"answer")
    assert far.recv(10) == b"answer"


def test_a_socket_says_once_that_it_waits_and_then_gives_up(line: tuple[PacedSocket, socket.socket]) -> None:
    paced, _far = line
    waits = []
    paced.begin(lambda: waits.append("waited") or QUICK)  # type: ignore[func-returns-value]  # append, then the limits
    for _ in range(2):
        with pytest.raises(TooSlowError) as caught:
            paced.recv(1)
        assert caught.value.errno == errno.ECONNRESET
    assert waits == ["waited"]


def test_an_answer_nobody_takes_is_given_up(line: tuple[PacedSocket, socket.socket]) -> None:
    paced, _far = line
    paced.begin(lambda: QUICK)
    with pytest.raises(TooSlowError):
        paced.sendall(bytes(100_000_000))


def test_a_last_word_never_blocks_and_never_raises(line: tuple[PacedSocket, socket.socket]) -> None:
    paced, far = line
    paced.send_now(bytes(100_000_000))
    far.close()
    paced.send_now(b"gone")
    assert isinstance(paced, PacedSocket)


def test_receiving_at_once_tells_nothing_from_the_end(line: tuple[PacedSocket, socket.socket]) -> None:
    paced, far = line
    assert paced.receive_now(5) is None
    far.close()
    assert paced.receive_now(5) == b""


def test_patience_is_never_longer_than_one_idle_wait() -> None:
    pace = Pace(PaceLimits(idle_seconds=3, grace_seconds=10, bytes_per_second=10), lambda: 0.0)
    assert pace.patience() == 3
    pace.record(8, 0)
    assert pace.patience() == 2
    pace.record(3, 5)
    with pytest.raises(TooSlowError):
        pace.patience()


def test_the_installed_server_is_the_one_the_worker_was_written_for() -> None:
    assert worker_trial.missing_internals() == ()


def test_a_server_that_changed_its_internals_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ThreadWorker, "accept", lambda _self: None)
    monkeypatch.delattr(Unreader, "take_buffered")
    monkeypatch.setattr(worker_trial, "server_version", "26.9")
    assert worker_trial.missing_internals() == ("ThreadWorker.accept", "Unreader.take_buffered", "gunicorn 27")


def test_a_server_that_only_behaves_otherwise_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Unreader, "unread", lambda self, data: None)  # noqa: ARG005 - the expected parameters
    assert worker_trial.missing_internals()[0].startswith("a trial request")


def test_a_last_word_is_a_whole_answer() -> None:
    head, _, page = last_words.TOO_SLOW.as_answer().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert f"Content-Length: {len(page)}".encode() in head.split(b"\r\n")
