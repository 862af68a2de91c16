"""The service under its own gunicorn configuration on a loopback port, and requests sent to it byte by byte."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings
from tests.resilience.killing import BOUNDARY, ROOT, Visit

HOST = "127.0.0.1:8000"  # the service's public address; where it listens is its proxy's business
PATIENCE = 60
CONFIGURATION = """
from config.settings import load_settings
from exchange.web.gunicorn_conf import server_settings

globals().update(server_settings(load_settings()))
bind = ["fd://{fd}"]
"""


@dataclass(frozen=True)
class Answer:
    """What came back: a status (0: nothing), the header block and the page."""

    status: int
    head: str
    page: str

    @classmethod
    def parse(cls, raw: bytes) -> Answer:
        head, _, page = raw.decode("utf-8", "replace").partition("\r\n\r\n")
        return cls(int(head.split()[1]) if head else 0, head, page)


@dataclass(frozen=True)
class Live:
    """A running server: its port, its process, its journal and its temporary folder."""

    port: int
    process: subprocess.Popen[bytes]
    journal: Path
    temporary: Path

    @contextmanager
    def post(
        self, visit: Visit, path: str, length: int | str, *more: str, boundary: str = BOUNDARY
    ) -> Iterator[Sending]:
        """Begin a form; its body is sent by the caller."""
        lines = [
            f"POST {path} HTTP/1.1",
            f"Host: {HOST}",
            f"Cookie: {visit.cookie}",
            f"Content-Type: multipart/form-data; boundary={boundary}",
            f"Content-Length: {length}",
            "Connection: close",
            *more,
        ]
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as sock:
            sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
            yield Sending(sock)

    def send(
        self, visit: Visit, path: str, body: bytes, *more: str, length: int | str = "", boundary: str = BOUNDARY
    ) -> Answer:
        """Send a whole form, under another length or boundary where they are named, and hear the answer."""
        with self.post(visit, path, length if length != "" else len(body), *more, boundary=boundary) as sending:
            sending.write(body)
            return sending.answer()

    def processes(self) -> list[int]:
        """The server's process and all that descend from it."""
        found = [self.process.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in task.read_text().split()]
        return found


class Sending:
    """The client's side of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def write(self, data: bytes) -> None:
        """Send; a server that has answered and closed takes no more, which is no error here."""
        try:
            self._sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def end(self) -> None:
        """Send nothing more, and still listen."""
        self._sock.shutdown(socket.SHUT_WR)

    def answer(self) -> Answer:
        """Everything that comes back."""
        pieces = []
        try:
            while piece := self._sock.recv(1 << 16):
                pieces.append(piece)
        except ConnectionResetError:
            pass  # what was read before is the answer
        return Answer.parse(b"".join(pieces))


@contextmanager
def serving(settings: Settings, folder: Path) -> Iterator[Live]:
    """Start the service; its journal and temporary folder are below `folder`."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    temporary, journal, conf = folder / "temporary", folder / "journal.log", folder / "conf.py"
    temporary.mkdir()
    conf.write_text(CONFIGURATION.format(fd=listener.fileno()))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EXCHANGE_")} | {
        "EXCHANGE_EXAMPLE": "1",
        "EXCHANGE_DATA_FOLDER": str(settings.data_folder),
        "EXCHANGE_DATABASE_URL": settings.database_url,
        "EXCHANGE_PUBLIC_URL": settings.public_url,
        "EXCHANGE_MAX_FILE_BYTES": str(settings.max_file_bytes),
        "TMPDIR": str(temporary),
    }
    with journal.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", str(conf), "wsgi:app"],
            cwd=ROOT,
            env=environ,
            stdout=out,
            stderr=out,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
    port = listener.getsockname()[1]
    listener.close()
    try:
        yield Live(port, process, journal, temporary)
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(PATIENCE)


def wait_until(holds: Callable[[], bool]) -> None:
    """Look again and again until it holds; another process is on its way there, and a test cannot hear it arrive."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        os.sched_yield()
