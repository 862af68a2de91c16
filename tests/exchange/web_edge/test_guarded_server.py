"""The edge and the guarded worker through a real gunicorn."""

import json
import select
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HOST = b"Host: exchange.test\r\n"
PAGE = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
KEPT_PAGE = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
DOWNLOAD = b"GET /download HTTP/1.1\r\n" + HOST + b"\r\n"
STALLED_UPLOAD = b"PUT /raw HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\nonly this"


def post(path: str, body: bytes, *, more: bytes = b"Connection: close\r\n") -> bytes:
    return f"POST {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n".encode() + HOST + more + b"\r\n" + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def read_all(sock: socket.socket) -> bytes:
    pieces = []
    try:
        while piece := sock.recv(1 << 16):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def read_answer(sock: socket.socket, end: bytes) -> bytes:
    answer = b""
    while not answer.endswith(end):
        piece = sock.recv(1 << 16)
        assert piece, answer
        answer += piece
    return answer


def test_a_page_is_answered(server: Any) -> None:
    answer = server.exchange(PAGE)
    assert (status(answer), body(answer)) == (200, b"a page")


def test_a_request_that_comes_in_pieces_is_answered(server: Any) -> None:
    request = post("/count", b"0123456789")
    with server.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(len(request)):
            sock.sendall(request[index : index + 1])
        answer = read_all(sock)
    assert json.loads(body(answer)) == {"bytes": 10}


def test_one_line_serves_many_requests_one_after_the_other(server: Any) -> None:
    with server.connect() as sock:
        for _ in range(3):
            sock.sendall(KEPT_PAGE)
            assert b"Connection: keep-alive" in read_answer(sock, b"a page")


def test_requests_sent_together_are_answered_in_order(server: Any) -> None:
    answer = server.exchange(post("/count", b"123", more=b"") + KEPT_PAGE + PAGE)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.index(b'{"bytes":3}') < answer.index(b"a page")


def test_a_form_streams_through(server: Any) -> None:
    content = bytes(3_000_000)
    form = (
        b'--b\r\nContent-Disposition: form-data; name="item"\r\n\r\nL1\r\n'
        b'--b\r\nContent-Disposition: form-data; name="answer"; filename="a.xlsx"\r\n\r\n' + content + b"\r\n--b--\r\n"
    )
    answer = server.exchange(
        post("/form", form, more=b"Connection: close\r\nContent-Type: multipart/form-data; boundary=b\r\n")
    )
    assert json.loads(body(answer)) == {"item": "L1", "answer": ["a.xlsx", 3_000_000]}


def test_a_client_that_asks_before_sending_is_told_to_go_on(server: Any) -> None:
    head, _, content = post("/count", b"12345", more=b"Connection: close\r\nExpect: 100-continue\r\n").partition(
        b"\r\n\r\n"
    )
    with server.connect() as sock:
        sock.sendall(head + b"\r\n\r\n")
        assert read_answer(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        sock.sendall(content)
        assert json.loads(body(read_all(sock))) == {"bytes": 5}


REFUSED = {
    "chunked": (411, b"POST /count HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    "chunked-broken-size": (411, b"POST /count HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "chunked-and-length": (
        400,
        b"POST /count HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "coding-unknown": (411, b"POST /count HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: x\r\n\r\nabc"),
    "two-lengths": (400, b"POST /count HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
    "length-negative": (400, b"POST /count HTTP/1.1\r\n" + HOST + b"Content-Length: -3\r\n\r\nabc"),
    "host-missing": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "host-missing-in-1.0": (400, b"GET / HTTP/1.0\r\n\r\n"),
    "two-hosts": (400, b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n"),
    "host-foreign": (400, b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n"),
    "absolute-form": (400, b"GET http://exchange.test/ HTTP/1.1\r\n" + HOST + b"\r\n"),
    "version-2": (400, b"GET / HTTP/2.0\r\n" + HOST + b"\r\n"),
    "line-feeds-only": (400, b"GET / HTTP/1.1\nHost: exchange.test\n\n"),
    "space-before-colon": (400, b"GET / HTTP/1.1\r\n" + HOST + b"X-A : b\r\n\r\n"),
    "folded-header": (400, b"GET / HTTP/1.1\r\n" + HOST + b"X-A: b\r\n c\r\n\r\n"),
    "expectation-unknown": (417, b"GET / HTTP/1.1\r\n" + HOST + b"Expect: miracles\r\n\r\n"),
    "request-line-long": (414, b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "header-long": (431, b"GET / HTTP/1.1\r\n" + HOST + b"X-A: " + b"a" * 9000 + b"\r\n\r\n"),
    "headers-many": (431, b"GET / HTTP/1.1\r\n" + HOST + b"X-A: b\r\n" * 70 + b"\r\n"),
    "head-endless": (431, b"GET / HTTP/1.1\r\n" + HOST + b"X-A: b\r\n" * 9000),
    "body-on-get": (400, b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc"),
    "method-trace": (405, b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_request_gets_a_plain_answer_and_the_line_closes(server: Any, name: str) -> None:
    expected, request = REFUSED[name]
    with server.connect() as sock:
        sock.sendall(request + KEPT_PAGE)
        answer = read_all(sock)
    assert status(answer) == expected
    assert b"<h1>" in answer
    assert b"Connection: close" in answer
    assert b"a page" not in answer


def test_a_body_cut_short_is_never_taken_as_whole(server: Any) -> None:
    for size in (10, 200_000):
        with server.connect() as sock:
            sock.sendall(post("/count", bytes(size))[:-3])
            sock.shutdown(socket.SHUT_WR)
            assert b'"bytes"' not in read_all(sock)


def test_what_follows_a_refused_large_body_is_not_taken_as_a_request(server: Any) -> None:
    request = post("/unread", KEPT_PAGE * 3000, more=b"")
    with server.connect() as sock:
        sock.sendall(request[: len(request) // 2])
        answer = read_all(sock)
    assert status(answer) == 403
    assert b"a page" not in answer


def test_what_follows_a_refused_small_body_is_the_next_request(server: Any) -> None:
    answer = server.exchange(post("/unread", b"small", more=b"") + PAGE)
    assert answer.count(b"HTTP/1.1 ") == 2
    assert answer.endswith(b"a page")


def test_script_name_and_forwarded_headers_of_a_stranger_change_nothing(server: Any) -> None:
    headers = b"SCRIPT_NAME: /seen\r\nScript-Name: /seen\r\nX-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: https\r\n"
    seen = json.loads(body(server.exchange(b"GET /seen HTTP/1.0\r\n" + HOST + headers + b"\r\n")))
    assert seen == {
        "address": "127.0.0.1",
        "scheme": "http",
        "script_name": "",
        "path": "/seen",
        "host": "exchange.test",
    }


def test_the_configured_proxy_tells_address_and_scheme(server: Any) -> None:
    headers = b"X-Forwarded-For: 192.0.2.1, 192.0.2.9\r\nX-Forwarded-Proto: https\r\n"
    seen = json.loads(body(server.exchange(b"GET /seen HTTP/1.0\r\n" + HOST + headers + b"\r\n", "127.0.0.77")))
    assert (seen["address"], seen["scheme"]) == ("192.0.2.9", "https")


def test_a_failure_is_answered_plainly_and_the_next_page_is_served(server: Any) -> None:
    answer = server.exchange(b"GET /failing HTTP/1.1\r\n" + HOST + b"\r\n")
    assert status(answer) == 500
    assert b"nobody expected" not in answer
    assert status(server.exchange(PAGE)) == 200


def test_not_even_an_interrupt_in_a_request_stops_the_worker(server: Any) -> None:
    server.exchange(b"GET /broken HTTP/1.1\r\n" + HOST + b"\r\n")
    assert status(server.exchange(PAGE)) == 200
    assert server.log.read_text().count("Booting worker") == 1


def test_no_address_and_no_header_reaches_the_log(server: Any) -> None:
    server.exchange(b"GET /failing?child=Aurelia HTTP/1.0\r\n" + HOST + b"Cookie: Aurelia\r\n\r\n")
    server.exchange(b"GET /%zz?child=Aurelia HTTP/1.0\r\n" + HOST + b"\r\n")
    server.exchange(b"GET Aurelia HTTP/1.0\r\n" + HOST + b"Aurelia\r\n\r\n")
    log = server.log.read_text()
    assert "a request failed: RuntimeError" in log
    assert "Aurelia" not in log


def test_no_control_socket_is_opened(server: Any) -> None:
    assert status(server.exchange(PAGE)) == 200
    assert list(Path(server.log).parent.rglob("*.ctl")) == []


def test_a_slow_head_is_answered_408(start_server: Callable[..., Any]) -> None:
    server = start_server("head_seconds=0.5")
    with server.connect() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHo")
        assert status(read_all(sock)) == 408


def test_a_slow_small_body_is_answered_408(start_server: Callable[..., Any]) -> None:
    server = start_server("small_body_seconds=0.5")
    with server.connect() as sock:
        sock.sendall(post("/count", b"12345")[:-1])
        assert status(read_all(sock)) == 408


def test_a_silent_connection_is_closed_without_a_word(start_server: Callable[..., Any]) -> None:
    server = start_server("head_seconds=0.5")
    with server.connect() as sock:
        assert read_all(sock) == b""


def test_a_stalled_long_body_is_answered_408(start_server: Callable[..., Any]) -> None:
    server = start_server("pace=PaceLimits(idle_seconds=0.5, grace_seconds=0.5)")
    with server.connect() as sock:
        sock.sendall(STALLED_UPLOAD)
        assert status(read_all(sock)) == 408


def test_a_download_nobody_reads_is_broken_off(start_server: Callable[..., Any]) -> None:
    server = start_server("pace=PaceLimits(idle_seconds=0.5, grace_seconds=0.5)")
    with server.connect(receive_buffer=4096) as sock:
        sock.sendall(DOWNLOAD)
        assert status(server.exchange(PAGE)) == 200
        poll = select.poll()
        poll.register(sock, 0)  # errors and hang-ups are always told
        assert poll.poll(20_000), "the line is still open"


def test_one_thread_serves_pages_while_long_requests_wait_for_their_clients(start_server: Callable[..., Any]) -> None:
    server = start_server(threads=1)
    with server.connect(receive_buffer=4096) as reader, server.connect() as sender:
        reader.sendall(DOWNLOAD)
        sender.sendall(STALLED_UPLOAD)
        for _ in range(5):
            assert status(server.exchange(PAGE)) == 200


def test_long_requests_past_the_bound_are_told_to_come_back_and_pages_go_on(start_server: Callable[..., Any]) -> None:
    server = start_server("long_requests=1, queue_seconds=0.5")
    with server.connect() as first, server.connect() as second:
        first.sendall(STALLED_UPLOAD)
        time_started = time.monotonic()
        second.sendall(STALLED_UPLOAD)
        assert status(server.exchange(PAGE)) == 200
        assert status(read_all(second)) == 503
        assert time.monotonic() - time_started < 10


def test_when_the_long_lane_is_full_a_client_that_stalls_is_cut_off_soon(start_server: Callable[..., Any]) -> None:
    server = start_server("long_requests=1, crowded_pace=PaceLimits(idle_seconds=0.3, grace_seconds=0.3)")
    with server.connect() as first, server.connect(receive_buffer=4096) as second:
        first.sendall(STALLED_UPLOAD)
        assert status(server.exchange(PAGE)) == 200
        second.sendall(DOWNLOAD)
        poll = select.poll()
        poll.register(second, 0)
        assert poll.poll(20_000), "the line is still open"  # well before the 30 seconds of an ordinary pace


def test_every_kind_of_ending_gives_its_place_back(start_server: Callable[..., Any]) -> None:
    server = start_server("long_requests=4", threads=2, more="worker_connections = 24")
    endings = (PAGE, b"", b"GET", b"nonsense\r\n\r\n", post("/unread", bytes(9)), DOWNLOAD, STALLED_UPLOAD, KEPT_PAGE)
    for _ in range(6):
        lines = [server.connect() for _ in endings]
        for line, request in zip(lines, endings, strict=True):
            line.sendall(request)
        assert status(server.exchange(PAGE)) == 200
        for line in lines:
            line.close()
    assert status(server.exchange(PAGE)) == 200


def test_a_network_with_too_many_connections_is_told_so_and_others_are_served(start_server: Callable[..., Any]) -> None:
    server = start_server("connections_per_address=3")
    lines = [server.connect("127.0.0.5") for _ in range(3)]
    assert status(server.exchange(b"", "127.0.0.5")) == 429
    assert status(server.exchange(PAGE, "127.0.0.6")) == 200
    for line in lines:
        line.close()


def test_the_proxy_may_hold_as_many_connections_as_it_needs(start_server: Callable[..., Any]) -> None:
    server = start_server("connections_per_address=3")
    lines = [server.connect("127.0.0.77") for _ in range(5)]
    assert status(server.exchange(PAGE, "127.0.0.77")) == 200
    for line in lines:
        line.close()


def test_when_every_place_is_taken_those_who_wait_longest_make_room(start_server: Callable[..., Any]) -> None:
    server = start_server(threads=2, more="worker_connections = 8")
    lines = [server.connect() for _ in range(30)]
    for _ in range(3):
        assert status(server.exchange(PAGE)) == 200
    assert read_all(lines[0]) == b""
    for line in lines:
        line.close()


def test_a_stopping_server_lets_go_of_idle_lines_and_finishes_the_upload(start_server: Callable[..., Any]) -> None:
    server = start_server()
    with server.connect() as idle, server.connect() as upload:
        idle.sendall(KEPT_PAGE)
        read_answer(idle, b"a page")
        upload.sendall(b"PUT /raw HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n")
        read_answer(upload, b"\r\n\r\n")
        server.process.send_signal(signal.SIGTERM)
        assert read_all(idle) == b""
        upload.sendall(bytes(100_000))
        assert json.loads(body(read_all(upload))) == {"bytes": 100_000}
    server.process.wait(timeout=20)


def attack(server: Any, index: int) -> socket.socket:
    """One slow client: a head that never ends, a small body that never ends, or an answer that is never read."""
    source = f"127.0.1.{1 + index % 20}"
    kind = index % 3
    sock = server.connect(source, receive_buffer=4096 if kind == 2 else 0)
    slow = (b"GET / HTTP/1.1\r\nHo", post("/count", bytes(50_000))[:-1], DOWNLOAD)
    sock.sendall(slow[kind])
    return sock  # type: ignore[no-any-return]  # the fixture's class is not importable from a test file


def test_a_page_comes_within_two_seconds_under_500_slow_connections(start_server: Callable[..., Any]) -> None:
    server = start_server(threads=16, processes=2)
    assert status(server.exchange(PAGE)) == 200
    lines = [attack(server, index) for index in range(501)]
    try:
        for number in range(60):
            started = time.monotonic()
            assert status(server.exchange(PAGE)) == 200
            assert time.monotonic() - started < 2
            lines[number * 3].sendall(b"x")  # the heads go on growing
    finally:
        for line in lines:
            line.close()
