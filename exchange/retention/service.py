"""What retention decides, and what other rooms may ask of it: when a document is due, holds, and the run itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.store import SearchFilters
from config.retention import Due, Schedule
from exchange import trail
from exchange.clock import in_london
from exchange.errors import InvalidError
from exchange.inspections.models import Inspection
from exchange.parts import Parts
from exchange.retention.disposal import DisposalOrder, Outcome, dispose_of
from exchange.retention.due import due_of, key_due_on
from exchange.retention.holds import GROUNDS, hold_on, lift_hold, place_hold
from exchange.retention.inspection_key import destroy_key
from exchange.retention.log_closing import close_log, unsealed_or_open
from exchange.retention.log_disposal import dispose_approved_logs
from exchange.retention.models import LogEnd
from exchange.retention.residue import remove_residue
from exchange.submissions.models import LIVE, Document, DocumentState

__all__ = [
    "GROUNDS",
    "DueDocument",
    "Report",
    "disposal_due",
    "due_of",
    "early",
    "lift_hold",
    "place_hold",
    "run_disposal",
]


@dataclass(frozen=True)
class DueDocument:
    """A document whose day has come, and why; `is_held` when a hold keeps it for now."""

    document: Document
    due: Due
    is_held: bool


@dataclass
class Report:
    """What one run did: identifiers of documents, and of inspections whose key was destroyed or whose log ended."""

    as_of: date
    disposed: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    keys_destroyed: list[str] = field(default_factory=list)
    logs_closed: list[str] = field(default_factory=list)
    logs_disposed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """The run in one line, for the command and the worker's journal."""
        day = f"{self.as_of.day} {self.as_of:%B %Y}"
        logs = [
            f", {_count(inspections, 'log')} {done}"
            for inspections, done in ((self.logs_closed, "closed"), (self.logs_disposed, "disposed of"))
            if inspections
        ]
        return (
            f"Disposal as of {day}: {_count(self.disposed, 'document')} disposed of, {len(self.held)} kept by a hold, "
            f"{len(self.failed)} failed; {_count(self.keys_destroyed, 'inspection key')} destroyed"
            f"{''.join(logs)}."
        )


def disposal_due(session: Session, schedule: Schedule, inspection: Inspection, today: date) -> list[DueDocument]:
    """Return the documents of an inspection that are due on `today`, the longest due first, held ones included."""
    documents = session.scalars(
        select(Document).where(Document.inspection_id == inspection.id, Document.state.in_(LIVE))
    )
    found = [
        DueDocument(document, due, is_held=hold_on(session, inspection.id, document.id) is not None)
        for document in documents
        if (due := due_of(document, inspection, schedule)).on is not None and due.on <= today
    ]
    return sorted(found, key=lambda row: (row.due.on or today, row.document.received_at, row.document.id))


def early(session: Session, schedule: Schedule, today: date, as_of: date) -> list[str]:
    """The inspections in which a run for `as_of`, a later day, would dispose of what is not due today."""
    ended = select(LogEnd.inspection_id)
    found = []
    for inspection in session.scalars(select(Inspection).where(Inspection.id.not_in(ended)).order_by(Inspection.id)):
        now, then = (len(disposal_due(session, schedule, inspection, day)) for day in (today, as_of))
        key = key_due_on(inspection, schedule)
        if then > now or (inspection.closed_at is not None and key is not None and today < key <= as_of):
            found.append(inspection.id)
    return found


def run_disposal(parts: Parts, as_of: date, actor: str = trail.WORKER) -> Report:
    """Dispose of every document that is due on `as_of` and not held, and of the keys of inspections that are over.

    May be run again at any time: what a killed run left is finished first. A day later than today is for a rehearsal.

    Raises:
        InvalidError: `as_of` lies before today, or before an entry that a log already holds.
    """
    verify_as_of(parts, as_of)
    order, report = DisposalOrder(as_of, actor), Report(as_of)
    into = {Outcome.DISPOSED: report.disposed, Outcome.HELD: report.held, Outcome.FAILED: report.failed}
    for inspection_id, document_id in _candidates(parts, as_of):
        outcome = dispose_of(parts, inspection_id, document_id, order)
        if outcome in into:
            into[outcome].append(document_id)
    for inspection_id in _closed_inspections(parts):
        if destroy_key(parts, inspection_id, order) is Outcome.DISPOSED:
            report.keys_destroyed.append(inspection_id)
    _end_logs(parts, order, report)
    if report.disposed:
        remove_residue(parts.database)
    return report


def _end_logs(parts: Parts, order: DisposalOrder, report: Report) -> None:
    """Close the logs in which nothing can happen any more, and dispose of those whose disposal is approved."""
    with parts.database.read() as session:
        open_ones = unsealed_or_open(session, parts)
    for inspection_id in open_ones:
        if close_log(parts, inspection_id, order) is Outcome.DISPOSED:
            report.logs_closed.append(inspection_id)
    for inspection_id, outcome in dispose_approved_logs(parts, order).items():
        if outcome is Outcome.DISPOSED:
            report.logs_disposed.append(inspection_id)
        elif outcome is Outcome.FAILED:
            report.failed.append(inspection_id)


def verify_as_of(parts: Parts, as_of: date) -> None:
    """Raise InvalidError when a run would act for a day that is over."""
    if as_of < in_london(parts.clock()).date():
        raise InvalidError("A disposal run cannot act for a day in the past. Nothing was disposed of.", field="as_of")
    with parts.database.read() as session:
        connection = session.connection()
        for log in parts.trail.store.logs(connection):
            newest = parts.trail.store.search(connection, log.log_id, SearchFilters(), None, 1)
            if newest and as_of < in_london(newest[0].entry.time).date():
                raise InvalidError(
                    "The log holds entries of a later day than the run would act for, so the clock of this machine is "
                    "behind. Nothing was disposed of. Set the clock and run again.",
                    field="as_of",
                )


def _candidates(parts: Parts, as_of: date) -> Iterator[tuple[str, str]]:
    """Documents whose disposal was begun, then those that are due; each is judged again under its locks."""
    with parts.database.read() as session:
        begun = session.execute(
            select(Document.inspection_id, Document.id)
            .where(Document.state == DocumentState.DISPOSING)
            .order_by(Document.id)
        ).all()
        holding = select(Document.inspection_id).where(Document.state.in_(LIVE))
        inspections = session.scalars(select(Inspection).where(Inspection.id.in_(holding)).order_by(Inspection.id))
        due = [
            (inspection.id, row.document.id)
            for inspection in inspections
            for row in disposal_due(session, parts.schedule, inspection, as_of)
        ]
    yield from ((inspection_id, document_id) for inspection_id, document_id in begun)
    yield from due


def _closed_inspections(parts: Parts) -> list[str]:
    with parts.database.read() as session:
        return list(session.scalars(select(Inspection.id).where(Inspection.closed_at.is_not(None))))


def _count(things: list[str], word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"
