"""When is this due for disposal, by which rule and because of what: a pure function over the retention schedule.

Promises: the answer depends on the schedule and the recorded dates alone; an event that nobody recorded falls back to
one that is known, in the order the schedule names, and every answer says which rule and which date decided.
"""

import calendar
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from config.bank_holidays import add_working_days
from config.tables import FOLDER, Row, TableError, read_table, rows, verify_unique

_FILE = "retention.toml"
_MONTHS_IN_YEAR = 12
_ACTIONS = (
    "destroy", "hand-back-then-destroy", "archive-then-destroy", "pseudonymise", "review", "delete", "roll-off",
    "overwrite", "none",
)  # fmt: skip
_EVENTS = {
    "notified": "the inspection was notified",
    "fieldwork-ended": "fieldwork ended",
    "report-issued": "the final report was issued",
    "case-closed": "the inspection was closed",
    "event": "it happened",
    "role-ended": "the role ended",
    "withdrawn": "the file was withdrawn",
    "register-closed": "the register entry was closed",
    "disposal": "the disposal was done",
    "none": "",
}
_UNITS = {
    "days": "day",
    "working-days": "working day",
    "months": "month",
    "years": "year",
    "whole-years": "whole calendar year",
}


class UnknownRecordClassError(LookupError):
    """The schedule has no such class of record."""


@dataclass(frozen=True)
class InspectionDates:
    """The recorded events of an inspection, days in London; None where nobody recorded one.

    `event_on` is the day of the event that belongs to the record itself and not to the inspection: the log line, the
    end of a role, the withdrawal, the closing of a register entry, the disposal.
    """

    notified_on: dt.date
    fieldwork_ended_on: dt.date | None = None
    report_issued_on: dt.date | None = None
    closed_on: dt.date | None = None
    event_on: dt.date | None = None

    def day_of(self, trigger: str) -> dt.date | None:
        """The recorded day of a trigger."""
        inspection = {
            "notified": self.notified_on,
            "fieldwork-ended": self.fieldwork_ended_on,
            "report-issued": self.report_issued_on,
            "case-closed": self.closed_on,
            "none": None,
        }
        return inspection.get(trigger, self.event_on)


@dataclass(frozen=True)
class Period:
    """A count of units after an event."""

    trigger: str
    count: int
    unit: str

    def describe(self) -> str:
        """The period in words: "10 working days after fieldwork ended"."""
        plural = "" if self.count == 1 else "s"
        return f"{self.count} {_UNITS[self.unit]}{plural} after {_EVENTS[self.trigger]}"

    def end(self, day: dt.date, one_off: frozenset[dt.date]) -> dt.date:
        """The day on which a period that starts with an event on `day` has run out."""
        match self.unit:
            case "working-days":
                return add_working_days(day, self.count, one_off)
            case "days":
                return day + dt.timedelta(days=self.count)
            case "months":
                return _add_months(day, self.count)
            case "years":
                return _add_months(day, self.count * _MONTHS_IN_YEAR)
            case _:
                return dt.date(day.year + self.count, 12, 31)


@dataclass(frozen=True)
class ScheduleRow:
    """One class of record. `periods` are tried in order: the rule first, then its backstops; empty means not ours."""

    record_class: str
    what: str
    periods: tuple[Period, ...]
    action: str
    legal_basis: str
    source: str
    assumption: bool
    note: str


@dataclass(frozen=True)
class Due:
    """The day from which the action is due (None: this schedule sets no day), the rule, and the date behind it."""

    on: dt.date | None
    rule: str
    because: str


@dataclass(frozen=True)
class Schedule:
    """One version of the retention schedule."""

    version: str
    rows: tuple[ScheduleRow, ...]
    one_off_bank_holidays: frozenset[dt.date]

    def row(self, record_class: str) -> ScheduleRow:
        """The row of a class.

        Raises:
            UnknownRecordClassError: there is none.
        """
        for row in self.rows:
            if row.record_class == record_class:
                return row
        raise UnknownRecordClassError(f"The retention schedule has no class {record_class}.")

    def due_on(self, record_class: str, dates: InspectionDates) -> Due:
        """When records of a class are due, given what was recorded.

        Raises:
            UnknownRecordClassError: there is no such class.
        """
        row = self.row(record_class)
        for place, period in enumerate(row.periods):
            day = dates.day_of(period.trigger)
            if day is not None:
                because = f"Counted from {day.day} {day:%B %Y}, when {_EVENTS[period.trigger]}."
                if place:
                    because += f" No record says that {_EVENTS[row.periods[0].trigger]}, so the backstop decides."
                return Due(period.end(day, self.one_off_bank_holidays), f"{record_class}: {period.describe()}", because)
        if not row.periods:
            return Due(None, f"{record_class}: no period", row.note)
        return Due(
            None,
            f"{record_class}: {row.periods[0].describe()}",
            f"No record says yet that {_EVENTS[row.periods[0].trigger]}.",
        )


def due_on(record_class: str, dates: InspectionDates, schedule: Schedule | None = None) -> Due:
    """When records of a class are due by `schedule` (the one beside this module unless given).

    Raises:
        UnknownRecordClassError: there is no such class.
    """
    return (schedule or load_schedule()).due_on(record_class, dates)


@cache
def load_schedule(path: Path | None = None) -> Schedule:
    """Read the schedule (the one beside this module unless given) and check it; kept for the life of the process.

    Raises:
        TableError: the file is malformed, a class stands twice, or a rule over an inspection's events has no backstop
            on a date that is always known.
    """
    path = path or FOLDER / _FILE
    table = dict(read_table(path))
    found = rows(table, "schedule", _row, path.name)
    table.pop("schedule")
    heading = Row(table, path.name)
    days: list[object] = heading.get("one_off_bank_holidays", list, [])
    one_off = frozenset(day for day in days if type(day) is dt.date)
    if len(one_off) != len(days):
        raise TableError(f"{path.name}: one_off_bank_holidays must be different dates")
    schedule = Schedule(heading.get("version", str), found, one_off)
    heading.verify_all_read()
    verify_unique((row.record_class for row in found), path.name)
    return schedule


def _row(row: Row) -> ScheduleRow:
    record_class, trigger = row.get("record_class", str), row.one_of("trigger", _EVENTS)
    periods = tuple(_periods(row, trigger, f"{_FILE}: class {record_class}"))
    inspection_events = {"fieldwork-ended", "report-issued", "case-closed"}
    if trigger in inspection_events and periods[-1].trigger != "notified":
        raise TableError(f"{_FILE}: class {record_class} must end with a backstop counted from notification")
    return ScheduleRow(
        record_class=record_class,
        what=row.get("what", str),
        periods=periods,
        action=row.one_of("action", _ACTIONS),
        legal_basis=row.get("legal_basis", str),
        source=row.get("source", str),
        assumption=row.get("assumption", bool),
        note=row.get("note", str),
    )


def _periods(row: Row, trigger: str, where: str) -> Iterator[Period]:
    if trigger == "none":
        return
    yield _period({"trigger": trigger, **row.get("period", dict)}, where)
    for backstop in row.get("backstops", list, []):
        yield _period(backstop, where)


def _period(columns: dict[str, object], where: str) -> Period:
    part = Row(columns, where)
    period = Period(part.one_of("trigger", _EVENTS), part.get("count", int), part.one_of("unit", _UNITS))
    part.verify_all_read()
    if period.count < 1:
        raise TableError(f"{where}: a period is at least one {_UNITS[period.unit]}")
    return period


def _add_months(day: dt.date, count: int) -> dt.date:
    """The same day of a later month, or that month's last day where it has no such day."""
    months = day.year * _MONTHS_IN_YEAR + day.month - 1 + count
    year, month = divmod(months, _MONTHS_IN_YEAR)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
