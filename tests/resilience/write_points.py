"""Counts the calls of this process that write, and ends it at one of them. For child processes of tests only.

A point is a call that makes, changes, names, removes or syncs a file, or a statement or commit that changes the
database. Reading statements are not counted: nothing differs before and after one.
"""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import stat
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import psycopg

IDENTIFIER = re.compile(r"[a-z]{3}_[0-9a-z]{26}|(?<=\.)[0-9a-f]{16}\Z")
READS = ("SELECT", "WITH WANTED", "PRAGMA", "SHOW")
ON_PATHS = {
    "unlink": 0,
    "remove": 0,
    "mkdir": 0,
    "rmdir": 0,
    "chmod": 0,
    "link": 1,
    "rename": 1,
    "replace": 1,
}  # which path
ON_DESCRIPTORS = ("write", "pwrite", "writev", "fsync", "fdatasync", "ftruncate")

Call = Callable[..., Any]


@dataclass(frozen=True)
class Fault:
    """That the process ends at the point `at`, or else at the first not among `spared`, and at which moment of it.

    A point is its label and how many of that label came before, so that every point has its turn though one run has
    more of them than another. "before" and "after" are SIGKILL; "during" sets a timer whose signal ends the process as
    abruptly, in the middle of the call's own work or soon after it.
    """

    moment: str
    spared: Sequence[str] = ()
    at: str = ""
    microseconds: int = 300

    def is_meant(self, point: str) -> bool:
        """Tell whether this is the point."""
        return point == self.at if self.at else point not in self.spared

    def strike(self, moment: str) -> None:
        """End the process when this is the moment; with "during", soon."""
        if moment == self.moment:
            os.kill(os.getpid(), signal.SIGKILL)
        if (moment, self.moment) == ("before", "during"):
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, self.microseconds / 1e6)


class WritePoints:
    """The points of one process; `tell` hears of every one before it is done."""

    def __init__(self, tell: Callable[[str], None], fault: Fault | None) -> None:
        self._tell = tell
        self._fault = fault
        self._counts: Counter[str] = Counter()

    def counted(self, label: str, call: Callable[[], Any]) -> Any:
        """Do `call` as one point."""
        self._counts[label] += 1
        point = f"{label} #{self._counts[label]}"
        self._tell(point)
        if self._fault is None or not self._fault.is_meant(point):
            return call()
        fault, self._fault = self._fault, None
        fault.strike("before")
        done = call()
        fault.strike("after")
        return done

    def install(self) -> None:
        """Count from now on, whoever calls."""
        for name in ON_PATHS:
            self._watch(os, name, lambda name, arguments: f"{name} {_plain(arguments[ON_PATHS[name]])}")
        for name in ON_DESCRIPTORS:
            self._watch(os, name, _file_label)
        self._watch(os, "open", _creation_label)
        self._install_sqlite()
        for cursor in (psycopg.Cursor, psycopg.ServerCursor):
            for name in ("execute", "executemany"):
                self._watch(cursor, name, _statement_label)
        self._watch(psycopg.Connection, "commit", _commit_label)

    def _install_sqlite(self) -> None:
        class CountedCursor(sqlite3.Cursor):
            """The classes of the driver are written in C and take no new methods: these stand in for them."""

        class CountedConnection(sqlite3.Connection):
            def cursor(self, factory: Any = CountedCursor) -> Any:
                return super().cursor(factory)

            def execute(self, *arguments: Any) -> Any:
                return self.cursor().execute(*arguments)

        for name in ("execute", "executemany"):
            self._watch(CountedCursor, name, _statement_label)
        self._watch(CountedConnection, "commit", _commit_label)
        connect = sqlite3.dbapi2.connect

        def counted_connect(*arguments: Any, **options: Any) -> Any:
            return connect(*arguments, factory=CountedConnection, **options)

        sqlite3.dbapi2.connect = counted_connect

    def _watch(self, owner: Any, name: str, label_of: Callable[[str, tuple[Any, ...]], str]) -> None:
        real: Call = getattr(owner, name)

        @wraps(real)
        def watched(*arguments: Any, **options: Any) -> Any:
            label = label_of(name, arguments)
            if not label:
                return real(*arguments, **options)
            return self.counted(label, lambda: real(*arguments, **options))

        setattr(owner, name, watched)


def _plain(path: Any) -> str:
    """A file's name without what differs from run to run."""
    return IDENTIFIER.sub("*", Path(path).name)


def _file_label(name: str, arguments: tuple[Any, ...]) -> str:
    """Pipes and sockets are not places where anything stays."""
    kind = os.fstat(arguments[0]).st_mode
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        return ""
    return f"{name} {_plain(Path(f'/proc/self/fd/{arguments[0]}').readlink())}"


def _creation_label(_name: str, arguments: tuple[Any, ...]) -> str:
    return f"create {_plain(arguments[0])}" if len(arguments) > 1 and arguments[1] & os.O_CREAT else ""


def _statement_label(_name: str, arguments: tuple[Any, ...]) -> str:
    words = " ".join(str(arguments[1]).split())
    return "" if words.upper().startswith(READS) else " ".join(words.split("(")[0].split()[:3])


def _commit_label(_name: str, _arguments: tuple[Any, ...]) -> str:
    return "COMMIT"
