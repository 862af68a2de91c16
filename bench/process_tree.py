"""A server started for a measurement: what its processes cost in time and memory, read from /proc, and its end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

START_SECONDS = 30
STOP_SECONDS = 15
_TICKS = os.sysconf("SC_CLK_TCK")
_MIB = 2**20


class ServerFailedError(Exception):
    """A server for a measurement did not start; its last words are in the message."""


class ProcessTree:
    """The process started and everything below it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def pids(self) -> list[int]:
        """The process ids that are there now."""
        found, open_pids = [], [self._process.pid]
        while open_pids:
            pid = open_pids.pop()
            found.append(pid)
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    open_pids += [int(child) for child in (task / "children").read_text().split()]
        return found

    def cpu_seconds(self) -> float:
        """User and system time of all of it so far."""
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                total += int(fields[11]) + int(fields[12])
        return total / _TICKS

    def resident_mib(self) -> float:
        """Resident memory now, summed over the processes."""
        return self._status("VmRSS")

    def peak_mib(self) -> float:
        """The highest resident memory of each process since `forget_peak`, summed: never below the true peak."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        """Let the kernel count each process's peak anew."""
        for pid in self.pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def _status(self, name: str) -> float:
        kib = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith(f"{name}:"):
                        kib += int(line.split()[1])
        return kib * 1024 / _MIB


@contextlib.contextmanager
def running(command: Sequence[str], environ: Mapping[str, str], port: int, log: Path) -> Iterator[ProcessTree]:
    """Start a server, wait until its port answers, and end it with everything below it."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            list(command), env=dict(environ), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    try:
        _wait_for(process, port, log)
        yield ProcessTree(process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise ServerFailedError(f"A server did not start. It said:\n{log.read_text(errors='replace')[-2000:]}")
