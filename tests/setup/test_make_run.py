"""`make run`: one command from a clone to a running service, and back to nothing running."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from exchange.example import PASSWORD, PEOPLE

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make(*words: str) -> "subprocess.Popen[str]":
    environ = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return subprocess.Popen(
        ["make", "--no-print-directory", *words],
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@contextmanager
def running(folder: Path, port: int) -> Iterator[str]:
    """The service, started by make and stopped as Ctrl-C stops it; gives what was printed up to the welcome."""
    process = make("run", f"RUN_FOLDER={folder}", f"PORT={port}")
    assert process.stdout is not None
    said = ""
    try:
        for line in process.stdout:
            said += line
            if "Press Ctrl-C" in line:
                break
        yield said
    finally:
        os.killpg(process.pid, signal.SIGINT)
        rest = process.communicate(timeout=PATIENCE)[0]
    assert "Stopped. The data is kept" in rest
    assert "Traceback" not in said + rest


def processes_that_mention(folder: Path) -> list[str]:
    """The command lines and environments of processes that have to do with this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue  # it has ended since
        if str(folder).encode() in words and int(process.name) != os.getpid():
            found.append((process / "cmdline").read_bytes().decode().replace("\0", " "))
    return found


def status_of(port: int, path: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status


def files_of(folder: Path) -> set[str]:
    return {path.name for path in (folder / "store").rglob("*.floe")}


def test_the_service_runs_stops_cleanly_and_keeps_its_data_for_the_second_run(tmp_path: Path) -> None:
    folder = tmp_path / "example"
    kept = []
    for is_first in (True, False):
        port = free_port()
        with running(folder, port) as said:
            assert ("First run" in said) is is_first
            assert f"http://127.0.0.1:{port}\n" in said
            assert PASSWORD in said
            assert all(re.search(rf"^  {person.email} +{person.role.label}$", said, re.MULTILINE) for person in PEOPLE)
            assert status_of(port, "/sign-in") == 200
            kept.append(files_of(folder))
        assert processes_that_mention(folder) == []
        with pytest.raises(ConnectionRefusedError):
            status_of(port, "/sign-in")
    assert kept[0] == kept[1]
    assert len(kept[0]) == 2


def test_a_port_in_use_is_one_clear_sentence_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = make("run", f"RUN_FOLDER={tmp_path / 'example'}", f"PORT={taken.getsockname()[1]}")
        said = process.communicate(timeout=PATIENCE)[0]
    ours = [line for line in said.splitlines() if not line.startswith("make: ***")]
    assert len(ours) == 1
    assert "choose another port" in ours[0]
    assert process.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_none_is_one_clear_sentence(tmp_path: Path) -> None:
    process = make("run", f"RUN_FOLDER={tmp_path / 'example'}", "PORT=eight")
    said = process.communicate(timeout=PATIENCE)[0]
    assert "EXCHANGE_BIND" in said
    assert "Traceback" not in said
    assert process.returncode != 0


def test_make_alone_says_what_there_is_to_make() -> None:
    said = make().communicate(timeout=PATIENCE)[0]
    for target in ("run", "test", "check", "bench", "lock", "clean"):
        assert f"make {target} " in said
