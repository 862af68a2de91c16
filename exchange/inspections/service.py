"""Decisions about inspections: opening, milestones, closing. No Flask here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from config.catalogue import Catalogue
from exchange import trail
from exchange.access.roles import Role
from exchange.clock import in_london
from exchange.database import UnitOfWork
from exchange.errors import ConflictError, InvalidError
from exchange.identifiers import new_identifier
from exchange.inspections.models import Inspection, Membership, RequestedItem
from exchange.trail import Trail

KINDS = {"full": "Full inspection", "monitoring": "Monitoring inspection"}
EARLY = timedelta(days=28)  # an inspection may be prepared this long before its Monday
MONDAY = 0


@dataclass(frozen=True)
class Opening:
    """What the lead inspector says when opening an inspection."""

    local_area: str
    kind: str
    notified_on: date
    numbers: tuple[str, ...]


def open_inspection(
    unit: UnitOfWork,
    log: Trail,
    create_key: Callable[[str], None],
    catalogue: Catalogue,
    schedule_version: str,
    *,
    opening: Opening,
    actor: str,
) -> Inspection:
    """Open an inspection with its log, its key and the items asked for; the actor becomes its lead inspector.

    Raises:
        InvalidError: the area is empty, the day is no Monday or far off, or no item is asked for.
    """
    verify_opening(opening, catalogue, in_london(unit.now).date())
    inspection = Inspection(
        id=new_identifier("ins"),
        local_area=opening.local_area.strip(),
        kind=opening.kind,
        notified_on=opening.notified_on,
        catalogue_version=catalogue.version,
        schedule_version=schedule_version,
        opened_at=unit.now,
        opened_by=actor,
    )
    unit.session.add(inspection)
    unit.session.flush()
    numbers = in_order(catalogue, opening.numbers)
    for number in numbers:
        due = catalogue.due_at(catalogue.item(number), opening.notified_on)
        unit.session.add(RequestedItem(inspection_id=inspection.id, number=number, due_at=due))
    log.create(unit, inspection.id)
    # The key comes before the commit: an inspection without a key could not keep what it is sent; a key without an
    # inspection opens nothing.
    create_key(inspection.id)
    trail.record(
        unit,
        "inspection:opened",
        actor=actor,
        inspection=inspection.id,
        details={
            "kind": opening.kind,
            "notified_on": opening.notified_on.isoformat(),
            "catalogue": catalogue.version,
            "items": list(numbers),
        },
    )
    _join(unit, inspection.id, actor, Role.LEAD_INSPECTOR)
    return inspection


def verify_opening(opening: Opening, catalogue: Catalogue, today: date) -> None:
    """Check an opening. Raises InvalidError naming the field."""
    if not opening.local_area.strip():
        raise InvalidError("Enter the name of the local area", field="local_area")
    if opening.kind not in KINDS:
        raise InvalidError("Choose a full or a monitoring inspection", field="kind")
    if opening.notified_on.weekday() != MONDAY:
        raise InvalidError("The day of notification must be a Monday", field="notified_on")
    if not today - 10 * EARLY <= opening.notified_on <= today + EARLY:
        raise InvalidError("The Monday of notification must be within 4 weeks from now", field="notified_on")
    askable = {item.number for item in catalogue.items if not item.per_child}
    if not opening.numbers:
        raise InvalidError("Choose at least one item to ask for", field="numbers")
    if not set(opening.numbers) <= askable:
        raise InvalidError("Choose items from the list", field="numbers")


def in_order(catalogue: Catalogue, numbers: Iterable[str]) -> tuple[str, ...]:
    """Return the numbers in catalogue order, each once."""
    chosen = set(numbers)
    return tuple(str(item.number) for item in catalogue.items if item.number in chosen)


def next_step(inspection: Inspection) -> str:
    """The milestone to be recorded next: 'fieldwork-ended', 'report-issued', 'close', or '' when all are."""
    if inspection.closed_at is not None:
        return ""
    if inspection.report_issued_on is not None:
        return "close"
    return "report-issued" if inspection.fieldwork_ended_on is not None else "fieldwork-ended"


def record_fieldwork_ended(unit: UnitOfWork, inspection: Inspection, on: date, *, actor: str) -> None:
    """Record the day fieldwork ended; retention of the lists counts from it. Raises InvalidError, ConflictError."""
    _verify_milestone(unit, inspection, on, field="fieldwork_ended_on", earliest=inspection.notified_on)
    if inspection.fieldwork_ended_on is not None:
        raise ConflictError("The end of fieldwork is already recorded. Nothing was changed.")
    inspection.fieldwork_ended_on = on
    details: dict[str, trail.DetailValue] = {"on": on.isoformat()}
    trail.record(unit, "inspection:fieldwork-ended", actor=actor, inspection=inspection.id, details=details)


def record_report_issued(unit: UnitOfWork, inspection: Inspection, on: date, *, actor: str) -> None:
    """Record the day the final report was issued. Raises InvalidError, ConflictError."""
    earliest = inspection.fieldwork_ended_on
    if earliest is None:
        raise ConflictError("Record the end of fieldwork first. Nothing was changed.")
    _verify_milestone(unit, inspection, on, field="report_issued_on", earliest=earliest)
    if inspection.report_issued_on is not None:
        raise ConflictError("The final report is already recorded as issued. Nothing was changed.")
    inspection.report_issued_on = on
    details: dict[str, trail.DetailValue] = {"on": on.isoformat()}
    trail.record(unit, "inspection:report-issued", actor=actor, inspection=inspection.id, details=details)


def close_inspection(unit: UnitOfWork, inspection: Inspection, *, actor: str) -> None:
    """Close an inspection: nothing more can be sent; what is there stays until its day of disposal."""
    if inspection.report_issued_on is None:
        raise ConflictError("Record that the final report was issued first. Nothing was changed.")
    if inspection.closed_at is not None:
        raise ConflictError("This inspection is already closed. Nothing was changed.")
    inspection.closed_at = unit.now
    trail.record(unit, "inspection:closed", actor=actor, inspection=inspection.id)


def _verify_milestone(unit: UnitOfWork, inspection: Inspection, on: date, *, field: str, earliest: date) -> None:
    if inspection.closed_at is not None:
        raise ConflictError("This inspection is closed. Nothing was changed.")
    if on > in_london(unit.now).date():
        raise InvalidError("The date must be today or in the past", field=field)
    if on < earliest:
        raise InvalidError(f"The date must be {earliest.day} {earliest:%B %Y} or later", field=field)


def _join(unit: UnitOfWork, inspection_id: str, person_id: str, role: Role) -> None:
    unit.session.add(
        Membership(
            inspection_id=inspection_id, person_id=person_id, role=role, granted_at=unit.now, granted_by=person_id
        )
    )
    trail.record(
        unit,
        "member:added",
        actor=person_id,
        inspection=inspection_id,
        details={"person": person_id, "role": role},
    )
