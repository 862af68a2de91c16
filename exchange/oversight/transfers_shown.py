"""Releases shown as transfers: many range requests of one download are one line, with every entry behind it. Pure.

Promises: what is shown follows from the log's entries alone; an end that nobody recorded is never called an end; bytes
are covered only where an entry says that they were handed to the network, and counted once however often they were.

Releases of one document to one person in one way belong to one transfer when each asks for a part of the file and
begins at most `RESUMED_WITHIN` after the one before began or ended. A document's content never changes, so every such
request is one for the same bytes (the same ETag). A request for the whole file begins a transfer of its own, and so
does whatever follows once the whole file was handed out.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from audit.entry import Entry
from exchange.oversight.opening import OPENINGS, How, Opening, Step

RESUMED_WITHIN: Final = timedelta(minutes=10)
BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)


class Outcome(StrEnum):
    """How a release or a transfer ended, in the words of the pages."""

    COMPLETED = "completed"
    IN_PART = "completed in part"  # everything that was asked for, which was less than the file
    BROKEN_OFF = "broken off"
    NO_END = "no end recorded"


@dataclass(frozen=True)
class Found:
    """An entry and where it stands in its log."""

    index: int
    entry: Entry


@dataclass(frozen=True)
class Release:
    """One answer of the service: which bytes it was to hand out, and what is recorded of its end."""

    id: str
    document: str
    person: str
    how: How
    start: int
    stop: int
    started_at: datetime
    started_index: int
    ended_at: datetime | None = None
    ended_index: int | None = None
    sent: int = 0
    step: Step = Step.STARTED

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        ends = {Step.COMPLETED: Outcome.COMPLETED, Step.BROKEN_OFF: Outcome.BROKEN_OFF}
        return ends.get(self.step, Outcome.NO_END)

    @property
    def latest(self) -> datetime:
        """The last moment that is known of it."""
        return max(self.started_at, self.ended_at or self.started_at)


@dataclass(frozen=True)
class Transfer:
    """One download, or one look, as a person would count it; `size` of the document in bytes, None where unknown."""

    releases: tuple[Release, ...]
    size: int | None

    @property
    def person(self) -> str:
        """Who."""
        return self.releases[0].person

    @property
    def document(self) -> str:
        """What."""
        return self.releases[0].document

    @property
    def how(self) -> How:
        """In which way."""
        return self.releases[0].how

    @property
    def started_at(self) -> datetime:
        """When its first release began."""
        return self.releases[0].started_at

    @property
    def ended_at(self) -> datetime | None:
        """When the last of it ended; None while an end is missing."""
        ends = [release.ended_at for release in self.releases]
        return None if None in ends else max(end for end in ends if end is not None)

    @property
    def covered(self) -> int:
        """How many different bytes of the file were handed to the network, as far as ends are recorded."""
        return sum(stop - start for start, stop in union((one.start, one.start + one.sent) for one in self.releases))

    @property
    def outcome(self) -> Outcome:
        """Completed once the whole file was handed out, however many pieces and attempts that took."""
        outcomes = {release.outcome for release in self.releases}
        if self.size is not None and self.covered >= self.size and outcomes != {Outcome.NO_END}:
            return Outcome.COMPLETED
        for worse in (Outcome.NO_END, Outcome.BROKEN_OFF):
            if worse in outcomes:
                return worse
        return Outcome.COMPLETED if self.size is None else Outcome.IN_PART

    @property
    def indexes(self) -> tuple[int, ...]:
        """Where its entries stand in the log, in order."""
        places = [place for one in self.releases for place in (one.started_index, one.ended_index)]
        return tuple(sorted(place for place in places if place is not None))


@dataclass
class _Gathered:
    """A transfer while its releases are being gathered; `sent`: the spans handed out, apart, in order, and their sum.

    The spans are kept as they grow: somebody who asks for one range ten thousand times costs each request once.
    """

    releases: list[Release] = field(default_factory=list)
    sent: list[tuple[int, int]] = field(default_factory=list)
    covered: int = 0
    latest: datetime = BEFORE_ALL

    def begin(self, release: Release) -> None:
        """Take a release that has just begun."""
        self.releases.append(release)
        self.latest = max(self.latest, release.started_at)

    def end(self, place: int, ended: Release) -> None:
        """Put a release that has ended in the place of its beginning."""
        self.releases[place] = ended
        self._cover(ended.start, ended.start + ended.sent)
        self.latest = max(self.latest, ended.latest)

    def goes_on_with(self, release: Release, size: int | None) -> bool:
        """Whether a release that begins now belongs to this transfer."""
        if release.start == 0 and (size is None or release.stop >= size):
            return False  # a request for the whole file
        if size is not None and self.covered >= size:
            return False
        return release.started_at - self.latest <= RESUMED_WITHIN

    def _cover(self, start: int, stop: int) -> None:
        """Put a span among the spans handed out, joined with those that it touches."""
        if start >= stop:
            return
        first = bisect_left(self.sent, start, key=lambda span: span[1])
        last = bisect_right(self.sent, stop, key=lambda span: span[0])
        touched = self.sent[first:last]
        if touched:
            start, stop = min(start, touched[0][0]), max(stop, touched[-1][1])
        self.covered += stop - start - sum(end - begin for begin, end in touched)
        self.sent[first:last] = [(start, stop)]


def transfers_in(
    found: Iterable[Found], sizes: Mapping[str, int], openings: Mapping[str, Opening] = OPENINGS
) -> list[Transfer]:
    """The transfers that these entries tell of, the newest first; entries that open nothing are passed over."""
    gathered: list[_Gathered] = []
    newest: dict[tuple[str, str, How], _Gathered] = {}
    running: dict[str, tuple[_Gathered, int]] = {}
    for one in sorted(found, key=lambda one: one.index):
        opening = openings.get(one.entry.event)
        if opening is None:
            continue
        identifier = str(one.entry.details["release"])
        if opening.step is not Step.STARTED:
            if identifier in running:  # the first end counts
                transfer, place = running.pop(identifier)
                transfer.end(place, _ended(transfer.releases[place], one, opening.step))
            continue
        release = _started(one, opening.how)
        key = (release.person, release.document, release.how)
        if key not in newest or not newest[key].goes_on_with(release, sizes.get(release.document)):
            newest[key] = _Gathered()
            gathered.append(newest[key])
        running[identifier] = (newest[key], len(newest[key].releases))
        newest[key].begin(release)
    return [Transfer(tuple(one.releases), sizes.get(one.releases[0].document)) for one in reversed(gathered)]


def union(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans (start, stop exclusive) as ordered ones that neither touch nor overlap; empty ones are dropped."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(span for span in spans if span[0] < span[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], stop))
        else:
            joined.append((start, stop))
    return joined


def _started(found: Found, how: How) -> Release:
    details = found.entry.details
    return Release(
        id=str(details["release"]),
        document=str(details["document"]),
        person=found.entry.actor,
        how=how,
        start=int(str(details["range_start"])),
        stop=int(str(details["range_stop"])),
        started_at=found.entry.time,
        started_index=found.index,
    )


def _ended(release: Release, found: Found, step: Step) -> Release:
    sent = int(str(found.entry.details["bytes"]))
    return replace(release, ended_at=found.entry.time, ended_index=found.index, sent=sent, step=step)
