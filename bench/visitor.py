"""A visitor who speaks HTTP over one socket for each act, cheaply enough that mostly the server is measured."""

from __future__ import annotations

import os
import re
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

TIMEOUT_SECONDS = 300
_BUFFER_BYTES = 1 << 20
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class UnexpectedAnswerError(Exception):
    """The server answered something else than this act expects; nothing measured before it counts."""


@dataclass(frozen=True)
class Answer:
    """Status, headers by lower-case name (the last of a name), and the body unless it was thrown away."""

    status: int
    headers: dict[str, str]
    body: bytes
    length: int

    def require(self, status: int) -> Answer:
        """Give itself back. Raises UnexpectedAnswerError for another status."""
        if self.status != status:
            raise UnexpectedAnswerError(f"The server answered {self.status}, not {status}: {self.body[:1500]!r}")
        return self

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def token(self) -> str:
        """The token of the page's form."""
        found = _TOKEN.search(self.text)
        if found is None:
            raise UnexpectedAnswerError("The page has no form with a token.")
        return found[1]


@dataclass(frozen=True)
class Payload:
    """A file to upload: a head of its own, so that no two are the same, and the rest from a file on disk."""

    path: Path
    size: int
    file_name: str = "measured.pdf"

    def head(self) -> bytes:
        """The first bytes, which make it a PDF by content."""
        return b"%PDF-1.7\n%" + secrets.token_hex(16).encode() + b"\n"


@dataclass
class Visitor:
    """One person at one server, with their cookies."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Answer:
        """Ask for a page."""
        with self._connection() as line:
            line.sendall(self._head("GET", path))
            return self._answer(line)

    def send(self, path: str, fields: dict[str, str]) -> Answer:
        """Send a small form."""
        body = urlencode(fields).encode()
        with self._connection() as line:
            kind = "application/x-www-form-urlencoded"
            line.sendall(self._head("POST", path, f"Content-Type: {kind}", f"Content-Length: {len(body)}") + body)
            return self._answer(line)

    def upload(self, path: str, fields: dict[str, str], payload: Payload) -> Answer:
        """Send a form with one file, as a browser does; the file goes from the page cache to the socket by sendfile."""
        boundary = "----bench" + secrets.token_hex(12)
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{payload.file_name}"\r\n'
            "Content-Type: application/pdf\r\n\r\n"
        )
        opening = "".join(parts).encode() + payload.head()
        rest = payload.size - len(payload.head())
        closing = f"\r\n--{boundary}--\r\n".encode()
        length = len(opening) + rest + len(closing)
        kind = f"multipart/form-data; boundary={boundary}"
        with self._connection() as line, payload.path.open("rb") as source:
            line.sendall(self._head("POST", path, f"Content-Type: {kind}", f"Content-Length: {length}") + opening)
            _send_file(line, source.fileno(), rest)
            line.sendall(closing)
            return self._answer(line)

    def download(self, path: str) -> Answer:
        """Ask for a file and throw its bytes away; `length` says how many came."""
        with self._connection() as line:
            line.sendall(self._head("GET", path))
            return self._answer(line, keep=False)

    def _connection(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_SECONDS)

    def _head(self, method: str, path: str, *more: str) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close", *more]
        if self.cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        return "\r\n".join([*lines, "", ""]).encode()

    def _answer(self, line: socket.socket, *, keep: bool = True) -> Answer:
        received = bytearray()
        while b"\r\n\r\n" not in received:
            data = line.recv(65536)
            if not data:
                raise UnexpectedAnswerError("The server closed the line without an answer.")
            received += data
        head, _, start = bytes(received).partition(b"\r\n\r\n")
        status_line, *header_lines = head.decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for text in header_lines:
            name, _, value = text.partition(": ")
            headers[name.lower()] = value
            if name.lower() == "set-cookie":
                cookie, _, setting = value.partition(";")[0].partition("=")
                self.cookies[cookie] = setting
        body, length = _read_body(line, start, keep=keep)
        return Answer(int(status_line.split()[1]), headers, body, length)


def _send_file(line: socket.socket, source: int, count: int) -> None:
    line.settimeout(None)  # a socket with a timeout does not block by itself, which sendfile needs
    offset = 0
    while offset < count:
        offset += os.sendfile(line.fileno(), source, offset, count - offset)


def _read_body(line: socket.socket, start: bytes, *, keep: bool) -> tuple[bytes, int]:
    """Read to the end of the connection, for every request here asks the server to close it."""
    body, length = bytearray(start), len(start)
    buffer = bytearray(_BUFFER_BYTES)
    while count := line.recv_into(buffer):
        length += count
        if keep:
            body += memoryview(buffer)[:count]
    return bytes(body), length
