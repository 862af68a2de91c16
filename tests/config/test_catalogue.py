import datetime as dt
import shutil
from pathlib import Path

import pytest

import config.catalogue
from config.catalogue import (
    Catalogue,
    CatalogueError,
    DataDate,
    DataDateError,
    NotificationDayError,
    UnknownItemError,
    load_catalogue,
    verify_data_date,
)
from config.tables import TableError

REAL = Path(config.catalogue.__file__).parent / "annex_a.toml"


@pytest.fixture
def catalogue() -> Catalogue:
    return load_catalogue()


def changed(folder: Path, old: str, new: str) -> Path:
    """A copy of the catalogue with one change, which must apply."""
    copy = folder / "annex_a.toml"
    shutil.copy(REAL, copy)
    text = copy.read_text(encoding="utf-8")
    assert old in text
    copy.write_text(text.replace(old, new, 1), encoding="utf-8")
    return copy


@pytest.mark.parametrize(
    ("number", "monday", "due"),
    [
        ("L1", dt.date(2026, 1, 12), "2026-01-13T11:00:00+00:00"),
        ("L1", dt.date(2026, 6, 8), "2026-06-09T10:00:00+00:00"),
        ("2.1", dt.date(2026, 1, 12), "2026-01-16T17:00:00+00:00"),
        ("7.7", dt.date(2026, 6, 8), "2026-06-12T16:00:00+00:00"),
        ("1.1", dt.date(2026, 3, 30), "2026-03-31T10:00:00+00:00"),  # the Monday after clocks go forward
        ("1.1", dt.date(2026, 10, 26), "2026-10-27T11:00:00+00:00"),  # the Monday after clocks go back
        ("3.8", dt.date(2026, 3, 23), "2026-03-27T17:00:00+00:00"),  # the Friday before clocks go forward
    ],
)
def test_deadlines_are_london_times_counted_from_the_monday(
    catalogue: Catalogue, number: str, monday: dt.date, due: str
) -> None:
    assert catalogue.due_at(catalogue.item(number), monday).isoformat() == due


def test_a_notification_on_another_day_than_monday_has_no_deadline(catalogue: Catalogue) -> None:
    with pytest.raises(NotificationDayError, match="Monday"):
        catalogue.due_at(catalogue.item("L1"), dt.date(2026, 1, 13))


@pytest.mark.parametrize("number", ["3.7", "L3", "7.8", "1.10", "", "l1", " 1.1"])
def test_an_item_that_the_annex_does_not_have_is_unknown(catalogue: Catalogue, number: str) -> None:
    with pytest.raises(UnknownItemError):
        catalogue.item(number)


def test_the_lists_take_workbooks_only_and_say_which_are_taken_with_a_notice(catalogue: Catalogue) -> None:
    for number in ("L1", "L2"):
        item = catalogue.item(number)
        assert item.kinds == ("xlsx", "xls", "ods")
        assert item.noticed_kinds == ("xls", "ods")
        assert not item.takes_kind("csv")
        assert not item.takes_kind("pdf")
    assert catalogue.item("1.1").takes_kind("pdf")


def test_items_about_tracked_children_are_asked_for_each_child_and_no_others_are(catalogue: Catalogue) -> None:
    for item in catalogue.items:
        assert item.per_child == item.number.startswith("7.")


def test_retention_classes_follow_the_schedule(catalogue: Catalogue) -> None:
    for item in catalogue.items:
        short = item.number in {"L1", "L2", "1.6", "4.4"}
        expected = "A" if short else "B" if item.per_child else "C"
        assert item.retention_class == expected, item.number


def test_groups_hold_every_item_once_in_order(catalogue: Catalogue) -> None:
    grouped = [item for _, items in catalogue.groups() for item in items]
    assert grouped == list(catalogue.items)
    assert [group.code for group, _ in catalogue.groups()][:3] == ["lists", "providers", "arrangements"]


def test_an_item_that_needs_a_date_refuses_an_answer_without_one(catalogue: Catalogue) -> None:
    with pytest.raises(DataDateError, match="List 1"):
        verify_data_date(catalogue.item("L1"), DataDate("not-dated"))
    verify_data_date(catalogue.item("L1"), DataDate("as-at", dt.date(2026, 1, 1)))
    verify_data_date(catalogue.item("1.1"), DataDate("not-dated"))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('group = "lists"', 'group = "nowhere"', "group"),
        ('deadline = "tuesday-11"', 'deadline = "monday-9"', "deadline"),
        ('number = "3.8"', 'number = "3.6"', "twice"),
        ('number = "3.8"', 'number = "2.9"', "order"),
        ('number = "3.8"', 'number = "three"', "item number"),
        ('kinds = ["xlsx", "xls", "ods"]', 'kinds = ["xlsm", "xls", "ods"]', "not accepted"),
        ('noticed_kinds = ["xls", "ods"]', 'noticed_kinds = ["csv"]', "not accepted"),
        ('data_date_reason = "Paragraph', 'data_date_raeson = "Paragraph', "without a reason"),
        ('sensitivity = "contacts"', 'sensitivity = "secret"', "sensitivity"),
        ('retention_class = "A"', 'retention_class = "Z"', "retention_class"),
        ("per_child = true", 'per_child = "yes"', "per_child"),
        ("per_child = true", "per_chlid = true", "per_chlid"),
        ('version = "2025-06"', "version = 2025", "version"),
        ("[[items]]", "[[things]]", "things"),
        ("days_after_monday = 1", "days_after_monday = 9", "week"),
    ],
)
def test_a_catalogue_that_contradicts_itself_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    with pytest.raises(TableError, match=complaint):
        load_catalogue(changed(tmp_path, old, new))


def test_a_group_without_items_is_refused(tmp_path: Path) -> None:
    extra = changed(tmp_path, "[[items]]", '[[groups]]\ncode = "empty"\ntitle = "Empty"\n\n[[items]]')
    with pytest.raises(CatalogueError, match="group"):
        load_catalogue(extra)


def test_a_missing_catalogue_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"nothing\.toml"):
        load_catalogue(tmp_path / "nothing.toml")
