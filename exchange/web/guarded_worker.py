"""A gthread worker in which a slow client never holds a thread that pages need.

Promises: a connection gets a thread only when its request is here (`RequestGate`); a thread that begins to wait for a
client (a long upload, a download) leaves the page threads and another takes its place; the number of long requests is
bounded, and above it a client that stalls is cut off within about a second; heads, bodies and answers keep to a pace;
closing a line never waits. Everything that leans on the server's internals is in this file, and
`missing_internals` says at start whether they are as expected.
"""

import errno
import inspect
import time
from collections import Counter, OrderedDict, deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from selectors import EVENT_READ
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Final

from gunicorn import __version__ as server_version
from gunicorn.http import errors
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import Unreader
from gunicorn.http.wsgi import Response
from gunicorn.workers.gthread import TConn, ThreadWorker

from exchange.web.edge import Refusal, plain_headers, plain_page
from exchange.web.pace import PaceLimits
from exchange.web.paced_socket import PacedSocket
from exchange.web.request_gate import HeadTooLargeError, RequestGate

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

_LINGER_BYTES: Final = 4 * 1024 * 1024
_LINGER_SECONDS: Final = 2.0
_ACCEPT_AT_ONCE: Final = 64
_LOOK_SECONDS: Final = 0.25


@dataclass(frozen=True)
class GuardLimits:
    """Bounds of one worker process (seconds, counts)."""

    head_seconds: float = 10.0
    small_body_seconds: float = 30.0
    queue_seconds: float = 15.0
    long_requests: int = 64
    connections_per_address: int = 200
    pace: PaceLimits = PaceLimits()
    crowded_pace: PaceLimits = PaceLimits(idle_seconds=1.0, grace_seconds=1.0, bytes_per_second=256 * 1024)


@dataclass(eq=False)
class Guest:
    """One connection, and what it is waiting for."""

    conn: Any
    address: str
    gate: RequestGate
    deadline: float
    lane: "Lane | None" = None
    lingered: int = 0


class Lane:
    """A bound on how many requests run at once, with a queue in front."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.running = 0
        self.queue: deque[Guest] = deque()


class GuardedWorker(ThreadWorker):  # type: ignore[misc]  # the server is published without types
    """The worker class for gunicorn's `worker_class`."""

    limits: ClassVar[GuardLimits] = GuardLimits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lanes_lock = Lock()
        self._pages = Lane(self.cfg.threads)
        self._long = Lane(self.limits.long_requests)
        self._waiting: OrderedDict[Guest, None] = OrderedDict()
        self._leaving: OrderedDict[Guest, None] = OrderedDict()
        self._per_address: Counter[str] = Counter()
        self._next_look = 0.0

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Threads for every connection that may wait; they are made only as needed, the lanes are the bound."""
        return ThreadPoolExecutor(max_workers=self.cfg.threads + self.cfg.worker_connections)

    def load_wsgi(self) -> None:
        """Load the application, and close the line where its answer says so."""
        super().load_wsgi()
        self.wsgi = _closing_as_told(self.wsgi)

    # The main loop: nothing below may wait, and nothing may raise.

    def accept(self, listener: Any) -> None:
        """Take new connections, and let each wait for its request."""
        for _ in range(_ACCEPT_AT_ONCE):
            if self.nr_conns >= self.worker_connections and not self._make_room():
                return
            try:
                accepted, client = listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    self._make_room()
                return
            self._welcome(accepted, client, listener)

    def _welcome(self, accepted: "socket.socket", client: Any, listener: Any) -> None:
        sock = PacedSocket.adopt(accepted)
        address = client[0] if isinstance(client, tuple) else ""
        if self._per_address[address] >= self.limits.connections_per_address and not self._is_proxy(address):
            sock.send_now(answer(*_TOO_MANY))
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
        had_head, was_empty = guest.gate.has_head, guest.gate.is_empty
        try:
            data = sock.receive_now(guest.gate.wanted)
            if data is None:
                return
            guest.gate.feed(data)
        except OSError:
            data = b""
        except HeadTooLargeError:
            self._dismiss(guest, _HEAD_TOO_LARGE)
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
        lane = self._long if guest.gate.is_long else self._pages
        guest.deadline = time.monotonic() + self.limits.queue_seconds
        lane.queue.append(guest)
        self._start_queued()

    def _start_queued(self) -> None:
        for lane in (self._pages, self._long):
            while lane.queue and self._enter(lane):
                guest = lane.queue.popleft()
                guest.lane = lane
                future = self.tpool.submit(self._serve, guest)
                future.add_done_callback(partial(self.method_queue.defer, self._on_served, guest))

    def _on_served(self, guest: Guest, future: "Future[bool]") -> None:
        self._leave_lane(guest)
        self._start_queued()
        try:
            keeps_open = not future.cancelled() and future.result()
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

    def _dismiss(self, guest: Guest, farewell: tuple[HTTPStatus, str, str]) -> None:
        self._stop_waiting(guest)
        guest.conn.sock.send_now(answer(*farewell))
        self._farewell(guest)

    def _farewell(self, guest: Guest) -> None:
        sock = guest.conn.sock
        try:
            sock.setblocking(False)
            sock.shutdown(1)
            self.poller.register(sock, EVENT_READ, partial(self._on_last_bytes, guest))
        except (OSError, KeyError, ValueError):
            self._forget(guest)
            return
        guest.deadline = time.monotonic() + _LINGER_SECONDS
        self._leaving[guest] = None

    def _on_last_bytes(self, guest: Guest, sock: PacedSocket) -> None:
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

    def _make_room(self) -> bool:
        for guests in (self._leaving, self._waiting):
            if guests:
                self._forget(min(guests, key=lambda guest: guest.deadline))
                return True
        return False

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
                self._dismiss(guest, _TOO_SLOW)
        for lane in (self._pages, self._long):
            while lane.queue and lane.queue[0].deadline <= now:
                self._dismiss(lane.queue.popleft(), _TOO_BUSY)

    def _is_idle_at_the_end(self, guest: Guest) -> bool:
        return not self.alive and guest.gate.is_empty

    # Lanes: entered from the main loop, left from any thread.

    def _enter(self, lane: Lane) -> bool:
        with self._lanes_lock:
            if lane.running >= lane.size:
                return False
            lane.running += 1
            return True

    def _leave_lane(self, guest: Guest) -> None:
        with self._lanes_lock:
            if guest.lane:
                guest.lane.running -= 1
                guest.lane = None

    def _on_wait(self, guest: Guest) -> PaceLimits:
        """Move a request that begins to wait for its client out of the page threads; say which pace it keeps."""
        with self._lanes_lock:
            if guest.lane is self._long:
                return self.limits.pace
            is_crowded = self._long.running >= self._long.size
            self._pages.running -= 1
            self._long.running += 1
            guest.lane = self._long
        self.method_queue.defer(self._start_queued)
        return self.limits.crowded_pace if is_crowded else self.limits.pace

    # A thread of the pool.

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
        if isinstance(exc, (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)) or status is None:
            self.log.error("a request failed: %s", type(exc).__name__, exc_info=exc)
            farewell = _FAILED
        else:
            self.log.info("a request could not be read: %s", type(exc).__name__)
            farewell = (status, "The request could not be read", "Nothing was received. Use the service's own pages.")
        client.send_now(answer(*farewell))


_TOO_MANY: Final = (
    HTTPStatus.TOO_MANY_REQUESTS,
    "Too many connections",
    "Your network has too many connections to the service open. Nothing was received. Wait a minute and try again.",
)
_HEAD_TOO_LARGE: Final = (
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "The request could not be read",
    "It is longer than any page of this service sends. Nothing was received.",
)
_TOO_SLOW: Final = (
    HTTPStatus.REQUEST_TIMEOUT,
    "The request was too slow",
    "It did not arrive in time. Nothing was received. Check your connection and try again.",
)
_TOO_BUSY: Final = (
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The service is busy",
    "It cannot take this at the moment. Nothing was received. Wait a minute and try again.",
)
_FAILED: Final = (
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "Something went wrong",
    "The service could not answer. What has a receipt is safe; send anything else again later.",
)
_STATUS: Final = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.LENGTH_REQUIRED,
}


def answer(status: HTTPStatus, title: str, text: str) -> bytes:
    """Make a whole HTTP/1.1 answer with a plain page, after which the line closes."""
    page = plain_page(title, text)
    head = "".join(f"{name}: {value}\r\n" for name, value in plain_headers(status, len(page)))
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{head}\r\n".encode("ascii") + page


def _closing_as_told(
    app: "Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]",
) -> "Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]":
    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        def begin(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
            if ("Connection", "close") in headers:
                start_response.__self__.force_close()  # type: ignore[attr-defined]  # the server's Response, tested at start
            return start_response(status, headers, exc_info)

        return app(environ, begin)

    return serve


_EXPECTED: Final[tuple[tuple[object, tuple[str, ...]], ...]] = (
    (ThreadWorker.accept, ("self", "listener")),
    (ThreadWorker.handle, ("self", "conn")),
    (ThreadWorker.handle_error, ("self", "req", "client", "addr", "exc")),
    (ThreadWorker.get_thread_pool, ("self",)),
    (ThreadWorker.load_wsgi, ("self",)),
    (ThreadWorker.murder_pending, ("self",)),
    (TConn.__init__, ("self", "cfg", "sock", "client", "server")),
    (TConn.init, ("self",)),
    (Unreader.unread, ("self", "data")),
    (Unreader.take_buffered, ("self",)),
    (Response.force_close, ("self",)),
    (RequestParser.finish_body, ("self", "deadline", "max_bytes")),
)
