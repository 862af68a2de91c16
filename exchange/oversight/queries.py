"""Reads for the pages of oversight; each returns frozen values, none changes anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from audit.entry import Entry
from audit.errors import AuditError
from audit.sql_store import SqlLogStore
from audit.store import StoredEntry
from audit.vocabulary import SERVICE_LOG, VOCABULARY, describe
from config.catalogue import Catalogue
from exchange.access.roles import Role
from exchange.accounts.models import Person
from exchange.inspections.models import Assignment, Membership, RequestedItem
from exchange.inspections.queries import names_of
from exchange.oversight.alarms import say_kind
from exchange.oversight.filters import ALARMING, REFUSALS, REFUSED, TrailFilters
from exchange.oversight.names import Names, identifiers_in, load_names, numbers_of
from exchange.submissions.models import Alarm, Document

PAGE_ENTRIES = 50
UNREADABLE = "This entry cannot be read as it was written. Verify the log."

Choice = tuple[str, str]


@dataclass(frozen=True)
class TrailRow:
    """One entry as a page shows it; `mark` is a word such as 'Refused', or empty; `time` is None when damaged."""

    index: int
    time: datetime | None
    sentence: str
    mark: str


@dataclass(frozen=True)
class TrailPage:
    """A page of the trail, newest first; `before` pages to what is older, None at the end."""

    rows: tuple[TrailRow, ...]
    before: int | None
    tree_size: int
    signed_size: int


@dataclass(frozen=True)
class FilterChoices:
    """What the trail can be filtered by: (value, label) pairs."""

    people: tuple[Choice, ...]
    documents: tuple[Choice, ...]
    items: tuple[Choice, ...]
    events: tuple[Choice, ...]


@dataclass(frozen=True)
class AccessRow:
    """That a person held a role in an inspection, since when, until when, and the items assigned now."""

    name: str
    organisation: str
    role: Role
    since: datetime
    granted_by: str
    until: datetime | None
    ended_by: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class AlarmRow:
    """One alarm in words."""

    id: str
    kind: str
    subject: str
    person: str | None
    """The identifier of the person it is about; None when it is about something else."""
    detail: str
    raised_at: datetime
    cleared_at: datetime | None
    cleared_by: str
    cleared_because: str


def read_trail(
    session: Session,
    store: SqlLogStore,
    catalogue: Catalogue,
    *,
    log_id: str,
    filters: TrailFilters,
    before: int | None,
) -> TrailPage:
    """Return a page of the entries that match, with names beside their identifiers."""
    connection = session.connection()
    found = store.search(connection, log_id, filters.search(), before, PAGE_ENTRIES + 1)
    shown = found[:PAGE_ENTRIES]
    entries = [(stored, _readable(stored)) for stored in shown]
    names = load_names(session, catalogue, identifiers_in(entry for _, entry in entries if entry is not None))
    checkpoint = store.latest_checkpoint(connection, log_id)
    return TrailPage(
        rows=tuple(_row(stored, entry, names) for stored, entry in entries),
        before=shown[-1].index if len(found) > PAGE_ENTRIES else None,
        tree_size=store.tree_size(connection, log_id),
        signed_size=0 if checkpoint is None else checkpoint.tree_size,
    )


def inspection_choices(session: Session, catalogue: Catalogue, inspection_id: str) -> FilterChoices:
    """What the trail of an inspection can be filtered by: all who were ever members, its documents and its items."""
    people = session.scalars(select(Membership.person_id).where(Membership.inspection_id == inspection_id).distinct())
    documents = session.scalars(
        select(Document.id).where(Document.inspection_id == inspection_id).order_by(Document.received_at)
    ).all()
    requested = set(session.scalars(select(RequestedItem.number).where(RequestedItem.inspection_id == inspection_id)))
    numbers, names = numbers_of(session, documents), Names({}, catalogue)
    return FilterChoices(
        people=_people(session, people),
        documents=tuple((one, names.say_document(one, numbers.get(one, ()))) for one in documents),
        items=tuple(
            (str(item.number), f"{item.label}: {item.title}") for item in catalogue.items if item.number in requested
        ),
        events=_events("inspection"),
    )


def service_choices(session: Session) -> FilterChoices:
    """What the service's own trail can be filtered by."""
    return FilterChoices(_people(session, session.scalars(select(Person.id))), (), (), _events(SERVICE_LOG))


def access_list(session: Session, catalogue: Catalogue, inspection_id: str) -> tuple[list[AccessRow], list[AccessRow]]:
    """Return who has access now and who had it, the newest first among the latter."""
    rows = session.execute(
        select(Membership, Person)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.inspection_id == inspection_id)
        .order_by(Person.name, Membership.granted_at)
    ).all()
    others = names_of(session, {who for held, _ in rows for who in (held.granted_by, held.ended_by)})
    items = _assigned(session, catalogue, inspection_id)
    access = [
        AccessRow(
            name=person.name,
            organisation=person.organisation,
            role=Role(held.role),
            since=held.granted_at,
            granted_by=others.get(held.granted_by, ""),
            until=held.ended_at,
            ended_by=others.get(held.ended_by, ""),
            items=items.get(person.id, ()) if held.role == Role.CONTRIBUTOR and held.ended_at is None else (),
        )
        for held, person in rows
    ]
    order = list(Role)
    now = sorted((row for row in access if row.until is None), key=lambda row: order.index(row.role))
    past = [row for row in access if row.until is not None]
    return now, sorted(past, key=lambda row: row.until or row.since, reverse=True)


def alarms_of(session: Session, catalogue: Catalogue, inspection_id: str | None) -> list[AlarmRow]:
    """Return the alarms of an inspection, or of the service as a whole (None); uncleared ones first."""
    alarms = session.scalars(
        select(Alarm).where(Alarm.inspection_id == inspection_id).order_by(Alarm.raised_at.desc(), Alarm.id)
    ).all()
    names = load_names(session, catalogue, {who for alarm in alarms for who in (alarm.subject, alarm.cleared_by)})
    rows = [
        AlarmRow(
            id=alarm.id,
            kind=say_kind(alarm.kind),
            subject=_say_subject(alarm.subject, names),
            person=alarm.subject if alarm.subject.startswith("per_") else None,
            detail=alarm.detail,
            raised_at=alarm.raised_at,
            cleared_at=alarm.cleared_at,
            cleared_by=names(alarm.cleared_by) if alarm.cleared_by else "",
            cleared_because=alarm.cleared_because,
        )
        for alarm in alarms
    ]
    return sorted(rows, key=lambda row: row.cleared_at is not None)


def open_alarms(session: Session, inspection_id: str | None) -> int:
    """Count the alarms that nobody has cleared."""
    query = select(func.count()).where(Alarm.inspection_id == inspection_id, Alarm.cleared_at.is_(None))
    return session.scalar(query) or 0


def say_event(event: str) -> str:
    """The name of an event as a choice in a list: 'Submission accepted'."""
    return event.replace(":", " ").replace("-", " ").capitalize()


def _readable(stored: StoredEntry) -> Entry | None:
    try:
        entry = stored.entry
        describe(entry)
    except (AuditError, LookupError):
        return None
    return entry


def _row(stored: StoredEntry, entry: Entry | None, names: Names) -> TrailRow:
    if entry is None:
        return TrailRow(stored.index, None, UNREADABLE, "Damaged")
    sentence = describe(entry, names)
    mark = "Refused" if entry.event in REFUSED else "Alarm" if entry.event in ALARMING else ""
    return TrailRow(stored.index, entry.time, sentence[:1].upper() + sentence[1:], mark)


def _people(session: Session, person_ids: Iterable[str]) -> tuple[Choice, ...]:
    return tuple(sorted(names_of(session, person_ids).items(), key=lambda choice: choice[1].casefold()))


def _events(log: str) -> tuple[Choice, ...]:
    names = sorted(event.name for event in VOCABULARY.values() if event.log in {log, "both"})
    return ((REFUSALS, "Every refusal"), *((name, say_event(name)) for name in names))


def _assigned(session: Session, catalogue: Catalogue, inspection_id: str) -> dict[str, tuple[str, ...]]:
    rows = session.execute(
        select(Assignment.person_id, Assignment.number).where(
            Assignment.inspection_id == inspection_id, Assignment.ended_at.is_(None)
        )
    ).all()
    return {
        person: tuple(
            item.label for item in catalogue.items if (person, str(item.number)) in {tuple(row) for row in rows}
        )
        for person in {row.person_id for row in rows}
    }


def _say_subject(subject: str, names: Names) -> str:
    said = names(subject)
    return f"Document {said}" if subject.startswith("doc_") else said[:1].upper() + said[1:]
