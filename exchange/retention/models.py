"""Rows about keeping and letting go: holds and certificates of disposal."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from audit.vocabulary import new_salt
from exchange.database import Model


class Hold(Model):
    """A stop on disposal, of one document or of a whole inspection, until it is lifted with a reason."""

    __tablename__ = "hold"

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    inspection_id: Mapped[str] = mapped_column(ForeignKey("inspection.id"), index=True)
    document_id: Mapped[str | None] = mapped_column(ForeignKey("document.id"), index=True)
    ground: Mapped[str] = mapped_column(
        String(40)
    )  # code: foi, subject-access, complaint, court, inquiry, safeguarding
    reason: Mapped[str] = mapped_column(Text)
    placed_at: Mapped[datetime]
    placed_by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    review_on: Mapped[date] = mapped_column(Date)
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str] = mapped_column(String(30), default="")
    lifted_because: Mapped[str] = mapped_column(Text, default="")
    salt: Mapped[bytes] = mapped_column(LargeBinary(32), default=new_salt)  # opens both commitments


class Certificate(Model):
    """What remains of a disposed document: no name, no title, no content."""

    __tablename__ = "certificate"

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    inspection_id: Mapped[str] = mapped_column(ForeignKey("inspection.id"), index=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("document.id"), unique=True)
    record_class: Mapped[str] = mapped_column(String(2))
    rule: Mapped[str] = mapped_column(Text)
    because: Mapped[str] = mapped_column(Text)  # the recorded date that the rule counted from
    legal_basis: Mapped[str] = mapped_column(Text)  # as the schedule stated it on the day
    schedule_version: Mapped[str] = mapped_column(String(20))
    due_on: Mapped[date] = mapped_column(Date)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    items: Mapped[str] = mapped_column(String(400))
    started_at: Mapped[datetime]
    disposed_at: Mapped[datetime | None]
    approved_by: Mapped[str] = mapped_column(String(30))  # a person, or system:worker
    backups_until: Mapped[date] = mapped_column(Date)  # beyond use until then


class LogEnd(Model):
    """The end of an inspection's log: closed, its disposal approved by a person, disposed of whole.

    From the disposal on, the row is the certificate; nothing but identifiers, hashes and the approval stands in it.
    """

    __tablename__ = "log_end"

    inspection_id: Mapped[str] = mapped_column(ForeignKey("inspection.id"), primary_key=True)
    closed_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    approved_by: Mapped[str] = mapped_column(String(30), default="")
    reason: Mapped[str] = mapped_column(Text, default="")  # what the person who approved it looked at
    salt: Mapped[bytes] = mapped_column(LargeBinary(32), default=new_salt)  # opens the commitment in the log
    rule: Mapped[str] = mapped_column(Text, default="")
    because: Mapped[str] = mapped_column(Text, default="")
    legal_basis: Mapped[str] = mapped_column(Text, default="")
    schedule_version: Mapped[str] = mapped_column(String(20), default="")
    due_on: Mapped[date | None] = mapped_column(Date)
    tree_size: Mapped[int | None] = mapped_column(BigInteger)
    root_hash: Mapped[str] = mapped_column(String(64), default="")
    checkpoint: Mapped[str] = mapped_column(Text, default="")  # the last one, with its cosignatures
    disposed_at: Mapped[datetime | None]
    cleaned_at: Mapped[datetime | None]  # the database has let go of what was erased
