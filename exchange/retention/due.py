"""When a document is due for disposal and why: the schedule applied to what is recorded of its inspection. Pure."""

from __future__ import annotations

from datetime import date

from config.retention import Due, InspectionDates, Schedule
from exchange.clock import in_london
from exchange.inspections.models import Inspection
from exchange.submissions.models import Document

BACKUPS = "L"  # the schedule's row for backups, counted from the disposal
OF_DOCUMENTS = ("B", "C")  # the classes that outlast all others that a document may have


def dates_of(inspection: Inspection) -> InspectionDates:
    """The recorded events of an inspection, as days in London."""
    return InspectionDates(
        notified_on=inspection.notified_on,
        fieldwork_ended_on=inspection.fieldwork_ended_on,
        report_issued_on=inspection.report_issued_on,
        closed_on=None if inspection.closed_at is None else in_london(inspection.closed_at).date(),
    )


def due_of(document: Document, inspection: Inspection, schedule: Schedule) -> Due:
    """The day from which a document is due for disposal, the rule, and the recorded date behind it.

    Raises:
        UnknownRecordClassError: the schedule has no such class.
    """
    return schedule.due_on(document.record_class, dates_of(inspection))


def key_due_on(inspection: Inspection, schedule: Schedule) -> date | None:
    """The day from which the inspection's key may go, as far as the schedule goes; None when it sets no day."""
    days = [schedule.due_on(record_class, dates_of(inspection)).on for record_class in OF_DOCUMENTS]
    known = [day for day in days if day is not None]
    return max(known) if len(known) == len(days) else None


def backups_until(inspection: Inspection, disposed_on: date, schedule: Schedule) -> date:
    """The last day on which a backup may still hold the sealed bytes; without the key they are beyond use.

    Raises:
        ValueError: the schedule says nothing about backups.
    """
    due = schedule.due_on(BACKUPS, InspectionDates(notified_on=inspection.notified_on, event_on=disposed_on))
    if due.on is None:
        raise ValueError("the retention schedule sets no period for backups")
    return due.on
