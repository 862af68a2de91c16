"""Disposal of a closed log, whole: reviewed and approved by a person, then done by the next run in one transaction.

Promises: nothing goes before its day by the schedule's class for logs, without a person's approval, or under a hold;
the log's removal, its tombstone, `log:disposed` with its size and root hash, the certificate and the erasure of the
names beside it are one transaction; a killed run is finished by the next.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlalchemy import select

from audit.cosignature import with_signatures
from audit.errors import AuditError
from audit.store import LogTombstone
from config.retention import Due, Schedule
from exchange import trail
from exchange.database import UnitOfWork
from exchange.errors import ConflictError, NotFoundError
from exchange.inspections.models import Inspection
from exchange.oversight.service import raise_alarm
from exchange.parts import Parts
from exchange.reasons import parse_reason
from exchange.retention.disposal import DisposalOrder, Outcome
from exchange.retention.due import dates_of
from exchange.retention.holds import has_hold, lock_inspection
from exchange.retention.log_erasure import erase_beside
from exchange.retention.models import LogEnd
from exchange.retention.residue import remove_residue

OF_LOGS: Final = "E"
"""The schedule’s class for the trail, receipts and certificates."""


def log_due(inspection: Inspection, schedule: Schedule) -> Due:
    """The day from which an inspection's log may be disposed of, the rule, and the recorded date behind it."""
    return schedule.due_on(OF_LOGS, dates_of(inspection))


def approve_log_disposal(
    unit: UnitOfWork, schedule: Schedule, *, inspection_id: str, reason: str, today: date, actor: str
) -> None:
    """Record that a person looked at a closed log that is due and approved its disposal.

    Raises:
        NotFoundError: no such inspection, or its log is not closed.
        ConflictError: it is not due, a hold stands, or it was approved before.
        InvalidError: there is no reason.
    """
    inspection = lock_inspection(unit.session, inspection_id)
    end = unit.session.get(LogEnd, inspection.id)
    if end is None:
        raise NotFoundError
    due = log_due(inspection, schedule)
    if end.approved_at is not None:
        raise ConflictError("The disposal of this log was approved already. Nothing was changed.")
    if due.on is None or due.on > today:
        raise ConflictError("This log is not due for disposal yet. Nothing was changed.")
    if has_hold(unit.session, inspection.id):
        raise ConflictError("A hold stands on this inspection, so its log is kept. Nothing was changed.")
    text = parse_reason(reason)
    end.approved_at, end.approved_by, end.reason = unit.now, actor, text
    row = schedule.row(OF_LOGS)
    end.rule, end.because, end.legal_basis = due.rule, due.because, row.legal_basis
    end.schedule_version, end.due_on = schedule.version, due.on
    details: dict[str, trail.DetailValue] = {"commitment": trail.commitment(text, end.salt)}
    trail.record(unit, "log:disposal-approved", actor=actor, subject=inspection.id, details=details)


def dispose_approved_logs(parts: Parts, order: DisposalOrder) -> dict[str, Outcome]:
    """Dispose of every log whose disposal is approved, and finish what a killed run left; what came of each."""
    with parts.database.read() as session:
        approved = select(LogEnd.inspection_id).where(LogEnd.approved_at.is_not(None), LogEnd.cleaned_at.is_(None))
        waiting = list(session.scalars(approved.order_by(LogEnd.inspection_id)))
    outcomes = {inspection_id: _dispose_one(parts, inspection_id, order) for inspection_id in waiting}
    if Outcome.DISPOSED in outcomes.values():
        _clean(parts, [one for one, outcome in outcomes.items() if outcome is Outcome.DISPOSED])
    return outcomes


def _dispose_one(parts: Parts, inspection_id: str, order: DisposalOrder) -> Outcome:
    try:
        with parts.database.unit_of_work() as unit:
            return _dispose(parts, unit, inspection_id, order)
    except AuditError:
        with parts.database.unit_of_work() as unit:
            kind = "log-not-disposed"
            raise_alarm(unit, kind=kind, inspection=inspection_id, subject=inspection_id, actor=order.actor)
        return Outcome.FAILED


def _dispose(parts: Parts, unit: UnitOfWork, inspection_id: str, order: DisposalOrder) -> Outcome:
    inspection = lock_inspection(unit.session, inspection_id)
    end = unit.session.get_one(LogEnd, inspection_id, with_for_update=True)
    if end.disposed_at is not None:
        return Outcome.DISPOSED  # by a run that was killed before the database had let go of what was erased
    due = log_due(inspection, parts.schedule)
    if due.on is None or due.on > order.as_of:
        return Outcome.NOT_DUE
    if has_hold(unit.session, inspection_id):
        return Outcome.HELD
    connection, store = unit.session.connection(), parts.trail.store
    last = parts.trail.log.sign_checkpoint(connection, inspection_id)
    lines = [cosignature.line for cosignature in store.cosignatures(connection, inspection_id, last.tree_size)]
    end.tree_size, end.root_hash, end.disposed_at = last.tree_size, last.root_hash.hex(), unit.now
    end.checkpoint = with_signatures(last.note, lines)
    store.dispose_log(
        connection, LogTombstone(inspection_id, last.tree_size, last.root_hash, last.note, disposed_at=unit.now)
    )
    details: dict[str, trail.DetailValue] = {"tree_size": last.tree_size, "root": last.root_hash.hex()}
    trail.record(unit, "log:disposed", actor=order.actor, subject=inspection_id, details=details)
    erase_beside(unit, inspection_id)
    return Outcome.DISPOSED


def _clean(parts: Parts, inspection_ids: list[str]) -> None:
    """Have the database let go of what was erased, then say so; killed in between, the next run does it again."""
    remove_residue(parts.database, whole_logs=True)
    with parts.database.unit_of_work() as unit:
        for inspection_id in inspection_ids:
            unit.session.get_one(LogEnd, inspection_id).cleaned_at = unit.now
