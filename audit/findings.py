"""What the log check says: pieces of damage, each with its kind and the first index that it concerns."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MAX_FINDINGS: Final = 100
"""Enough to see what happened; a log with more damage than that is compared with a backup, not read line by line."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of damage: its kind (see `audit.fsck`), the first index it concerns, and a sentence."""

    kind: str
    index: int
    detail: str


@dataclass(frozen=True, slots=True)
class FsckReport:
    """What the check of one log found; `root_hash` is rebuilt from the entries. No findings: the log is whole."""

    log_id: str
    tree_size: int
    root_hash: bytes
    checkpoints: int
    findings: tuple[Finding, ...]

    @property
    def first_bad_index(self) -> int | None:
        """The smallest index that any finding names, or None when the log is whole."""
        return min((finding.index for finding in self.findings), default=None)


class Findings:
    """Collects damage; the same is said once."""

    def __init__(self) -> None:
        self._found: set[Finding] = set()

    def __len__(self) -> int:
        return len(self._found)

    def add(self, kind: str, index: int, detail: str) -> None:
        """Say that something is wrong."""
        self._found.add(Finding(kind, index, detail))

    def kinds(self) -> set[str]:
        """The kinds of damage so far."""
        return {finding.kind for finding in self._found}

    def sorted(self) -> tuple[Finding, ...]:
        """The first of them, by index."""
        return sorted_findings(self._found)


def sorted_findings(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """By index, kind and sentence; at most MAX_FINDINGS."""
    return tuple(sorted(found, key=lambda one: (one.index, one.kind, one.detail))[:MAX_FINDINGS])
