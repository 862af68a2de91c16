import datetime as dt
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config.retention
from config.catalogue import load_catalogue
from config.retention import InspectionDates, UnknownRecordClassError, due_on, load_schedule
from config.tables import TableError

REAL = Path(config.retention.__file__).parent / "retention.toml"
MONDAY = dt.date(2026, 3, 2)
FIELDWORK = dt.date(2026, 3, 20)
REPORT = dt.date(2026, 5, 29)


def test_the_schedule_has_classes_a_to_l() -> None:
    assert "".join(row.record_class for row in load_schedule().rows) == "ABCDEFGHIJKL"


def test_every_class_an_item_names_is_in_the_schedule() -> None:
    for item in load_catalogue().items:
        assert load_schedule().row(item.retention_class).action.endswith("destroy")


def test_every_row_says_on_what_basis_and_from_what_source() -> None:
    for row in load_schedule().rows:
        assert row.legal_basis
        assert row.source
        assert row.what


@pytest.mark.parametrize(
    ("record_class", "dates", "on", "rule"),
    [
        ("A", InspectionDates(MONDAY, FIELDWORK), "2026-04-07", "A: 10 working days after fieldwork ended"),
        ("A", InspectionDates(MONDAY), "2026-05-01", "A: 60 days after the inspection was notified"),
        (
            "B",
            InspectionDates(MONDAY, FIELDWORK, REPORT),
            "2026-06-26",
            "B: 20 working days after the final report was issued",
        ),
        ("B", InspectionDates(MONDAY, FIELDWORK), "2026-09-16", "B: 180 days after fieldwork ended"),
        ("B", InspectionDates(MONDAY), "2026-10-28", "B: 240 days after the inspection was notified"),
        (
            "C",
            InspectionDates(MONDAY, FIELDWORK, REPORT),
            "2026-06-26",
            "C: 20 working days after the final report was issued",
        ),
        (
            "D",
            InspectionDates(MONDAY, None, REPORT),
            "2026-06-26",
            "D: 20 working days after the final report was issued",
        ),
        (
            "E",
            InspectionDates(MONDAY, closed_on=dt.date(2026, 7, 1)),
            "2032-12-31",
            "E: 6 whole calendar years after the inspection was closed",
        ),
        ("E", InspectionDates(MONDAY), "2034-12-31", "E: 8 whole calendar years after the inspection was notified"),
        ("F", InspectionDates(MONDAY, event_on=dt.date(2026, 3, 31)), "2027-03-31", "F: 12 months after it happened"),
        (
            "G",
            InspectionDates(MONDAY, event_on=dt.date(2028, 2, 29)),
            "2029-02-28",
            "G: 12 months after the role ended",
        ),
        (
            "H",
            InspectionDates(MONDAY, event_on=dt.date(2026, 3, 6)),
            "2026-03-11",
            "H: 3 working days after the file was withdrawn",
        ),
        (
            "I",
            InspectionDates(MONDAY, event_on=dt.date(2026, 3, 6)),
            "2032-03-06",
            "I: 6 years after the register entry was closed",
        ),
        (
            "L",
            InspectionDates(MONDAY, event_on=dt.date(2026, 3, 6)),
            "2026-04-10",
            "L: 35 days after the disposal was done",
        ),
    ],
)
def test_the_day_and_the_rule_follow_from_the_recorded_dates(
    record_class: str, dates: InspectionDates, on: str, rule: str
) -> None:
    due = due_on(record_class, dates)
    assert due.on == dt.date.fromisoformat(on)
    assert due.rule == rule


def test_the_answer_says_which_date_decided() -> None:
    assert (
        due_on("A", InspectionDates(MONDAY, FIELDWORK)).because == "Counted from 20 March 2026, when fieldwork ended."
    )
    backstop = due_on("A", InspectionDates(MONDAY)).because
    assert backstop == (
        "Counted from 2 March 2026, when the inspection was notified. "
        "No record says that fieldwork ended, so the backstop decides."
    )


def test_a_class_that_is_not_ours_has_no_day_and_says_why() -> None:
    due = due_on("K", InspectionDates(MONDAY, FIELDWORK, REPORT))
    assert due.on is None
    assert "Not ours" in due.because


def test_an_event_of_the_record_itself_that_has_not_happened_sets_no_day() -> None:
    due = due_on("H", InspectionDates(MONDAY, FIELDWORK, REPORT))
    assert due.on is None
    assert "withdrawn" in due.because


@given(st.sampled_from("ABCDE"), st.dates(dt.date(2020, 1, 1), dt.date(2090, 1, 1)))
def test_a_forgotten_event_never_means_for_ever(record_class: str, notified: dt.date) -> None:
    due = due_on(record_class, InspectionDates(notified))
    assert due.on is not None
    assert due.on > notified


@given(st.sampled_from("ABCDE"), st.dates(dt.date(2020, 1, 1), dt.date(2090, 1, 1)), st.integers(0, 400))
def test_a_later_event_is_never_due_earlier(record_class: str, day: dt.date, later: int) -> None:
    def due(events: dt.date) -> dt.date | None:
        return due_on(record_class, InspectionDates(MONDAY, events, events, events)).on

    earlier_due, later_due = due(day), due(day + dt.timedelta(days=later))
    assert earlier_due is not None
    assert later_due is not None
    assert later_due >= earlier_due


def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(UnknownRecordClassError, match="Z"):
        due_on("Z", InspectionDates(MONDAY))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('backstops = [{ trigger = "notified", count = 60, unit = "days" }]\n', "", "backstop"),
        ('trigger = "fieldwork-ended"\n', 'trigger = "someday"\n', "trigger"),
        ('{ count = 10, unit = "working-days" }', '{ count = 10, unit = "moons" }', "unit"),
        ('{ count = 10, unit = "working-days" }', '{ count = 0, unit = "working-days" }', "at least one"),
        ('{ count = 10, unit = "working-days" }', '{ count = 10, unit = "days", extra = 1 }', "extra"),
        ('period = { count = 10, unit = "working-days" }\n', "", "period"),
        ('record_class = "B"', 'record_class = "A"', "twice"),
        ("\nassumption = true", "\nassumption = 1", "assumption"),
        ('action = "destroy"', 'action = "forget"', "action"),
        ("[2022-09-19, 2023-05-08]", '["2022-09-19"]', "one_off_bank_holidays"),
        ('version = "2026-1"', 'vershun = "2026-1"', "version"),
    ],
)
def test_a_schedule_that_contradicts_itself_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    copy = tmp_path / "retention.toml"
    shutil.copy(REAL, copy)
    text = copy.read_text(encoding="utf-8")
    assert old in text
    copy.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TableError, match=complaint):
        load_schedule(copy)
