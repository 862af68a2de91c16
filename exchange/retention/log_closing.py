"""The end of an inspection's log: closed when nothing is left to happen in it, and sealed by a last checkpoint.

Promises: `log:closed` is the last entry of the log, appended once the inspection is closed, everything in it disposed
of and its key destroyed; the log's state is signed with that entry in it. A killed run is finished by the next.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.errors import AuditError
from audit.events import LOG_CLOSED
from exchange import trail
from exchange.inspections.models import Inspection
from exchange.parts import Parts
from exchange.retention.disposal import DisposalOrder, Outcome
from exchange.retention.holds import lock_inspection
from exchange.retention.inspection_key import is_destroyed
from exchange.retention.models import LogEnd
from exchange.submissions.models import Document, DocumentState


def close_log(parts: Parts, inspection_id: str, order: DisposalOrder) -> Outcome:
    """Close an inspection's log if it is time, and seal it; DISPOSED means closed by this run."""
    with parts.database.read() as session:
        if session.get(LogEnd, inspection_id) is None and not _is_over(parts, session, inspection_id):
            return Outcome.NOT_DUE
    with parts.database.unit_of_work() as unit:
        inspection = lock_inspection(unit.session, inspection_id)
        is_first = unit.session.get(LogEnd, inspection_id) is None  # another run may have been faster
        if is_first:
            unit.session.add(LogEnd(inspection_id=inspection.id, closed_at=unit.now))
            trail.record(unit, LOG_CLOSED, actor=order.actor, inspection=inspection.id)
    if not seal_log(parts, inspection_id):
        return Outcome.FAILED
    return Outcome.DISPOSED if is_first else Outcome.NOT_DUE


def seal_log(parts: Parts, inspection_id: str) -> bool:
    """Sign a closed log's last state; False when it cannot be signed: the worker tries again, and raises the alarm."""
    try:
        with parts.database.unit_of_work() as unit:
            parts.trail.log.sign_checkpoint(unit.session.connection(), inspection_id)
    except AuditError:
        return False
    return True


def unsealed_or_open(session: Session, parts: Parts) -> list[str]:
    """Closed inspections whose log is still to be closed, or whose last entry is still to be signed."""
    ended = {row.inspection_id: row.disposed_at for row in session.scalars(select(LogEnd))}
    return [
        inspection_id
        for inspection_id in session.scalars(select(Inspection.id).where(Inspection.closed_at.is_not(None)))
        if inspection_id not in ended
        or (ended[inspection_id] is None and not _is_sealed(parts, session, inspection_id))
    ]


def _is_sealed(parts: Parts, session: Session, inspection_id: str) -> bool:
    connection, store = session.connection(), parts.trail.store
    latest = store.latest_checkpoint(connection, inspection_id)
    return latest is not None and latest.tree_size == store.tree_size(connection, inspection_id)


def _is_over(parts: Parts, session: Session, inspection_id: str) -> bool:
    left = select(Document.id).where(Document.inspection_id == inspection_id, Document.state != DocumentState.DISPOSED)
    if session.scalar(left.limit(1)) is not None:
        return False
    return is_destroyed(parts, session, inspection_id)
