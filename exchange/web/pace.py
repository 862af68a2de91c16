"""How slowly a client may send or take bytes before its connection is given up.

A `Pace` promises that the time spent waiting for one request never exceeds `grace_seconds + bytes / bytes_per_second`,
and that no single wait exceeds `idle_seconds`. Only waiting counts: the time the service itself takes is never held
against the client.
"""

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PaceLimits:
    """The slowest line that is still served (seconds, bytes a second)."""

    idle_seconds: float = 30.0
    grace_seconds: float = 30.0
    bytes_per_second: int = 4096


DEFAULT_LIMITS: Final = PaceLimits()


class TooSlowError(TimeoutError):
    """The client sends or takes bytes more slowly than the service can wait; to the server, a line that has ended."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "the line is slower than the service can wait for")


class Pace:
    """The account of one request: how long was waited, and for how many bytes."""

    def __init__(self, limits: PaceLimits = DEFAULT_LIMITS, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self.clock = clock
        self._waited = 0.0
        self._count = 0

    def patience(self) -> float:
        """Seconds the next wait may take; raises TooSlowError when nothing is left."""
        left = self.limits.grace_seconds + self._count / self.limits.bytes_per_second - self._waited
        if left <= 0:
            raise TooSlowError
        return min(left, self.limits.idle_seconds)

    def record(self, seconds: float, count: int) -> None:
        """Add one wait of `seconds` that brought `count` bytes."""
        self._waited += seconds
        self._count += count
