"""The end of an inspection's key: once nothing is left that it opens, nothing may come and the periods are over."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.store import SearchFilters
from exchange import trail
from exchange.inspections.models import Inspection
from exchange.oversight.service import raise_alarm
from exchange.parts import Parts
from exchange.retention.disposal import DisposalOrder, Outcome
from exchange.retention.due import key_due_on
from exchange.retention.holds import has_hold, lock_inspection
from exchange.submissions.models import Document, DocumentState
from keys.errors import KeysError

DESTROYED = "inspection-key:destroyed"


def destroy_key(parts: Parts, inspection_id: str, order: DisposalOrder) -> Outcome:
    """Destroy an inspection's key if it is due and record it; a killed run is finished by the next."""
    with parts.database.read() as session:
        if not _is_due(parts, session, session.get_one(Inspection, inspection_id), order.as_of):
            return Outcome.NOT_DUE
    try:
        parts.vault.keyring.destroy_inspection_key(inspection_id)
    except (KeysError, OSError):
        with parts.database.unit_of_work() as unit:
            kind = "inspection-key-not-destroyed"
            raise_alarm(unit, kind=kind, inspection=inspection_id, subject=inspection_id, actor=order.actor)
        return Outcome.FAILED
    with parts.database.unit_of_work() as unit:
        lock_inspection(unit.session, inspection_id)
        if is_destroyed(parts, unit.session, inspection_id):
            return Outcome.NOT_DUE  # another run was faster
        trail.record(unit, DESTROYED, actor=order.actor, inspection=inspection_id)
    return Outcome.DISPOSED


def is_destroyed(parts: Parts, session: Session, inspection_id: str) -> bool:
    """Whether the log says that the inspection's key is destroyed."""
    filters = SearchFilters(events=(DESTROYED,))
    return bool(parts.trail.store.search(session.connection(), inspection_id, filters, None, 1))


def _is_due(parts: Parts, session: Session, inspection: Inspection, as_of: date) -> bool:
    due_on = key_due_on(inspection, parts.schedule)
    if inspection.closed_at is None or due_on is None or due_on > as_of or has_hold(session, inspection.id):
        return False
    left = select(Document.id).where(Document.inspection_id == inspection.id, Document.state != DocumentState.DISPOSED)
    if session.scalar(left.limit(1)) is not None:
        return False
    return not is_destroyed(parts, session, inspection.id)
