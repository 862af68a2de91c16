"""A whole service as people meet it: the worked example, gunicorn and the worker as processes of their own.

It is installed as `make run` installs it and started by the same commands as in operation, `exchange serve` and
`exchange worker`, on a free port of this machine. What both say is kept, and a trace among it fails the tests.
"""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from config.settings import Settings, load_settings
from exchange.example import make_example
from exchange.installation import install, installed_parts
from exchange.parts import Parts
from tests.scenarios.surroundings import Surroundings

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60
LISTENING = "Listening at"


@dataclass
class Program:
    """One running command and everything that it has said."""

    process: "subprocess.Popen[str]"
    said: list[str] = field(default_factory=list)
    listens: threading.Event = field(default_factory=threading.Event)
    ear: threading.Thread = field(default_factory=threading.Thread)

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if LISTENING in line:
                self.listens.set()
        self.process.stdout.close()


@dataclass(frozen=True)
class Service:
    """Where the service is, and the example inspection in it."""

    url: str
    folder: Path
    inspection: str
    settings: Settings
    environ: dict[str, str]
    surroundings: Surroundings | None

    @property
    def database(self) -> str:
        return "postgresql" if self.settings.sqlite_path is None else "sqlite"

    def address(self, path: str) -> str:
        return f"{self.url}{path}"

    def exchange(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the service on this host, under its settings."""
        return run(sys.executable, "-m", "exchange", *words, environ=self.environ)


Prepare = Callable[[Parts, str], Surroundings]


@contextmanager
def running_service(folder: Path, database_url: str = "", prepare: Prepare | None = None) -> Iterator[Service]:
    """The worked example, served; `prepare` adds to it before the first visitor."""
    port = free_port()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("EXCHANGE_")},
        "EXCHANGE_EXAMPLE": "1",
        "EXCHANGE_DATA_FOLDER": str(folder),
        "EXCHANGE_DATABASE_URL": database_url,
        "EXCHANGE_BIND": f"127.0.0.1:{port}",
        "EXCHANGE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "EXCHANGE_WORKER_SECONDS": "1",
        "EXCHANGE_CONTACT_EMAIL": "help@example.org",
    }
    settings = load_settings(environ)
    install(settings)
    with installed_parts(settings) as parts:
        inspection = make_example(parts)
        surroundings = prepare(parts, inspection) if prepare else None
        parts.type_probe.close()
    server, worker = start(environ, "serve"), start(environ, "worker")
    try:
        assert server.listens.wait(PATIENCE), f"The web server does not listen:\n{''.join(server.said)}"
        yield Service(settings.public_url, folder, inspection, settings, environ, surroundings)
    finally:
        codes = [stop(program) for program in (server, worker)]
    heard = "".join(server.said + worker.said)
    assert codes == [0, 0], heard
    assert "Traceback" not in heard, heard


def start(environ: dict[str, str], command: str) -> Program:
    process = subprocess.Popen(
        [sys.executable, "-m", "exchange", command],
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    program = Program(process)
    program.ear = threading.Thread(target=program.listen, daemon=True)
    program.ear.start()
    return program


def stop(program: Program) -> int:
    """Ask it to end, as an operator does, and return its exit code; one that does not obey is killed and fails."""
    program.process.terminate()
    try:
        program.process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        program.process.kill()
    program.ear.join(PATIENCE)
    return program.process.wait(PATIENCE)


def run(*words: str, environ: dict[str, str], folder: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
