"""Reads about people for pages; each returns frozen values, none changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from exchange.access.roles import Role
from exchange.accounts.browsers import say_browser
from exchange.accounts.models import Invitation, Person, ServiceRole, SignInSession
from exchange.accounts.service import get_person
from exchange.accounts.sessions import COMPLETE, Lifetimes, is_live
from exchange.accounts.support import reason_of_link


class AccountState(StrEnum):
    """What can be done with an account now."""

    ACTIVE = "active"
    INVITED = "invited"
    LINK_RAN_OUT = "link ran out"
    DISABLED = "disabled"


@dataclass(frozen=True)
class Account:
    """A person as the administrator sees one."""

    id: str
    name: str
    email: str
    organisation: str
    roles: tuple[Role, ...]
    state: AccountState
    has_second_factor: bool
    created_at: datetime
    link_until: datetime | None
    last_signed_in_at: datetime | None


@dataclass(frozen=True)
class OpenSession:
    """One browser that is signed in."""

    id: str
    started_at: datetime
    last_seen_at: datetime
    browser: str
    address: str


@dataclass(frozen=True)
class WaitingReset:
    """A reset link that waits for a second person to agree."""

    invitation_id: str
    name: str
    organisation: str
    made_by: str
    made_at: datetime
    until: datetime
    reason: str  # as whoever made it gave it; empty where the person is in no inspection


def waiting_resets(session: Session, now: datetime) -> list[WaitingReset]:
    """Return the reset links nobody has agreed to yet, the oldest first."""
    maker = aliased(Person)
    rows = session.execute(
        select(Invitation, Person, maker.name)
        .join(Person, Person.id == Invitation.person_id)
        .outerjoin(maker, maker.id == Invitation.made_by)
        .where(
            Invitation.purpose == "reset",
            Invitation.agreed_by == "",
            Invitation.used_at.is_(None),
            Invitation.expires_at > now,
        )
        .order_by(Invitation.made_at)
    )
    return [
        WaitingReset(
            invitation_id=row.id,
            name=person.name,
            organisation=person.organisation,
            made_by=made_by or "the host",
            made_at=row.made_at,
            until=row.expires_at,
            reason=reason_of_link(session, person.id),
        )
        for row, person, made_by in rows
    ]


def list_accounts(session: Session, now: datetime) -> list[Account]:
    """Return every account by name, but those that were erased, in four queries."""
    people = session.scalars(select(Person).where(Person.name != "")).all()
    roles: dict[str, set[str]] = {}
    for person_id, role in session.execute(select(ServiceRole.person_id, ServiceRole.role)):
        roles.setdefault(person_id, set()).add(role)
    links, seen = _live_links(session, now), _last_sign_ins(session)
    accounts = [_account(person, roles.get(person.id, set()), links, seen) for person in people]
    return sorted(accounts, key=lambda account: (account.name.casefold(), account.email))


def get_account(session: Session, person_id: str, now: datetime) -> Account:
    """Return one account. Raises NotFoundError."""
    person = get_person(session, person_id)
    roles = set(session.scalars(select(ServiceRole.role).where(ServiceRole.person_id == person.id)))
    return _account(person, roles, _live_links(session, now, person.id), _last_sign_ins(session, person.id))


def open_sessions(session: Session, person_id: str, now: datetime, lifetimes: Lifetimes) -> list[OpenSession]:
    """Return where a person is signed in now, the newest first."""
    rows = session.scalars(
        select(SignInSession)
        .where(
            SignInSession.person_id == person_id,
            SignInSession.stage == COMPLETE,
            SignInSession.ended_at.is_(None),
            SignInSession.expires_at > now,
        )
        .order_by(SignInSession.started_at.desc())
    )
    return [
        OpenSession(row.id, row.started_at, row.last_seen_at, say_browser(row.browser), row.address)
        for row in rows
        if is_live(row, now, lifetimes)
    ]


def _account(person: Person, roles: set[str], links: Mapping[str, datetime], seen: Mapping[str, datetime]) -> Account:
    link_until = links.get(person.id) if person.disabled_at is None else None
    return Account(
        id=person.id,
        name=person.name,
        email=person.email,
        organisation=person.organisation,
        roles=tuple(role for role in Role if role in roles),
        state=_state(person, link_until),
        has_second_factor=bool(person.totp_sealed),
        created_at=person.created_at,
        link_until=link_until,
        last_signed_in_at=seen.get(person.id),
    )


def _state(person: Person, link_until: datetime | None) -> AccountState:
    if person.disabled_at is not None:
        return AccountState.DISABLED
    if person.activated_at is not None:
        return AccountState.ACTIVE
    return AccountState.INVITED if link_until is not None else AccountState.LINK_RAN_OUT


def _live_links(session: Session, now: datetime, person_id: str | None = None) -> dict[str, datetime]:
    query = select(Invitation.person_id, Invitation.expires_at).where(
        Invitation.used_at.is_(None), Invitation.expires_at > now
    )
    if person_id is not None:
        query = query.where(Invitation.person_id == person_id)
    return {person: moment for person, moment in session.execute(query)}  # noqa: C416  rows are no tuples to mypy


def _last_sign_ins(session: Session, person_id: str | None = None) -> dict[str, datetime]:
    query = (
        select(SignInSession.person_id, func.max(SignInSession.started_at))
        .where(SignInSession.stage == COMPLETE)
        .group_by(SignInSession.person_id)
    )
    if person_id is not None:
        query = query.where(SignInSession.person_id == person_id)
    return {person: moment for person, moment in session.execute(query)}  # noqa: C416  rows are no tuples to mypy
