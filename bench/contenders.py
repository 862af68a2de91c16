"""Who is measured: the whole service as `exchange serve` starts it, and the plain counterpart in two settings."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.process_tree import ProcessTree, free_port, running
from bench.visitor import Payload, UnexpectedAnswerError, Visitor
from config.settings import load_settings
from exchange.cli_host import server_command
from exchange.example import PASSWORD, make_example
from exchange.installation import install, installed_parts

OFFICER, INSPECTOR = "officer@example.org", "inspector@example.org"
ITEM = "1.1"
EXCHANGE, PLAIN, PLAIN_OURS = "the exchange", "plain Flask", "plain Flask, our memory settings"
PROCESSES, THREADS = 2, 16
_INSPECTION = re.compile(r"/inspections/(ins_[0-9a-z]{26})")
_DOCUMENT = re.compile(r"/documents/(doc_[0-9a-z]{26})")


@dataclass
class ExchangeUnderTest:
    """The service with its worked example: a nominated officer uploads, an inspector downloads, both signed in."""

    tree: ProcessTree
    officer: Visitor
    inspector: Visitor
    inspection: str
    store: Path

    def upload(self, payload: Payload) -> str:
        """Upload by the page's own form; the path from which the file can be downloaded."""
        page = f"/inspections/{self.inspection}/items/{ITEM}/upload"
        return self.send(self.token(), page, payload)

    def token(self) -> str:
        """The token of the upload page."""
        return self.officer.get(f"/inspections/{self.inspection}/items/{ITEM}/upload").require(200).token

    def send(self, token: str, page: str, payload: Payload) -> str:
        """Send the form of the upload page."""
        fields = {"csrf_token": token, "numbers": ITEM, "date_kind": "not-dated", "title": "Measured"}
        answer = self.officer.upload(page, fields, payload).require(303)
        found = _DOCUMENT.search(answer.headers["location"])
        if found is None:
            raise UnexpectedAnswerError("The upload led to no receipt.")
        return f"/inspections/{self.inspection}/documents/{found[1]}/content"

    def download(self, path: str) -> int:
        """Download; how many bytes came."""
        return self.inspector.download(path).require(200).length

    def forget(self) -> None:
        """Free the disk from what was uploaded; only between measurements."""
        for path in self.store.glob("*/*.floe"):
            path.unlink()


@dataclass
class PlainUnderTest:
    """The plain counterpart."""

    tree: ProcessTree
    visitor: Visitor
    store: Path

    def upload(self, payload: Payload) -> str:
        """Upload the same form; the path from which the file can be downloaded."""
        fields = {"csrf_token": "0" * 91, "numbers": ITEM, "date_kind": "not-dated", "title": "Measured"}
        return f"/files/{self.visitor.upload('/upload', fields, payload).require(200).text}"

    def download(self, path: str) -> int:
        """Download; how many bytes came."""
        return self.visitor.download(path).require(200).length

    def forget(self) -> None:
        """Free the disk from what was uploaded."""
        for path in self.store.iterdir():
            path.unlink()


Contender = ExchangeUnderTest | PlainUnderTest


@contextlib.contextmanager
def exchange_server(folder: Path) -> Iterator[ExchangeUnderTest]:
    """The service under its real settings with SQLite: two processes of sixteen threads, as by default."""
    port = free_port()
    data = folder / "exchange"
    ours = {
        "EXCHANGE_EXAMPLE": "1",
        "EXCHANGE_DATA_FOLDER": str(data),
        "EXCHANGE_BIND": f"127.0.0.1:{port}",
        "EXCHANGE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "EXCHANGE_WEB_PROCESSES": str(PROCESSES),
        "EXCHANGE_WEB_THREADS": str(THREADS),
    }
    settings = load_settings(ours)
    install(settings)
    with installed_parts(settings) as parts:
        inspection = make_example(parts)
    environ = _environ(folder, ours)
    with running(server_command(), environ, port, folder / "exchange.log") as tree:
        officer, inspector = sign_in(port, OFFICER), sign_in(port, INSPECTOR)
        yield ExchangeUnderTest(tree, officer, inspector, inspection, settings.store_folder)


@contextlib.contextmanager
def plain_server(folder: Path, *, memory_as_ours: bool) -> Iterator[PlainUnderTest]:
    """The counterpart under gunicorn's threaded worker with as many processes and threads."""
    port = free_port()
    name = "plain-memory" if memory_as_ours else "plain"
    store = folder / name
    store.mkdir()
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"]
    command += ["--workers", str(PROCESSES), "--threads", str(THREADS), "--log-level", "warning"]
    command += ["--no-control-socket", "--timeout", "300", "bench.plain_app:app"]
    if memory_as_ours:
        command[3:3] = ["--config", "python:bench.plain_conf"]
    environ = _environ(folder, {"BENCH_PLAIN_FOLDER": str(store)})
    with running(command, environ, port, folder / f"{name}.log") as tree:
        yield PlainUnderTest(tree, Visitor(port), store)


def sign_in(port: int, email: str) -> Visitor:
    """A visitor who has signed in by the page's form."""
    visitor = Visitor(port)
    token = visitor.get("/sign-in").require(200).token
    visitor.send("/sign-in", {"csrf_token": token, "email": email, "password": PASSWORD}).require(303)
    return visitor


def _environ(folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    """What is needed to run, and temporary files on the same disk for everybody."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "TMPDIR": str(scratch), "GUNICORN_CMD_ARGS": "--log-level warning", **more}
