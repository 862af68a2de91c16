"""Rows about documents: what was received, for which items, under which data date, and where its life stands."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, Date, ForeignKey, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from audit.vocabulary import new_salt
from exchange.database import Model


class DocumentState(StrEnum):
    """received -> checked or check-failed -> disposing -> disposed; no other arrows."""

    RECEIVED = "received"
    CHECKED = "checked"
    CHECK_FAILED = "check-failed"
    DISPOSING = "disposing"
    DISPOSED = "disposed"


READABLE = (DocumentState.RECEIVED, DocumentState.CHECKED)
LIVE = (*READABLE, DocumentState.CHECK_FAILED)
GONE = (DocumentState.DISPOSING, DocumentState.DISPOSED)


class Document(Model):
    """One received file. Names and titles are erased at disposal; identifier, size and hash stay on the certificate."""

    __tablename__ = "document"

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    inspection_id: Mapped[str] = mapped_column(ForeignKey("inspection.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    file_name: Mapped[str] = mapped_column(String(255))
    file_kind: Mapped[str] = mapped_column(String(12))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    sealed_size: Mapped[int] = mapped_column(BigInteger)
    key_version: Mapped[int] = mapped_column(Integer)
    data_date_kind: Mapped[str] = mapped_column(String(20))
    data_date_start: Mapped[date | None] = mapped_column(Date)
    data_date_end: Mapped[date | None] = mapped_column(Date)
    record_class: Mapped[str] = mapped_column(String(2))  # row of the retention schedule
    state: Mapped[str] = mapped_column(String(20), index=True)
    submitted_by: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    started_at: Mapped[datetime]  # first byte
    received_at: Mapped[datetime]  # last byte durable
    checked_at: Mapped[datetime | None]
    check_claimed_until: Mapped[datetime | None]  # a worker is reading it back until then
    disposed_at: Mapped[datetime | None]
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))  # opens the commitments in the log; erased at disposal

    items: Mapped[list[DocumentItem]] = relationship(lazy="selectin", order_by="DocumentItem.position")

    @property
    def is_gone(self) -> bool:
        """Whether its disposal has begun: it came, and there is nothing to open any more."""
        return self.state in GONE

    @property
    def numbers(self) -> list[str]:
        """The item numbers this document answers, in catalogue order."""
        return [item.number for item in self.items]


class DocumentItem(Model):
    """That a document answers an item. The same bytes may answer one item only once while the document lives."""

    __tablename__ = "document_item"
    __table_args__ = (
        Index(
            "uq_document_item_same_bytes",
            "inspection_id",
            "number",
            "sha256",
            unique=True,
            sqlite_where=text("live"),
            postgresql_where=text("live"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("document.id"), index=True)
    inspection_id: Mapped[str] = mapped_column(ForeignKey("inspection.id"), index=True)
    number: Mapped[str] = mapped_column(String(8))
    position: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    live: Mapped[bool] = mapped_column(Boolean, default=True)


class Alarm(Model):
    """Something is not as it was recorded; it stays until a person clears it with a reason."""

    __tablename__ = "alarm"

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    inspection_id: Mapped[str | None] = mapped_column(ForeignKey("inspection.id"), index=True)
    subject: Mapped[str] = mapped_column(String(60))
    source: Mapped[str] = mapped_column(String(255), default="", server_default=text("''"))  # such as a witness
    detail: Mapped[str] = mapped_column(String(300), default="", server_default=text("''"))  # a sentence
    raised_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    cleared_by: Mapped[str] = mapped_column(String(30), default="")
    cleared_because: Mapped[str] = mapped_column(Text, default="")
    salt: Mapped[bytes] = mapped_column(LargeBinary(32), default=new_salt)  # opens the commitment
