"""The worker compares who has access by the records and by the log, and raises an alarm where they differ.

Promises: an inspection is compared when somebody's access to it changed, and every one once a day, so that a change
behind the service's back is found though no entry tells of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.orm import Session

from audit.errors import AuditError
from exchange.oversight.access_then import Compared, compare_access
from exchange.oversight.alarms import Told, raise_alarm
from exchange.oversight.logs import frozen_view, inspection_of
from exchange.oversight.names import say_reference
from exchange.parts import Parts


def check_access(parts: Parts, log_ids: Iterable[str] | None = None) -> int:
    """Compare these inspections and the service (None: all of them); return how many differ."""
    if log_ids is None:
        with parts.database.read() as session:
            log_ids = [record.log_id for record in parts.trail.store.logs(session.connection())]
    return sum(_check(parts, log_id) for log_id in log_ids)


def _check(parts: Parts, log_id: str) -> bool:
    compared = _compare(parts, log_id)
    if compared is None or not compared.differs:
        return False
    with parts.database.unit_of_work() as unit:
        raise_alarm(
            unit,
            kind="access-differs",
            inspection=inspection_of(log_id),
            subject=log_id,
            told=Told(detail=_say(compared)),
        )
    return True


def _compare(parts: Parts, log_id: str) -> Compared | None:
    """Both computations at one moment; None where the log cannot be read, which its own check names."""
    try:
        with frozen_view(parts.database) as connection, Session(connection) as session:
            return compare_access(session, parts.trail.store, inspection_of(log_id))
    except AuditError:
        return None


def _say(compared: Compared) -> str:
    records, log = compared.only_records, compared.only_log
    people = sorted({say_reference(span.person) for span in (*records, *log)})
    more = f" and {len(people) - 5} more" if len(people) > 5 else ""  # noqa: PLR2004  an alarm is a sentence or two
    return (
        f"{len(records)} only in the records, {len(log)} only in the log, of {', '.join(people[:5])}{more}. "
        "The page ‘Who has access’ shows each."
    )
