"""Medians with ranges, ratios taken inside a run, and orders that turn so that nobody always goes first."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Spread:
    """What several runs showed: median, lowest and highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Summarise at least one value."""
        seen = sorted(values)
        return cls(statistics.median(seen), seen[0], seen[-1])

    def text(self, decimals: int = 2, unit: str = "") -> str:
        """Median, with the range in brackets."""
        median, low, high = (f"{value:,.{decimals}f}" for value in (self.median, self.low, self.high))
        return f"{median}{unit} ({low} to {high})"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ours over theirs, run by run."""
    return Spread.of(mine / other for mine, other in zip(ours, theirs, strict=True))


def turned(contenders: Sequence[T], run: int) -> list[T]:
    """The contenders in this run's order: the first of one run is the last of the next."""
    place = run % len(contenders)
    return [*contenders[place:], *contenders[:place]]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def verdict(goal: str, *, met: bool) -> str:
    """One line that says whether a goal was met in this run."""
    return f"  {'met    ' if met else 'NOT MET'}  {goal}"


def say(text: str = "") -> None:
    """Print at once, so that a long measurement shows where it is."""
    print(text, flush=True)
