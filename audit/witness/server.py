"""The witness on HTTP/1.1: POST /add-checkpoint and nothing else, for clients that may be slow, many or hostile.

Every wait has an end, every body and head a largest size, and there are never more threads than MOST_CONNECTIONS. What
goes wrong inside is one journal line and a plain sentence to the client. Journal lines hold neither bodies nor keys.
"""

import io
import socket
import socketserver
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from audit.witness.answer import Witness
from audit.witness.errors import RequestRefusedError
from audit.witness.request import MAX_REQUEST_BYTES

PATH: Final = "/add-checkpoint"
SIZE_TYPE: Final = "text/x.tlog.size"
TEXT_TYPE: Final = "text/plain; charset=utf-8"
MOST_CONNECTIONS: Final = 64
MAX_HEAD_BYTES: Final = 16 * 1024
REQUEST_SECONDS: Final = 10.0
"""From the first byte of a request to its last, and again for the answer to be taken."""

IDLE_SECONDS: Final = 15.0

_BUSY: Final = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness at `address`; `journal` takes one line an answer.

    Ending it waits for no request: one that is cut off before its answer is asked again, and answered then.
    """

    daemon_threads = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(
        self,
        address: tuple[str, int],
        witness: Witness,
        journal: Callable[[str], None],
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.witness = witness
        self.journal = journal
        self.request_seconds = request_seconds
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(address, WitnessRequestHandler)

    def server_bind(self) -> None:
        """Bind without asking the name service who we are, which the standard server does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection a thread, or turn it away when all are taken."""
        if not self._free.acquire(blocking=False):
            request.setblocking(False)  # noqa: FBT003  # the socket's own signature
            try:
                request.send(_BUSY)
            except OSError:
                self.journal("turned away, and gone")
            self.journal(f"503 {client_address[0]}: {MOST_CONNECTIONS} connections are open")
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, and give its place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, _request: Any, client_address: Any) -> None:
        """A connection that broke: one line, no trace."""
        self.journal(f"{client_address[0]}: the connection broke off")


class WitnessRequestHandler(BaseHTTPRequestHandler):
    """One connection, request after request."""

    protocol_version = "HTTP/1.1"
    server: WitnessServer

    def setup(self) -> None:
        """Read through the bounds; write with an end to waiting."""
        super().setup()
        self.rfile.close()
        self._bounds = _BoundedReader(self.connection, self.server.request_seconds)
        self.rfile = io.BufferedReader(self._bounds)

    def handle_one_request(self) -> None:
        """Serve one request within its bounds; afterwards the connection may bring another."""
        self._bounds.begin()
        self._about = ""
        super().handle_one_request()

    def do_POST(self) -> None:
        """Answer add-checkpoint."""
        if self.path != PATH:
            self._tell(HTTPStatus.NOT_FOUND, f"There is nothing here but {PATH}.", keep=False)
            return
        body = self._body()
        if body is None:
            return
        try:
            cosigned = self.server.witness.add_checkpoint(body)
        except RequestRefusedError as refused:
            self._refuse(refused)
        except sqlite3.Error as error:
            self.server.journal(f"The state cannot be written: {error}. Nothing was cosigned.")
            self._tell(HTTPStatus.SERVICE_UNAVAILABLE, "The witness cannot write its state now. Nothing was cosigned.")
        except Exception as error:  # noqa: BLE001  # whatever it is, the client gets a sentence and the server lives on
            self.server.journal(f"Failed with {type(error).__name__}. Nothing was cosigned.")
            self._tell(HTTPStatus.INTERNAL_SERVER_ERROR, "The witness failed. Nothing was cosigned.", keep=False)
        else:
            self._about = f"cosigned {cosigned.size} after {cosigned.old_size} of {cosigned.origin}"
            self._answer(HTTPStatus.OK, TEXT_TYPE, cosigned.line.encode())

    def do_GET(self) -> None:
        """Nothing is read here."""
        if self.path == PATH:
            self._tell(HTTPStatus.METHOD_NOT_ALLOWED, "Checkpoints are sent with POST.", keep=False)
        else:
            self._tell(HTTPStatus.NOT_FOUND, f"There is nothing here but {PATH}.", keep=False)

    do_HEAD = do_GET  # noqa: N815  # the standard server's name for it

    def version_string(self) -> str:
        """What the Server header says: no version of anything."""
        return "witness"

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Refuse what the standard server could not read, repeating nothing of it."""
        status = HTTPStatus(code)
        if self.request_version == "HTTP/0.9":  # which has no headers; the standard server would send none
            self.request_version = self.protocol_version
        self._tell(status, f"{status.phrase}.", keep=False)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the standard server's name for it
        """One journal line, from which nothing that a client sent can start another."""
        self.server.journal(f"{self.client_address[0]} " + ascii(format % args)[1:-1])

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002
        """Method, status and what was decided; not the path, where anything may stand."""
        command = self.command if self.command in ("GET", "HEAD", "POST") else "other"
        self.log_message("%s %s %s", command, int(code), self._about)

    def _body(self) -> bytes | None:
        """The whole body; None when it was refused. Raises OSError when the client is too slow or gone."""
        lengths = self.headers.get_all("Content-Length", [])
        if self.headers.get_all("Transfer-Encoding") or not lengths:
            self._tell(HTTPStatus.LENGTH_REQUIRED, "Say the length of the body with Content-Length.", keep=False)
            return None
        if len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            self._tell(HTTPStatus.BAD_REQUEST, "There is one Content-Length, and it is a number.", keep=False)
            return None
        length = lengths[0].lstrip("0") or "0"
        if len(length) > len(str(MAX_REQUEST_BYTES)) or int(length) > MAX_REQUEST_BYTES:
            words = f"A request has at most {MAX_REQUEST_BYTES} bytes."
            self._tell(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words, keep=False)
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionError("The client hung up in the middle of its request.")
        return body

    def _refuse(self, refused: RequestRefusedError) -> None:
        self._about = f"refused {refused.origin or 'a request'}: {refused}"
        if refused.size is None:
            self._tell(refused.status, str(refused))
        else:
            self._answer(refused.status, SIZE_TYPE, f"{refused.size}\n".encode())

    def _tell(self, status: HTTPStatus, words: str, *, keep: bool = True) -> None:
        """Say a sentence; with `keep` false the rest of what was sent may not be a request, so close."""
        self.close_connection = self.close_connection or not keep
        self._answer(status, TEXT_TYPE, words.encode() + b"\n")
        if not keep:
            self._let_go()

    def _let_go(self) -> None:
        """Take in what is still under way, within the bounds, or the client would never see the answer."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while self.rfile.read(4096):
                pass

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if self.close_connection:
            self.send_header("Connection", "close")
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "POST")
        self.connection.settimeout(self.server.request_seconds)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class _BoundedReader(io.RawIOBase):
    """Reads a socket, and gives up on a client that is idle, slow as a whole, or says too much in one request."""

    def __init__(self, connection: socket.socket, request_seconds: float) -> None:
        self._connection = connection
        self._request_seconds = request_seconds
        self.begin()

    def begin(self) -> None:
        """Wait for another request."""
        self._until = time.monotonic() + IDLE_SECONDS
        self._started = False
        self._left = MAX_HEAD_BYTES + MAX_REQUEST_BYTES

    def readable(self) -> bool:
        """Say that it can be read, as the protocol of raw streams asks."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Bytes as they come. Raises TimeoutError when the time of the request is over, or its bytes are too many."""
        remaining = self._until - time.monotonic()
        if remaining <= 0 or self._left <= 0:
            raise TimeoutError("The request took too long, or too many bytes.")
        self._connection.settimeout(remaining)
        count = self._connection.recv_into(buffer, min(len(buffer), self._left))
        self._left -= count
        if not self._started:
            self._started = True
            self._until = time.monotonic() + self._request_seconds
        return count
