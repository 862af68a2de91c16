"""Programs that run side by side end together, and none outlives the one that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from exchange import side_by_side

ROOT = Path(side_by_side.__file__).parent.parent
PATIENCE = 20

# Two programs that write their process numbers, run by a process that is then asked to stop.
PROGRAM = """
import os, signal, sys, time
path, mode = sys.argv[1:]
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(path, "w") as file:
    file.write(str(os.getpid()))
time.sleep(0.5 if mode == "short" else 600)
"""
RUNNER = """
import sys
from pathlib import Path
from exchange.side_by_side import run_side_by_side
program, folder, mode = sys.argv[1:]
paths = {name: Path(folder) / name for name in ("one", "two")}
modes = {"one": "endless", "two": mode}
commands = {name: [sys.executable, "-c", program, str(path), modes[name]] for name, path in paths.items()}
ended = run_side_by_side(
    commands, {}, lambda: all(path.exists() and path.read_text() for path in paths.values()),
    lambda: print("ready", flush=True)
)
print("ended:" + ended, flush=True)
"""


def start(folder: Path, mode: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, PROGRAM, str(folder), mode], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def numbers(folder: Path) -> list[int]:
    return [int((folder / name).read_text()) for name in ("one", "two")]


def is_running(number: int) -> bool:
    """Whether a process lives; a dead one that nobody has waited for yet does not."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def assert_gone(processes: list[int]) -> None:
    deadline = time.monotonic() + PATIENCE
    while any(is_running(number) for number in processes):
        assert time.monotonic() < deadline, "a program outlived the one that started it"
        os.sched_yield()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_every_program(tmp_path: Path, number: int) -> None:
    with start(tmp_path, "endless") as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "ready\n"
        runner.send_signal(number)
        assert runner.stdout.readline() == "ended:\n"
        assert runner.wait(PATIENCE) == 0
    assert_gone(numbers(tmp_path))


def test_a_second_signal_changes_nothing(tmp_path: Path) -> None:
    with start(tmp_path, "endless") as runner:
        assert runner.stdout is not None
        runner.stdout.readline()
        runner.send_signal(signal.SIGINT)
        runner.send_signal(signal.SIGINT)
        assert runner.stdout.readline() == "ended:\n"
        assert runner.wait(PATIENCE) == 0
    assert_gone(numbers(tmp_path))


def test_a_program_that_ends_by_itself_is_named_and_takes_the_others_along(tmp_path: Path) -> None:
    with start(tmp_path, "short") as runner:
        assert runner.stdout is not None
        assert runner.stdout.read().endswith("ended:two\n")
    assert_gone(numbers(tmp_path))


def test_a_program_that_does_not_listen_is_killed_after_the_grace(tmp_path: Path) -> None:
    with start(tmp_path, "stubborn") as runner:
        assert runner.stdout is not None
        runner.stdout.readline()
        runner.send_signal(signal.SIGTERM)
        assert runner.wait(side_by_side.GRACE_SECONDS + PATIENCE) == 0
    assert_gone(numbers(tmp_path))


def test_a_runner_that_is_killed_leaves_nothing_running(tmp_path: Path) -> None:
    with start(tmp_path, "endless") as runner:
        assert runner.stdout is not None
        runner.stdout.readline()
        runner.kill()
    assert_gone(numbers(tmp_path))
