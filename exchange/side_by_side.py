"""Runs several programs side by side and ends them together: when one ends, or when this process is asked to stop.

Promises: no program outlives this process, however it ends; each gets SIGTERM first and time to finish, then SIGKILL.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FrameType
from typing import NoReturn

GRACE_SECONDS = 10.0
LOOK_SECONDS = 0.2
DIE_WITH_PARENT = 1  # prctl(2): PR_SET_PDEATHSIG
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Program = subprocess.Popen[bytes]


def run_side_by_side(
    commands: Mapping[str, Sequence[str]],
    environ: Mapping[str, str],
    is_ready: Callable[[], bool],
    when_ready: Callable[[], None],
) -> str:
    """Start every command, then wait; return the name of one that ended by itself, or nothing when asked to stop.

    `when_ready` is called once, as soon as `is_ready` says so; the caller tells there what a person should know.
    """
    programs: dict[str, Program] = {}
    try:
        _listen(_interrupt)
        for name, command in commands.items():
            programs[name] = _start(command, environ)
        ended = _wait(programs, is_ready)
        if not ended:
            when_ready()
            ended = _wait(programs, lambda: False)
    except KeyboardInterrupt:
        return ""
    else:
        return ended
    finally:
        _listen(signal.SIG_IGN)
        _stop(programs.values())


def _start(command: Sequence[str], environ: Mapping[str, str]) -> Program:
    # A session of its own keeps the terminal's Ctrl-C away from it: this process alone says when to stop.
    return subprocess.Popen(  # noqa: S603  our own programs, named by our own code
        list(command),
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with_parent(),  # noqa: PLW1509  this process has one thread
    )


def _die_with_parent() -> Callable[[], None] | None:
    """What a child does before it becomes its program: ask Linux for SIGTERM should this process be killed."""
    if not sys.platform.startswith("linux"):
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(DIE_WITH_PARENT, signal.SIGTERM)
        if os.getppid() != parent:  # it was killed before the question was asked
            os._exit(1)

    return ask


def _wait(programs: Mapping[str, Program], is_over: Callable[[], bool]) -> str:
    """Wait until `is_over`, and return nothing, or until a program ends, and return its name."""
    while True:
        for name, program in programs.items():
            if program.poll() is not None:
                return name
        if is_over():
            return ""
        time.sleep(LOOK_SECONDS)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Break off the waiting; later signals change nothing, since stopping is under way."""
    _listen(signal.SIG_IGN)
    raise KeyboardInterrupt


def _listen(answer: Callable[[int, FrameType | None], NoReturn] | signal.Handlers) -> None:
    for number in STOPPING:
        signal.signal(number, answer)


def _stop(programs: Iterable[Program]) -> None:
    running = [program for program in programs if program.poll() is None]
    for program in running:
        program.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for program in running:
        try:
            program.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()
