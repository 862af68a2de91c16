"""Alerts: the worker looks through what is new in the logs and raises an alarm where a rule was broken.

Promises: the place up to which a log was looked through moves in the transaction that raises the alarms, so a worker
killed anywhere misses nothing and repeats nothing; a rule is found broken once for a person, or a network, and window,
also when the alarm was cleared meanwhile; pages pay nothing for it. An entry that cannot be read is passed over: the
check of the log is what names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from audit.entry import Entry
from audit.errors import AuditError
from audit.store import SearchFilters, StoredEntry
from config.alerts import is_within_hours
from exchange import trail
from exchange.accounts.places import came_from_new_place, refusals_near
from exchange.clock import in_london
from exchange.database import UnitOfWork
from exchange.oversight.alarms import Told, raise_alarm
from exchange.oversight.alert_rules import DAY, VOLUME_RULES, Point, Reached, windows_reached
from exchange.oversight.alert_words import say_out_of_hours, say_refusals, say_volume
from exchange.oversight.filters import REFUSED
from exchange.oversight.logs import inspection_of
from exchange.oversight.models import AlertFinding, AlertPosition
from exchange.oversight.opening import OPENING_EVENTS, OPENINGS, Step
from exchange.oversight.thresholds import thresholds_of
from exchange.parts import Parts

BATCH_ENTRIES = 2000
PAGE_ENTRIES = 500
KEPT = timedelta(days=30)  # findings are needed for one window, which is a day at most
PROBING = tuple(event for event in REFUSED if event != "submission:refused")
HARMLESS = "form-token"  # a form that has grown old tries nothing
ACCESS_EVENTS = ("member:added", "member:removed", "item:assigned", "item:unassigned", "role:granted-service")


@dataclass(frozen=True)
class Broken:
    """A rule that somebody broke: what the alarm is about, when, and in which words."""

    kind: str
    rule: str
    subject: str  # a person's identifier, or the hash of a network
    window: timedelta
    at: datetime
    detail: str
    logs: frozenset[str]

    @property
    def inspection(self) -> str | None:
        """The one inspection that all of it happened in; None for the service, or several."""
        return inspection_of(next(iter(self.logs))) if len(self.logs) == 1 else None


@dataclass(frozen=True)
class New:
    """An entry that was not looked at before, and where it stands."""

    log_id: str
    index: int
    entry: Entry


def look_for_alerts(parts: Parts, go_on: Callable[[], bool] = lambda: True) -> set[str]:
    """Look through everything new; return the logs in which somebody's access changed."""
    changed = set()
    for log_id in _grown(parts):
        while go_on():
            seen, is_done = _look_through_next(parts, log_id)
            if any(one.entry.event in ACCESS_EVENTS for one in seen):
                changed.add(log_id)
            if is_done:
                break
    return changed


def _grown(parts: Parts) -> list[str]:
    with parts.database.read() as session:
        connection, store = session.connection(), parts.trail.store
        seen = {row.log_id: row.next_index for row in session.scalars(select(AlertPosition))}
        records = store.logs(connection)
        return [one.log_id for one in records if store.tree_size(connection, one.log_id) > seen.get(one.log_id, 0)]


def _look_through_next(parts: Parts, log_id: str) -> tuple[list[New], bool]:
    """Look through the next entries; the entries, and whether they were the last.

    What surrounds them may be a day's work of a busy person, so it is read without the database's one writer; what was
    found is kept only where nobody has looked further meanwhile.
    """
    with parts.database.read() as session:
        store, connection = parts.trail.store, session.connection()
        row = session.get(AlertPosition, log_id)
        start = 0 if row is None else row.next_index
        size = store.tree_size(connection, log_id)
        stop = min(start + BATCH_ENTRIES, size)
        new = [
            New(log_id, stored.index, entry)
            for stored in store.present_entries(connection, log_id, start, stop)
            if (entry := _read(stored)) is not None
        ]
        found = Look(parts, session, new).broken()
    with parts.database.unit_of_work() as unit:
        position = _position(unit.session, log_id)
        if position.next_index != start:
            return [], False
        findings = Findings(unit)
        for broken in found:
            findings.take(broken)
        position.next_index = max(stop, start)
    return new, stop >= size


def _position(session: Session, log_id: str) -> AlertPosition:
    """The row of a log, locked: two workers never look through the same entries."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(AlertPosition).values(log_id=log_id, next_index=0).on_conflict_do_nothing())
    return session.get_one(AlertPosition, log_id, with_for_update=True)


def _read(stored: StoredEntry) -> Entry | None:
    try:
        return stored.entry
    except AuditError:
        return None


class Findings:
    """What was found before, so that each rule is found broken once for a subject and window."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit
        self._times: dict[tuple[str, str], list[datetime]] = {}

    def take(self, broken: Broken) -> None:
        """Raise the alarm, unless the rule was found broken by this subject within the window before or after."""
        key = (broken.rule, broken.subject)
        if key not in self._times:
            self._times[key] = self._before(broken)
        times = self._times[key]
        if any(abs(broken.at - time) < broken.window for time in times):
            return
        times.append(broken.at)
        self._unit.session.add(AlertFinding(rule=broken.rule, subject=broken.subject, found_at=broken.at))
        is_person = broken.subject.startswith("per_")
        source = f"{broken.rule} {broken.at.isoformat()}" + ("" if is_person else f" {broken.subject[:16]}")
        raise_alarm(
            self._unit,
            kind=broken.kind,
            inspection=broken.inspection,
            subject=broken.subject if is_person else trail.SERVICE_LOG,
            told=Told(source, broken.detail),
        )

    def _before(self, broken: Broken) -> list[datetime]:
        rows = AlertFinding
        of_this = (rows.rule == broken.rule, rows.subject == broken.subject)
        self._unit.session.execute(delete(rows).where(*of_this, rows.found_at < broken.at - KEPT))
        return list(self._unit.session.scalars(select(rows.found_at).where(*of_this)))


class Look:
    """One look at new entries, with what surrounds them in time."""

    def __init__(self, parts: Parts, session: Session, new: list[New]) -> None:
        self._parts = parts
        self._session = session
        self._new = new
        self._values = thresholds_of(session, parts.alerts)

    def broken(self) -> list[Broken]:
        """Every rule that these entries broke, of the alerts that are switched on."""
        rules = {
            "volume": self._volume,
            "probing": self._probing,
            "new-place": self._new_places,
            "out-of-hours": self._out_of_hours,
        }
        return [one for code, rule in rules.items() if self._values[f"{code}.on"] for one in rule()]

    def _volume(self) -> Iterable[Broken]:
        for person, since in _first_times(self._new, OPENING_EVENTS).items():
            entries = self._entries_of(person, OPENING_EVENTS, since - DAY)
            documents, sent = _opened(entries), _sent(entries)
            for rule in VOLUME_RULES:
                points, limit = (sent if rule.counts_bytes else documents), rule.limit(self._values)
                for reached in windows_reached(points, rule.window, limit, since):
                    detail = say_volume(rule, reached, self._values[rule.code])
                    yield _broken("alert-volume", rule.code, person, rule.window, reached, detail)

    def _probing(self) -> Iterable[Broken]:
        window = timedelta(minutes=self._values["probing.minutes"])
        minutes = self._values["probing.minutes"]
        rule, limit = "probing.refusals-person", self._values["probing.refusals-person"]
        for person, since in _first_times(self._new, PROBING).items():
            points = [
                Point(one.entry.time, one.log_id, f"{one.log_id}/{one.index}")
                for one in self._entries_of(person, PROBING, since - window)
                if one.entry.details.get("reason") != HARMLESS
            ]
            for reached in windows_reached(points, window, limit, since):
                yield _broken("alert-probing", rule, person, window, reached, say_refusals(reached, limit, minutes))
        rule, limit = "probing.refusals-place", self._values["probing.refusals-place"]
        moments = {one.entry.time for one in self._new if one.entry.event in PROBING}
        near = refusals_near(self._session, moments, window) if moments else {}
        for mark, times in near.items():
            points = [Point(time, trail.SERVICE_LOG, str(number)) for number, time in enumerate(times)]
            for reached in windows_reached(points, window, limit, min(moments.intersection(times))):
                detail = say_refusals(reached, limit, minutes, is_place=True)
                yield _broken("alert-probing", rule, mark, window, reached, detail)

    def _new_places(self) -> Iterable[Broken]:
        for one in self._new:
            person = one.entry.subject or ""
            if one.entry.event == "sign-in:succeeded" and came_from_new_place(self._session, person, one.entry.time):
                reached = Reached(one.entry.time, one.entry.time, 1, frozenset({one.log_id}))
                detail = "If it was not they who signed in, end their sessions: disable the account, and ask them."
                yield _broken("alert-new-place", "new-place.on", person, timedelta(microseconds=1), reached, detail)

    def _out_of_hours(self) -> Iterable[Broken]:
        one_off = self._parts.schedule.one_off_bank_holidays
        for one in self._new:
            opening = OPENINGS.get(one.entry.event)
            if opening is None or opening.step is not Step.STARTED:
                continue
            if not is_within_hours(in_london(one.entry.time), self._values, one_off):
                reached = Reached(one.entry.time, one.entry.time, 1, frozenset({one.log_id}))
                detail = say_out_of_hours(one.entry, self._values)
                yield _broken("alert-out-of-hours", "out-of-hours.on", one.entry.actor, DAY, reached, detail)

    def _entries_of(self, person: str, events: tuple[str, ...], since: datetime) -> list[New]:
        """What a person did, or was refused, in every log since a moment."""
        connection, store = self._session.connection(), self._parts.trail.store
        return [
            one
            for record in store.logs(connection)
            for one in _since(self._parts, self._session, record.log_id, (person, events), since)
        ]


def _since(
    parts: Parts, session: Session, log_id: str, wanted: tuple[str, tuple[str, ...]], since: datetime
) -> Iterable[New]:
    """The entries of a person with these events, newest first, back to a moment."""
    before: int | None = None
    filters = SearchFilters(events=wanted[1], person=wanted[0])
    while True:
        page = parts.trail.store.search(session.connection(), log_id, filters, before, PAGE_ENTRIES)
        for stored in page:
            entry = _read(stored)
            if entry is not None and entry.time <= since:
                return
            if entry is not None:
                yield New(log_id, stored.index, entry)
        if len(page) < PAGE_ENTRIES:
            return
        before = page[-1].index


def _first_times(new: Iterable[New], events: tuple[str, ...]) -> dict[str, datetime]:
    """The time of the first of these events for each person that it is about."""
    first: dict[str, datetime] = {}
    for one in new:
        if one.entry.event in events:
            person = _whose(one.entry)
            if person is not None:
                first[person] = min(first.get(person, one.entry.time), one.entry.time)
    return first


def _whose(entry: Entry) -> str | None:
    """Whose act it was; a stranger's act is that of the account it was tried on."""
    if entry.actor.startswith("per_"):
        return entry.actor
    return entry.subject if entry.subject is not None and entry.subject.startswith("per_") else None


def _opened(entries: Iterable[New]) -> list[Point]:
    return [
        Point(one.entry.time, one.log_id, str(one.entry.details["document"]))
        for one in entries
        if OPENINGS[one.entry.event].step is Step.STARTED
    ]


def _sent(entries: Iterable[New]) -> list[Point]:
    return [
        Point(one.entry.time, one.log_id, f"{one.log_id}/{one.index}", int(str(one.entry.details["bytes"])))
        for one in entries
        if OPENINGS[one.entry.event].step is not Step.STARTED
    ]


def _broken(kind: str, rule: str, subject: str, window: timedelta, reached: Reached, detail: str) -> Broken:
    return Broken(kind, rule, subject, window, reached.until, detail, reached.logs)
