import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.data_date import EARLIEST, DataDate, DataDateError, parse_data_date

TODAY = dt.date(2026, 6, 9)


@pytest.mark.parametrize(
    ("kind", "start", "end", "iso", "words"),
    [
        ("as-at", "2026-06-09", "", "2026-06-09", "As at 9 June 2026"),
        ("as-at", dt.date(2026, 6, 1), None, "2026-06-01", "As at 1 June 2026"),
        ("historic-snapshot", "2026-01-15", None, "2026-01-15", "Historic snapshot of 15 January 2026"),
        ("period", "2025-12-01", "2026-05-31", "2025-12-01/2026-05-31", "1 December 2025 to 31 May 2026"),
        ("period", "2026-06-01", "2026-06-01", "2026-06-01/2026-06-01", "1 June 2026 to 1 June 2026"),
        ("not-dated", "", None, "", "Not dated"),
    ],
)
def test_an_honest_answer_is_taken(kind: str, start: str, end: str | None, iso: str, words: str) -> None:
    parsed = parse_data_date(kind, start, end, TODAY)
    assert (parsed.kind, parsed.iso(), parsed.describe()) == (kind, iso, words)


@pytest.mark.parametrize(
    ("kind", "start", "end", "message"),
    [
        ("", "2026-06-01", None, "Choose"),
        ("yesterday", "2026-06-01", None, "Choose"),
        ("as-at", None, None, "Enter the date the data represents"),
        ("historic-snapshot", "  ", None, "Enter the date the data represents"),
        ("as-at", "2026-06-10", None, "10 June 2026 is in the future"),
        ("as-at", "1989-12-31", None, "before 1990"),
        ("as-at", "0205-06-01", None, "before 1990"),
        ("as-at", "2026-02-30", None, "date is not a real date"),
        ("as-at", "01/06/2026", None, "date is not a real date"),
        ("as-at", "2026-06-01", "2026-06-02", "end date belongs to a period"),
        ("as-at", dt.datetime(2026, 6, 1, tzinfo=dt.UTC), None, "without a time"),
        ("period", None, "2026-06-01", "starts"),
        ("period", "2026-06-01", None, "ends"),
        ("period", "2026-06-02", "2026-06-01", "ends before it starts"),
        ("period", "2026-06-01", "2026-06-30", "in the future"),
        ("period", "2026-06-01", "2026-06-31", "end date is not a real date"),
        ("not-dated", "2026-06-01", None, "Choose one"),
    ],
)
def test_a_date_that_cannot_stand_is_refused_with_what_to_change(
    kind: str, start: str | None, end: str | None, message: str
) -> None:
    with pytest.raises(DataDateError, match=message):
        parse_data_date(kind, start, end, TODAY)


@given(st.dates(EARLIEST, TODAY), st.dates(EARLIEST, TODAY))
def test_a_period_is_taken_exactly_when_it_does_not_end_before_it_starts(start: dt.date, end: dt.date) -> None:
    if start <= end:
        assert parse_data_date("period", start, end, TODAY) == DataDate("period", start, end)
    else:
        with pytest.raises(DataDateError):
            parse_data_date("period", start, end, TODAY)
