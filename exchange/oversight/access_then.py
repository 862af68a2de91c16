"""Who has access, now or at any past moment: computed from the records and, apart from them, from the log; compared.

Promises: the two computations share nothing but the form of their result; a span of access is the same in both only
when it began and ended at the same moments. A difference is shown, and the worker raises the alarm `access-differs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from audit.entry import Entry
from audit.sql_store import SqlLogStore
from audit.store import SearchFilters
from exchange import trail
from exchange.accounts.models import ServiceRole
from exchange.inspections.models import Assignment, Membership

PAGE_ENTRIES = 1000


class Kind(StrEnum):
    """What a span of access is of."""

    ROLE = "role"
    ITEM = "item"


@dataclass(frozen=True, order=True)
class Span:
    """That a person had a role or an item (`what`) from a moment until another; None: until now."""

    person: str
    kind: Kind
    what: str
    since: datetime
    until: datetime | None = None

    def holds_at(self, moment: datetime) -> bool:
        """Whether it held at that moment: from the moment it was given, up to the one in which it ended."""
        return self.since <= moment and (self.until is None or moment < self.until)

    @property
    def order(self) -> tuple[str, str, str, datetime]:
        """What spans are listed by."""
        return (self.person, self.kind, self.what, self.since)


@dataclass(frozen=True)
class Compared:
    """The spans of both computations; what stands in one only is a difference."""

    records: tuple[Span, ...]
    log: tuple[Span, ...]

    @property
    def only_records(self) -> list[Span]:
        """What the records say and no entry tells of."""
        return sorted(set(self.records) - set(self.log), key=lambda span: span.order)

    @property
    def only_log(self) -> list[Span]:
        """What the log tells of and the records do not say."""
        return sorted(set(self.log) - set(self.records), key=lambda span: span.order)

    @property
    def differs(self) -> bool:
        """Whether the two disagree anywhere, at any time."""
        return set(self.records) != set(self.log)

    def at(self, moment: datetime) -> Compared:
        """What both say of one moment."""
        return Compared(
            tuple(span for span in self.records if span.holds_at(moment)),
            tuple(span for span in self.log if span.holds_at(moment)),
        )


def compare_access(session: Session, store: SqlLogStore, inspection_id: str | None) -> Compared:
    """Compare the access to an inspection, or the roles across the service (None).

    Raises:
        audit.errors.AuditError: an entry cannot be read, or the log was disposed of.
    """
    records = tuple(spans_recorded(session, inspection_id))
    if inspection_id is None:
        return Compared(records, tuple(_service_log(session.connection(), store)))
    log = list(_spans_of(_inspection_events(session.connection(), store, inspection_id)))
    after = _ended_after_closing(session.connection(), store, inspection_id)
    return Compared(records, tuple(_end_as_recorded(log, records, after)))


def spans_recorded(session: Session, inspection_id: str | None) -> Iterator[Span]:
    """What the records alone say of an inspection, or of the service (None)."""
    if inspection_id is None:
        for row in session.scalars(select(ServiceRole)):
            yield Span(row.person_id, Kind.ROLE, row.role, row.granted_at)
        return
    for held in session.scalars(select(Membership).where(Membership.inspection_id == inspection_id)):
        yield Span(held.person_id, Kind.ROLE, held.role, held.granted_at, held.ended_at)
    for given in session.scalars(select(Assignment).where(Assignment.inspection_id == inspection_id)):
        yield Span(given.person_id, Kind.ITEM, given.number, given.assigned_at, given.ended_at)


def _service_log(connection: Connection, store: SqlLogStore) -> Iterator[Span]:
    for entry in _entries(connection, store, trail.SERVICE_LOG, SearchFilters(events=("role:granted-service",))):
        yield Span(str(entry.subject), Kind.ROLE, str(entry.details["role"]), entry.time)


_BEGINS = {"member:added": Kind.ROLE, "item:assigned": Kind.ITEM}
_ENDS = {"member:removed": Kind.ROLE, "item:unassigned": Kind.ITEM}
_FIELD = {Kind.ROLE: "role", Kind.ITEM: "item"}


def _inspection_events(connection: Connection, store: SqlLogStore, inspection_id: str) -> list[Entry]:
    return _entries(connection, store, inspection_id, SearchFilters(events=(*_BEGINS, *_ENDS)))


def _spans_of(entries: Iterable[Entry]) -> Iterator[Span]:
    """The spans that entries in the order of the log tell of; an end without a beginning is a span of no length."""
    running: dict[tuple[str, Kind, str], datetime] = {}
    for entry in entries:
        kind = _BEGINS.get(entry.event) or _ENDS[entry.event]
        key = (str(entry.details["person"]), kind, str(entry.details[_FIELD[kind]]))
        if entry.event in _BEGINS:
            if key in running:  # given twice without an end: two spans, as the entries say
                yield Span(*key, running[key])
            running[key] = entry.time
        else:
            yield Span(*key, running.pop(key, entry.time), entry.time)
    for key, since in running.items():
        yield Span(*key, since)


def _ended_after_closing(connection: Connection, store: SqlLogStore, inspection_id: str) -> set[tuple[str, datetime]]:
    """Whose access to a closed inspection ended when: the service's log says it, without the role or the item."""
    filters = SearchFilters(events=("closed-log:acted",), subject=inspection_id)
    ends = {event.replace(":", "-") for event in _ENDS}
    return {
        (str(entry.details["about"]), entry.time)
        for entry in _entries(connection, store, trail.SERVICE_LOG, filters)
        if entry.details["act"] in ends
    }


def _end_as_recorded(log: Iterable[Span], records: Iterable[Span], after: set[tuple[str, datetime]]) -> Iterator[Span]:
    """Spans that the log leaves open, ended as the records say where the service's log confirms that end."""
    ends = {(one.person, one.kind, one.what, one.since): one.until for one in records if one.until is not None}
    for span in log:
        until = ends.get((span.person, span.kind, span.what, span.since)) if span.until is None else None
        if until is not None and (span.person, until) in after:
            yield Span(span.person, span.kind, span.what, span.since, until)
        else:
            yield span


def _entries(connection: Connection, store: SqlLogStore, log_id: str, filters: SearchFilters) -> list[Entry]:
    """Every matching entry, oldest first."""
    found: list[Entry] = []
    before: int | None = None
    while True:
        page = store.search(connection, log_id, filters, before, PAGE_ENTRIES)
        found += [stored.entry for stored in page]
        if len(page) < PAGE_ENTRIES:
            return found[::-1]
        before = page[-1].index
