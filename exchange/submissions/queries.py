"""Reads about documents for pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.errors import NotFoundError
from exchange.identifiers import parse_identifier
from exchange.submissions.models import GONE, LIVE, Document, DocumentItem, DocumentState
from exchange.trail import PlaceInLog, Trail


def get_document(session: Session, inspection_id: str, document_id: str) -> Document:
    """Return a document of an inspection, also one that is disposed of: its receipt stays, its content does not.

    Raises:
        NotFoundError: it is unknown or of another inspection.
    """
    document = session.get(Document, parse_identifier(document_id, "doc"))
    if document is None or document.inspection_id != inspection_id:
        raise NotFoundError
    return document


def documents_for_item(session: Session, inspection_id: str, number: str) -> list[Document]:
    """Return the live documents that answer an item, the newest first."""
    return _answering(session, inspection_id, number, LIVE)


def gone_for_item(session: Session, inspection_id: str, number: str) -> list[Document]:
    """Return the documents that answered an item and are disposed of, or being disposed of, the newest first."""
    return _answering(session, inspection_id, number, GONE)


def receipts_of(session: Session, inspection_id: str, document_ids: Iterable[str]) -> list[Document]:
    """Return these documents of an inspection, in the order received; unknown ones are left out."""
    return list(
        session.scalars(
            select(Document)
            .where(Document.inspection_id == inspection_id, Document.id.in_(list(document_ids)))
            .order_by(Document.received_at, Document.id)
        )
    )


def place_in_log(session: Session, trail: Trail, document: Document) -> PlaceInLog | None:
    """Return where the entry of a document's receipt stands in the inspection's log."""
    return trail.place_of(session, document.inspection_id, "submission:accepted", document.id)


def _answering(session: Session, inspection_id: str, number: str, states: Sequence[DocumentState]) -> list[Document]:
    return list(
        session.scalars(
            select(Document)
            .join(DocumentItem, DocumentItem.document_id == Document.id)
            .where(Document.inspection_id == inspection_id, DocumentItem.number == number, Document.state.in_(states))
            .order_by(Document.received_at.desc(), Document.id)
        )
    )
