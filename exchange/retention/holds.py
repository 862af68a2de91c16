"""Holds: a stop on disposal, of one document or of a whole inspection. Any hold beats any rule, until it is lifted."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from exchange import trail
from exchange.clock import in_london
from exchange.database import UnitOfWork
from exchange.errors import ConflictError, InvalidError, NotFoundError
from exchange.identifiers import new_identifier, parse_identifier
from exchange.inspections.models import Inspection
from exchange.oversight.service import parse_reason
from exchange.retention.models import Hold
from exchange.submissions.models import Document, DocumentState

REVIEW_AFTER = timedelta(days=90)

GROUNDS = {
    "foi": "Freedom of information request",
    "subject-access": "Subject access request",
    "complaint": "Complaint",
    "court": "Court proceedings, or a court order",
    "inquiry": "Public inquiry or other investigation",
    "safeguarding": "Safeguarding",
}

GONE = (
    "That document was disposed of already, so there is nothing left to hold. Its certificate says when and by which "
    "rule. Nothing was changed."
)


def lock_inspection(session: Session, inspection_id: str) -> Inspection:
    """Read an inspection under the lock that placing a hold and beginning a disposal both take.

    Raises:
        NotFoundError: there is none.
    """
    # FOR NO KEY UPDATE: rows that refer to the inspection's can be added meanwhile.
    found = session.get(Inspection, parse_identifier(inspection_id, "ins"), with_for_update={"key_share": True})
    if found is None:
        raise NotFoundError
    return found


def hold_on(session: Session, inspection_id: str, document_id: str) -> Hold | None:
    """The oldest hold that stands in the way of disposing of a document, or None."""
    query = select(Hold).where(
        Hold.inspection_id == inspection_id,
        or_(Hold.document_id.is_(None), Hold.document_id == document_id),
        Hold.lifted_at.is_(None),
    )
    return session.scalars(query.order_by(Hold.placed_at, Hold.id).limit(1)).first()


def has_hold(session: Session, inspection_id: str) -> bool:
    """Whether any hold stands in an inspection."""
    query = select(Hold.id).where(Hold.inspection_id == inspection_id, Hold.lifted_at.is_(None))
    return session.scalar(query.limit(1)) is not None


def place_hold(
    unit: UnitOfWork, *, inspection_id: str, document_id: str | None, ground: str, reason: str, actor: str
) -> Hold:
    """Stop the disposal of one document, or of everything in an inspection (`document_id` None).

    Raises:
        InvalidError: the ground is none of GROUNDS, or there is no reason.
        NotFoundError: no such document in this inspection.
        ConflictError: the document was disposed of already.
    """
    text = parse_reason(reason)
    if ground not in GROUNDS:
        raise InvalidError("Choose why disposal must stop", field="ground")
    inspection = lock_inspection(unit.session, inspection_id)
    if document_id is not None:
        _verify_document(unit.session, inspection.id, document_id)
    hold = Hold(
        id=new_identifier("hol"),
        inspection_id=inspection.id,
        document_id=document_id,
        ground=ground,
        reason=text,
        placed_at=unit.now,
        placed_by=actor,
        review_on=in_london(unit.now).date() + REVIEW_AFTER,
    )
    unit.session.add(hold)
    unit.session.flush()
    details: dict[str, trail.DetailValue] = {
        "hold": hold.id,
        "scope": "inspection" if document_id is None else "document",
        "document": document_id,
        "commitment": trail.commitment(text, hold.salt),
    }
    trail.record(unit, "hold:placed", actor=actor, inspection=inspection.id, details=details)
    return hold


def lift_hold(unit: UnitOfWork, *, inspection_id: str, hold_id: str, reason: str, actor: str) -> Hold:
    """Lift a hold with a reason; what it kept and is due goes with the next run.

    Raises:
        InvalidError: there is no reason.
        NotFoundError: no such hold in this inspection.
        ConflictError: it was lifted before.
    """
    text = parse_reason(reason)
    hold = unit.session.get(Hold, parse_identifier(hold_id, "hol"), with_for_update=True)
    if hold is None or hold.inspection_id != inspection_id:
        raise NotFoundError
    if hold.lifted_at is not None:
        raise ConflictError("Somebody has lifted this hold already. Nothing was changed.")
    hold.lifted_at, hold.lifted_by, hold.lifted_because = unit.now, actor, text
    details: dict[str, trail.DetailValue] = {"hold": hold.id, "commitment": trail.commitment(text, hold.salt)}
    trail.record(unit, "hold:lifted", actor=actor, inspection=inspection_id, details=details)
    return hold


def _verify_document(session: Session, inspection_id: str, document_id: str) -> None:
    document = session.get(Document, parse_identifier(document_id, "doc"))
    if document is None or document.inspection_id != inspection_id:
        raise NotFoundError
    if document.state == DocumentState.DISPOSED:
        raise ConflictError(GONE)
