"""Disposal of one document: recorded, destroyed, recorded again; whatever a killed run left is finished by the next.

Promises: no key or file goes before `disposal:started` and the certificate are committed; a hold stops it as long as
the document's key is there; names, titles and salt go in the transaction that says 'done'; a failure is recorded and
raised as an alarm, and tried again by the next run.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.retention import Due
from exchange import trail
from exchange.clock import in_london
from exchange.database import UnitOfWork
from exchange.identifiers import new_identifier
from exchange.inspections.models import Inspection
from exchange.oversight.service import raise_alarm
from exchange.parts import Parts
from exchange.retention.due import backups_until, due_of
from exchange.retention.holds import hold_on, lock_inspection
from exchange.retention.models import Certificate
from exchange.storage.contract import StoreError
from exchange.submissions.models import LIVE, Document, DocumentState
from keys.errors import KeysError


class Outcome(StrEnum):
    """How the disposal of one document ended in this run."""

    NOT_DUE = "not-due"
    HELD = "held"
    DISPOSED = "disposed"
    FAILED = "failed"


@dataclass(frozen=True)
class DisposalOrder:
    """What a run goes by: the day it acts for and who or what runs it."""

    as_of: date
    actor: str


def dispose_of(parts: Parts, inspection_id: str, document_id: str, order: DisposalOrder) -> Outcome:
    """Dispose of a document if it is due and nothing holds it."""
    with parts.database.unit_of_work() as unit:
        outcome = _begin(parts, unit, inspection_id, document_id, order)
    if outcome is not None:
        return outcome
    try:
        with parts.database.unit_of_work() as unit:
            # A hold that was placed since the beginning still comes in time; one that comes now waits for the end.
            lock_inspection(unit.session, inspection_id)
            if _is_kept_back(parts, unit, inspection_id, document_id):
                return Outcome.HELD
            parts.vault.destroy(inspection_id, document_id)
    except (KeysError, StoreError, OSError):
        _record_failure(parts, inspection_id, document_id, order.actor)
        return Outcome.FAILED
    with parts.database.unit_of_work() as unit:
        _finish(unit, inspection_id, document_id, order.actor)
    return Outcome.DISPOSED


def _begin(
    parts: Parts, unit: UnitOfWork, inspection_id: str, document_id: str, order: DisposalOrder
) -> Outcome | None:
    """Commit to the disposal; None when it may go on. One that was begun before is begun only once."""
    inspection = lock_inspection(unit.session, inspection_id)
    document = unit.session.get_one(Document, document_id, with_for_update=True)
    if document.state == DocumentState.DISPOSING:
        return Outcome.HELD if _is_kept_back(parts, unit, inspection_id, document_id) else None
    due = due_of(document, inspection, parts.schedule)
    if document.state not in LIVE or due.on is None or due.on > order.as_of:
        return Outcome.NOT_DUE
    if hold_on(unit.session, inspection_id, document_id) is not None:
        return Outcome.HELD
    certificate = _certificate(parts, unit, inspection, document, due, order.actor)
    unit.session.add(certificate)
    document.state = DocumentState.DISPOSING
    trail.record(
        unit,
        "disposal:started",
        actor=order.actor,
        inspection=inspection_id,
        details=_details(certificate),
    )
    return None


def _is_kept_back(parts: Parts, unit: UnitOfWork, inspection_id: str, document_id: str) -> bool:
    """A hold keeps what is left; where the key has gone nothing is left, and the truth is to say so."""
    held = hold_on(unit.session, inspection_id, document_id) is not None
    return held and parts.vault.keyring.has_data_key(inspection_id, document_id)


def _certificate(
    parts: Parts, unit: UnitOfWork, inspection: Inspection, document: Document, due: Due, actor: str
) -> Certificate:
    today = in_london(unit.now).date()
    return Certificate(
        id=new_identifier("crt"),
        inspection_id=inspection.id,
        document_id=document.id,
        record_class=document.record_class,
        rule=due.rule,
        because=due.because,
        legal_basis=parts.schedule.row(document.record_class).legal_basis,
        schedule_version=parts.schedule.version,
        due_on=due.on,
        size=document.size,
        sha256=document.sha256,
        items=" ".join(document.numbers),
        started_at=unit.now,
        approved_by=actor,
        backups_until=backups_until(inspection, today, parts.schedule),
    )


def _finish(unit: UnitOfWork, inspection_id: str, document_id: str, actor: str) -> None:
    """Erase what names the document and say that it is done; another run may have done so meanwhile."""
    document = unit.session.get_one(Document, document_id, with_for_update=True)
    if document.state != DocumentState.DISPOSING:
        return
    certificate = certificate_of(unit.session, document_id)
    document.state, document.disposed_at = DocumentState.DISPOSED, unit.now
    document.title, document.file_name, document.salt = "", "", b""
    for item in document.items:
        item.live = False
    certificate.disposed_at = unit.now
    trail.record(unit, "disposal:done", actor=actor, inspection=inspection_id, details=_details(certificate))


def certificate_of(session: Session, document_id: str) -> Certificate:
    """The certificate of a document whose disposal has begun."""
    return session.scalars(select(Certificate).where(Certificate.document_id == document_id)).one()


def _record_failure(parts: Parts, inspection_id: str, document_id: str, actor: str) -> None:
    reason = "file-not-removed"
    with contextlib.suppress(KeysError, OSError):
        if parts.vault.keyring.has_data_key(inspection_id, document_id):
            reason = "key-not-destroyed"
    details: dict[str, trail.DetailValue] = {"document": document_id, "reason": reason}
    with parts.database.unit_of_work() as unit:
        trail.record(unit, "disposal:failed", actor=actor, inspection=inspection_id, details=details)
        raise_alarm(unit, kind="disposal-failed", inspection=inspection_id, subject=document_id, actor=actor)


def _details(certificate: Certificate) -> dict[str, trail.DetailValue]:
    return {
        "document": certificate.document_id,
        "certificate": certificate.id,
        "rule": f"class-{certificate.record_class.lower()}",
        "size": certificate.size,
        "sha256": certificate.sha256,
    }
