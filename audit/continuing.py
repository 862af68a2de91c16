"""Reads under which origins a log signed, and holds the rows that say so to the log's own entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audit.entry import Entry, decode, parse_time
from audit.errors import AuditError, EntryError, NoteError
from audit.findings import Findings
from audit.note import VerifierKey
from audit.raw_log import RawContinuation
from audit.signed_rows import SLACK, Bearing

CONTINUED = "log:continued"


@dataclass(frozen=True, slots=True)
class Told:
    """An entry that tells of a continuation."""

    index: int
    entry: Entry

    def fits(self, row: RawContinuation) -> bool:
        """Whether it tells of this row; the time beside the row was taken in the same act."""
        details = self.entry.details
        try:
            begun_at = parse_time(row.begun_at)
        except EntryError:
            return False
        return (
            (details["generation"], details["from_size"]) == (row.generation, row.from_size)
            and self.index >= row.from_size
            and abs(begun_at - self.entry.time) <= SLACK
        )


def bearings_of(
    origin: str,
    public_key: bytes,
    continuations: Sequence[RawContinuation],
    events: Sequence[tuple[int, bytes]],
    findings: Findings,
) -> list[Bearing]:
    """The log's keys in turn, and the sizes that each signs. Raises NoteError for a first origin that no key bears.

    `events` are the entries of the event `log:continued`.
    """
    told = _told(events)
    names, starts = [origin], [-1]
    for row in continuations:
        fault = _fault(row, names, starts[-1], told)
        if fault:
            findings.add("checkpoint", _index(row.from_size), f"The row of a later origin of the log {fault}")
        if _is_usable(row):
            names.append(row.origin)
            starts.append(row.from_size)
    for one in told:
        if not any(row.generation == one.entry.details["generation"] for row in continuations):
            findings.add(
                "checkpoint", one.index, f"Entry {one.index} tells of a later origin of the log; it is missing."
            )
    keys = [VerifierKey(name, public_key) for name in names]
    ends = [*starts[1:], None]
    return [Bearing(key, start, end) for key, start, end in zip(keys, starts, ends, strict=True)]


def _fault(row: RawContinuation, names: Sequence[str], start: int, told: Sequence[Told]) -> str:
    if not _is_usable(row):
        return "holds no origin, generation and size."
    if row.origin in names:
        return "names an origin that the log bore before."
    if row.from_size < start:
        return "begins before the one that it follows."
    if not any(one.fits(row) for one in told):
        return "is not what an entry of the log tells of."
    return ""


def _is_usable(row: RawContinuation) -> bool:
    if type(row.generation) is not int or type(row.from_size) is not int or row.from_size < 0:
        return False
    try:
        VerifierKey(row.origin, bytes(32))
    except (NoteError, TypeError, AttributeError):
        return False
    return row.generation >= 1


def _told(events: Sequence[tuple[int, bytes]]) -> list[Told]:
    told = []
    for index, encoded in events:
        try:
            entry = decode(encoded)
        except (AuditError, TypeError, AttributeError):
            continue  # the entry itself is found to be wrong
        if entry.event == CONTINUED and {"generation", "from_size"} <= entry.details.keys():
            told.append(Told(index, entry))
    return told


def _index(value: Any) -> int:
    return value if type(value) is int and value >= 0 else 0
