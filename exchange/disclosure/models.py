"""Rows about breaches: what is known of each now, and every step with the words that its entry commits to.

The register is class I of the retention schedule. Words stand here, beside the log; the log holds commitments.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from audit.vocabulary import new_salt
from exchange.database import Model


class Breach(Model):
    """A breach of personal data as it is known now; None for a number of children means unknown, never none."""

    __tablename__ = "breach"

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    inspection_id: Mapped[str] = mapped_column(ForeignKey("inspection.id"), index=True)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    aware_at: Mapped[datetime]
    happened: Mapped[str] = mapped_column(Text)
    children: Mapped[int | None] = mapped_column(Integer)
    ico_decision: Mapped[str] = mapped_column(String(20), default="")  # "", "reported" or "not-reported"
    ico_reported_at: Mapped[datetime | None]
    ico_words: Mapped[str] = mapped_column(Text, default="")  # reference of the report, or why there was none
    people_told_at: Mapped[datetime | None]
    people_told: Mapped[str] = mapped_column(Text, default="")
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str] = mapped_column(String(30), default="")
    closed_because: Mapped[str] = mapped_column(Text, default="")

    concerns: Mapped[list[BreachDocument]] = relationship(
        lazy="selectin", order_by="BreachDocument.id", cascade="all, delete-orphan"
    )

    @property
    def documents(self) -> list[str]:
        """The identifiers of the documents concerned, in the order they were named."""
        return [row.document_id for row in self.concerns]


class BreachDocument(Model):
    """That a document is concerned."""

    __tablename__ = "breach_document"
    __table_args__ = (UniqueConstraint("breach_id", "document_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    breach_id: Mapped[str] = mapped_column(ForeignKey("breach.id"), index=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("document.id"), index=True)


class BreachStep(Model):
    """One step: its event, when and by whom, and the words whose commitment stands in the log; never changed."""

    __tablename__ = "breach_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    breach_id: Mapped[str] = mapped_column(ForeignKey("breach.id"), index=True)
    event: Mapped[str] = mapped_column(String(40))
    taken_at: Mapped[datetime]
    taken_by: Mapped[str] = mapped_column(String(30))
    said: Mapped[str] = mapped_column(Text)  # JSON with sorted names: what the commitment is to
    salt: Mapped[bytes] = mapped_column(LargeBinary(32), default=new_salt)
