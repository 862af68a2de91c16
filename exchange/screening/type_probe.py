"""Asks a confined child process what kind of content some bytes are; the bytes are parsed nowhere else.

Promises: at most one child a process, started when first needed; an answer or an error in bounded time (5 seconds to
wait for a turn, 5 for the answer, 10 more when a child has to be started); a child that died, hangs or answers nonsense
is ended and the next question starts another. Safe to share between threads and to inherit through a fork: the forked
process starts a child of its own.
"""

import os
import re
import select
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

MOST_HEAD = 1024 * 1024
ANSWER_SECONDS = 5.0
START_SECONDS = 10.0
_PROBES_PER_CHILD = 1000  # then a fresh one: what leaks or was tampered with does not last
_MOST_ANSWER = 128
_MIME = re.compile(rb"[a-z]{1,32}/[A-Za-z0-9.+-]{1,90}")
_LENGTH = struct.Struct(">I")
_ROOT = str(Path(__file__).resolve().parents[2])
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from exchange.screening.probe_child import main; main()"
CHILD = (sys.executable, "-I", "-c", _BOOT, _ROOT)


class ProbeError(Exception):
    """The kind of the content could not be determined; the content must not be taken as it is."""


class TypeProbe:
    """Detects the MIME type of content from its first bytes, at most 1 MiB of them."""

    def __init__(
        self,
        answer_seconds: float = ANSWER_SECONDS,
        start_seconds: float = START_SECONDS,
        command: Sequence[str] = CHILD,
    ) -> None:
        self._answer_seconds = answer_seconds
        self._start_seconds = start_seconds
        self._command = command
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def detect(self, head: bytes) -> str:
        """The MIME type of content that begins with `head`.

        Only the first MiB is looked at. Password-protected Office files are `application/encrypted`, Office files with
        macros carry their `macroEnabled` types, empty content is `application/x-empty`.

        Raises:
            ProbeError: no answer in time, or the bytes cannot be judged.
        """
        question = head[:MOST_HEAD]
        if not self._lock.acquire(timeout=self._answer_seconds):
            raise ProbeError("Too many files are being looked at; none was harmed. Try again in a minute.")
        try:
            answer = self._ask(question)
        finally:
            self._lock.release()
        if not _MIME.fullmatch(answer):
            raise ProbeError("The kind of the file could not be determined.")
        return answer.decode("ascii")

    def close(self) -> None:
        """End the child, if there is one; a later question starts another."""
        with self._lock:
            self._drop()

    def _ask(self, question: bytes) -> bytes:
        child = self._living_child()
        try:
            answer = child.ask(question, self._answer_seconds)
        except _ChildGoneError:
            self._drop()
            raise ProbeError("The kind of the file could not be determined in time.") from None
        if not answer or not _MIME.fullmatch(answer):
            self._drop()
        return answer

    def _living_child(self) -> "_Child":
        if self._child is not None and not self._child.is_usable():
            self._drop()
        if self._child is None:
            child = _Child(self._command)
            try:
                child.wait_until_ready(self._start_seconds)
            except _ChildGoneError:
                child.end()
                raise ProbeError("The program that looks at files does not start.") from None
            self._child = child
        return self._child

    def _drop(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class _ChildGoneError(Exception):
    """The child ended, hangs, or broke the frame format."""


class _Child:
    """One child process and the two pipes to it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._owner = os.getpid()
        self._probes = 0
        self._process = subprocess.Popen(  # noqa: S603  # an argument list of our own, no shell, nothing from a request
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env={},
            close_fds=True,
            start_new_session=True,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise _ChildGoneError
        self._to_child: IO[bytes] = self._process.stdin
        self._from_child: IO[bytes] = self._process.stdout
        self.end = weakref.finalize(self, _end, self._owner, self._process, self._to_child, self._from_child)
        os.set_blocking(self._to_child.fileno(), False)
        os.set_blocking(self._from_child.fileno(), False)

    def is_usable(self) -> bool:
        """Whether it belongs to this process, lives, and has not done its share."""
        return self._owner == os.getpid() and self._probes < _PROBES_PER_CHILD and self._process.poll() is None

    def wait_until_ready(self, seconds: float) -> None:
        if not self._receive(time.monotonic() + seconds).startswith(b"ready "):
            raise _ChildGoneError

    def ask(self, question: bytes, seconds: float) -> bytes:
        self._probes += 1
        deadline = time.monotonic() + seconds
        self._send(_LENGTH.pack(len(question)) + question, deadline)
        return self._receive(deadline)

    def _send(self, data: bytes, deadline: float) -> None:
        rest = memoryview(data)
        while rest:
            _wait(self._to_child, select.POLLOUT, deadline)
            try:
                with suppress(BlockingIOError):
                    rest = rest[os.write(self._to_child.fileno(), rest) :]
            except OSError:
                raise _ChildGoneError from None

    def _receive(self, deadline: float) -> bytes:
        size = _LENGTH.unpack(self._receive_exactly(_LENGTH.size, deadline))[0]
        if size > _MOST_ANSWER:
            raise _ChildGoneError
        return self._receive_exactly(size, deadline)

    def _receive_exactly(self, size: int, deadline: float) -> bytes:
        found = bytearray()
        while len(found) < size:
            _wait(self._from_child, select.POLLIN, deadline)
            piece = os.read(self._from_child.fileno(), size - len(found))
            if not piece:
                raise _ChildGoneError
            found += piece
        return bytes(found)


def _wait(pipe: IO[bytes], event: int, deadline: float) -> None:
    """Wait until the pipe is ready. Raises _ChildGoneError at the deadline."""
    poll = select.poll()
    poll.register(pipe, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise _ChildGoneError


def _end(owner: int, process: subprocess.Popen[bytes], *pipes: IO[bytes]) -> None:
    """End a child and free its pipes; a child inherited through a fork is let go, not killed."""
    if owner == os.getpid():
        process.kill()
        process.wait()
    else:
        process.poll()
    for pipe in pipes:
        pipe.close()
