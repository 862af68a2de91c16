from pathlib import Path

import pytest

from bench.__main__ import size_of
from bench.appends import SHAPES, rate
from bench.bare_chain import BareSqlite
from bench.figures import Spread, percentile, ratios, turned
from bench.log_database import database_url, open_log
from bench.transfer import make_payload


def test_a_ratio_is_taken_inside_its_run() -> None:
    assert ratios([10, 30, 90], [10, 10, 10]) == Spread(median=3, low=1, high=9)


def test_everybody_goes_first_once_and_nobody_is_left_out() -> None:
    orders = [turned(["a", "b", "c"], run) for run in range(3)]
    assert sorted(order[0] for order in orders) == ["a", "b", "c"]
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)


def test_a_percentile_is_one_of_the_values_seen() -> None:
    assert percentile([5, 1, 4, 2, 3], 0.5) == 3
    assert percentile([5, 1, 4, 2, 3], 0.95) == 5


@pytest.mark.parametrize(("text", "size"), [("1G", 2**30), ("64M", 2**26), ("512", 512)])
def test_sizes_are_read_in_binary_units(text: str, size: int) -> None:
    assert size_of(text) == size


def test_no_two_uploads_are_the_same_file(tmp_path: Path) -> None:
    payload = make_payload(tmp_path, 2048, 1024)
    assert payload.path.stat().st_size == 2048
    assert payload.head() != payload.head()
    assert payload.head().startswith(b"%PDF-")


def test_what_is_counted_as_appended_is_in_the_log(tmp_path: Path) -> None:
    with database_url("sqlite", tmp_path) as url, open_log(url, tmp_path) as log:
        for shape in SHAPES:
            assert rate(log.append, shape, 0.05) > 0
        with log.database.engine.connect() as connection:
            size = log.trail.store.tree_size(connection, log.inspection)
            assert log.trail.store.entry(connection, log.inspection, size - 1).entry.event == "release:completed"


def test_the_bare_chain_links_each_row_to_the_one_before(tmp_path: Path) -> None:
    chain = BareSqlite(tmp_path)
    chain.append(b"one", 1)
    chain.append(b"two", 3)
    rows = chain.rows()
    assert [row[0] for row in rows] == [0, 1, 2, 3]
    assert len({row[2] for row in rows}) == 4
