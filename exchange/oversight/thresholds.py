"""The thresholds of alerts as they hold now, and their change by an officer."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.alerts import AlertTable, ThresholdError, verify_together
from exchange import trail
from exchange.database import UnitOfWork
from exchange.errors import InvalidError
from exchange.oversight.models import AlertThreshold


def thresholds_of(session: Session, table: AlertTable) -> dict[str, int]:
    """What holds now, by code: what officers set, else what the table gives."""
    values = table.defaults()
    for row in session.scalars(select(AlertThreshold)):
        if row.code in values:
            values[row.code] = row.value
    return values


def tune_alerts(unit: UnitOfWork, table: AlertTable, wanted: Mapping[str, int], *, actor: str) -> int:
    """Set thresholds, with an entry for each that changes, and return how many did.

    Raises:
        InvalidError: values contradict each other; `field` is the code of the setting to correct.
    """
    rows = {row.code: row for row in unit.session.scalars(select(AlertThreshold).with_for_update())}
    before = thresholds_of(unit.session, table)
    try:
        verify_together({**before, **wanted})
    except ThresholdError as error:
        raise InvalidError(str(error), field=error.code) from error
    changed = {code: value for code, value in wanted.items() if value != before[code]}
    for code, value in changed.items():
        if code in rows:
            rows[code].value, rows[code].set_at, rows[code].set_by = value, unit.now, actor
        else:
            unit.session.add(AlertThreshold(code=code, value=value, set_at=unit.now, set_by=actor))
        details: dict[str, trail.DetailValue] = {"setting": code, "old": before[code], "new": value}
        trail.record(unit, "alert:tuned", actor=actor, details=details)
    return len(changed)
