"""Reading back: every sealed file is unsealed once more from the store and its hash compared with what was received.

Promises: a difference, or a file that cannot be read, is recorded, marked and raised as an alarm; it is never mended.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from exchange import trail
from exchange.database import UnitOfWork
from exchange.errors import ContentUnavailableError
from exchange.oversight.service import raise_alarm
from exchange.parts import Parts
from exchange.submissions.models import Document, DocumentState
from exchange.vault import SealedReference

CLAIM = timedelta(minutes=30)  # longer than reading the largest file takes; a dead worker's claim runs out


def check_next(parts: Parts) -> bool:
    """Read back one received document that nobody else is reading; tell whether there was one."""
    with parts.database.unit_of_work() as unit:
        document = _claim(unit.session, unit.now)
    if document is None:
        return False
    try:
        found: str | None = parts.vault.check(reference_of(document))
    except ContentUnavailableError:
        found = None
    with parts.database.unit_of_work() as unit:
        is_whole = _conclude(unit, document.id, found)
    if is_whole:  # again, in case the upload ended between its commit and this
        parts.vault.settle(document.inspection_id, document.id)
    return True


def reference_of(document: Document) -> SealedReference:
    """What the vault needs to open a document."""
    return SealedReference(document.inspection_id, document.id, document.key_version, document.sealed_size)


def mark_unreadable(unit: UnitOfWork, document: Document, found: str | None) -> None:
    """Mark a document whose sealed file is not what was received, record it and raise the alarm."""
    document.state = DocumentState.CHECK_FAILED
    document.check_claimed_until = None
    trail.record(
        unit,
        "submission:check-failed",
        actor=trail.WORKER,
        inspection=document.inspection_id,
        details={"document": document.id, "expected": document.sha256, "found": found},
    )
    raise_alarm(unit, kind="check-failed", inspection=document.inspection_id, subject=document.id)


def _claim(session: Session, now: datetime) -> Document | None:
    document = session.scalars(
        select(Document)
        .where(
            Document.state == DocumentState.RECEIVED,
            or_(Document.check_claimed_until.is_(None), Document.check_claimed_until < now),
        )
        .order_by(Document.received_at)
        .limit(1)
        .with_for_update(skip_locked=True)  # SQLite has one writer at a time and leaves this out
    ).first()
    if document is not None:
        session.execute(update(Document).where(Document.id == document.id).values(check_claimed_until=now + CLAIM))
        session.expunge(document)
    return document


def _conclude(unit: UnitOfWork, document_id: str, found: str | None) -> bool:
    document = unit.session.get_one(Document, document_id, with_for_update=True)
    if document.state != DocumentState.RECEIVED:
        return False  # disposed of, or concluded by another worker, while it was being read
    if found != document.sha256:
        mark_unreadable(unit, document, found)
        return False
    document.state = DocumentState.CHECKED
    document.checked_at = unit.now
    document.check_claimed_until = None
    trail.record(
        unit,
        "submission:checked",
        actor=trail.WORKER,
        inspection=document.inspection_id,
        details={"document": document.id, "sha256": found},
    )
    return True
