"""Each act is tried in a process that was confined first; the same act must succeed in one that was not."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = str(Path(__file__).resolve().parents[3])
FILTERED = sys.platform == "linux" and platform.machine() in {"x86_64", "aarch64"}
PREPARE = (
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "import os, socket, subprocess, ctypes, signal\n"
    "from exchange.screening.confinement import confine\n"
)
ACTS = {
    "open a file to read": "os.close(0); os.open('/etc/hostname', os.O_RDONLY)",
    "open a file to write": "os.close(0); os.open(sys.argv[2] + '/new', os.O_WRONLY | os.O_CREAT)",
    "open a socket": "os.close(0); socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
    "make a pair of sockets": "os.close(0); os.close(2); socket.socketpair()",
    "fork": "os.fork() or os._exit(0)",
    "start a program": "os.execv('/bin/true', ['true'])",
    "delete a file": "os.unlink(sys.argv[2] + '/victim')",
    "signal another process": "os.kill(os.getppid(), 0)",
    "change folder": "os.chdir('/tmp')",
    "raise its own limits": "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))",
}


def outcome(tmp_path: Path, act: str, *, confined: bool) -> int:
    (tmp_path / "victim").touch()
    first = "confine()" if confined else "None"
    code = f"{PREPARE}{first}\ntry:\n    {act}\nexcept (OSError, ValueError):\n    os._exit(77)\nos._exit(0)\n"
    return subprocess.run([sys.executable, "-I", "-c", code, ROOT, str(tmp_path)], check=False, timeout=120).returncode


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_an_act_that_a_parser_never_needs_is_refused(tmp_path: Path, act: str) -> None:
    assert outcome(tmp_path, act, confined=False) == 0
    assert outcome(tmp_path, act, confined=True) == 77


def test_the_filter_holds_on_the_machines_it_is_written_for(tmp_path: Path) -> None:
    code = f"{PREPARE}os._exit(10 + confine())"
    ended = subprocess.run([sys.executable, "-I", "-c", code, ROOT, str(tmp_path)], check=False, timeout=120)
    assert ended.returncode == 10 + FILTERED


def test_memory_is_bounded(tmp_path: Path) -> None:
    hungry = "\ntry:\n    bytearray(400 * 1024 * 1024)\nexcept MemoryError:\n    os._exit(78)\nos._exit(0)\n"
    for confined, expected in ((False, 0), (True, 78)):
        code = f"{PREPARE}{'confine()' if confined else 'None'}{hungry}"
        ended = subprocess.run([sys.executable, "-I", "-c", code, ROOT, str(tmp_path)], check=False, timeout=120)
        assert ended.returncode == expected


def test_a_probe_that_computes_without_end_is_stopped_by_its_own_timer(tmp_path: Path) -> None:
    code = f"{PREPARE}confine()\nsignal.setitimer(signal.ITIMER_PROF, 0.2)\nwhile True:\n    pass\n"
    ended = subprocess.run([sys.executable, "-I", "-c", code, ROOT, str(tmp_path)], check=False, timeout=120)
    assert ended.returncode == -27  # SIGPROF
