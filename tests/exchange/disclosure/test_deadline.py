"""The 72 hours: hours that pass, in words, over both changes of the clocks; and moments typed by a person in London."""

from datetime import UTC, date, datetime, timedelta

import pytest

from exchange.clock import say_moment
from exchange.disclosure.deadline import due_at, is_overdue, parse_moment, say_clock, say_hours
from exchange.errors import InvalidError

FRIDAY = datetime(2026, 11, 20, 16, 45, tzinfo=UTC)
HOUR = timedelta(hours=1)


def moment(day: date, clock: str) -> datetime:
    return parse_moment(day, clock, field="aware_at", what="you became aware")


def test_three_days_to_the_minute_over_a_weekend() -> None:
    assert say_moment(due_at(FRIDAY)) == "Monday 23 November 2026 at 4:45pm"


@pytest.mark.parametrize(
    ("aware", "due"),
    [
        # The clocks go forward on 29 March 2026 and back on 25 October 2026: 72 hours pass, whatever they show.
        ((date(2026, 3, 28), "10:00"), "Tuesday 31 March 2026 at 11am"),
        ((date(2026, 10, 24), "10:00"), "Tuesday 27 October 2026 at 9am"),
        ((date(2026, 12, 30), "23:59"), "Saturday 2 January 2027 at 11:59pm"),
        ((date(2028, 2, 27), "12:00"), "Wednesday 1 March 2028 at 12pm"),
    ],
)
def test_hours_are_hours_that_pass(aware: tuple[date, str], due: str) -> None:
    assert say_moment(due_at(moment(*aware))) == due


def test_what_is_left_is_said_down_to_the_minute() -> None:
    assert say_clock(FRIDAY, FRIDAY, None) == "72 hours left"
    assert say_clock(FRIDAY, FRIDAY + timedelta(hours=20, minutes=40), None) == "51 hours and 20 minutes left"
    assert say_clock(FRIDAY, FRIDAY + 71 * HOUR + timedelta(minutes=59, seconds=30), None) == "less than a minute left"
    assert say_hours(timedelta(hours=1, minutes=1)) == "1 hour and 1 minute"


def test_the_last_moment_is_in_time_and_the_next_is_not() -> None:
    assert not is_overdue(FRIDAY, FRIDAY + 72 * HOUR)
    assert is_overdue(FRIDAY, FRIDAY + 72 * HOUR + timedelta(microseconds=1))
    assert say_clock(FRIDAY, FRIDAY + 75 * HOUR, None) == "Overdue by 3 hours"


def test_a_report_stops_the_clock_and_says_whether_it_came_in_time() -> None:
    later = FRIDAY + 1000 * HOUR
    assert say_clock(FRIDAY, later, FRIDAY + 12 * HOUR) == "Reported 12 hours after becoming aware, within the 72 hours"
    assert say_clock(FRIDAY, later, FRIDAY + 80 * HOUR) == "Reported 80 hours after becoming aware, 8 hours late"


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("14:30", "2:30pm"), ("2:30pm", "2:30pm"), ("2.30 pm", "2:30pm"), ("9am", "9am"), ("12am", "12am"),
        ("12pm", "12pm"), ("0:05", "12:05am"), (" 23:59 ", "11:59pm"), ("9 a.m.", "9am"), ("07:00", "7am"),
    ],
)  # fmt: skip
def test_a_time_is_taken_as_people_write_it(typed: str, found: str) -> None:
    assert say_moment(moment(date(2026, 11, 20), typed)).endswith(f"at {found}")


@pytest.mark.parametrize(
    "typed", ["", "noon", "25:00", "13pm", "0am", "14", "14:60", "1:2", "９:００", "-1:00", "14:30:00"]
)
def test_what_is_no_time_is_told_beside_its_field(typed: str) -> None:
    with pytest.raises(InvalidError) as refused:
        moment(date(2026, 11, 20), typed)
    assert refused.value.field == "aware_at_time"


def test_a_missing_day_is_told_beside_the_day() -> None:
    with pytest.raises(InvalidError, match="Enter the day you became aware") as refused:
        parse_moment(None, "14:30", field="aware_at", what="you became aware")
    assert refused.value.field == "aware_at"


def test_a_time_that_the_clocks_skipped_is_refused() -> None:
    with pytest.raises(InvalidError, match="went forward"):
        moment(date(2026, 3, 29), "1:30")
    assert moment(date(2026, 3, 29), "2:30") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_of_a_time_that_comes_twice_the_earlier_counts() -> None:
    assert moment(date(2026, 10, 25), "1:30") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
