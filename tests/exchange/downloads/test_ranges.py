"""Which bytes a request asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.downloads.ranges import UnsatisfiableRangeError, Wanted, wanted_range

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Wanted(0, 1000, partial=False)),
        ("bytes=0-99", Wanted(0, 100, partial=True)),
        ("bytes=900-", Wanted(900, 1000, partial=True)),
        ("bytes=-100", Wanted(900, 1000, partial=True)),
        ("bytes=-5000", Wanted(0, 1000, partial=True)),
        ("bytes=999-5000", Wanted(999, 1000, partial=True)),
        ("bytes=0-1,5-6", Wanted(0, 1000, partial=False)),
        ("items=0-1", Wanted(0, 1000, partial=False)),
        ("bytes=9-3", Wanted(0, 1000, partial=False)),
        ("bytes=x-y", Wanted(0, 1000, partial=False)),
        ("nonsense", Wanted(0, 1000, partial=False)),
    ],
)
def test_one_range_is_honoured_and_anything_odd_means_the_whole_file(header: str | None, expected: Wanted) -> None:
    assert wanted_range(1000, ETAG, header, None) == expected


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=5000-6000"])
def test_a_range_beyond_the_end_is_said_to_be_so(header: str) -> None:
    with pytest.raises(UnsatisfiableRangeError):
        wanted_range(1000, ETAG, header, None)


@pytest.mark.parametrize("if_range", ['W/"abc"', '"other"', "Tue, 24 Nov 2026 10:00:00 GMT", "abc"])
def test_a_range_under_any_other_validator_means_the_whole_file(if_range: str) -> None:
    assert wanted_range(1000, ETAG, "bytes=5-9", if_range) == Wanted(0, 1000, partial=False)


def test_a_range_under_our_validator_is_honoured() -> None:
    assert wanted_range(1000, ETAG, "bytes=5-9", ETAG) == Wanted(5, 10, partial=True)


@given(st.integers(0, 10**6), st.text(max_size=40))
def test_no_header_leads_outside_the_file(size: int, header: str) -> None:
    try:
        wanted = wanted_range(size, ETAG, f"bytes={header}", None)
    except UnsatisfiableRangeError:
        return
    assert 0 <= wanted.start <= wanted.stop <= size
