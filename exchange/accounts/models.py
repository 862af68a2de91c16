"""Rows about people: names and addresses stand here, beside the log and never in it, so that they can be erased."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from audit.vocabulary import new_salt
from exchange.database import Model


class Person(Model):
    """Somebody with an account. `password_hash` is empty until the invitation is taken up."""

    __tablename__ = "person"

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)  # stored folded to lower case
    name: Mapped[str] = mapped_column(String(120))
    organisation: Mapped[str] = mapped_column(String(120), default="")
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    totp_sealed: Mapped[str] = mapped_column(String(300), default="")
    totp_last_step: Mapped[int] = mapped_column(Integer, default=0)  # a code is taken once
    created_at: Mapped[datetime]
    activated_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]


class ServiceRole(Model):
    """A role held across the service: administrator, lead inspector, data protection officer."""

    __tablename__ = "service_role"
    __table_args__ = (UniqueConstraint("person_id", "role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str] = mapped_column(String(40))
    granted_at: Mapped[datetime]


class SignInSession(Model):
    """One signed-in browser. The cookie holds a token; the row holds only its SHA-256."""

    __tablename__ = "sign_in_session"

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    stage: Mapped[str] = mapped_column(String(20))  # "password" until the second factor is given, then "complete"
    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(String(45), default="")  # security log, class F of the schedule
    browser: Mapped[str] = mapped_column(String(200), default="")


class Invitation(Model):
    """A one-time link by which a person sets a password; the row holds only the SHA-256 of its token."""

    __tablename__ = "invitation"

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(20))  # "activate" or "reset"
    made_by: Mapped[str] = mapped_column(String(30), default="")
    agreed_by: Mapped[str] = mapped_column(String(30), default="")  # a reset works only once a second person agreed
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class AttemptCounter(Model):
    """Failed sign-ins counted by bucket and window, in the database so that every process sees the same count."""

    __tablename__ = "attempt_counter"
    __table_args__ = (
        UniqueConstraint("bucket", "window_start"),
        Index("ix_attempt_counter_window_start", "window_start"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    bucket: Mapped[str] = mapped_column(String(64))  # a keyed hash: no address or name is kept here
    window_start: Mapped[datetime]
    failures: Mapped[int] = mapped_column(Integer, default=0)


class SupportAct(Model):
    """Why somebody outside an inspection did something that touches it; one row for each inspection that it touches."""

    __tablename__ = "support_act"

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    inspection_id: Mapped[str] = mapped_column(ForeignKey("inspection.id"), index=True)
    act: Mapped[str] = mapped_column(String(40))  # code: account-disabled, account-enabled, link-made, …
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"), index=True)  # whose account, if any
    actor: Mapped[str] = mapped_column(String(30))
    reason: Mapped[str] = mapped_column(Text)
    salt: Mapped[bytes] = mapped_column(LargeBinary(32), default=new_salt)  # opens the commitment in the log
    acted_at: Mapped[datetime]


class KnownPlace(Model):
    """A network that a person has signed in from; only a salted and keyed hash of it is kept, never the address."""

    __tablename__ = "known_place"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))
    mark: Mapped[bytes] = mapped_column(LargeBinary(32))
    is_first: Mapped[bool]  # nobody is warned of the first place that a person signs in from
    first_seen_at: Mapped[datetime] = mapped_column(index=True)
    last_seen_at: Mapped[datetime] = mapped_column(index=True)


class RefusedPlace(Model):
    """That something was refused to somebody in a network, named by a keyed hash; removed after two days."""

    __tablename__ = "refused_place"
    __table_args__ = (Index("ix_refused_place_mark", "mark", "refused_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(String(64))
    refused_at: Mapped[datetime] = mapped_column(index=True)
