"""Reads about documents for pages."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.errors import NotFoundError
from exchange.identifiers import parse_identifier
from exchange.submissions.models import LIVE, Document, DocumentItem
from exchange.trail import PlaceInLog, Trail


def get_document(session: Session, inspection_id: str, document_id: str) -> Document:
    """Return a live document of an inspection.

    Raises:
        NotFoundError: it is unknown, of another inspection, or disposed of.
    """
    document = session.get(Document, parse_identifier(document_id, "doc"))
    if document is None or document.inspection_id != inspection_id or document.state not in LIVE:
        raise NotFoundError
    return document


def documents_for_item(session: Session, inspection_id: str, number: str) -> list[Document]:
    """Return the live documents that answer an item, the newest first."""
    return list(
        session.scalars(
            select(Document)
            .join(DocumentItem, DocumentItem.document_id == Document.id)
            .where(Document.inspection_id == inspection_id, DocumentItem.number == number, Document.state.in_(LIVE))
            .order_by(Document.received_at.desc(), Document.id)
        )
    )


def receipts_of(session: Session, inspection_id: str, document_ids: Iterable[str]) -> list[Document]:
    """Return these documents of an inspection, in the order received; unknown ones are left out."""
    return list(
        session.scalars(
            select(Document)
            .where(
                Document.inspection_id == inspection_id,
                Document.id.in_(list(document_ids)),
                Document.state.in_(LIVE),
            )
            .order_by(Document.received_at, Document.id)
        )
    )


def place_in_log(session: Session, trail: Trail, document: Document) -> PlaceInLog | None:
    """Return where the entry of a document's receipt stands in the inspection's log."""
    return trail.place_of(session, document.inspection_id, "submission:accepted", document.id)
