"""Where the feed goes: standard output, or a syslog receiver over UDP, TCP or TLS.

Promises: every wait ends at a moment that the caller sets; `send` over TCP or TLS returns when the receiver's side has
acknowledged the bytes, where the system can tell (Linux); whatever goes wrong is one ReceiverError.
"""

from __future__ import annotations

import array
import fcntl
import select
import socket
import ssl
import sys
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Protocol
from urllib.parse import urlsplit

from config.setting_types import RECEIVER_PORTS
from exchange.errors import ExchangeError, InvalidError
from exchange.exports.siem import Record, json_line
from exchange.exports.syslog import counted, datagram, message_of

STANDARD_OUTPUT: Final = "-"
LOOK_SECONDS: Final = 0.02


class ReceiverError(ExchangeError):
    """The receiver could not be reached, or did not take what was sent."""


class Receiver(Protocol):
    """A place that takes records."""

    name: str

    def send(self, records: Sequence[Record], until: float) -> None:
        """Hand records over by `until` (monotonic seconds). Raises ReceiverError; some may then have arrived."""

    def close(self) -> None:
        """Let go of the line."""


@dataclass(frozen=True)
class Sender:
    """What stands in every message: the host that sends it, and whose numbers the structured data is named by."""

    host: str
    enterprise: int


class LinesOut:
    """JSON lines to standard output."""

    def __init__(self, out: IO[bytes] | None = None) -> None:
        self.name = STANDARD_OUTPUT
        self._out = out or sys.stdout.buffer

    def send(self, records: Sequence[Record], until: float) -> None:  # noqa: ARG002  a pipe is read or it is not
        """Write and flush. Raises BrokenPipeError when nobody reads any more."""
        self._out.write(b"".join(json_line(record) + b"\n" for record in records))
        self._out.flush()

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class SyslogUdp:
    """Syslog in datagrams (RFC 5426): nothing tells whether one arrived, so a gap shows in the indexes only."""

    name: str
    host: str
    port: int
    sender: Sender

    def send(self, records: Sequence[Record], until: float) -> None:
        """Send one datagram a record."""
        try:
            family, _, _, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)[0]
            with socket.socket(family, socket.SOCK_DGRAM) as line:
                line.settimeout(_left(until))
                line.connect(address)
                for record in records:
                    line.send(datagram(record, self.sender.host, self.sender.enterprise))
        except OSError as error:
            raise _failed(self.name, error) from error

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class SyslogStream:
    """Syslog over one TCP connection (RFC 6587, octet counting), or inside TLS (RFC 5425), kept open between sends."""

    name: str
    host: str
    port: int
    sender: Sender
    context: ssl.SSLContext | None = None
    _line: socket.socket | None = field(default=None, init=False)

    def send(self, records: Sequence[Record], until: float) -> None:
        """Send the records and wait until the other side has acknowledged them."""
        try:
            line = self._open(until)
            frames = [counted(message_of(record, self.sender.host, self.sender.enterprise)) for record in records]
            line.settimeout(_left(until))
            line.sendall(b"".join(frames))
            _settle(line, until)
        except OSError as error:
            self.close()
            raise _failed(self.name, error) from error
        except BaseException:
            self.close()  # half a frame may be on the line: the next one begins anew
            raise

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _open(self, until: float) -> socket.socket:
        if self._line is not None:
            try:
                _verify_open(self._line)
            except OSError:
                self.close()  # the receiver hung up while nothing was sent
        if self._line is None:
            plain = socket.create_connection((self.host, self.port), timeout=_left(until))
            self._line = plain
            if self.context is not None:
                self._line = self.context.wrap_socket(plain, server_hostname=self.host)
        return self._line


def open_receiver(url: str, sender: Sender, authorities: Path | None = None) -> Receiver:
    """The receiver that an address names: `-`, or syslog+udp, syslog+tcp or syslog+tls://HOST[:PORT].

    Raises:
        InvalidError: the address is none of these.
        ReceiverError: the file of certificate authorities cannot be read.
    """
    if url == STANDARD_OUTPUT:
        return LinesOut()
    parts = urlsplit(url)
    try:
        port = parts.port or RECEIVER_PORTS[parts.scheme]
        host = parts.hostname or ""
    except (KeyError, ValueError):
        host, port = "", 0
    if not host:
        raise InvalidError(
            f"“{url}” is no receiver. Nothing was sent. Write - for standard output, or syslog+tls://HOST:PORT, "
            "syslog+tcp://HOST:PORT or syslog+udp://HOST:PORT."
        )
    if parts.scheme == "syslog+udp":
        return SyslogUdp(url, host, port, sender)
    context = _context(authorities) if parts.scheme == "syslog+tls" else None
    return SyslogStream(url, host, port, sender, context)


def _context(authorities: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=None if authorities is None else str(authorities))
    except OSError as error:
        raise ReceiverError(
            f"The certificate authorities in {authorities} cannot be read. Nothing was sent and nothing is lost."
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _settle(line: socket.socket, until: float) -> None:
    """Wait until the receiver's side has acknowledged every byte; raise OSError when it hangs up or time is up."""
    while True:
        _verify_open(line)
        if not _unacknowledged(line):
            return
        select.select([line], [], [], min(LOOK_SECONDS, _left(until)))


def _verify_open(line: socket.socket) -> None:
    """Read away what the receiver says; raise ConnectionError when it has hung up."""
    line.settimeout(0)
    try:
        while True:
            if not line.recv(4096):
                raise ConnectionResetError("the receiver hung up")
    except (BlockingIOError, ssl.SSLWantReadError):
        return


def _unacknowledged(line: socket.socket) -> int:
    """Bytes that the other side has not acknowledged yet (SIOCOUTQ of Linux); 0 where the system cannot tell."""
    count = array.array("i", [0])
    try:
        fcntl.ioctl(line.fileno(), termios.TIOCOUTQ, count)
    except OSError:
        return 0
    return count[0]


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the receiver is too slow")
    return left


def _failed(name: str, error: OSError) -> ReceiverError:
    why = error.strerror or str(error) or type(error).__name__
    return ReceiverError(
        f"The receiver {name} did not take the entries: {why}. Nothing is lost: they are in the log and are sent again."
    )
