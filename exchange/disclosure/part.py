"""One part of what is held about a person, and how its moments and dates are written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from audit.entry import time_text
from exchange.disclosure.subject import Subject

Row = tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """One part of what is held; `note` says what it is and what it is kept for."""

    name: str
    title: str
    note: str
    header: Row
    rows: tuple[Row, ...]


def within(query: Any, column: Any, subject: Subject) -> Any:
    """The query kept to the inspection asked about, by its column; the query itself where it is asked across all."""
    return query if subject.inspection_id is None or column is None else query.where(column == subject.inspection_id)


def at(moment: datetime | None) -> str:
    """A moment in UTC as the log writes it; an empty text for none."""
    return "" if moment is None else time_text(moment)


def day(of: date | None) -> str:
    """A date in ISO 8601; an empty text for none."""
    return "" if of is None else of.isoformat()
