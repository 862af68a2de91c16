"""What a command answers, and how a test runs one."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """Exit code, and what stood on standard output and standard error."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]
