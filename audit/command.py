"""What the subcommands of `python -m audit` share: their shape, their exit codes, and how they print."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

PROVED: Final = 0
NOT_PROVED: Final = 1
UNUSABLE: Final = 2


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: its name, what it is for in a few words, its arguments, and what runs it to an exit code."""

    name: str
    purpose: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def plain(text: str) -> str:
    """Text that may come from a file, in one line that moves no cursor: a forger would write over the verdict."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
