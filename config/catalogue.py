"""The catalogue of Annex A as frozen values, checked whole on load.

Promises: every number, group, deadline, kind and sensitivity that an item names exists; items stand in the order of the
annex; a file that breaks one of these is refused with the row that does. Times are computed in Europe/London from the
Monday of notification and handed out in UTC.
"""

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from config.data_date import DataDate, DataDateError, parse_data_date
from config.file_kinds import load_file_kinds
from config.item_number import ItemNumber, ItemNumberError
from config.tables import FOLDER, Row, TableError, read_table, rows, verify_only, verify_unique

__all__ = [
    "LONDON",
    "Catalogue",
    "CatalogueError",
    "DataDate",
    "DataDateError",
    "Deadline",
    "Group",
    "Item",
    "ItemNumber",
    "ItemNumberError",
    "NotificationDayError",
    "Sensitivity",
    "UnknownItemError",
    "load_catalogue",
    "parse_data_date",
    "verify_data_date",
]

LONDON = ZoneInfo("Europe/London")
_FILE = "annex_a.toml"
_WEEK = 7


class CatalogueError(TableError):
    """The catalogue contradicts itself."""


class UnknownItemError(LookupError):
    """The catalogue has no item of that number."""


class NotificationDayError(ValueError):
    """The day of notification is not a Monday."""


@dataclass(frozen=True)
class Deadline:
    """When an item is due: whole days after the Monday of notification, at a wall-clock time in London."""

    code: str
    label: str
    days_after_monday: int
    at: dt.time

    def due_at(self, notified_on: dt.date) -> dt.datetime:
        """The moment it is due, in UTC, for an inspection notified on that Monday.

        Raises:
            NotificationDayError: `notified_on` is not a Monday.
        """
        if notified_on.weekday() != 0:
            raise NotificationDayError("Inspections are notified on a Monday; give the date of that Monday.")
        day = notified_on + dt.timedelta(days=self.days_after_monday)
        return dt.datetime.combine(day, self.at, tzinfo=LONDON).astimezone(dt.UTC)


@dataclass(frozen=True)
class Group:
    """A section of the annex."""

    code: str
    title: str


@dataclass(frozen=True)
class Sensitivity:
    """What an item's files may say about people, in plain words."""

    code: str
    label: str
    meaning: str


@dataclass(frozen=True)
class Item:
    """One thing the annex asks for; `kinds` None means every accepted kind of file."""

    number: ItemNumber
    label: str
    group: Group
    title: str
    description: str
    deadline: Deadline
    kinds: tuple[str, ...] | None
    noticed_kinds: tuple[str, ...]
    kinds_reason: str
    sensitivity: Sensitivity
    data_date: str
    data_date_reason: str
    per_child: bool
    retention_class: str

    @property
    def needs_data_date(self) -> bool:
        """Whether an answer must say what date its data represents (paragraph 199, and items that ask for data)."""
        return self.data_date == "required"

    def takes_kind(self, kind_code: str) -> bool:
        """Whether files of this kind answer the item."""
        return self.kinds is None or kind_code in self.kinds


@dataclass(frozen=True)
class Catalogue:
    """One edition of the annex."""

    version: str
    source: str
    items: tuple[Item, ...]
    deadlines: tuple[Deadline, ...] = field(repr=False)

    @cached_property
    def _by_number(self) -> MappingProxyType[str, Item]:
        return MappingProxyType({item.number: item for item in self.items})

    def item(self, number: str) -> Item:
        """The item of that number.

        Raises:
            UnknownItemError: there is none, whatever the form of the text.
        """
        found = self._by_number.get(number)
        if found is None:
            raise UnknownItemError("Annex A has no item of that number.")
        return found

    def groups(self) -> tuple[tuple[Group, tuple[Item, ...]], ...]:
        """Each section with its items, in the order of the annex."""
        sections: dict[Group, list[Item]] = {}
        for item in self.items:
            sections.setdefault(item.group, []).append(item)
        return tuple((group, tuple(items)) for group, items in sections.items())

    def due_at(self, item: Item, notified_on: dt.date) -> dt.datetime:
        """When `item` is due, in UTC. Raises NotificationDayError when the day is not a Monday."""
        return item.deadline.due_at(notified_on)


def verify_data_date(item: Item, data_date: DataDate) -> None:
    """Check that an answer to `item` says what date its data represents where the annex wants to know.

    Raises:
        DataDateError: the date is left out and the item needs one.
    """
    if item.needs_data_date and data_date.kind == "not-dated":
        raise DataDateError(f"Say what date the data represents: {item.label} needs it.")


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read the catalogue (the one beside this module unless given) and check it whole.

    Raises:
        TableError: the file is malformed; CatalogueError when its parts contradict each other.
    """
    path = path or FOLDER / _FILE
    table = read_table(path)
    verify_only(table, ("version", "source", "deadlines", "groups", "sensitivities", "items"), path.name)
    heading = Row(table, path.name)
    version, source = heading.get("version", str), heading.get("source", str)
    deadlines = rows(table, "deadlines", _deadline, path.name)
    groups = rows(table, "groups", _group, path.name)
    sensitivities = rows(table, "sensitivities", _sensitivity, path.name)
    for what, codes in (("deadlines", deadlines), ("groups", groups), ("sensitivities", sensitivities)):
        verify_unique((entry.code for entry in codes), f"{path.name}: {what}")
    maker = _ItemMaker(
        {entry.code: entry for entry in groups},
        {entry.code: entry for entry in deadlines},
        {entry.code: entry for entry in sensitivities},
    )
    catalogue = Catalogue(version, source, rows(table, "items", maker.make, path.name), deadlines)
    _verify_order(catalogue, groups)
    return catalogue


def _deadline(row: Row) -> Deadline:
    days = row.get("days_after_monday", int)
    if not 0 <= days < _WEEK:
        raise CatalogueError("annex_a.toml: a deadline falls in the week of notification")
    return Deadline(row.get("code", str), row.get("label", str), days, row.get("at", dt.time))


def _group(row: Row) -> Group:
    return Group(row.get("code", str), row.get("title", str))


def _sensitivity(row: Row) -> Sensitivity:
    return Sensitivity(row.get("code", str), row.get("label", str), row.get("meaning", str))


@dataclass(frozen=True)
class _ItemMaker:
    """Turns rows into items, knowing the codes that they may name."""

    groups: dict[str, Group]
    deadlines: dict[str, Deadline]
    sensitivities: dict[str, Sensitivity]

    def make(self, row: Row) -> Item:
        try:
            number = ItemNumber(row.get("number", str))
        except ItemNumberError as refused:
            raise CatalogueError(f"{_FILE}: {refused}") from refused
        kinds, noticed = row.texts("kinds"), row.texts("noticed_kinds")
        item = Item(
            number=number,
            label=row.get("label", str),
            group=self.groups[row.one_of("group", self.groups)],
            title=row.get("title", str),
            description=row.get("description", str),
            deadline=self.deadlines[row.one_of("deadline", self.deadlines)],
            kinds=kinds or None,
            noticed_kinds=noticed,
            kinds_reason=row.get("kinds_reason", str, ""),
            sensitivity=self.sensitivities[row.one_of("sensitivity", self.sensitivities)],
            data_date=row.one_of("data_date", ("required", "optional")),
            data_date_reason=row.get("data_date_reason", str, ""),
            per_child=row.get("per_child", bool, default=False),
            retention_class=row.one_of("retention_class", ("A", "B", "C", "D")),
        )
        _verify_item(item)
        return item


def _verify_item(item: Item) -> None:
    accepted = {kind.code for kind in load_file_kinds().accepted}
    if not set(item.kinds or ()) <= accepted or not set(item.noticed_kinds) <= set(item.kinds or ()):
        raise CatalogueError(f"{_FILE}: item {item.number} names a kind of file that is not accepted")
    if bool(item.kinds) != bool(item.kinds_reason):
        raise CatalogueError(f"{_FILE}: item {item.number} limits the kinds of file without a reason, or the reverse")
    if item.needs_data_date != bool(item.data_date_reason):
        raise CatalogueError(f"{_FILE}: item {item.number} needs a data date without a reason, or the reverse")


def _verify_order(catalogue: Catalogue, groups: tuple[Group, ...]) -> None:
    numbers = [item.number for item in catalogue.items]
    verify_unique(numbers, f"{_FILE}: items")
    verify_unique((item.label for item in catalogue.items), f"{_FILE}: labels")
    if numbers != sorted(numbers):
        raise CatalogueError(f"{_FILE}: items stand in the order of the annex")
    if [group for group, _ in catalogue.groups()] != list(groups):
        raise CatalogueError(f"{_FILE}: every group has items, and groups stand in the order of their items")
