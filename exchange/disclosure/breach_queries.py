"""Reads for the pages of breaches; each returns frozen values, none changes anything."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.entry import parse_time
from config.data_date import DataDate
from config.retention import InspectionDates
from exchange.access.roles import INSPECTION_MATRIX, Permission, Role
from exchange.accounts.models import Person
from exchange.clock import in_london, say_moment
from exchange.disclosure.deadline import due_at, is_overdue, say_clock
from exchange.disclosure.models import Breach, BreachStep
from exchange.disclosure.sightings import Sighting, sightings_of
from exchange.inspections.models import Inspection, Membership
from exchange.oversight.service import Names, load_names, say_reference
from exchange.parts import Parts
from exchange.submissions.models import Document

REGISTER: Final = "I"
"""The class of the retention schedule that the register of breaches is."""

STEPS: Final = {
    "breach:recorded": "Recorded",
    "breach:changed": "Changed",
    "breach:reported": "Reported",
    "breach:closed": "Closed",
}
STATES: Final = {"disposed": "Disposed of since", "disposing": "Being disposed of"}


@dataclass(frozen=True)
class BreachRow:
    """One breach in a list."""

    id: str
    reference: str
    happened: str
    aware_at: datetime
    due_at: datetime
    clock: str
    is_urgent: bool
    is_open: bool
    is_decided: bool
    documents: int


@dataclass(frozen=True)
class Viewer:
    """A person and what they had of one document."""

    name: str
    organisation: str
    sighting: Sighting


@dataclass(frozen=True)
class Concerned:
    """One document that a breach concerns, and who had what of it."""

    id: str
    name: str
    items: tuple[str, ...]
    kind: str
    size: int
    data_date: str
    record_class: str
    what: str
    received_at: datetime
    state: str
    viewers: tuple[Viewer, ...]
    never: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One step of the register in words."""

    title: str
    taken_at: datetime
    by: str
    said: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class BreachView:
    """Everything that is known of a breach, up to `tree_size` entries of the inspection's log."""

    id: str
    reference: str
    inspection: Inspection
    happened: str
    aware_at: datetime
    due_at: datetime
    clock: str
    is_urgent: bool
    children: int | None
    documents: tuple[Concerned, ...]
    people_who_saw: tuple[str, ...]
    recorded_at: datetime
    recorded_by: str
    ico_decision: str
    ico_reported_at: datetime | None
    ico_words: str
    people_told_at: datetime | None
    people_told: str
    closed_at: datetime | None
    closed_by: str
    closed_because: str
    steps: tuple[Step, ...]
    tree_size: int
    register_until: str
    now: datetime

    @property
    def total_size(self) -> int:
        """The size of all documents concerned, in bytes."""
        return sum(document.size for document in self.documents)


def breaches_of(session: Session, inspection_id: str, now: datetime) -> list[BreachRow]:
    """The breaches of an inspection, open ones first, the newest first."""
    found = session.scalars(
        select(Breach).where(Breach.inspection_id == inspection_id).order_by(Breach.recorded_at.desc(), Breach.id)
    )
    return sorted((_row(breach, now) for breach in found), key=lambda row: not row.is_open)


def breach_notice(session: Session, inspection_id: str, now: datetime) -> str:
    """A sentence about the breaches that nobody has closed, the most pressing clock in it; empty when there is none."""
    found = [row for row in breaches_of(session, inspection_id, now) if row.is_open]
    if not found:
        return ""
    first = min(found, key=lambda row: (row.is_decided, row.due_at))
    count = "1 breach is open" if len(found) == 1 else f"{len(found)} breaches are open"
    return f"{count}. Breach {first.reference}: {first.clock[:1].lower()}{first.clock[1:]}."


def documents_to_name(session: Session, parts: Parts, inspection_id: str) -> list[tuple[str, str]]:
    """(identifier, label) of every document that ever came for an inspection, the newest first."""
    names = Names({}, parts.catalogue)
    documents = session.scalars(
        select(Document).where(Document.inspection_id == inspection_id).order_by(Document.received_at.desc())
    )
    return [
        (document.id, f"{names.say_document(document.id, document.numbers)}, received {_day(document.received_at)}")
        for document in documents
    ]


def view_breach(session: Session, parts: Parts, breach: Breach, now: datetime) -> BreachView:
    """Everything that is known of a breach, with who saw what from the log as it stands."""
    inspection = session.get_one(Inspection, breach.inspection_id)
    steps = session.scalars(select(BreachStep).where(BreachStep.breach_id == breach.id).order_by(BreachStep.id)).all()
    wanted = {breach.recorded_by, breach.closed_by, *(step.taken_by for step in steps), *breach.documents}
    names = load_names(session, parts.catalogue, wanted)
    documents = _concerned(session, parts, breach, names)
    seen = {
        viewer.name for document in documents for viewer in document.viewers if viewer.sighting.outcome != "nothing"
    }
    return BreachView(
        id=breach.id,
        reference=say_reference(breach.id),
        inspection=inspection,
        happened=breach.happened,
        aware_at=breach.aware_at,
        due_at=due_at(breach.aware_at),
        clock=_clock(breach, now),
        is_urgent=_is_urgent(breach, now),
        children=breach.children,
        documents=documents,
        people_who_saw=tuple(sorted(seen)),
        recorded_at=breach.recorded_at,
        recorded_by=names(breach.recorded_by),
        ico_decision=breach.ico_decision,
        ico_reported_at=breach.ico_reported_at,
        ico_words=breach.ico_words,
        people_told_at=breach.people_told_at,
        people_told=breach.people_told,
        closed_at=breach.closed_at,
        closed_by=names(breach.closed_by) if breach.closed_by else "",
        closed_because=breach.closed_because,
        steps=tuple(_step(step, names) for step in steps),
        tree_size=parts.trail.store.tree_size(session.connection(), breach.inspection_id),
        register_until=_kept_until(parts, inspection, breach),
        now=now,
    )


def _row(breach: Breach, now: datetime) -> BreachRow:
    return BreachRow(
        id=breach.id,
        reference=say_reference(breach.id),
        happened=breach.happened,
        aware_at=breach.aware_at,
        due_at=due_at(breach.aware_at),
        clock=_clock(breach, now),
        is_urgent=_is_urgent(breach, now),
        is_open=breach.closed_at is None,
        is_decided=bool(breach.ico_decision),
        documents=len(breach.documents),
    )


def _clock(breach: Breach, now: datetime) -> str:
    if breach.ico_decision == "not-reported":
        return "No report: the reason is recorded"
    return say_clock(breach.aware_at, now, breach.ico_reported_at)


def _is_urgent(breach: Breach, now: datetime) -> bool:
    return not breach.ico_decision and is_overdue(breach.aware_at, now)


def _concerned(session: Session, parts: Parts, breach: Breach, names: Names) -> tuple[Concerned, ...]:
    rows = {
        document.id: document for document in session.scalars(select(Document).where(Document.id.in_(breach.documents)))
    }
    could = _who_could_open(session, breach.inspection_id)
    return tuple(_document(session, parts, rows[one], names, could) for one in breach.documents)


def _document(session: Session, parts: Parts, document: Document, names: Names, could: dict[str, str]) -> Concerned:
    store, connection = parts.trail.store, session.connection()
    sightings = sightings_of(store, connection, document.inspection_id, document.id, document.size)
    saw = {sighting.person for sighting in sightings}
    people = _people(session, saw)
    return Concerned(
        id=document.id,
        name=names(document.id),
        items=tuple(names.label(number) for number in document.numbers),
        kind=document.file_kind,
        size=document.size,
        data_date=DataDate(document.data_date_kind, document.data_date_start, document.data_date_end).describe(),
        record_class=document.record_class,
        what=parts.schedule.row(document.record_class).what,
        received_at=document.received_at,
        state=STATES.get(document.state, "Here"),
        viewers=tuple(
            Viewer(*people.get(sighting.person, ("somebody whose name is erased", "")), sighting)
            for sighting in sightings
        ),
        never=tuple(sorted(name for person, name in could.items() if person not in saw)),
    )


def _people(session: Session, wanted: Iterable[str]) -> dict[str, tuple[str, str]]:
    rows = session.execute(select(Person.id, Person.name, Person.organisation).where(Person.id.in_(set(wanted))))
    return {row.id: (row.name, row.organisation) for row in rows}


def _who_could_open(session: Session, inspection_id: str) -> dict[str, str]:
    """Everybody whose role, now or once, allows or allowed to open files, by identifier."""
    roles = [role for role in Role if Permission.DOWNLOAD in INSPECTION_MATRIX.get(role, frozenset())]
    rows = session.execute(
        select(Person.id, Person.name)
        .join(Membership, Membership.person_id == Person.id)
        .where(Membership.inspection_id == inspection_id, Membership.role.in_(roles))
    )
    return {row.id: row.name for row in rows}


def _step(step: BreachStep, names: Names) -> Step:
    said = json.loads(step.said)
    return Step(
        STEPS[step.event],
        step.taken_at,
        names(step.taken_by),
        tuple((_SAID.get(name, name), _say(name, value, names)) for name, value in said.items()),
    )


_SAID: Final = {
    "aware_at": "Aware since",
    "happened": "What happened",
    "children": "Children",
    "documents": "Documents",
    "told": "Told",
    "told_at": "When",
    "words": "In words",
    "decision": "Decision",
    "reason": "Reason",
}


def _say(name: str, value: object, names: Names) -> str:
    if name in {"aware_at", "told_at"}:
        return say_moment(parse_time(value))
    if name == "documents" and isinstance(value, list):
        return ", ".join(names(one) for one in value) or "None named"
    if name == "children":
        return "Unknown" if value is None else f"{value:,}"
    if name not in {"told", "decision"}:
        return str(value)  # words of a person, as they were typed
    said = names(str(value))
    return f"{said[:1].upper()}{said[1:]}"


def _kept_until(parts: Parts, inspection: Inspection, breach: Breach) -> str:
    """Until when the register keeps this, in words."""
    closed_on = None if breach.closed_at is None else in_london(breach.closed_at).date()
    due = parts.schedule.due_on(REGISTER, InspectionDates(inspection.notified_on, event_on=closed_on))
    period = parts.schedule.row(REGISTER).periods[0].describe()
    if due.on is None:
        return f"{period[:1].upper()}{period[1:]}. It is not closed yet."
    return f"{_say_date(due.on)}: {period}. Then a person reviews it, and it is deleted."


def _say_date(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _day(moment: datetime) -> str:
    return _say_date(in_london(moment).date())
