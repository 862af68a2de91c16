"""A gthread worker in which a slow client never holds a thread that pages need.

Promises: a connection gets a thread only when its request is here (`RequestGate`); a thread that begins to wait for a
client (a long upload, a download) leaves the page threads and another takes its place; the number of long requests is
bounded, and above it a client that stalls is cut off within about a second; heads, bodies and answers keep to a pace;
closing a line never waits. Everything that leans on the server's internals is in this file; `worker_trial` says at
start whether they are as expected.
"""

import errno
import socket
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from selectors import EVENT_READ
from typing import TYPE_CHECKING, Any, ClassVar, Final

from gunicorn.http import errors
from gunicorn.workers.gthread import TConn, ThreadWorker

from exchange.web import last_words
from exchange.web.lanes import Lane, Lanes
from exchange.web.last_words import LastWord
from exchange.web.pace import DEFAULT_LIMITS, PaceLimits
from exchange.web.paced_socket import PacedSocket
from exchange.web.request_gate import HeadTooLargeError, RequestGate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_LINGER_BYTES: Final = 4 * 1024 * 1024
_LINGER_SECONDS: Final = 2.0
_ACCEPT_AT_ONCE: Final = 64
_LOOK_SECONDS: Final = 0.25
_CROWDED: Final = PaceLimits(idle_seconds=1.0, grace_seconds=1.0, bytes_per_second=256 * 1024)


@dataclass(frozen=True)
class GuardLimits:
    """Bounds of one worker process (seconds, counts)."""

    head_seconds: float = 10.0
    small_body_seconds: float = 30.0
    queue_seconds: float = 15.0
    long_requests: int = 64
    connections_per_address: int = 200
    pace: PaceLimits = DEFAULT_LIMITS
    crowded_pace: PaceLimits = _CROWDED


@dataclass(eq=False)
class Guest:
    """One connection, and what it is waiting for."""

    conn: Any
    address: str
    gate: RequestGate
    deadline: float
    lingered: int = 0


class GuardedWorker(ThreadWorker):  # type: ignore[misc]  # the server is published without types
    """The worker class for gunicorn's `worker_class`."""

    limits: ClassVar[GuardLimits] = GuardLimits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lanes: Lanes[Guest] = Lanes(self.cfg.threads, self.limits.long_requests)
        self._waiting: dict[Guest, None] = {}
        self._leaving: dict[Guest, None] = {}
        self._per_address: Counter[str] = Counter()
        self._next_look = 0.0

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuse to start with settings under which the promises do not hold."""
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise RuntimeError("TLS belongs to the server in front: start this one without a certificate.")

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Threads for every connection that may wait; they are made only as needed, the lanes are the bound."""
        return ThreadPoolExecutor(max_workers=self.cfg.threads + self.cfg.worker_connections)

    def load_wsgi(self) -> None:
        """Load the application, and close the line where its answer says so."""
        super().load_wsgi()
        self.wsgi: WSGIApplication = _closing_as_told(self.wsgi)

    # The main loop: nothing below may wait, and nothing may raise.

    def accept(self, listener: Any) -> None:
        """Take new connections, and let each wait for its request."""
        for _ in range(_ACCEPT_AT_ONCE):
            if self.nr_conns + 1 >= self.worker_connections:
                self._make_room()  # at the bound itself the server stops listening, and nobody gets in
            if self.nr_conns >= self.worker_connections:
                return
            try:
                accepted, client = listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    self._make_room()
                return
            self._welcome(accepted, client, listener)

    def _welcome(self, accepted: socket.socket, client: Any, listener: Any) -> None:
        sock = PacedSocket.adopt(accepted)
        address = client[0] if isinstance(client, tuple) else ""
        if self._per_address[address] >= self.limits.connections_per_address and not self._is_proxy(address):
            sock.send_now(last_words.TOO_MANY.as_answer())
            sock.close()
            return
        self.nr_conns += 1
        self._per_address[address] += 1
        conn = TConn(self.cfg, sock, client, listener.getsockname())
        conn.data_ready = True
        self._await_request(Guest(conn, address, RequestGate(), 0.0), self.limits.head_seconds)

    def _is_proxy(self, address: str) -> bool:
        return address in self.cfg.forwarded_allow_ips

    def _await_request(self, guest: Guest, seconds: float) -> None:
        guest.deadline = time.monotonic() + seconds
        self._waiting[guest] = None
        self.poller.register(guest.conn.sock, EVENT_READ, partial(self._on_request_bytes, guest))

    def _on_request_bytes(self, guest: Guest, sock: PacedSocket) -> None:
        if guest not in self._waiting:
            return  # let go of since the poller saw it
        had_head, was_empty = guest.gate.has_head, guest.gate.is_empty
        try:
            data = sock.receive_now(guest.gate.wanted)
            if data is None:
                return
            guest.gate.feed(data)
        except OSError:
            data = b""
        except HeadTooLargeError:
            self._dismiss(guest, last_words.HEAD_TOO_LARGE)
            return
        if not data:
            self._forget(guest)
        elif guest.gate.is_ready:
            self._stop_waiting(guest)
            self._dispatch(guest)
        elif guest.gate.has_head and not had_head:
            guest.deadline = time.monotonic() + self.limits.small_body_seconds
        elif was_empty:
            guest.deadline = time.monotonic() + self.limits.head_seconds

    def _stop_waiting(self, guest: Guest) -> None:
        self._waiting.pop(guest, None)
        try:
            self.poller.unregister(guest.conn.sock)
        except (OSError, KeyError, ValueError):
            return  # not registered, or already closed

    def _dispatch(self, guest: Guest) -> None:
        lane = Lane.LONG if guest.gate.is_long else Lane.PAGE
        self._lanes.queue(guest, lane, time.monotonic() + self.limits.queue_seconds)
        self._start_queued()

    def _start_queued(self) -> None:
        for guest in self._lanes.admit():
            future = self.tpool.submit(self._serve, guest)
            future.add_done_callback(partial(self.method_queue.defer, self._on_served, guest))

    def _on_served(self, guest: Guest, future: "Future[bool]") -> None:
        self._lanes.leave(guest)
        self._start_queued()
        try:
            keeps_open = not future.cancelled() and future.exception() is None and future.result()
            if keeps_open:
                guest.conn.sock.begin(PaceLimits)
                guest.gate.feed(guest.conn.parser.unreader.take_buffered())
        except Exception:  # noqa: BLE001 - whatever one request did, the loop serves the others
            keeps_open = False
        if not keeps_open:
            self._farewell(guest)
        elif guest.gate.is_ready:
            self._dispatch(guest)
        else:
            self._await_request(guest, self.cfg.keepalive if guest.gate.is_empty else self.limits.head_seconds)

    # Leaving: a short goodbye, then the line closes, without anybody waiting for it.

    def _dismiss(self, guest: Guest, word: LastWord) -> None:
        self._stop_waiting(guest)
        guest.conn.sock.send_now(word.as_answer())
        self._farewell(guest)

    def _farewell(self, guest: Guest) -> None:
        sock = guest.conn.sock
        try:
            sock.stop_waiting()
            sock.shutdown(socket.SHUT_WR)
            self.poller.register(sock, EVENT_READ, partial(self._on_last_bytes, guest))
        except (OSError, KeyError, ValueError):
            self._forget(guest)
            return
        guest.deadline = time.monotonic() + _LINGER_SECONDS
        self._leaving[guest] = None

    def _on_last_bytes(self, guest: Guest, sock: PacedSocket) -> None:
        if guest not in self._leaving:
            return  # let go of since the poller saw it
        try:
            data = sock.receive_now(64 * 1024)
        except OSError:
            data = b""
        guest.lingered += len(data or b"")
        if data == b"" or guest.lingered > _LINGER_BYTES:
            self._forget(guest)

    def _forget(self, guest: Guest) -> None:
        self._stop_waiting(guest)
        self._leaving.pop(guest, None)
        guest.conn.close()
        self.nr_conns -= 1
        self._per_address[guest.address] -= 1
        if not self._per_address[guest.address]:
            del self._per_address[guest.address]

    def _make_room(self) -> None:
        for guests in (self._leaving, self._waiting):
            if guests:
                self._forget(min(guests, key=lambda guest: guest.deadline))
                return

    def murder_pending(self) -> None:
        """Let go of everybody whose time is over; the server calls this at least once a second."""
        super().murder_pending()
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_SECONDS
        for guest in [guest for guest in self._leaving if guest.deadline <= now]:
            self._forget(guest)
        for guest in [guest for guest in self._waiting if guest.deadline <= now or self._is_idle_at_the_end(guest)]:
            if guest.gate.is_empty:
                self._forget(guest)
            else:
                self._dismiss(guest, last_words.TOO_SLOW)
        for guest in self._lanes.overdue(now):
            self._dismiss(guest, last_words.TOO_BUSY)

    def _is_idle_at_the_end(self, guest: Guest) -> bool:
        return not self.alive and guest.gate.is_empty

    # A thread of the pool.

    def _on_wait(self, guest: Guest) -> PaceLimits:
        """Leave the page threads, for this request begins to wait for its client; say which pace it keeps."""
        is_crowded = self._lanes.move_to_long(guest)
        self.method_queue.defer(self._start_queued)
        return self.limits.crowded_pace if is_crowded else self.limits.pace

    def _serve(self, guest: Guest) -> bool:
        conn = guest.conn
        try:
            conn.sock.begin(partial(self._on_wait, guest))
            conn.init()
            conn.parser.unreader.unread(guest.gate.take())
        except OSError:
            return False
        return self.handle(conn) is True

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:  # noqa: ARG002 - the server's signature
        """Answer what the parser or the application could not, without repeating any of the request."""
        status = next((status for kind, status in _STATUS.items() if isinstance(exc, kind)), None)
        if status is None and isinstance(exc, errors.ParseException):
            status = HTTPStatus.BAD_REQUEST
        if status is None or isinstance(exc, errors.InvalidResponseHeader | errors.InvalidResponseHeaderName):
            # The kind alone: the text of an error may hold what somebody sent.
            self.log.error("a request failed: %s", type(exc).__name__)
            word = last_words.FAILED
        else:
            self.log.info("a request could not be read: %s", type(exc).__name__)
            word = last_words.unreadable(status)
        client.send_now(word.as_answer())


_STATUS: Final = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.LENGTH_REQUIRED,
}


def _closing_as_told(app: "WSGIApplication") -> "WSGIApplication":
    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        def begin(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
            if ("Connection", "close") in headers:
                start_response.__self__.force_close()  # type: ignore[attr-defined]  # the server's Response, tested at start
            return start_response(status, headers, exc_info)

        return app(environ, begin)

    return serve
