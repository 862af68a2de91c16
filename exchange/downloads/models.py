"""Rows about releases: who was given which bytes, and how it ended."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from exchange.database import Model


class Release(Model):
    """One release of (a range of) one document to one person."""

    __tablename__ = "release"

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    inspection_id: Mapped[str] = mapped_column(ForeignKey("inspection.id"), index=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("document.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    range_start: Mapped[int] = mapped_column(BigInteger)
    range_stop: Mapped[int] = mapped_column(BigInteger)  # exclusive
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(20), default="started")  # "completed" or "broken-off"
    bytes_sent: Mapped[int] = mapped_column(BigInteger, default=0)
