"""The filters of an export in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from exchange.oversight.service import TrailFilters

NO_FILTER = "None: every entry"


def say_filters(filters: TrailFilters, name_of: Callable[[str], str]) -> str:
    """The filters in use and what they ask for: 'person: Example Person; since: 2026-11-23'."""
    given = {name: value for name, value in vars(filters).items() if value is not None}
    said = [
        f"{name}: {value.isoformat() if isinstance(value, date) else name_of(str(value))}"
        for name, value in given.items()
    ]
    return "; ".join(said) or NO_FILTER
