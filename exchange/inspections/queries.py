"""Reads about inspections for pages; each returns frozen values or rows, none changes anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exchange.access.roles import Role
from exchange.accounts.models import Person
from exchange.errors import NotFoundError
from exchange.identifiers import parse_identifier
from exchange.inspections.models import Assignment, Inspection, Membership, RequestedItem
from exchange.submissions.models import GONE, LIVE, Document, DocumentItem, DocumentState


@dataclass(frozen=True)
class Member:
    """A person in an inspection, with one of their roles there."""

    membership_id: int
    person_id: str
    name: str
    email: str
    organisation: str
    role: Role
    granted_at: datetime


@dataclass(frozen=True)
class ItemCount:
    """What has come for one item: how many documents, how many still unread back, how many that failed, the newest.

    Beside these, how many came and are disposed of (or being disposed of), and when the last of them was.
    """

    documents: int = 0
    waiting: int = 0
    failed: int = 0
    newest: datetime | None = None
    gone: int = 0
    disposed_at: datetime | None = None


def inspection_exists(session: Session, inspection_id: str) -> bool:
    """Tell whether there is an inspection of that identifier."""
    return session.get(Inspection, inspection_id) is not None


def get_inspection(session: Session, inspection_id: str, *, locked: bool = False) -> Inspection:
    """Return an inspection, its row locked where it is to be changed.

    Raises:
        NotFoundError: the identifier is unknown or malformed.
    """
    lock = {"key_share": True} if locked else None
    found = session.get(Inspection, parse_identifier(inspection_id, "ins"), with_for_update=lock)
    if found is None:
        raise NotFoundError
    return found


def inspections_of(session: Session, inspection_ids: Iterable[str]) -> list[Inspection]:
    """Return these inspections, the newest notification first."""
    return list(
        session.scalars(
            select(Inspection)
            .where(Inspection.id.in_(list(inspection_ids)))
            .order_by(Inspection.notified_on.desc(), Inspection.opened_at.desc())
        )
    )


def requested_items(session: Session, inspection_id: str) -> dict[str, RequestedItem]:
    """Return the items asked for, by number."""
    rows = session.scalars(select(RequestedItem).where(RequestedItem.inspection_id == inspection_id))
    return {row.number: row for row in rows}


def item_counts(session: Session, inspection_id: str) -> dict[str, ItemCount]:
    """Count documents by item, those that are here and those that are disposed of, in one query."""
    rows = session.execute(
        select(
            DocumentItem.number,
            func.count().filter(Document.state.in_(LIVE)),
            func.count().filter(Document.state == DocumentState.RECEIVED),
            func.count().filter(Document.state == DocumentState.CHECK_FAILED),
            func.max(Document.received_at).filter(Document.state.in_(LIVE)),
            func.count().filter(Document.state.in_(GONE)),
            func.max(Document.disposed_at),
        )
        .join(Document, Document.id == DocumentItem.document_id)
        .where(DocumentItem.inspection_id == inspection_id)
        .group_by(DocumentItem.number)
    )
    return {
        number: ItemCount(total, waiting, failed, newest, gone, disposed_at)
        for number, total, waiting, failed, newest, gone, disposed_at in rows
    }


def members_of(session: Session, inspection_id: str) -> list[Member]:
    """Return the people who are in an inspection now, by role and name."""
    rows = session.execute(
        select(Membership, Person)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.inspection_id == inspection_id, Membership.ended_at.is_(None))
    )
    members = [
        Member(
            membership_id=membership.id,
            person_id=person.id,
            name=person.name,
            email=person.email,
            organisation=person.organisation,
            role=Role(membership.role),
            granted_at=membership.granted_at,
        )
        for membership, person in rows
    ]
    order = list(Role)
    return sorted(members, key=lambda member: (order.index(member.role), member.name.casefold()))


def assignments_of(session: Session, inspection_id: str) -> dict[str, list[str]]:
    """Return, for each item number, the identifiers of the people it is assigned to now."""
    rows = session.execute(
        select(Assignment.number, Assignment.person_id).where(
            Assignment.inspection_id == inspection_id, Assignment.ended_at.is_(None)
        )
    )
    assigned: dict[str, list[str]] = {}
    for number, person in rows:
        assigned.setdefault(number, []).append(person)
    return assigned


def names_of(session: Session, person_ids: Iterable[str]) -> dict[str, str]:
    """Return the names that stand beside the log for these identifiers; erased people are missing."""
    wanted = {person for person in person_ids if person}
    if not wanted:
        return {}
    rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(wanted), Person.name != ""))
    return {row.id: row.name for row in rows}
