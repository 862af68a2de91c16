"""What a person typed in their work here: reasons and answers, which are kept beside the log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from exchange.accounts.models import SupportAct
from exchange.disclosure.models import Breach, BreachStep
from exchange.disclosure.part import Part, at, within
from exchange.disclosure.subject import Subject
from exchange.inspections.models import LegalNote
from exchange.retention.models import Hold
from exchange.submissions.models import Alarm

Written = tuple[datetime, str, str]


def words_of(session: Session, subject: Subject) -> Part:
    """Every reason and answer of this person, the oldest first."""
    found = [*_holds(session, subject), *_alarms(session, subject), *_acts(session, subject)]
    if subject.inspection_id is None:
        found += _answers(session, subject)
    rows = tuple((at(moment), what, words) for moment, what, words in sorted(found) if words)
    note = (
        "Reasons and answers that this person typed. They may speak of others: read them before they are handed over."
    )
    return Part("words", "What this person wrote", note, ("when_utc", "what", "words"), rows)


def _holds(session: Session, subject: Subject) -> Iterator[Written]:
    me = subject.identifier
    query = select(Hold).where(or_(Hold.placed_by == me, Hold.lifted_by == me))
    for hold in session.scalars(within(query, Hold.inspection_id, subject)):
        if hold.placed_by == me:
            yield hold.placed_at, "Reason for a hold", hold.reason
        if hold.lifted_by == me and hold.lifted_at is not None:
            yield hold.lifted_at, "Reason for lifting a hold", hold.lifted_because


def _alarms(session: Session, subject: Subject) -> Iterator[Written]:
    query = select(Alarm).where(Alarm.cleared_by == subject.identifier)
    for alarm in session.scalars(within(query, Alarm.inspection_id, subject)):
        if alarm.cleared_at is not None:
            yield alarm.cleared_at, "What was found about an alarm", alarm.cleared_because


def _acts(session: Session, subject: Subject) -> Iterator[Written]:
    acts = select(SupportAct).where(SupportAct.actor == subject.identifier)
    for act in session.scalars(within(acts, SupportAct.inspection_id, subject)):
        yield act.acted_at, "Reason of a support act", act.reason
    steps = select(BreachStep).join(Breach, Breach.id == BreachStep.breach_id)
    steps = steps.where(BreachStep.taken_by == subject.identifier)
    for step in session.scalars(within(steps, Breach.inspection_id, subject)):
        yield step.taken_at, "Step of a breach", step.said


def _answers(session: Session, subject: Subject) -> Iterator[Written]:
    for note in session.scalars(select(LegalNote).where(LegalNote.answered_by == subject.identifier)):
        yield note.answered_at, f"Legal note {note.code}", note.answer
