"""A real gunicorn on a loopback port, with the small application of this folder."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CONFIGURATION = """
from types import SimpleNamespace
from exchange.web import guarded_worker
from exchange.web.gunicorn_conf import server_settings
from exchange.web.guarded_worker import GuardLimits
from exchange.web.pace import PaceLimits

class Worker(guarded_worker.GuardedWorker):
    limits = GuardLimits({limits})

globals().update(server_settings(SimpleNamespace(
    bind="fd://{fd}", web_processes={processes}, web_threads={threads}, trusted_proxy="127.0.0.77")))
worker_class = {worker}
{more}
"""


@dataclass(frozen=True)
class Server:
    """Where a running server listens, and where it logs."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def connect(self, source: str = "127.0.0.1", receive_buffer: int = 0) -> socket.socket:
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(30)
        sock.bind((source, 0))
        sock.connect(("127.0.0.1", self.port))
        return sock

    def exchange(self, request: bytes, source: str = "127.0.0.1") -> bytes:
        """Send raw bytes and read until the server ends the connection."""
        with self.connect(source) as sock:
            sock.sendall(request)
            return read_all(sock)


def read_all(sock: socket.socket) -> bytes:
    pieces = []
    while piece := sock.recv(1 << 16):
        pieces.append(piece)
    return b"".join(pieces)


@contextmanager
def running(
    folder: Path, *, limits: str, threads: int, processes: int, worker: str, more: str = ""
) -> Iterator[Server]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    conf, log = folder / "conf.py", folder / "server.log"
    conf.write_text(
        CONFIGURATION.format(
            fd=listener.fileno(), limits=limits, threads=threads, processes=processes, worker=worker, more=more
        )
    )
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "PYTHONPATH": os.pathsep.join((str(ROOT), str(HERE)))}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", str(conf), "small_app:app"],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=out,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
        port = listener.getsockname()[1]
        listener.close()
        try:
            yield Server(port, log, process)
        finally:
            process.send_signal(signal.SIGQUIT)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:  # the plain worker waits for its threads, which wait for clients
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


StartServer = Callable[..., Server]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Start a server with limits as keyword text, for example `start_server("head_seconds=1")`."""
    with ExitStack() as stack:

        def start(
            limits: str = "", *, threads: int = 4, processes: int = 1, worker: str = "Worker", more: str = ""
        ) -> Server:
            folder = tmp_path / f"server-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            return stack.enter_context(
                running(folder, limits=limits, threads=threads, processes=processes, worker=worker, more=more)
            )

        yield start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server with everyday limits, shared by the tests of a module."""
    with running(tmp_path_factory.mktemp("server"), limits="", threads=4, processes=1, worker="Worker") as started:
        yield started
