"""Reads about releases for pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exchange.downloads.models import Release


def releases_to(session: Session, person: str, document_ids: Iterable[str]) -> dict[str, datetime]:
    """Return when this person last had each of these documents whole or in part, for those they had."""
    rows = session.execute(
        select(Release.document_id, func.max(Release.started_at))
        .where(Release.person_id == person, Release.document_id.in_(list(document_ids)))
        .group_by(Release.document_id)
    )
    return {document: last for document, last in rows}  # noqa: C416  a row is not a pair to the type checker
