"""Alarms about a log that may itself be the damaged one: raised with their entries, or, where none can be, without."""

from __future__ import annotations

from collections.abc import Mapping

from audit.errors import AuditError
from exchange import trail
from exchange.oversight.service import Told, add_alarm, inspection_of, raise_alarm
from exchange.parts import Parts

LONGEST_DETAIL = 300
LONGEST_SOURCE = 255

Entries = Mapping[str, Mapping[str, trail.DetailValue]]


def surely_raise_alarm(
    parts: Parts, log_id: str, *, kind: str, told: Told, actor: str = trail.WORKER, entries: Entries | None = None
) -> bool:
    """Raise an alarm about a log, and record these entries about it (event and details) in the service's log.

    The alarm stands even when the service's log takes no entry. Return whether it was raised now, not before.
    """
    inspection = inspection_of(log_id)
    short = Told(told.source[:LONGEST_SOURCE], told.detail[:LONGEST_DETAIL])
    try:
        with parts.database.unit_of_work() as unit:
            raised = raise_alarm(unit, kind=kind, inspection=inspection, subject=log_id, actor=actor, told=short)
            for event, details in (entries or {}).items():
                trail.record(unit, event, actor=actor, subject=log_id, details=details)
    except AuditError:
        with parts.database.unit_of_work() as unit:
            raised = add_alarm(unit, kind=kind, inspection=inspection, subject=log_id, told=short)
    return raised
