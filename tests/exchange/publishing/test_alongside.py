"""An act beside the worker's duties is under way once, waited for by nobody, and its failure is told."""

import threading

import pytest

from exchange.publishing.alongside import Alongside


class Gate:
    """An act that goes on until it is let through."""

    def __init__(self) -> None:
        self.begun, self.open, self.times = threading.Event(), threading.Event(), 0

    def __call__(self) -> None:
        self.times += 1
        self.begun.set()
        self.open.wait(60)


def test_an_act_that_is_under_way_is_not_begun_again() -> None:
    gate = Gate()
    act = Alongside("gate", gate)
    act()
    assert gate.begun.wait(60)
    act()
    act()
    assert act.is_under_way
    gate.open.set()
    act.finish()
    assert (gate.times, act.is_under_way) == (1, False)
    act()
    act.finish()
    assert gate.times == 2


def fail() -> None:
    raise ValueError("from the act")


def test_a_failure_is_raised_by_whoever_waits() -> None:
    act = Alongside("fails", fail)
    act()
    with pytest.raises(ValueError, match="from the act"):
        act.finish()
    act.finish()


def test_a_failure_that_nobody_waited_for_is_raised_by_the_next_round_which_has_begun_anew() -> None:
    times: list[int] = []

    def fail_once() -> None:
        times.append(1)
        if len(times) == 1:
            fail()

    act = Alongside("fails once", fail_once, is_heavy=True)
    act()
    while act.is_under_way:
        threading.Event().wait(0.01)
    with pytest.raises(ValueError, match="from the act"):
        act()
    act.finish()
    assert len(times) == 2


def test_waiting_for_what_was_never_begun_is_no_matter() -> None:
    Alongside("never", fail).finish()
