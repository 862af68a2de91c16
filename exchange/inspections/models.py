"""Rows about inspections, the items asked for, the people in them and the controller's legal notes."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.database import Model


class Inspection(Model):
    """One inspection of one local area; `id` is also the identifier of its log and of its inspection key."""

    __tablename__ = "inspection"

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    local_area: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20))  # "full" or "monitoring"
    notified_on: Mapped[date] = mapped_column(Date)  # always a Monday
    catalogue_version: Mapped[str] = mapped_column(String(20))
    schedule_version: Mapped[str] = mapped_column(String(20))
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    fieldwork_ended_on: Mapped[date | None] = mapped_column(Date)
    report_issued_on: Mapped[date | None] = mapped_column(Date)
    closed_at: Mapped[datetime | None]


class RequestedItem(Model):
    """One item of Annex A asked for in one inspection, with the moment it is due."""

    __tablename__ = "requested_item"
    __table_args__ = (UniqueConstraint("inspection_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    inspection_id: Mapped[str] = mapped_column(ForeignKey("inspection.id"), index=True)
    number: Mapped[str] = mapped_column(String(8))
    due_at: Mapped[datetime]


class Membership(Model):
    """A person's role in one inspection; ended, never deleted, so that past access can be told."""

    __tablename__ = "membership"
    __table_args__ = (
        Index(
            "uq_membership_live",
            "inspection_id",
            "person_id",
            "role",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    inspection_id: Mapped[str] = mapped_column(ForeignKey("inspection.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str] = mapped_column(String(40))
    granted_at: Mapped[datetime]
    granted_by: Mapped[str] = mapped_column(String(30))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(String(30), default="")


class Assignment(Model):
    """An item given to a contributor to answer; ended, never deleted."""

    __tablename__ = "assignment"
    __table_args__ = (
        Index(
            "uq_assignment_live",
            "inspection_id",
            "person_id",
            "number",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    inspection_id: Mapped[str] = mapped_column(ForeignKey("inspection.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    number: Mapped[str] = mapped_column(String(8))
    assigned_at: Mapped[datetime]
    assigned_by: Mapped[str] = mapped_column(String(30))
    ended_at: Mapped[datetime | None]


class LegalNote(Model):
    """The controller's answer to one legal question, or a waiver by name; the newest row of a code counts."""

    __tablename__ = "legal_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), index=True)
    answer: Mapped[str] = mapped_column(Text, default="")
    waived: Mapped[bool] = mapped_column(default=False)
    checked_on: Mapped[date | None] = mapped_column(Date)
    answered_at: Mapped[datetime]
    answered_by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))  # opens the commitment in the log
