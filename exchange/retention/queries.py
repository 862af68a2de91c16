"""Reads for the pages of retention; each returns frozen values, none changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.catalogue import Catalogue
from config.retention import Due, Schedule
from exchange.errors import NotFoundError
from exchange.identifiers import parse_identifier
from exchange.inspections.models import Inspection
from exchange.oversight.service import Names, load_names, say_reference
from exchange.retention.due import due_of
from exchange.retention.holds import GROUNDS
from exchange.retention.models import Certificate, Hold
from exchange.submissions.models import Document, DocumentState


@dataclass(frozen=True)
class DisposalRow:
    """One document on the disposal page: what it is, when it goes and why, and what keeps it."""

    document_id: str
    name: str
    kind: str
    size: int
    received_at: datetime
    due: Due
    state: str
    is_due: bool
    is_held: bool
    disposed_at: datetime | None


@dataclass(frozen=True)
class HoldRow:
    """One hold in words."""

    id: str
    reference: str
    covers: str
    ground: str
    reason: str
    placed_at: datetime
    placed_by: str
    review_on: date
    is_review_due: bool
    lifted_at: datetime | None
    lifted_by: str
    lifted_because: str


@dataclass(frozen=True)
class CertificateView:
    """A certificate of disposal in words: no name, no title, no content."""

    reference: str
    document_id: str
    size: int
    sha256: str
    items: tuple[str, ...]
    record_class: str
    rule: str
    because: str
    legal_basis: str
    schedule_version: str
    due_on: date
    started_at: datetime
    disposed_at: datetime | None
    run_by: str
    backups_until: date


def disposal_rows(
    session: Session, schedule: Schedule, catalogue: Catalogue, inspection: Inspection, today: date
) -> list[DisposalRow]:
    """Return every document of an inspection with its due day, the longest due first and the disposed of last."""
    names = Names({}, catalogue)
    held = _held_documents(session, inspection.id)
    rows = [
        _row(
            document, due_of(document, inspection, schedule), names, today, is_held=None in held or document.id in held
        )
        for document in session.scalars(select(Document).where(Document.inspection_id == inspection.id))
    ]
    return sorted(rows, key=lambda row: (row.disposed_at is not None, row.due.on or date.max, row.received_at))


def holds_of(session: Session, catalogue: Catalogue, inspection_id: str, today: date) -> list[HoldRow]:
    """Return the holds of an inspection, standing ones first, the newest first."""
    holds = session.scalars(
        select(Hold).where(Hold.inspection_id == inspection_id).order_by(Hold.placed_at.desc(), Hold.id)
    ).all()
    wanted = {who for hold in holds for who in (hold.placed_by, hold.lifted_by, hold.document_id or "")}
    names = load_names(session, catalogue, wanted)
    return sorted((_hold_row(hold, names, today) for hold in holds), key=lambda row: row.lifted_at is not None)


def get_hold(session: Session, catalogue: Catalogue, inspection_id: str, hold_id: str, today: date) -> HoldRow:
    """Return one hold of an inspection. Raises NotFoundError when there is none of that identifier."""
    parse_identifier(hold_id, "hol")
    for row in holds_of(session, catalogue, inspection_id, today):
        if row.id == hold_id:
            return row
    raise NotFoundError


def get_certificate(session: Session, catalogue: Catalogue, inspection_id: str, document_id: str) -> CertificateView:
    """Return the certificate of a document whose disposal was begun. Raises NotFoundError when there is none."""
    found = session.scalar(
        select(Certificate).where(
            Certificate.document_id == parse_identifier(document_id, "doc"),
            Certificate.inspection_id == inspection_id,
        )
    )
    if found is None:
        raise NotFoundError
    names = load_names(session, catalogue, {found.approved_by})
    run_by = names(found.approved_by)
    return CertificateView(
        reference=say_reference(found.id),
        document_id=found.document_id,
        size=found.size,
        sha256=found.sha256,
        items=tuple(names.label(number) for number in found.items.split()),
        record_class=found.record_class,
        rule=found.rule,
        because=found.because,
        legal_basis=found.legal_basis,
        schedule_version=found.schedule_version,
        due_on=found.due_on,
        started_at=found.started_at,
        disposed_at=found.disposed_at,
        run_by=run_by[:1].upper() + run_by[1:],
        backups_until=found.backups_until,
    )


def documents_to_hold(session: Session, catalogue: Catalogue, inspection_id: str) -> list[tuple[str, str]]:
    """Return (identifier, name) of the documents that a hold can still keep, the newest first."""
    names = Names({}, catalogue)
    documents = session.scalars(
        select(Document)
        .where(Document.inspection_id == inspection_id, Document.state != DocumentState.DISPOSED)
        .order_by(Document.received_at.desc())
    )
    return [(document.id, names.say_document(document.id, document.numbers)) for document in documents]


def _held_documents(session: Session, inspection_id: str) -> set[str | None]:
    """The documents with a hold of their own; None among them stands for the whole inspection."""
    query = select(Hold.document_id).where(Hold.inspection_id == inspection_id, Hold.lifted_at.is_(None))
    return set(session.scalars(query))


def _row(document: Document, due: Due, names: Names, today: date, *, is_held: bool) -> DisposalRow:
    return DisposalRow(
        document_id=document.id,
        name=names.say_document(document.id, document.numbers),
        kind=document.file_kind,
        size=document.size,
        received_at=document.received_at,
        due=due,
        state=document.state,
        is_due=due.on is not None and due.on <= today,
        is_held=is_held,
        disposed_at=document.disposed_at,
    )


def _hold_row(hold: Hold, names: Names, today: date) -> HoldRow:
    return HoldRow(
        id=hold.id,
        reference=say_reference(hold.id),
        covers=f"Document {names(hold.document_id)}" if hold.document_id else "The whole inspection",
        ground=GROUNDS.get(hold.ground, hold.ground),
        reason=hold.reason,
        placed_at=hold.placed_at,
        placed_by=names(hold.placed_by),
        review_on=hold.review_on,
        is_review_due=hold.lifted_at is None and hold.review_on <= today,
        lifted_at=hold.lifted_at,
        lifted_by=names(hold.lifted_by) if hold.lifted_by else "",
        lifted_because=hold.lifted_because,
    )
