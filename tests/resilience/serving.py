"""A program: starts the application, then serves each request it is told of in a forked process that may be killed.

Run as `python -m tests.resilience.serving SETTINGS`. Each line of standard input is a JSON list of orders, served at
the same time; the line that answers it is a JSON list of what was seen of each.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from config.settings import Settings
from exchange.app import create_app
from exchange.journal import start_journal
from tests.resilience.write_points import Fault, WritePoints

LONGEST_TEXT = 100_000
_write = os.write  # as it was before anything is counted


class ToldClock:
    """Says the moment of the order."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


class Process:
    """One forked process at work on one order, as its parent sees it."""

    def __init__(self, serve: Callable[[Callable[[Any], None], Callable[[], None]], None]) -> None:
        heard, says = os.pipe()
        gate, self._gate = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(heard)
            os.close(self._gate)
            try:
                serve(lambda event: _say(says, event), lambda: _wait(says, gate))
            except BaseException:  # noqa: BLE001  the parent must never run on in its child
                sys.excepthook(*sys.exc_info())
                os._exit(1)
            os._exit(0)
        os.close(says)
        os.close(gate)
        self._heard = os.fdopen(heard, "r")
        self._events: list[dict[str, Any]] = []

    def hear_until_gate(self) -> None:
        """Hear what it says until it waits, or ends."""
        for line in self._heard:
            event = json.loads(line)
            if "waiting" in event:
                return
            self._events.append(event)

    def go_on(self) -> None:
        """Let it pass the gate: by a byte, since those forked after it hold this end of its pipe too."""
        with suppress(BrokenPipeError):  # it ended before it came there
            _write(self._gate, b"!")
        os.close(self._gate)

    def finish(self) -> dict[str, Any]:
        """Wait for its end; what was seen of it, and the signal that ended it (0: none)."""
        self.hear_until_gate()
        self._heard.close()
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        seen: dict[str, Any] = {"code": code, "points": [], "pieces": [], "status": 0, "text": "", "location": ""}
        for event in self._events:
            for name, value in event.items():
                seen[name] = [*seen[name], value] if isinstance(seen[name], list) else value
        return seen


def _say(descriptor: int, event: dict[str, Any]) -> None:
    _write(descriptor, json.dumps(event).encode() + b"\n")


def _wait(says: int, gate: int) -> None:
    _say(says, {"waiting": True})
    os.read(gate, 1)


def serve(app: Flask, order: dict[str, Any], tell: Callable[[Any], None], wait: Callable[[], None]) -> None:
    """Serve one request as a server does, telling what would have gone over the network."""
    environ = _environ(order)
    meet_at = order["meet_at"]

    def point(label: str) -> None:
        tell({"points": label})
        if label == meet_at:
            wait()

    fault = Fault(**order["fault"]) if order["fault"] else None
    WritePoints(point, fault).install()
    head: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], object]:
        head.update(status=int(status.split(maxsplit=1)[0]), location=dict(headers).get("Location", ""))
        return lambda _data: None

    body = app(environ, start_response)
    text = bytearray()
    for sent, piece in enumerate(body, 1):
        if head:
            tell(head)
            head.clear()
        tell({"pieces": len(piece)})
        if sent == order["killed_after_pieces"]:
            os.kill(os.getpid(), signal.SIGKILL)
        text += piece[: LONGEST_TEXT - len(text)]
    if head:
        tell(head)
    if hasattr(body, "close"):
        body.close()
    tell({"text": text.decode("utf-8", "replace")})


def _environ(order: dict[str, Any]) -> dict[str, Any]:
    body = Path(order["body"]).read_bytes() if order["body"] else b""
    builder = EnvironBuilder(
        path=order["path"],
        base_url=order["base_url"],
        method=order["method"],
        input_stream=io.BytesIO(body),
        content_type=order["content_type"] or None,
        content_length=len(body) or None,
        headers=Headers({"Cookie": order["cookie"]}),
        environ_base={"REMOTE_ADDR": "127.0.0.1"},
    )
    return dict(builder.get_environ())


def main() -> None:
    """Serve until standard input ends."""
    start_journal()
    clock = ToldClock()
    app = create_app(Settings(**json.loads(sys.argv[1])), clock)
    print("ready", flush=True)  # noqa: T201  the line that the test waits for
    for line in sys.stdin:
        orders = json.loads(line)
        clock.now = datetime.fromisoformat(orders[0]["now"])
        processes = [Process(partial(serve, app, order)) for order in orders]
        for process in processes:
            process.hear_until_gate()
        for process in processes:
            process.go_on()
        print(json.dumps([process.finish() for process in processes]), flush=True)  # noqa: T201  the answer


if __name__ == "__main__":
    main()
