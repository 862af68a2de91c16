"""What date a file's data represents (annex A, paragraphs 196 and 199), parsed once into a frozen value.

A snapshot taken some time ago, such as the SEN2 survey or a census, is an honest answer and has its own kind.
"""

import datetime as dt
from dataclasses import dataclass

AS_AT = "as-at"
PERIOD = "period"
HISTORIC_SNAPSHOT = "historic-snapshot"
NOT_DATED = "not-dated"
KINDS = (AS_AT, PERIOD, HISTORIC_SNAPSHOT, NOT_DATED)
EARLIEST = dt.date(1990, 1, 1)  # no answer to an inspection is older; a slip such as 0205 or 1925 is caught


class DataDateError(ValueError):
    """The date cannot stand; the message tells a person what to change."""


@dataclass(frozen=True)
class DataDate:
    """The day, the period or the snapshot that data represents; `end` only for a period, neither when not dated."""

    kind: str
    start: dt.date | None = None
    end: dt.date | None = None

    def iso(self) -> str:
        """ISO 8601: a date, an interval `start/end`, or an empty text when not dated."""
        return "/".join(day.isoformat() for day in (self.start, self.end) if day)

    def describe(self) -> str:
        """The date in words, as a page shows it."""
        if self.start is None:
            return "Not dated"
        if self.end is not None:
            return f"{_words(self.start)} to {_words(self.end)}"
        return f"{'As at' if self.kind == AS_AT else 'Historic snapshot of'} {_words(self.start)}"


def parse_data_date(
    kind: str, start: dt.date | str | None, end: dt.date | str | None, received_on: dt.date
) -> DataDate:
    """The data date that a person gave, in a form or in ISO 8601 text, for a file received on `received_on` (London).

    Raises:
        DataDateError: the kind is unknown, a date is missing, unreadable, in the future or before 1990, stands where
            none belongs, or the period ends before it starts.
    """
    if kind not in KINDS:
        raise DataDateError("Choose what the date of the data is: one day, a period, or a historic snapshot.")
    first, last = _day(start, "date"), _day(end, "end date")
    if kind == NOT_DATED:
        if first or last:
            raise DataDateError("You said the data has no date and gave one. Choose one of the two.")
        return DataDate(NOT_DATED)
    if first is None:
        raise DataDateError(
            "Enter the date the period starts." if kind == PERIOD else "Enter the date the data represents."
        )
    if kind == PERIOD and last is None:
        raise DataDateError("Enter the date the period ends.")
    if kind != PERIOD and last is not None:
        raise DataDateError("An end date belongs to a period. Choose a period, or leave the end date empty.")
    for day in filter(None, (first, last)):
        _verify_sensible(day, received_on)
    if last is not None and last < first:
        raise DataDateError("The period ends before it starts. Check both dates.")
    return DataDate(kind, first, last)


def _day(given: dt.date | str | None, name: str) -> dt.date | None:
    if isinstance(given, dt.datetime):
        raise DataDateError(f"The {name} is a day without a time.")
    if given is None or isinstance(given, dt.date):
        return given
    if not given.strip():
        return None
    try:
        return dt.date.fromisoformat(given.strip())
    except ValueError:
        raise DataDateError(f"The {name} is not a real date. Check the day, the month and the year.") from None


def _verify_sensible(day: dt.date, received_on: dt.date) -> None:
    if day > received_on:
        raise DataDateError(f"{_words(day)} is in the future. Data cannot be later than the day you share it.")
    if day < EARLIEST:
        raise DataDateError(f"{_words(day)} is before 1990. Check the year.")


def _words(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"
