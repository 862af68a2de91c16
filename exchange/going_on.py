"""After a database went back: a person decides that the logs go on without what was lost.

Promises: the decision has its reason and its entry in each log, gives the old origins up for good, and changes nothing
that was signed before; a log that goes on does so under a new origin, so that nobody takes it for the old one.
"""

from __future__ import annotations

import re

from sqlalchemy import select

from audit.entry import ID_PATTERN
from audit.store import LogContinuation
from exchange import trail
from exchange.database import UnitOfWork
from exchange.errors import ConflictError
from exchange.oversight.service import add_alarm, parse_reason
from exchange.parts import Parts
from exchange.rollback import Loss, find_losses
from exchange.submissions.models import Alarm

KIND = "log-rolled-back"
IDENTIFIER = re.compile(ID_PATTERN)


def go_on(parts: Parts, reason: str) -> list[Loss]:
    """Let every log that lost something go on under a new origin, give up the old ones, and return what was lost.

    Killed anywhere, it is run again: what was decided before stands, and only the rest is decided anew.

    Raises:
        ConflictError: nothing is lost.
        InvalidError: no reason, or one that is too long.
    """
    text = parse_reason(reason)
    with parts.database.read() as session:
        losses = find_losses(parts.trail, parts.signed_sizes, session.connection())
    if not losses:
        raise ConflictError("No log has lost anything that was signed. Nothing was changed.")
    parts.trail.go_on_regardless()
    with parts.database.unit_of_work() as unit:
        for loss in losses:
            alarm = _settled_alarm(unit, loss, text)
            _continue(parts, unit, loss, alarm) if loss.log_id else _record_gone(unit, loss, alarm)
    for origin in _left(parts, losses):
        parts.signed_sizes.give_up(origin)
    for loss in losses:
        if loss.log_id:
            with parts.database.unit_of_work() as unit:
                parts.trail.log.sign_checkpoint(unit.session.connection(), loss.log_id)
    return losses


def _left(parts: Parts, losses: list[Loss]) -> list[str]:
    """The origins that these logs bore and bear no more."""
    left = [loss.origin for loss in losses]
    with parts.database.read() as session:
        for loss in losses:
            if loss.log_id:
                *earlier, _ = parts.trail.store.origins(session.connection(), loss.log_id)
                left += [origin.origin for origin in earlier]
    return list(dict.fromkeys(left))


def _continue(parts: Parts, unit: UnitOfWork, loss: Loss, alarm: Alarm) -> None:
    connection = unit.session.connection()
    generation = len(parts.trail.store.origins(connection, loss.log_id)) + 1
    origin = f"{parts.trail.origin_of(loss.log_id)}/{generation}"
    parts.trail.store.continue_log(connection, LogContinuation(loss.log_id, generation, origin, loss.found, unit.now))
    details: dict[str, trail.DetailValue] = {
        "from_size": loss.found,
        "signed_size": loss.signed,
        "generation": generation,
        "commitment": _commitment(alarm),
    }
    inspection = None if loss.log_id == trail.SERVICE_LOG else loss.log_id
    trail.record(unit, "log:continued", actor=trail.HOST, inspection=inspection, details=details)


def _record_gone(unit: UnitOfWork, loss: Loss, alarm: Alarm) -> None:
    details: dict[str, trail.DetailValue] = {"signed_size": loss.signed, "commitment": _commitment(alarm)}
    trail.record(unit, "log:given-up", actor=trail.HOST, subject=alarm.subject, details=details)


def _settled_alarm(unit: UnitOfWork, loss: Loss, reason: str) -> Alarm:
    """The alarm that keeps the reason beside the log: raised where none stands yet, and cleared by the decision."""
    subject = loss.log_id or _log_id_in(loss.origin)
    add_alarm(unit, kind=KIND, inspection=None, subject=subject)
    unit.session.flush()
    standing = select(Alarm).where(Alarm.kind == KIND, Alarm.subject == subject, Alarm.cleared_at.is_(None))
    alarm = unit.session.scalars(standing).one()
    alarm.cleared_at, alarm.cleared_by, alarm.cleared_because = unit.now, trail.HOST, reason
    return alarm


def _commitment(alarm: Alarm) -> str:
    return trail.commitment(alarm.cleared_because, alarm.salt)


def _log_id_in(origin: str) -> str:
    found = IDENTIFIER.search(origin)
    return found[0] if found else trail.SERVICE_LOG
