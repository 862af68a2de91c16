"""The rules of alerts as pure functions, and the table of thresholds."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.alerts import ThresholdError, is_within_hours, load_alerts, verify_together
from config.tables import TableError
from exchange.accounts.places import place_of
from exchange.clock import LONDON
from exchange.oversight.alert_rules import HOUR, Point, windows_reached

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
VALUES = load_alerts().defaults()


def at(minutes: float, key: str = "", weight: int = 1) -> Point:
    return Point(NOON + timedelta(minutes=minutes), "log", key or str(minutes), weight)


def ends(points: list[Point], limit: int, since: datetime = NOON) -> list[float]:
    return [(one.until - NOON) / timedelta(minutes=1) for one in windows_reached(points, HOUR, limit, since)]


def test_a_window_counts_what_lies_within_it_and_its_beginning_is_outside() -> None:
    assert ends([at(0), at(30), at(59.9)], 3) == [59.9]
    assert ends([at(0), at(30), at(60)], 3) == []


def test_one_key_counts_once() -> None:
    assert ends([at(0, "a"), at(1, "a"), at(2, "b")], 3) == []
    assert ends([at(0, "a", 7), at(1, "a", 7), at(2, "b", 3)], 10) == [2]


def test_windows_that_end_before_what_is_new_are_not_told_again() -> None:
    points = [at(minute) for minute in range(5)]
    assert ends(points, 3, NOON + timedelta(minutes=4)) == [4]


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from("abcdefgh")), max_size=40))
def test_the_sliding_window_agrees_with_counting_anew_at_every_point(given_points: list[tuple[int, str]]) -> None:
    points = [at(minute, key, ord(key)) for minute, key in given_points]
    found = {one.until: one.amount for one in windows_reached(points, HOUR, 1, NOON)}  # of one moment the last counts
    for end in {point.time for point in points}:
        inside: dict[str, int] = {}
        for point in points:
            if end - HOUR < point.time <= end:
                inside[point.key] = point.weight
        assert found[end] == sum(inside.values())


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (datetime(2026, 11, 24, 6, 0, tzinfo=LONDON), True),
        (datetime(2026, 11, 24, 5, 59, tzinfo=LONDON), False),
        (datetime(2026, 11, 24, 21, 59, tzinfo=LONDON), True),
        (datetime(2026, 11, 24, 22, 0, tzinfo=LONDON), False),
        (datetime(2026, 11, 28, 12, 0, tzinfo=LONDON), False),  # a Saturday
        (datetime(2026, 12, 25, 12, 0, tzinfo=LONDON), False),  # a Friday, and Christmas
        (datetime(2023, 5, 8, 12, 0, tzinfo=LONDON), False),  # a Monday proclaimed once
    ],
)
def test_hours_are_those_of_london_on_days_that_are_set(moment: datetime, is_open: bool) -> None:  # noqa: FBT001  a row of the table
    assert is_within_hours(moment, VALUES, frozenset({date(2023, 5, 8)})) is is_open


def test_a_threshold_takes_a_whole_number_within_its_bounds() -> None:
    setting = {one.code: one for one in load_alerts().settings}["volume.documents-hour"]
    assert setting.parse(" 1,200 ") == 1200
    for typed in ("", "0", "-1", "1.5", "ten", "100001", "9" * 40, "\u0661"):
        with pytest.raises(ThresholdError):
            setting.parse(typed)


def test_hours_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(ThresholdError):
        verify_together({**VALUES, "out-of-hours.from": 9, "out-of-hours.to": 9})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('code = "volume.on"', "volume.on"),
        ('code = "new-place"', "the alerts must be"),
        ("default = 150", "the default must lie"),
        ('version = "2026-1"', "version must be given"),
    ],
)
def test_a_table_that_does_not_fit_the_rules_is_refused(tmp_path: Path, change: str, said: str) -> None:
    source = Path("config/alerts.toml").read_text()
    to = {'code = "volume.on"': 'code = "volume.off"', 'code = "new-place"': 'code = "old-place"'}
    changed = source.replace(change, to.get(change, "default = 0" if "default" in change else ""), 1)
    path = tmp_path / "alerts.toml"
    path.write_text(changed)
    with pytest.raises(TableError, match=said):
        load_alerts(path)


def test_one_network_is_one_place() -> None:
    assert place_of("192.0.2.1") == place_of("192.0.2.250") == place_of("::ffff:192.0.2.9") != place_of("192.0.3.1")
    assert place_of("2001:db8:1:2::1") == place_of("2001:db8:1:ffff::9") != place_of("2001:db8:2::1")
    assert place_of("") == place_of("no address") == "nowhere"


def test_a_flood_of_points_costs_each_point_once() -> None:
    read: list[str] = []

    class Watched(Point):
        def __getattribute__(self, name: str) -> Any:
            if name == "log_id":
                read.append(name)
            return super().__getattribute__(name)

    points = [Watched(NOON + timedelta(seconds=second), "log", str(second)) for second in range(1000)]
    found = list(windows_reached(points, HOUR, 3, NOON))
    assert len(found) == 998
    assert {one.logs for one in found} == {frozenset({"log"})}
    assert len(read) <= 2 * len(points), "the worker would hold the database's one writer for minutes"


def test_a_window_names_just_the_logs_of_its_points() -> None:
    points = [Point(NOON + timedelta(minutes=at), log, str(at)) for at, log in ((0, "a"), (30, "b"), (65, "b"))]
    assert [one.logs for one in windows_reached(points, HOUR, 2, NOON)] == [frozenset("ab"), frozenset("b")]
