"""Bank holidays in England, computed from the rules that fix them.

Source: Banking and Financial Dealings Act 1971, schedule 1 (England and Wales), the common-law holidays of Good Friday
and Christmas Day, and the royal proclamations that give New Year's Day, the first Monday in May and a substitute day
when a holiday falls on a weekend. A day proclaimed for one year only is data: one_off_bank_holidays in retention.toml.
"""

import datetime as dt
from collections.abc import Iterator
from functools import cache

_SATURDAY = 5
_DAY = dt.timedelta(days=1)


@cache
def england_bank_holidays(year: int) -> frozenset[dt.date]:
    """The bank holidays of a year in England, substitute days included and one-off days not."""
    easter = easter_sunday(year)
    movable = {
        easter - 2 * _DAY,
        easter + _DAY,
        _monday_from(dt.date(year, 5, 1)),
        _monday_from(dt.date(year, 5, 25)),
        _monday_from(dt.date(year, 8, 25)),
    }
    return frozenset(movable | set(_moved_to_weekdays(year)))


def easter_sunday(year: int) -> dt.date:
    """Easter in the Gregorian calendar, as the Easter tables of the Calendar (New Style) Act 1750 give it."""
    golden, century = year % 19, year // 100
    epact = (19 * golden + century - century // 4 - (8 * century + 13) // 25 + 15) % 30
    moon = epact - (epact // 28) * (1 - (29 // (epact + 1)) * ((21 - golden) // 11))
    weekday = (year + year // 4 + moon + 2 - century + century // 4) % 7
    return dt.date(year, 3, 28) + (moon - weekday) * _DAY


def _monday_from(day: dt.date) -> dt.date:
    """The first Monday on or after a day; from the 25th of a month of 31 days it is the last."""
    return day + (-day.weekday() % 7) * _DAY


def _moved_to_weekdays(year: int) -> Iterator[dt.date]:
    """New Year's Day, Christmas Day and Boxing Day, each moved to the next free weekday when on a weekend."""
    taken: set[dt.date] = set()
    fixed = (dt.date(year, 1, 1), dt.date(year, 12, 25), dt.date(year, 12, 26))
    for day in sorted(fixed, key=lambda holiday: holiday.weekday() >= _SATURDAY):
        moved = day
        while moved.weekday() >= _SATURDAY or moved in taken:
            moved += _DAY
        taken.add(moved)
        yield moved


def add_working_days(start: dt.date, count: int, one_off: frozenset[dt.date] = frozenset()) -> dt.date:
    """The `count`-th working day after `start`; the day of `start` itself never counts."""
    day = start
    while count > 0:
        day += _DAY
        if day.weekday() < _SATURDAY and day not in england_bank_holidays(day.year) and day not in one_off:
            count -= 1
    return day
