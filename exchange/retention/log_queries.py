"""Reads about closed logs for pages; each returns frozen values, none changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.catalogue import Catalogue
from config.retention import Due, Schedule
from exchange.errors import NotFoundError
from exchange.identifiers import parse_identifier
from exchange.inspections.models import Inspection
from exchange.oversight.service import load_names
from exchange.retention.holds import has_hold
from exchange.retention.log_disposal import log_due
from exchange.retention.models import LogEnd


@dataclass(frozen=True)
class ClosedLog:
    """One closed log: whose, since when, when it may go and why, and how far its end has come."""

    inspection_id: str
    area: str
    closed_at: datetime
    due: Due
    is_due: bool
    is_held: bool
    approved_at: datetime | None
    approved_by: str
    reason: str
    disposed_at: datetime | None
    rule: str
    because: str
    legal_basis: str
    schedule_version: str
    due_on: date | None
    tree_size: int | None
    root_hash: str
    checkpoint: str

    @property
    def state(self) -> str:
        """How far its end has come, in words."""
        if self.disposed_at is not None:
            return "Disposed of"
        if self.is_held:
            return "On hold"
        if self.approved_at is not None:
            return "Goes with the next run"
        return "Due for review" if self.is_due else "Kept"

    @property
    def may_be_approved(self) -> bool:
        """Whether a person may approve its disposal now."""
        return self.is_due and not self.is_held and self.approved_at is None


def closed_logs(session: Session, schedule: Schedule, catalogue: Catalogue, today: date) -> list[ClosedLog]:
    """Every log that was closed: those that wait for a person first, then by the day they are due."""
    ends = session.execute(select(LogEnd, Inspection).join(Inspection, Inspection.id == LogEnd.inspection_id)).all()
    names = load_names(session, catalogue, {end.approved_by for end, _ in ends})
    rows = []
    for end, inspection in ends:
        due = log_due(inspection, schedule)
        rows.append(
            ClosedLog(
                inspection_id=end.inspection_id,
                area=inspection.local_area,
                closed_at=end.closed_at,
                due=due,
                is_due=due.on is not None and due.on <= today,
                is_held=end.disposed_at is None and has_hold(session, inspection.id),
                approved_at=end.approved_at,
                approved_by=names(end.approved_by) if end.approved_by else "",
                reason=end.reason,
                disposed_at=end.disposed_at,
                rule=end.rule,
                because=end.because,
                legal_basis=end.legal_basis,
                schedule_version=end.schedule_version,
                due_on=end.due_on,
                tree_size=end.tree_size,
                root_hash=end.root_hash,
                checkpoint=end.checkpoint,
            )
        )
    return sorted(rows, key=lambda row: (not row.may_be_approved, row.disposed_at is not None, row.due.on or date.max))


def get_closed_log(session: Session, schedule: Schedule, catalogue: Catalogue, log_id: str, today: date) -> ClosedLog:
    """Return one closed log. Raises NotFoundError when there is none of that identifier, or it is open."""
    parse_identifier(log_id, "ins")
    for row in closed_logs(session, schedule, catalogue, today):
        if row.inspection_id == log_id:
            return row
    raise NotFoundError
