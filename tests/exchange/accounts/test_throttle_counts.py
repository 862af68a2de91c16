"""The counts behind throttling."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from exchange.accounts.models import AttemptCounter
from exchange.accounts.throttle import Throttle, network_of
from exchange.parts import Parts
from tests.exchange.visiting import MovableClock

ACCOUNT = "person@example.org"


@pytest.fixture
def throttle() -> Throttle:
    return Throttle(limit=2, window=timedelta(minutes=15), key=b"k" * 32)


def is_closed(parts: Parts, throttle: Throttle, account: str, address: str) -> bool:
    with parts.database.read() as session:
        return throttle.is_closed(session, parts.clock(), account, address)


def fail(parts: Parts, throttle: Throttle, account: str, address: str) -> None:
    with parts.database.unit_of_work() as unit:
        throttle.count_failure(unit, account, address)


def test_failures_at_the_same_moment_are_all_counted(parts: Parts, throttle: Throttle) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: fail(parts, throttle, ACCOUNT, "192.0.2.1"), range(16)))
    with parts.database.read() as session:
        assert session.scalar(select(func.max(AttemptCounter.failures))) == 16


def test_an_account_tried_from_everywhere_is_closed_everywhere(parts: Parts, throttle: Throttle) -> None:
    for place in range(9):
        fail(parts, throttle, ACCOUNT, f"192.0.2.{place}")
    assert not is_closed(parts, throttle, ACCOUNT, "192.0.2.99")
    fail(parts, throttle, ACCOUNT, "192.0.2.50")
    assert is_closed(parts, throttle, ACCOUNT, "192.0.2.99")


def test_an_address_that_tries_every_account_is_closed_for_all(parts: Parts, throttle: Throttle) -> None:
    for number in range(10):
        fail(parts, throttle, f"person{number}@example.org", "192.0.2.1")
    assert is_closed(parts, throttle, ACCOUNT, "192.0.2.1")
    assert not is_closed(parts, throttle, ACCOUNT, "192.0.2.2")


def test_old_failures_stop_counting_and_are_removed(parts: Parts, throttle: Throttle, clock: MovableClock) -> None:
    for _ in range(2):
        fail(parts, throttle, ACCOUNT, "192.0.2.1")
    assert is_closed(parts, throttle, ACCOUNT, "192.0.2.1")
    clock.advance(minutes=16)
    assert not is_closed(parts, throttle, ACCOUNT, "192.0.2.1")
    clock.advance(minutes=16)
    fail(parts, throttle, "other@example.org", "192.0.2.2")
    with parts.database.read() as session:
        assert session.scalar(select(func.count()).select_from(AttemptCounter)) == 3


def test_attempts_that_are_held_back_close_nothing_further(parts: Parts, throttle: Throttle) -> None:
    with parts.database.unit_of_work() as unit:
        firsts = [throttle.note(unit, ACCOUNT) for _ in range(5)]
    assert firsts == [True, False, False, False, False]
    assert not is_closed(parts, throttle, ACCOUNT, "192.0.2.1")


def test_the_table_names_neither_account_nor_address(parts: Parts, throttle: Throttle) -> None:
    fail(parts, throttle, ACCOUNT, "192.0.2.1")
    with parts.database.read() as session:
        text = " ".join(session.scalars(select(AttemptCounter.bucket)))
    assert ACCOUNT not in text
    assert "192.0.2.1" not in text


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1::5", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::9", "2001:db8:0:1::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_one_place_is_an_ipv4_address_or_an_ipv6_network(address: str, network: str) -> None:
    assert network_of(address) == network
