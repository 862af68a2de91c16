"""Upload and download of one large file through gunicorn, beside a plain endpoint that saves the same form."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.contenders import EXCHANGE, PLAIN, PLAIN_OURS, Contender, exchange_server, plain_server
from bench.figures import Spread, ratios, say, turned, verdict
from bench.visitor import Payload, UnexpectedAnswerError

UPLOAD_GOAL = 3.0
MEMORY_GOAL_MIB = 48.0
_BLOCK = 8 << 20
_GB = 1e9


@dataclass
class Series:
    """One contender's runs: MB/s and CPU seconds per GB, up and down."""

    up: list[float] = field(default_factory=list)
    down: list[float] = field(default_factory=list)
    up_cpu: list[float] = field(default_factory=list)
    down_cpu: list[float] = field(default_factory=list)


def measure_transfer(size: int, runs: int, memory_sizes: Sequence[int]) -> None:
    """Measure and print: speed and CPU in `runs` turned runs, then memory growth for each size (bytes)."""
    with tempfile.TemporaryDirectory(prefix="exchange-bench-") as name:
        folder = Path(name)
        payload = make_payload(folder, max(size, *memory_sizes), size)
        with contenders(folder) as everybody:
            series = _run_all(everybody, payload, runs)
        report(series, size)
        growth = {each: memory_growth(folder / f"memory-{each}", Payload(payload.path, each)) for each in memory_sizes}
        _report_memory(growth)


@contextlib.contextmanager
def contenders(folder: Path) -> Iterator[dict[str, Contender]]:
    """All three servers, side by side; only one of them is given work at any time."""
    with (
        exchange_server(folder) as ours,
        plain_server(folder, memory_as_ours=False) as plain,
        plain_server(folder, memory_as_ours=True) as tuned,
    ):
        yield {EXCHANGE: ours, PLAIN: plain, PLAIN_OURS: tuned}


def make_payload(folder: Path, most: int, size: int) -> Payload:
    """A file of `most` random bytes, of which uploads send as many as they need; read once, so that it is cached."""
    path = folder / "payload"
    block = secrets.token_bytes(_BLOCK)
    with path.open("wb") as out:
        for start in range(0, most, _BLOCK):
            out.write(block[: min(_BLOCK, most - start)])
    os.sync()
    return Payload(path, size)


def _run_all(everybody: Mapping[str, Contender], payload: Payload, runs: int) -> dict[str, Series]:
    series = {name: Series() for name in everybody}
    for contender in everybody.values():  # not counted: it warms code and memory
        _one_run(contender, payload, Series())
    for run in range(runs):
        for name in turned(list(everybody), run):
            _one_run(everybody[name], payload, series[name])
        now = ", ".join(f"{name} {each.up[-1]:,.0f}/{each.down[-1]:,.0f}" for name, each in series.items())
        say(f"  run {run + 1} of {runs}, MB/s up/down: {now}")
    return series


def _one_run(contender: Contender, payload: Payload, series: Series) -> None:
    cpu, started = contender.tree.cpu_seconds(), time.perf_counter()
    path = contender.upload(payload)
    elapsed, cpu = time.perf_counter() - started, contender.tree.cpu_seconds() - cpu
    series.up.append(payload.size / elapsed / 1e6)
    series.up_cpu.append(cpu / (payload.size / _GB))
    cpu, started = contender.tree.cpu_seconds(), time.perf_counter()
    length = contender.download(path)
    elapsed, cpu = time.perf_counter() - started, contender.tree.cpu_seconds() - cpu
    if length != payload.size:
        raise UnexpectedAnswerError(f"{length} bytes came back of {payload.size}.")
    series.down.append(payload.size / elapsed / 1e6)
    series.down_cpu.append(cpu / (payload.size / _GB))
    contender.forget()
    os.sync()  # nobody's run pays for writing out what another left


def memory_growth(folder: Path, payload: Payload) -> tuple[float, float, float]:
    """MiB: idle after people signed in, then growth at the peak of an upload and of a download, in a fresh server."""
    folder.mkdir()
    with exchange_server(folder) as ours:
        ours.token()
        idle = ours.tree.resident_mib()
        ours.tree.forget_peak()
        path = ours.upload(payload)
        up = ours.tree.peak_mib() - idle
        ours.tree.forget_peak()
        ours.download(path)
        down = ours.tree.peak_mib() - idle
        ours.forget()
    return idle, up, down


def report(series: Mapping[str, Series], size: int) -> None:
    """Print medians, ranges and paired ratios."""
    say(f"\nTransfer of {size / 2**20:,.0f} MiB, median (range)")
    for name, each in series.items():
        say(f"  {name}")
        say(f"    upload    {Spread.of(each.up).text(0, ' MB/s')}, CPU {Spread.of(each.up_cpu).text(2, ' s/GB')}")
        say(f"    download  {Spread.of(each.down).text(0, ' MB/s')}, CPU {Spread.of(each.down_cpu).text(2, ' s/GB')}")
    ours = series[EXCHANGE]
    for name in (PLAIN, PLAIN_OURS):
        other = series[name]
        say(f"  against {name}, ratios inside each run")
        say(f"    upload    {ratios(ours.up, other.up).text()} times as fast")
        say(f"    upload    {ratios(ours.up_cpu, other.up_cpu).text()} of the CPU time")
        say(f"    download  {ratios(ours.down, other.down).text()} times as fast")
    factor = ratios(ours.up, series[PLAIN].up).median
    say(
        verdict(
            f"upload at least {UPLOAD_GOAL:.0f} times as fast as plain Flask: {factor:.2f}", met=factor >= UPLOAD_GOAL
        )
    )


def _report_memory(growth: Mapping[int, tuple[float, float, float]]) -> None:
    say("\nMemory of all server processes: growth at the peak over idle")
    for size, (idle, up, down) in growth.items():
        say(f"  {size / 2**20:>6,.0f} MiB file: idle {idle:.0f} MiB, upload +{up:.0f} MiB, download +{down:.0f} MiB")
    most = max(max(up, down) for _, up, down in growth.values())
    text = f"growth not over {MEMORY_GOAL_MIB:.0f} MiB for any size: {most:.0f} MiB"
    say(verdict(text, met=most <= MEMORY_GOAL_MIB))
