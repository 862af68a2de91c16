"""Letting go of security records whose time has come: ended sessions, spent links, old counts, places not seen again.

Promises: the period is the schedule's (class F) and nobody else's; what is still in use is never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import takewhile

from sqlalchemy import CursorResult, delete, func, select

from config.retention import InspectionDates, Schedule
from exchange.accounts.models import AttemptCounter, Invitation, KnownPlace, RefusedPlace, SignInSession
from exchange.clock import in_london
from exchange.database import UnitOfWork
from exchange.parts import Parts

SECURITY_RECORDS = "F"
REFUSALS_KEPT = timedelta(days=2)  # longer than any window that they are counted in


@dataclass(frozen=True)
class RollOff:
    """How many rows were removed."""

    sessions: int
    invitations: int
    attempts: int
    places: int


def roll_off(parts: Parts, today: date) -> RollOff:
    """Remove what is due on `today` (a day in London)."""
    with parts.database.unit_of_work() as unit:
        window = timedelta(minutes=parts.settings.sign_in_window_minutes)
        attempts = unit.session.execute(
            delete(AttemptCounter).where(AttemptCounter.window_start < unit.now - 2 * window)
        )
        return RollOff(
            places=_forget_places(unit, parts.schedule, today),
            sessions=_remove(unit, SignInSession, SignInSession.ended_at, parts.schedule, today),
            invitations=_remove(unit, Invitation, Invitation.used_at, parts.schedule, today),
            attempts=attempts.rowcount if isinstance(attempts, CursorResult) else 0,
        )


def _forget_places(unit: UnitOfWork, schedule: Schedule, today: date) -> int:
    """Forget the networks that nobody signed in from of late, and where something was refused two days ago."""
    unit.session.execute(delete(RefusedPlace).where(RefusedPlace.refused_at < unit.now - REFUSALS_KEPT))
    seen = select(KnownPlace.id, KnownPlace.last_seen_at).order_by(KnownPlace.last_seen_at)
    due = list(takewhile(lambda row: _is_due(schedule, row[1], today), unit.session.execute(seen)))
    for identifier, _ in due:
        unit.session.execute(delete(KnownPlace).where(KnownPlace.id == identifier))
    return len(due)


def _remove(
    unit: UnitOfWork,
    table: type[SignInSession | Invitation],
    ended: object,
    schedule: Schedule,
    today: date,
) -> int:
    """Remove rows oldest first, up to the first one that is not due; one never ended counts from its expiry."""
    end = func.coalesce(ended, table.expires_at)
    due: list[str] = []
    for identifier, ended_at, expires_at in unit.session.execute(
        select(table.id, ended, table.expires_at).order_by(end)  # type: ignore[call-overload]  # a column of either table
    ):
        if not _is_due(schedule, ended_at or expires_at, today):
            break
        due.append(identifier)
    for identifier in due:
        unit.session.execute(delete(table).where(table.id == identifier))
    return len(due)


def _is_due(schedule: Schedule, ended_at: datetime, today: date) -> bool:
    day = in_london(ended_at).date()
    due = schedule.due_on(SECURITY_RECORDS, InspectionDates(notified_on=day, event_on=day)).on
    return due is not None and due <= today
