"""The rules of alerts over points in time; pure, so that what raises an alert can be read and tested alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(hours=24)
MEGABYTE: Final = 10**6


@dataclass(frozen=True)
class Point:
    """Something that counts: when, in which log, under which key (a key counts once), and how much."""

    time: datetime
    log_id: str
    key: str
    weight: int = 1


@dataclass(frozen=True)
class Reached:
    """A window in which a threshold was reached: from its first point to the one that reached it."""

    since: datetime
    until: datetime
    amount: int
    logs: frozenset[str]


@dataclass(frozen=True)
class VolumeRule:
    """A threshold of the alert `volume`: what is counted, in which window, and in which words."""

    code: str
    window: timedelta
    counts_bytes: bool
    span: str

    def limit(self, values: Mapping[str, int]) -> int:
        """The threshold in documents or bytes."""
        return values[self.code] * (MEGABYTE if self.counts_bytes else 1)


VOLUME_RULES: Final = (
    VolumeRule("volume.documents-hour", HOUR, counts_bytes=False, span="an hour"),
    VolumeRule("volume.documents-day", DAY, counts_bytes=False, span="24 hours"),
    VolumeRule("volume.megabytes-hour", HOUR, counts_bytes=True, span="an hour"),
    VolumeRule("volume.megabytes-day", DAY, counts_bytes=True, span="24 hours"),
)


def windows_reached(points: Iterable[Point], window: timedelta, limit: int, since: datetime) -> Iterator[Reached]:
    """Every window that ends at a point not before `since` and holds `limit` or more; earliest first.

    A window is open at its beginning: a point exactly `window` earlier lies outside. Points with one key, which have
    one weight, count as one.
    """
    ordered = sorted(points, key=lambda point: point.time)
    inside: Counter[str] = Counter()
    logs: Counter[str] = Counter()  # kept as the window slides: a flood of points costs each point once
    amount = first = 0
    for point in ordered:
        amount += 0 if inside[point.key] else point.weight
        inside[point.key] += 1
        logs[point.log_id] += 1
        while ordered[first].time <= point.time - window:
            gone = ordered[first]
            inside[gone.key] -= 1
            logs[gone.log_id] -= 1
            amount -= 0 if inside[gone.key] else gone.weight
            first += 1
        if point.time >= since and amount >= limit:
            yield Reached(ordered[first].time, point.time, amount, frozenset(+logs))
