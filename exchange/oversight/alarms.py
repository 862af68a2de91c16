"""Alarms: something is not as it was recorded. Raised once for a kind and a subject, until a person clears it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from exchange import trail
from exchange.database import UnitOfWork
from exchange.errors import ConflictError, NotFoundError
from exchange.identifiers import new_identifier, parse_identifier
from exchange.reasons import MAX_REASON, parse_reason
from exchange.submissions.models import Alarm

__all__ = ["KINDS", "MAX_REASON", "Told", "add_alarm", "clear_alarm", "parse_reason", "raise_alarm", "say_kind"]


@dataclass(frozen=True)
class Told:
    """What an alarm says besides its kind: who or what found it (alarms of two sources are two), and a sentence."""

    source: str = ""
    detail: str = ""


_NOTHING = Told()

KINDS = {
    "log-damaged": "The log is not as it was written",
    "log-rolled-back": "The database holds less of the log than was signed",
    "check-failed": "A document’s sealed file is not what was received, or cannot be read",
    "file-without-record": "A file that somebody was given a receipt for is in the store and no record tells of it",
    "disposal-failed": "A document that is due for disposal could not be disposed of",
    "inspection-key-not-destroyed": "The inspection’s key is due to be destroyed and could not be",
    "log-not-disposed": "A log whose disposal was approved could not be disposed of",
    "witness-refused": "A witness refuses to cosign the log’s signed state",
    "witness-forgot": "A witness no longer knows what it cosigned before",
    "witness-behind": "A witness has not followed the log for longer than it may",
    "alert-volume": "One person opened more than the alert’s threshold",
    "alert-probing": "More was refused within a short time than the alert’s threshold",
    "alert-new-place": "Somebody signed in from a network that they had not used before",
    "alert-out-of-hours": "A document was opened out of hours",
    "access-differs": "Who has access differs between the records and the log",
    "kept-checkpoint-differs": "A checkpoint that was kept elsewhere is not a state that this log went through",
}


def say_kind(kind: str) -> str:
    """The kind of an alarm in words."""
    return KINDS.get(kind, kind.replace("-", " ").capitalize())


def raise_alarm(
    unit: UnitOfWork,
    *,
    kind: str,
    inspection: str | None,
    subject: str,
    actor: str = trail.WORKER,
    told: Told = _NOTHING,
) -> bool:
    """Raise an alarm and record it, unless the same alarm stands uncleared; return whether it was raised now.

    `subject` is the identifier of a document or an inspection, or `service`. The entry is in the service's log.
    """
    raised = add_alarm(unit, kind=kind, inspection=inspection, subject=subject, told=told)
    if raised:
        trail.record(unit, "alarm:raised", actor=actor, subject=subject, details={"kind": kind})
    return raised


def add_alarm(unit: UnitOfWork, *, kind: str, inspection: str | None, subject: str, told: Told = _NOTHING) -> bool:
    """Add an alarm's row alone, for when the service's log itself cannot take an entry; otherwise `raise_alarm`."""
    same = select(Alarm).where(
        Alarm.kind == kind, Alarm.subject == subject, Alarm.source == told.source, Alarm.cleared_at.is_(None)
    )
    if (standing := unit.session.scalar(same.limit(1))) is not None:
        standing.detail = standing.detail or told.detail
        return False
    unit.session.add(
        Alarm(
            id=new_identifier("alm"),
            kind=kind,
            inspection_id=inspection,
            subject=subject,
            source=told.source,
            detail=told.detail,
            raised_at=unit.now,
        )
    )
    return True


def clear_alarm(unit: UnitOfWork, *, alarm_id: str, inspection: str | None, reason: str, actor: str) -> None:
    """Clear an alarm of an inspection (None: of the service) with a reason.

    Raises:
        NotFoundError: no such alarm there.
        ConflictError: it was cleared before.
        InvalidError: no reason, or one that is too long.
    """
    text = parse_reason(reason)
    alarm = unit.session.get(Alarm, parse_identifier(alarm_id, "alm"), with_for_update=True)
    if alarm is None or alarm.inspection_id != inspection:
        raise NotFoundError
    if alarm.cleared_at is not None:
        raise ConflictError("Somebody has cleared this alarm already. Nothing was changed.")
    alarm.cleared_at, alarm.cleared_by, alarm.cleared_because = unit.now, actor, text
    details: dict[str, trail.DetailValue] = {"kind": alarm.kind, "commitment": trail.commitment(text, alarm.salt)}
    trail.record(unit, "alarm:cleared", actor=actor, subject=alarm.subject, details=details)
