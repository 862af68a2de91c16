"""What oversight decides, and what other rooms may ask of it: alarms, the record of a look, evidence, checks."""

from __future__ import annotations

from exchange import trail
from exchange.database import UnitOfWork
from exchange.oversight.alarms import Told, add_alarm, clear_alarm, parse_reason, raise_alarm
from exchange.oversight.evidence import EvidenceStream, export_evidence, export_tiles
from exchange.oversight.filters import TrailFilters, mark_of, parse_filters
from exchange.oversight.logs import frozen_view, inspection_of
from exchange.oversight.names import Names, identifiers_in, load_names, load_names_in, numbers_of, say_reference
from exchange.oversight.opening import OPENING_EVENTS
from exchange.oversight.transfers_shown import Found, Outcome, Transfer, transfers_in, union
from exchange.oversight.verification import Verification, verify_log

__all__ = [
    "OPENING_EVENTS",
    "EvidenceStream",
    "Found",
    "Names",
    "Outcome",
    "Told",
    "TrailFilters",
    "Transfer",
    "Verification",
    "add_alarm",
    "clear_alarm",
    "export_evidence",
    "export_tiles",
    "frozen_view",
    "identifiers_in",
    "inspection_of",
    "load_names",
    "load_names_in",
    "mark_of",
    "numbers_of",
    "parse_filters",
    "parse_reason",
    "raise_alarm",
    "record_access_viewed",
    "record_trail_viewed",
    "say_reference",
    "transfers_in",
    "union",
    "verify_log",
]


def record_trail_viewed(unit: UnitOfWork, log_id: str, filters: TrailFilters, *, actor: str) -> None:
    """Record that somebody looks at the trail, and by which filters, not what they looked for."""
    details: dict[str, trail.DetailValue] = {"filters": filters.codes}
    trail.record(unit, "trail:viewed", actor=actor, inspection=inspection_of(log_id), details=details)


def record_access_viewed(unit: UnitOfWork, inspection_id: str | None, *, actor: str) -> None:
    """Record that somebody looks at who has access."""
    trail.record(unit, "access-list:viewed", actor=actor, inspection=inspection_id)
