"""Whether the installed gunicorn has the internals that `guarded_worker` leans on, looked at and tried at start."""

import inspect
import socket
import time
from typing import Final

from gunicorn import __version__ as server_version
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import Unreader
from gunicorn.http.wsgi import Response
from gunicorn.workers.gthread import TConn, ThreadWorker

from exchange.web.paced_socket import PacedSocket

_SERVER_VERSION: Final = 27  # earlier ones read bodies in small pieces and leave bytes in their buffers
_EXPECTED: Final[tuple[tuple[type, str, tuple[str, ...]], ...]] = (
    (ThreadWorker, "accept", ("self", "listener")),
    (ThreadWorker, "handle", ("self", "conn")),
    (ThreadWorker, "handle_error", ("self", "req", "client", "addr", "exc")),
    (ThreadWorker, "get_thread_pool", ("self",)),
    (ThreadWorker, "load_wsgi", ("self",)),
    (ThreadWorker, "murder_pending", ("self",)),
    (TConn, "__init__", ("self", "cfg", "sock", "client", "server")),
    (TConn, "init", ("self",)),
    (Unreader, "unread", ("self", "data")),
    (Unreader, "take_buffered", ("self",)),
    (Response, "force_close", ("self",)),
    (RequestParser, "finish_body", ("self", "deadline", "max_bytes")),
)


def missing_internals() -> tuple[str, ...]:
    """Name what differs in the installed server from what this worker leans on; empty when it can be used."""
    missing = [f"{owner.__name__}.{name}" for owner, name, parameters in _EXPECTED if not _has(owner, name, parameters)]
    if int(server_version.partition(".")[0]) < _SERVER_VERSION:
        missing.append(f"gunicorn {_SERVER_VERSION}")
    return tuple(missing) or _failed_trial()


def _has(owner: type, name: str, parameters: tuple[str, ...]) -> bool:
    function = getattr(owner, name, None)
    return callable(function) and tuple(inspect.signature(function).parameters) == parameters


def _failed_trial() -> tuple[str, ...]:
    """Hand one request and the beginning of the next to the server's parser, as the worker does."""
    near, far = socket.socketpair()
    far.close()  # a parser that does not see the given bytes ends at once, instead of waiting for others
    conn = TConn(Config(), PacedSocket.adopt(near), ("127.0.0.1", 1), ("127.0.0.1", 2))
    try:
        conn.init()
        conn.parser.unreader.unread(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /")
        request = next(conn.parser)
        is_kept = conn.parser.finish_body(deadline=time.monotonic() + 1)
        rest = conn.parser.unreader.take_buffered()
    except Exception as error:  # noqa: BLE001 - whatever the trial meets, the plain worker serves instead
        return (f"a trial request: {type(error).__name__}",)
    finally:
        conn.close()
    return () if (request.method, is_kept, rest) == ("GET", True, b"GET /") else ("a trial request",)
