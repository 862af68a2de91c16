"""Support access: what somebody does from outside an inspection that touches it has a reason and shows in its trail.

Promises: an act on the account of somebody in an inspection whose log is open is recorded there in the transaction of
the act, with a commitment to the reason; without a reason there is no act. The reason itself stands beside the log,
once for each inspection under a salt of its own, and goes with that inspection's log.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange import trail
from exchange.accounts.models import SupportAct
from exchange.database import UnitOfWork
from exchange.identifiers import new_identifier
from exchange.inspections.models import Inspection, Membership
from exchange.reasons import parse_reason
from exchange.retention.models import LogEnd

DISABLED, ENABLED, LINK_MADE, AGREED = "account-disabled", "account-enabled", "link-made", "reset-agreed"
JOINED_SINCE = "The person joined this inspection after the reset link was made; the reason was given elsewhere."


def inspections_touched(session: Session, person_id: str, *, ever: bool = False) -> list[str]:
    """The inspections, their logs open, that this person is in now, or (`ever`) was in at any time."""
    query = (
        select(Membership.inspection_id)
        .outerjoin(LogEnd, LogEnd.inspection_id == Membership.inspection_id)
        .where(Membership.person_id == person_id, LogEnd.inspection_id.is_(None))
        .distinct()
        .order_by(Membership.inspection_id)
    )
    return list(session.scalars(query if ever else query.where(Membership.ended_at.is_(None))))


def open_inspections(session: Session) -> list[str]:
    """Every inspection whose log is open."""
    ended = select(LogEnd.inspection_id)
    return list(session.scalars(select(Inspection.id).where(Inspection.id.not_in(ended)).order_by(Inspection.id)))


def record_support(unit: UnitOfWork, *, act: str, person_id: str, actor: str, reason: str) -> None:
    """Record an act on somebody's account in every inspection that it touches; nothing where it touches none.

    Raises:
        InvalidError: it touches one and there is no reason, or it is too long.
    """
    touched = inspections_touched(unit.session, person_id, ever=act == ENABLED)
    if not touched:
        return
    text = parse_reason(reason)
    for inspection in touched:
        _append_support(
            unit, _keep(unit, inspection, act=act, person_id=person_id, actor=actor, reason=text), act, actor
        )


def record_reset_agreed(unit: UnitOfWork, *, person_id: str, actor: str) -> None:
    """Record that a second person agreed to a reset, under the reason that whoever made its link gave."""
    for inspection in inspections_touched(unit.session, person_id):
        given = unit.session.scalars(
            select(SupportAct)
            .where(
                SupportAct.inspection_id == inspection,
                SupportAct.person_id == person_id,
                SupportAct.act == LINK_MADE,
            )
            .order_by(SupportAct.acted_at.desc())
            .limit(1)
        ).first()
        if given is None:
            given = _keep(unit, inspection, act=AGREED, person_id=person_id, actor=actor, reason=JOINED_SINCE)
        _append_support(unit, given, AGREED, actor)


def record_host_act(unit: UnitOfWork, *, act: str, inspections: Iterable[str], reason: str) -> None:
    """Record a command of the host in the inspections that it touches. Raises InvalidError without a reason."""
    text = parse_reason(reason)
    for inspection in inspections:
        row = _keep(unit, inspection, act=act, person_id=None, actor=trail.HOST, reason=text)
        details: dict[str, trail.DetailValue] = {
            "act": act,
            "support": row.id,
            "commitment": trail.commitment(text, row.salt),
        }
        trail.record(unit, "host:acted", actor=trail.HOST, inspection=inspection, details=details)


def reason_of_link(session: Session, person_id: str) -> str:
    """The reason given when the newest link for a person was made; empty where none was asked for."""
    query = (
        select(SupportAct.reason)
        .where(SupportAct.person_id == person_id, SupportAct.act == LINK_MADE)
        .order_by(SupportAct.acted_at.desc())
    )
    return session.scalar(query.limit(1)) or ""


def _keep(unit: UnitOfWork, inspection: str, *, act: str, person_id: str | None, actor: str, reason: str) -> SupportAct:
    row = SupportAct(
        id=new_identifier("sup"),
        inspection_id=inspection,
        act=act,
        person_id=person_id,
        actor=actor,
        reason=reason,
        acted_at=unit.now,
    )
    unit.session.add(row)
    unit.session.flush()
    return row


def _append_support(unit: UnitOfWork, row: SupportAct, act: str, actor: str) -> None:
    details: dict[str, trail.DetailValue] = {
        "act": act,
        "person": row.person_id,
        "support": row.id,
        "commitment": trail.commitment(row.reason, row.salt),
    }
    trail.record(unit, "support:acted", actor=actor, inspection=row.inspection_id, details=details)
