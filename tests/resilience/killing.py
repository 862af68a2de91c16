"""Orders to the process that serves and is killed, and what was seen of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from config.settings import Settings
from tests.exchange.conftest import PUBLIC_URL, ServiceClient
from tests.resilience.write_points import Fault

ROOT = Path(__file__).resolve().parents[2]
BOUNDARY = "exampleboundary7MA4YWxk"


@dataclass(frozen=True)
class Order:
    """One request, the moment it comes, what ends it before its time, and the point where it waits for the others."""

    now: str
    cookie: str
    path: str
    method: str = "GET"
    body: str = ""
    content_type: str = ""
    fault: Fault | None = None
    meet_at: str = ""
    killed_after_pieces: int = 0
    base_url: str = PUBLIC_URL


@dataclass(frozen=True)
class Seen:
    """What was seen of a request: points reached, pieces sent, the answer if one began, how the process ended."""

    code: int
    points: list[str]
    pieces: list[int]
    status: int
    text: str
    location: str

    @property
    def was_killed(self) -> bool:
        return self.code < 0


class Servant:
    """The serving process; it lives while its forked processes are killed."""

    def __init__(self, process: subprocess.Popen[str], said: IO[str], told: IO[str]) -> None:
        self._process, self._said, self._told = process, said, told

    @classmethod
    @contextmanager
    def started(cls, settings: Settings) -> Iterator[Servant]:
        """Start it, and end it on leaving."""
        values = {"example": True, "data_folder": str(settings.data_folder), "database_url": settings.database_url}
        values |= {"public_url": settings.public_url, "max_file_bytes": settings.max_file_bytes}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.resilience.serving", json.dumps(values)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdin is not None
        with process:
            assert process.stdout.readline() == "ready\n"
            yield cls(process, process.stdout, process.stdin)
            process.stdin.close()

    def serve(self, *orders: Order) -> list[Seen]:
        """Have these served at the same time."""
        self._told.write(json.dumps([asdict(order) for order in orders]) + "\n")
        self._told.flush()
        return [Seen(**seen) for seen in json.loads(self._said.readline())]


@dataclass(frozen=True)
class Visit:
    """A signed-in browser as a servant needs it: its cookie, and the token of its forms."""

    cookie: str
    token: str

    @classmethod
    def of(cls, client: ServiceClient, form_at: str) -> Visit:
        token = client.form_token(form_at)
        cookie = client.get_cookie("session", domain="127.0.0.1")
        assert cookie is not None
        return cls(f"session={cookie.value}", token)

    def upload(self, path: str, content: bytes, body: Path, now: datetime, **more: Any) -> Order:
        """The order for one upload of a text file; its form is written to the file `body`."""
        fields = {"csrf_token": self.token, "numbers": "1.1", "date_kind": "not-dated", "title": ""}
        body.write_bytes(form_of(fields, [("minutes.txt", content)]))
        content_type = f"multipart/form-data; boundary={BOUNDARY}"
        return Order(now.isoformat(), self.cookie, path, "POST", str(body), content_type, **more)


def form_of(fields: dict[str, str], files: list[tuple[str, bytes]]) -> bytes:
    """A multipart form as a browser sends it: its fields, then its files, all under the name `files`."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, content in files:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        parts += [head.encode() + b"Content-Type: application/octet-stream\r\n\r\n", content, b"\r\n"]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])
