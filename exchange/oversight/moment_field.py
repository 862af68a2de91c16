"""A moment typed as day, month, year and time of day in London, in the address of a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from exchange.clock import LONDON, in_london
from exchange.errors import InvalidError

FIELDS = ("day", "month", "year", "time")
_TIME = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2}))? ?(am|pm)?", re.IGNORECASE | re.ASCII)
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
        hour, minute = _time_of_day(typed["time"])
        local = datetime(year, month, day, hour, minute, tzinfo=LONDON)
    except (ValueError, OverflowError):
        raise InvalidError("The date must be a real date, like 27 3 2026", field="day") from None
    if not 2000 <= local.year < 2200:  # noqa: PLR2004  no log of ours is older, and a minute after it must exist
        raise InvalidError("The year must be between 2000 and 2199", field="day")
    return local.astimezone(UTC) + MINUTE - timedelta(microseconds=1)


def fields_of(moment: datetime) -> dict[str, str]:
    """A moment as the fields of a form."""
    local = in_london(moment)
    return {"day": str(local.day), "month": str(local.month), "year": str(local.year), "time": f"{local:%H:%M}"}


def _time_of_day(text: str) -> tuple[int, int]:
    if not text:
        return 23, 59  # a day without a time is meant to its end
    match = _TIME.fullmatch(text)
    hour, minute = (int(match[1]), int(match[2] or 0)) if match else (24, 0)
    half = (match[3] or "").lower() if match else ""
    if half and not 1 <= hour <= 12:  # noqa: PLR2004  hours of a clock face
        hour = 24
    elif half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59:  # noqa: PLR2004  a day's last hour, an hour's last minute
        raise InvalidError("The time must be like 9:30am or 14:05", field="time")
    return hour, minute
