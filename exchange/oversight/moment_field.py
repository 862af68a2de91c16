"""A moment typed as day, month, year and time of day in London, in the address of a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from exchange.clock import LONDON, in_london
from exchange.errors import InvalidError

FIELDS = ("day", "month", "year", "time")
_TIME = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2}))? ?(am|pm)?(?: ?(gmt|bst))?", re.IGNORECASE | re.ASCII)
SKIPPED = "The clocks went forward and there was no such time on that day. Enter the time an hour later"
TWICE = (
    "The clocks went back and this time came twice. Add BST for the first of the two or GMT for the second, like "
    "1:30am GMT"
)
MINUTE = timedelta(minutes=1)


def parse_moment(parameters: Mapping[str, str]) -> datetime | None:
    """The moment in an address; None when nothing is given. The end of the minute counts: `11:05` includes 11:05:59.

    Raises:
        InvalidError: it is no date or no time; `field` is `day` or `time`.
    """
    typed = {name: parameters.get(name, "").strip() for name in FIELDS}
    if not any(typed.values()):
        return None
    try:
        year, month, day = (int(typed[name]) for name in ("year", "month", "day"))
        hour, minute, zone = _time_of_day(typed["time"])
        local = _local(datetime(year, month, day, hour, minute, tzinfo=LONDON), zone)
    except (ValueError, OverflowError):
        raise InvalidError("The date must be a real date, like 27 3 2026", field="day") from None
    if not 2000 <= local.year < 2200:  # noqa: PLR2004  no log of ours is older, and a minute after it must exist
        raise InvalidError("The year must be between 2000 and 2199", field="day")
    return local.astimezone(UTC) + MINUTE - timedelta(microseconds=1)


def fields_of(moment: datetime) -> dict[str, str]:
    """A moment as the fields of a form."""
    local = in_london(moment)
    typed = f"{local:%H:%M}" + (f" {local:%Z}" if len(_readings(local)) > 1 else "")
    return {"day": str(local.day), "month": str(local.month), "year": str(local.year), "time": typed}


def _local(wall: datetime, zone: str) -> datetime:
    """What the wall clock of London showed. Raises InvalidError where it never did, or twice and `zone` is empty."""
    readings = _readings(wall)
    if not readings:
        raise InvalidError(SKIPPED, field="time")
    found = [one for one in readings if zone in {"", one.tzname()}]
    if not found:
        raise InvalidError(f"The clocks of that day did not show {zone} at that time", field="time")
    if len(found) > 1:
        raise InvalidError(TWICE, field="time")
    return found[0]


def _readings(wall: datetime) -> list[datetime]:
    """The moments at which the clocks showed this: one, none where they went forward, two where they went back."""
    first, second = (wall.replace(fold=fold) for fold in (0, 1))
    if in_london(first.astimezone(UTC)).replace(tzinfo=None) != first.replace(tzinfo=None):
        return []
    return [first] if first.utcoffset() == second.utcoffset() else [first, second]


def _time_of_day(text: str) -> tuple[int, int, str]:
    if not text:
        return 23, 59, ""  # a day without a time is meant to its end
    match = _TIME.fullmatch(text)
    hour, minute = (int(match[1]), int(match[2] or 0)) if match else (24, 0)
    half = (match[3] or "").lower() if match else ""
    if half and not 1 <= hour <= 12:  # noqa: PLR2004  hours of a clock face
        hour = 24
    elif half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59:  # noqa: PLR2004  a day's last hour, an hour's last minute
        raise InvalidError("The time must be like 9:30am or 14:05", field="time")
    return hour, minute, (match[4] or "").upper() if match else ""
