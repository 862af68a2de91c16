"""The 72 hours of Article 33: when a report is due, what is left in words, and moments typed as London wall clock.

Promises: hours are hours that pass, whatever the wall clock does in between; a time that the clocks skip is refused,
and of one that comes twice the earlier counts, so that the deadline is never later than it may be.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from exchange.clock import LONDON, in_london
from exchange.errors import InvalidError

ALLOWED: Final = timedelta(hours=72)
"""UK GDPR Article 33(1): after having become aware of it, weekends and holidays included."""

HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
NOON: Final = 12

_TIME = re.compile(r"(?P<hour>[0-9]{1,2})(?:[:.](?P<minute>[0-9]{2}))?\s*(?P<half>am|pm|a\.m\.|p\.m\.)?", re.IGNORECASE)


def due_at(aware_at: datetime) -> datetime:
    """The moment by which the Information Commissioner is told; aware times in and out."""
    return aware_at.astimezone(UTC) + ALLOWED


def say_clock(aware_at: datetime, now: datetime, reported_at: datetime | None) -> str:
    """The clock in words: what is left, how long it is overdue, or how long the report took."""
    due = due_at(aware_at)
    if reported_at is not None:
        took = f"Reported {say_hours(reported_at - aware_at)} after becoming aware"
        late = reported_at - due
        return f"{took}, {say_hours(late)} late" if late > timedelta(0) else f"{took}, within the 72 hours"
    if now <= due:
        return f"{say_hours(due - now)} left"
    return f"Overdue by {say_hours(now - due)}"


def say_hours(length: timedelta) -> str:
    """A length in whole hours and minutes, rounded down: '51 hours and 20 minutes', 'less than a minute'."""
    hours, rest = divmod(max(length, timedelta(0)), HOUR)
    minutes = rest // MINUTE
    said = [
        f"{count} {word}{'' if count == 1 else 's'}" for count, word in ((hours, "hour"), (minutes, "minute")) if count
    ]
    return " and ".join(said) or "less than a minute"


def is_overdue(aware_at: datetime, now: datetime) -> bool:
    """Whether the 72 hours are over."""
    return now > due_at(aware_at)


def parse_moment(day: date | None, clock: str, *, field: str, what: str) -> datetime:
    """The moment of a London day and a time such as 14:30, 2:30pm or 9am; `field` and its `-time` bear the errors.

    Raises:
        InvalidError: a part is missing or none, or the clocks skipped that time.
    """
    if day is None:
        raise InvalidError(f"Enter the day {what}", field=field)
    at = datetime.combine(day, _parse_time(clock, field=f"{field}_time", what=what), LONDON)
    moment = at.astimezone(UTC)
    if in_london(moment).replace(tzinfo=None) != at.replace(tzinfo=None):
        raise InvalidError(
            "The clocks went forward and there was no such time on that day. Enter the time an hour later",
            field=f"{field}_time",
        )
    return moment


def _parse_time(text: str, *, field: str, what: str) -> time:
    typed = text.strip()
    if not typed:
        raise InvalidError(f"Enter the time {what}", field=field)
    found = _TIME.fullmatch(typed)
    wrong = InvalidError("The time must be like 14:30, 2:30pm or 9am", field=field)
    if found is None or (found["minute"] is None and found["half"] is None):
        raise wrong
    hour, minute, half = int(found["hour"]), int(found["minute"] or 0), (found["half"] or "").lower()[:1]
    if half:
        if not 1 <= hour <= NOON:
            raise wrong
        hour = hour % NOON + (NOON if half == "p" else 0)
    try:
        return time(hour, minute)
    except ValueError:
        raise wrong from None
