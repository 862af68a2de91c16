"""Receivers of syslog on this machine's own loopback: UDP, TCP and TLS, that keep what they are sent."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PATIENCE = 30
MESSAGE = re.compile(
    rb"<(?P<pri>[0-9]{1,3})>1 (?P<time>[0-9-]{10}T[0-9:.]{15}Z) (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) - "
    rb"(?P<msgid>[!-~]{1,32}) (?P<data>\[entry@[0-9]+(?: [A-Za-z_]+=\"(?:[^\"\\\]]|\\[\"\\\]])*\")+\]) (?P<msg>\{.*\})",
    re.DOTALL,
)


@dataclass
class Listener:
    """A receiver: what it has heard, as whole messages."""

    url: str
    lines: list[bytearray] = field(default_factory=list)  # what came on each connection
    datagrams: list[bytes] = field(default_factory=list)
    hang_up_after: int = -1  # bytes of the next connection after which it hangs up
    changed: threading.Condition = field(default_factory=threading.Condition)

    def frames(self) -> list[bytes]:
        """The messages of every connection by octet counting; half a frame at the end of one is left out."""
        return [*self.datagrams, *(frame for line in self.lines for frame in frames_in(bytes(line)))]

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """The records of the messages, once there are as many."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.frames()) >= count, PATIENCE), len(self.frames())
            return [record_in(frame) for frame in self.frames()]

    def add(self, data: bytes) -> None:
        with self.changed:
            self.lines[-1] += data
            self.changed.notify_all()

    def add_datagram(self, data: bytes) -> None:
        with self.changed:
            self.datagrams.append(data)
            self.changed.notify_all()


def frames_in(heard: bytes) -> Iterator[bytes]:
    """The whole frames at the beginning of what was heard."""
    while match := re.match(rb"([1-9][0-9]*) ", heard):
        start, stop = match.end(), match.end() + int(match[1])
        if len(heard) < stop:
            return
        yield heard[start:stop]
        heard = heard[stop:]


def record_in(message: bytes) -> dict[str, Any]:
    """The record in one RFC 5424 message, which must be one."""
    match = MESSAGE.fullmatch(message)
    assert match, message
    record: dict[str, Any] = json.loads(match["msg"])
    assert int(match["pri"]) == 13 * 8 + record["severity"]
    return record


@contextmanager
def tcp_listener(context: ssl.SSLContext | None = None) -> Iterator[Listener]:
    """A receiver over TCP, or inside TLS when it has a context; it takes one connection after another."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    listener = Listener(f"syslog+{'tls' if context else 'tcp'}://127.0.0.1:{port}")

    def serve() -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            with suppress(OSError), line:
                listener.lines.append(bytearray())
                _hear(listener, context.wrap_socket(line, server_side=True) if context else line)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def _hear(listener: Listener, line: socket.socket) -> None:
    left, listener.hang_up_after = listener.hang_up_after, -1
    while left != 0 and (data := line.recv(min(65536, left) if left > 0 else 65536)):
        listener.add(data)
        left -= len(data) if left > 0 else 0
    line.close()


@contextmanager
def udp_listener() -> Iterator[Listener]:
    """A receiver of datagrams."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 2**20)
    server.settimeout(0.1)
    listener, stop = Listener(f"syslog+udp://127.0.0.1:{server.getsockname()[1]}"), threading.Event()

    def serve() -> None:
        while not stop.is_set():
            with suppress(TimeoutError):
                listener.add_datagram(server.recv(65535))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        stop.set()
        thread.join(PATIENCE)
        server.close()


def make_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that is its own authority: its file, and the context of a server that has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example receiver")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authorities, private = folder / "authorities.pem", folder / "receiver.key"
    authorities.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authorities, private)
    return authorities, context
