"""What an alarm says besides its kind."""

from exchange.oversight.service import Told, add_alarm, raise_alarm
from exchange.parts import Parts
from exchange.publishing.alarming import LONGEST_DETAIL, surely_raise_alarm
from tests.exchange.publishing.conftest import alarms


def test_two_sources_are_two_alarms_and_one_source_is_one(parts: Parts) -> None:
    for source in ("w1", "w2", "w1"):
        surely_raise_alarm(parts, "service", kind="witness-refused", told=Told(source, f"Seen by {source}."))
    assert sorted((alarm.source, alarm.detail) for alarm in alarms(parts)) == [
        ("w1", "Seen by w1."),
        ("w2", "Seen by w2."),
    ]


def test_an_alarm_that_says_nothing_yet_takes_the_words_of_the_next_and_keeps_them(parts: Parts) -> None:
    with parts.database.unit_of_work() as unit:
        assert raise_alarm(unit, kind="log-damaged", inspection=None, subject="service")
    for words in ("The first bad index is 3.", "The first bad index is 5."):
        with parts.database.unit_of_work() as unit:
            told = Told(detail=words)
            assert not add_alarm(unit, kind="log-damaged", inspection=None, subject="service", told=told)
    assert [alarm.detail for alarm in alarms(parts)] == ["The first bad index is 3."]


def test_words_that_are_too_long_are_cut(parts: Parts) -> None:
    surely_raise_alarm(parts, "service", kind="witness-refused", told=Told("w" * 999, "x" * 999))
    (alarm,) = alarms(parts)
    assert (len(alarm.source), len(alarm.detail)) == (255, LONGEST_DETAIL)
