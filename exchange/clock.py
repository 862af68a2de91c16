"""Time as an argument: services ask a clock, tests hand them one they can move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]
LONDON = ZoneInfo("Europe/London")


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def in_london(moment: datetime) -> datetime:
    """Return `moment` on the wall clock that inspections are timed by."""
    return moment.astimezone(LONDON)


def say_moment(moment: datetime) -> str:
    """Write a moment as GOV.UK style asks: 'Tuesday 3 March 2026 at 11am' or '... at 4:05pm'."""
    local = in_london(moment)
    hour = local.hour % 12 or 12
    minutes = f":{local.minute:02d}" if local.minute else ""
    half = "am" if local.hour < 12 else "pm"  # noqa: PLR2004  noon
    return f"{local:%A} {local.day} {local:%B %Y} at {hour}{minutes}{half}"


def say_day(moment: datetime | None) -> str:
    """Write the London day of a moment: '3 March 2026'; an empty text for none."""
    if moment is None:
        return ""
    local = in_london(moment)
    return f"{local.day} {local:%B %Y}"
