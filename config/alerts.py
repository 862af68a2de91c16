"""What raises an alert and from which threshold on: alerts.toml as frozen values, checked on load."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.bank_holidays import england_bank_holidays
from config.tables import FOLDER, Row, TableError, read_table, rows, verify_only, verify_unique

SWITCH: Final = "switch"
NUMBER: Final = "number"
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CODES: Final = ("volume", "probing", "new-place", "out-of-hours")

_FILE: Final = "alerts.toml"
_NEEDED: Final = (
    "volume.on",
    "volume.documents-hour",
    "volume.documents-day",
    "volume.megabytes-hour",
    "volume.megabytes-day",
    "probing.on",
    "probing.refusals-person",
    "probing.refusals-place",
    "probing.minutes",
    "new-place.on",
    "out-of-hours.on",
    "out-of-hours.from",
    "out-of-hours.to",
    *(f"out-of-hours.{day}" for day in WEEKDAYS),
    "out-of-hours.bank-holidays",
)


class ThresholdError(Exception):
    """A number that a setting cannot take; the message is for whoever typed it, `code` names the setting."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class AlertSetting:
    """One number that officers tune: a switch is 0 or 1, a number lies between `least` and `most`."""

    code: str
    kind: str
    label: str
    unit: str
    default: int
    least: int
    most: int

    def parse(self, text: str) -> int:
        """The number in what somebody typed. Raises ThresholdError when the setting cannot take it."""
        typed = text.strip().replace(",", "")
        if not (typed.isascii() and typed.isdigit() and len(typed) < 10 and self.least <= int(typed) <= self.most):  # noqa: PLR2004  more digits than any threshold has
            raise ThresholdError(
                self.code, f"‘{self.label}’ must be a whole number between {self.least:,} and {self.most:,}"
            )
        return int(typed)


@dataclass(frozen=True)
class Alert:
    """One alert with its settings, in the order of the file."""

    code: str
    title: str
    sentence: str
    settings: tuple[AlertSetting, ...]


@dataclass(frozen=True)
class AlertTable:
    """Every alert, in the order of the file."""

    version: str
    alerts: tuple[Alert, ...]

    @property
    def settings(self) -> tuple[AlertSetting, ...]:
        """Every setting of every alert."""
        return tuple(setting for alert in self.alerts for setting in alert.settings)

    def defaults(self) -> dict[str, int]:
        """What holds until an officer sets something else, by code."""
        return {setting.code: setting.default for setting in self.settings}


def verify_together(values: Mapping[str, int]) -> None:
    """Raise ThresholdError where values that are each allowed contradict each other."""
    if values["out-of-hours.to"] <= values["out-of-hours.from"]:
        raise ThresholdError("out-of-hours.to", "The hours must end later than they begin")


def is_within_hours(moment: dt.datetime, values: Mapping[str, int], one_off: frozenset[dt.date]) -> bool:
    """Whether a moment, on the wall clock of London, lies within the hours and days set.

    `one_off`: bank holidays proclaimed for one year only.
    """
    day = moment.date()
    if day in one_off or day in england_bank_holidays(day.year):
        is_open = bool(values["out-of-hours.bank-holidays"])
    else:
        is_open = bool(values[f"out-of-hours.{WEEKDAYS[day.weekday()]}"])
    return is_open and values["out-of-hours.from"] <= moment.hour < values["out-of-hours.to"]


def load_alerts(path: Path = FOLDER / _FILE) -> AlertTable:
    """Read and check the table.

    Raises:
        TableError: it is malformed, incomplete or contradicts itself.
    """
    table = read_table(path)
    verify_only(table, ("version", "alert", "setting"), _FILE)
    settings = rows(table, "setting", _setting, _FILE)
    alerts = rows(table, "alert", lambda row: _alert(row, settings), _FILE)
    verify_unique((setting.code for setting in settings), _FILE)
    if tuple(alert.code for alert in alerts) != CODES:
        raise TableError(f"{_FILE}: the alerts must be {', '.join(CODES)}")
    if {setting.code for setting in settings} != set(_NEEDED):
        strange = sorted({setting.code for setting in settings} ^ set(_NEEDED))
        raise TableError(f"{_FILE}: missing, or read by no rule: {', '.join(strange)}")
    version = table.get("version")
    if not isinstance(version, str) or not version:
        raise TableError(f"{_FILE}: version must be given")
    made = AlertTable(version, alerts)
    try:
        verify_together(made.defaults())
    except ThresholdError as error:
        raise TableError(f"{_FILE}: {error.code}: {error}") from error
    return made


def _alert(row: Row, settings: tuple[AlertSetting, ...]) -> Alert:
    code = row.get("code", str)
    mine = tuple(setting for setting in settings if setting.code.startswith(f"{code}."))
    return Alert(code, row.get("title", str), row.get("sentence", str), mine)


def _setting(row: Row) -> AlertSetting:
    kind = row.one_of("kind", (SWITCH, NUMBER))
    setting = AlertSetting(
        code=row.get("code", str),
        kind=kind,
        label=row.get("label", str),
        unit=row.get("unit", str, ""),
        default=row.get("default", int),
        least=0 if kind == SWITCH else row.get("least", int),
        most=1 if kind == SWITCH else row.get("most", int),
    )
    if not 0 <= setting.least <= setting.default <= setting.most:
        raise TableError(f"{_FILE}: {setting.code}: the default must lie between least and most")
    return setting
