"""Rows about how far each log was followed outside, and when it was last checked. All of it can be lost unharmed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exchange.database import Model


class WitnessState(Model):
    """What one witness last answered about one log; how far it followed stands in the log's cosignatures."""

    __tablename__ = "witness_state"

    log_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    witness: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256 of its verifier key, in hexadecimal
    size: Mapped[int] = mapped_column(BigInteger, default=0)  # the largest it says, or showed, that it has
    state: Mapped[str] = mapped_column(String(20))  # "following", "absent" or "refused"
    reason: Mapped[str] = mapped_column(String(40), default="")  # why it is absent or refused, a code
    failures: Mapped[int] = mapped_column(Integer, default=0)  # in a row
    asked_at: Mapped[datetime]
    next_at: Mapped[datetime]  # not asked before
    followed_at: Mapped[datetime | None]  # its last cosignature
    behind_since: Mapped[datetime | None]  # since when a signed state waits for it
    alarmed_at: Mapped[datetime | None]  # the last alarm about it; the next is due a period later


class KeptState(Model):
    """The checkpoint folder and one log: the largest checkpoint written there, and the last look at what is there."""

    __tablename__ = "kept_state"

    log_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    origin: Mapped[str] = mapped_column(String(255), default="")
    written_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(String(80), default="")  # why the last one could not be written, a code
    failed_at: Mapped[datetime | None]


class MailedCheckpoint(Model):
    """That a mail to a person holds a log's checkpoint of this size; each goes to each person once."""

    __tablename__ = "mailed_checkpoint"
    __table_args__ = (UniqueConstraint("log_id", "person_id", "size"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    log_id: Mapped[str] = mapped_column(String(40))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    size: Mapped[int] = mapped_column(BigInteger)
    mail_id: Mapped[str] = mapped_column(ForeignKey("outgoing_mail.id"), index=True)


class LogCheck(Model):
    """The last automatic check of a log, of each extent: "full", or "growth" since the one before."""

    __tablename__ = "log_check"

    log_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    extent: Mapped[str] = mapped_column(String(10), primary_key=True)
    checked_at: Mapped[datetime]
    size: Mapped[int] = mapped_column(BigInteger)
    findings: Mapped[int] = mapped_column(Integer, default=0)
    first_index: Mapped[int | None] = mapped_column(BigInteger)
    first_kind: Mapped[str] = mapped_column(String(40), default="")
