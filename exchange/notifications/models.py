"""Rows about mail: what waits, what went, what failed. The address is the person's and is read when it is sent."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.database import Model


class MailState(StrEnum):
    """waiting -> sent, or waiting -> failed once it is given up; no other arrows."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class OutgoingMail(Model):
    """One mail to one person. `purpose` fixes its subject line; `body` holds nothing of anybody's content."""

    __tablename__ = "outgoing_mail"
    __table_args__ = (Index("ix_outgoing_mail_state", "state", "due_at"),)

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(40))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default=MailState.WAITING)
    queued_at: Mapped[datetime]
    due_at: Mapped[datetime]  # not tried before
    claimed_until: Mapped[datetime | None]  # a worker is sending it until then
    tries: Mapped[int] = mapped_column(Integer, default=0)
    ended_at: Mapped[datetime | None]  # sent, or given up
    failure: Mapped[str] = mapped_column(String(80), default="")  # a code, or the server's number: never its text
