"""The checklist: every item asked for, when it is due, what has come, in one frozen table for the page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from config.catalogue import Catalogue, Group, Item
from exchange.clock import say_day
from exchange.inspections.models import RequestedItem
from exchange.inspections.queries import ItemCount


class ItemState(StrEnum):
    """Where an item stands; the words are what people read, colour only repeats them."""

    OUTSTANDING = "Not received"
    OVERDUE = "Overdue"
    PROBLEM = "Problem: send again"
    RECEIVED = "Received"
    CHECKED = "Received and checked"
    DISPOSED = "Received, and disposed of"

    @property
    def tag_class(self) -> str:
        """The GOV.UK tag colour that goes with the words."""
        return {
            ItemState.OUTSTANDING: "govuk-tag--grey",
            ItemState.OVERDUE: "govuk-tag--red",
            ItemState.PROBLEM: "govuk-tag--red",
            ItemState.RECEIVED: "govuk-tag--blue",
            ItemState.CHECKED: "govuk-tag--green",
            ItemState.DISPOSED: "govuk-tag--grey",
        }[self]


@dataclass(frozen=True)
class ChecklistRow:
    """One item as the page shows it."""

    item: Item
    due_at: datetime
    state: ItemState
    words: str
    documents: int
    gone: int
    newest: datetime | None
    assigned: tuple[str, ...]

    @property
    def is_answered(self) -> bool:
        """Whether anything came for it, be it disposed of since."""
        return self.documents + self.gone > 0


@dataclass(frozen=True)
class ChecklistGroup:
    """A section of the annex with its rows."""

    group: Group
    rows: tuple[ChecklistRow, ...]


@dataclass(frozen=True)
class Progress:
    """How far the answering has come."""

    asked: int
    answered: int
    overdue: int
    next_due: datetime | None


def state_of(count: ItemCount, due_at: datetime, now: datetime) -> ItemState:
    """Say where an item stands at `now`."""
    if count.documents == 0 and count.gone:
        return ItemState.DISPOSED
    if count.documents == 0:
        return ItemState.OVERDUE if now > due_at else ItemState.OUTSTANDING
    if count.failed:
        return ItemState.PROBLEM
    return ItemState.RECEIVED if count.waiting else ItemState.CHECKED


def say_state(state: ItemState, count: ItemCount) -> str:
    """Say where an item stands, with the day of the last disposal where nothing that came is here any more."""
    if state is not ItemState.DISPOSED:
        return state.value
    if count.disposed_at is None:
        return "Received, and being disposed of"
    return f"{state.value} on {say_day(count.disposed_at)}"


def build_checklist(
    catalogue: Catalogue,
    requested: Mapping[str, RequestedItem],
    counts: Mapping[str, ItemCount],
    assigned: Mapping[str, Iterable[str]],
    reach: frozenset[str] | None,
    now: datetime,
) -> tuple[ChecklistGroup, ...]:
    """Join catalogue, request and counts; `reach` keeps a contributor to the items assigned to them."""
    groups = []
    for group, items in catalogue.groups():
        rows = tuple(
            _row(item, requested[item.number], counts.get(item.number, ItemCount()), assigned, now)
            for item in items
            if item.number in requested and (reach is None or item.number in reach)
        )
        if rows:
            groups.append(ChecklistGroup(group, rows))
    return tuple(groups)


def progress_of(checklist: Iterable[ChecklistGroup], now: datetime) -> Progress:
    """Count what is asked, answered and overdue, and find the next deadline with something outstanding."""
    rows = [row for group in checklist for row in group.rows]
    open_rows = [row for row in rows if not row.is_answered]
    upcoming = [row.due_at for row in open_rows if row.due_at >= now]
    return Progress(
        asked=len(rows),
        answered=len(rows) - len(open_rows),
        overdue=sum(row.state is ItemState.OVERDUE for row in rows),
        next_due=min(upcoming, default=None),
    )


def _row(
    item: Item, requested: RequestedItem, count: ItemCount, assigned: Mapping[str, Iterable[str]], now: datetime
) -> ChecklistRow:
    state = state_of(count, requested.due_at, now)
    return ChecklistRow(
        item=item,
        due_at=requested.due_at,
        state=state,
        words=say_state(state, count),
        documents=count.documents,
        gone=count.gone,
        newest=count.newest,
        assigned=tuple(sorted(assigned.get(item.number, ()))),
    )
