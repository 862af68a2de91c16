"""What stands beside an inspection's log and goes with it: who was in it, what came, holds, alarms, reasons.

Promises: every table that hangs on an inspection or on a log is named here, either to go or to stay with the reason
why; a row to which a record that stays refers is left as the bare identifiers that it is.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Table, delete, select

from exchange.accounts.erasure import erase_unneeded
from exchange.database import Model, UnitOfWork
from exchange.inspections.models import Membership

OF_INSPECTION: Final = (
    "support_act",
    "release",
    "certificate",
    "hold",
    "alarm",
    "document_item",
    "document",
    "assignment",
    "membership",
    "requested_item",
)
"""Tables with an `inspection_id` whose rows go, in the order in which they may go."""

OF_LOG: Final = ("mailed_checkpoint", "witness_state", "kept_state", "log_check", "feed_cursor", "alert_position")
"""Tables with a `log_id` whose rows say how far somebody has followed the log."""

STAYS: Final = {
    "inspection": "its identifier, area and dates; the certificate of the log’s disposal names it",
    "log_end": "the certificate itself",
    "breach": "the register of incidents has a period of its own: class I of the schedule",
    "breach_document": "the same",
    "breach_step": "the same",
}


def erase_beside(unit: UnitOfWork, inspection_id: str) -> list[str]:
    """Erase what stands beside a log that is disposed of, and the names that nothing else needs; return whose."""
    query = select(Membership.person_id).where(Membership.inspection_id == inspection_id).distinct()
    people = list(unit.session.scalars(query))
    unit.session.flush()
    for name in OF_LOG:
        table = Model.metadata.tables.get(name)
        if table is not None:
            unit.session.execute(delete(table).where(table.c.log_id == inspection_id))
    for name in OF_INSPECTION:
        table = Model.metadata.tables[name]
        unit.session.execute(delete(table).where(table.c.inspection_id == inspection_id, *_unreferred(table)))
    unit.session.expire_all()
    return erase_unneeded(unit, people)


def _unreferred(table: Table) -> list[ColumnElement[bool]]:
    """Conditions that spare the rows to which a table that stays refers."""
    return [
        key.column.not_in(select(column).where(column.is_not(None)))
        for other in Model.metadata.sorted_tables
        if other.name not in OF_INSPECTION
        for column in other.columns
        for key in column.foreign_keys
        if key.column.table is table
    ]
