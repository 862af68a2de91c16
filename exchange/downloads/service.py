"""Small acts around the index that are entries in the log."""

from __future__ import annotations

from exchange import trail
from exchange.database import Database


def record_list_viewed(database: Database, inspection: str, number: str, person: str) -> None:
    """Append `list:viewed`."""
    with database.unit_of_work() as unit:
        details: dict[str, trail.DetailValue] = {"items": [number]}
        trail.record(unit, "list:viewed", actor=person, inspection=inspection, details=details)
