"""How long pages take: signing in, and the checklist with every item, beside a page of one line from plain Flask."""

from __future__ import annotations

import http.client
import tempfile
import time
from pathlib import Path

from bench.contenders import exchange_server, plain_server
from bench.figures import Spread, percentile, say, turned
from bench.visitor import UnexpectedAnswerError, Visitor

_SIGN_IN, _CHECKLIST, _PLAIN = "sign-in page", "checklist", "plain Flask page"


class KeptLine:
    """One connection that is kept open for a series of requests, as a browser keeps it."""

    def __init__(self, visitor: Visitor, path: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", visitor.port, timeout=30)
        self._headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())}
        self._path = path

    def milliseconds(self, requests: int) -> list[float]:
        """Ask so often over a new connection; the time until each page is here. The first, which connects, is out."""
        self._connection.close()
        self._once()
        return [self._once() for _ in range(requests)]

    def _once(self) -> float:
        started = time.perf_counter()
        self._connection.request("GET", self._path, headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise UnexpectedAnswerError(f"The page {self._path} answered {answer.status}.")
        return (time.perf_counter() - started) * 1000


def measure_pages(runs: int, requests: int) -> None:
    """Measure and print: one connection, one request after the other, in turned runs."""
    with tempfile.TemporaryDirectory(prefix="exchange-bench-") as name:
        folder = Path(name)
        with exchange_server(folder) as ours, plain_server(folder, memory_as_ours=False) as plain:
            lines = {
                _SIGN_IN: KeptLine(Visitor(ours.officer.port), "/sign-in"),
                _CHECKLIST: KeptLine(ours.officer, f"/inspections/{ours.inspection}"),
                _PLAIN: KeptLine(plain.visitor, "/page"),
            }
            times: dict[str, list[list[float]]] = {each: [] for each in lines}
            for line in lines.values():
                line.milliseconds(20)  # not counted: templates are compiled on first use
            for run in range(runs):
                for each in turned(list(lines), run):
                    times[each].append(lines[each].milliseconds(requests))
    _report(times)


def _report(times: dict[str, list[list[float]]]) -> None:
    say("\nPages over one kept connection, milliseconds, median of the runs (range)")
    for name, runs in times.items():
        half, most = (Spread.of(percentile(run, share) for run in runs) for share in (0.5, 0.95))
        say(f"  {name:<17} p50 {half.text(1)}, p95 {most.text(1)}")
    for name in (_SIGN_IN, _CHECKLIST):
        pairs = zip(times[name], times[_PLAIN], strict=True)
        factor = Spread.of(percentile(mine, 0.5) / percentile(plain, 0.5) for mine, plain in pairs)
        say(f"  {name:<17} {factor.text(1)} times the plain page (p50)")
