"""Small acts around a document that are entries in the log."""

from __future__ import annotations

from exchange import trail
from exchange.database import Database


def record_receipt_viewed(database: Database, inspection: str, document: str, person: str) -> None:
    """Append `receipt:viewed`."""
    with database.unit_of_work() as unit:
        details: dict[str, trail.DetailValue] = {"document": document}
        trail.record(unit, "receipt:viewed", actor=person, inspection=inspection, details=details)
