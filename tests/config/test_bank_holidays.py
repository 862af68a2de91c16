import datetime as dt

import pytest

from config.bank_holidays import add_working_days, easter_sunday, england_bank_holidays

# As announced for England and Wales on GOV.UK, month and day.
ANNOUNCED = {
    2024: "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26",
    2025: "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26",
    2026: "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
    2027: "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28",
    2028: "01-03 04-14 04-17 05-01 05-29 08-28 12-25 12-26",
}


@pytest.mark.parametrize("year", sorted(ANNOUNCED))
def test_the_rules_give_the_announced_days(year: int) -> None:
    announced = {dt.date.fromisoformat(f"{year}-{day}") for day in ANNOUNCED[year].split()}
    assert england_bank_holidays(year) == announced


@pytest.mark.parametrize("year", range(2000, 2100))
def test_every_year_has_eight_holidays_on_weekdays(year: int) -> None:
    holidays = england_bank_holidays(year)
    assert len(holidays) == 8
    assert all(day.weekday() < 5 and day.year == year for day in holidays)


@pytest.mark.parametrize(
    ("year", "easter"), [(1961, "04-02"), (2000, "04-23"), (2019, "04-21"), (2038, "04-25"), (2285, "03-22")]
)
def test_easter_agrees_with_the_tables_at_its_extremes(year: int, easter: str) -> None:
    assert easter_sunday(year) == dt.date.fromisoformat(f"{year}-{easter}")


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("2026-03-20", 10, "2026-04-07"),  # over Good Friday and Easter Monday
        ("2026-12-24", 1, "2026-12-29"),  # over Christmas, a weekend and the substitute for Boxing Day
        ("2026-06-05", 1, "2026-06-08"),  # over a weekend
        ("2026-06-06", 1, "2026-06-08"),  # from a Saturday
        ("2026-06-08", 3, "2026-06-11"),
        ("2026-06-08", 0, "2026-06-08"),
    ],
)
def test_working_days_leave_out_weekends_and_bank_holidays(start: str, count: int, end: str) -> None:
    assert add_working_days(dt.date.fromisoformat(start), count) == dt.date.fromisoformat(end)


def test_a_day_proclaimed_once_does_not_count() -> None:
    coronation = dt.date(2023, 5, 8)
    assert add_working_days(dt.date(2023, 5, 5), 1) == coronation
    assert add_working_days(dt.date(2023, 5, 5), 1, frozenset({coronation})) == dt.date(2023, 5, 9)
