"""Turns: bounded for a person and for a process, given back once."""

from __future__ import annotations

import pytest

from exchange.errors import BusyError
from exchange.transfers import Turns


def test_a_person_holds_no_more_turns_than_allowed_and_gets_one_back() -> None:
    turns = Turns(uploads=1, downloads=2, whole=10)
    first = turns.take("download", "per_1")
    turns.take("download", "per_1")
    with pytest.raises(BusyError, match="2 downloads"):
        turns.take("download", "per_1")
    with turns.uploading("per_1"), pytest.raises(BusyError, match="1 upload"):
        turns.take("upload", "per_1")
    first()
    turns.take("download", "per_1")


def test_a_process_holds_no_more_turns_than_it_has_room_for() -> None:
    turns = Turns(uploads=5, downloads=5, whole=2)
    turns.take("upload", "per_1")
    give_back = turns.take("download", "per_2")
    with pytest.raises(BusyError, match="at once"):
        turns.take("upload", "per_3")
    give_back()
    give_back()
    turns.take("upload", "per_3")
    with pytest.raises(BusyError, match="at once"):
        turns.take("upload", "per_4")


def test_a_turn_comes_back_when_the_work_fails() -> None:
    turns = Turns(uploads=1, downloads=1, whole=1)
    with pytest.raises(OSError, match="gone"), turns.uploading("per_1"):
        raise OSError("gone")
    turns.take("upload", "per_1")
