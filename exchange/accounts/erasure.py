"""Letting a person's name go: what is left is an opaque identifier, and every entry that names it stays as it was.

Promises: nobody is erased who can still sign in, holds a role, or whom a record that is still kept names.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Table, delete, func, select
from sqlalchemy.orm import Session

from exchange import trail
from exchange.accounts.models import Person
from exchange.database import Model, UnitOfWork
from exchange.inspections.models import Inspection
from exchange.retention.models import LogEnd

OWN = ("mailed_checkpoint", "outgoing_mail", "invitation", "sign_in_session", "known_place")
"""Tables whose rows are about the account itself and go with it, in the order in which they may go."""


def erase_unneeded(unit: UnitOfWork, person_ids: Iterable[str]) -> list[str]:
    """Erase those of these people whom nothing needs any more; return their identifiers."""
    unit.session.flush()
    erased = [person_id for person_id in sorted(set(person_ids)) if not is_needed(unit.session, person_id)]
    for person_id in erased:
        erase_person(unit, person_id)
    return erased


def is_needed(session: Session, person_id: str) -> bool:
    """Whether the account can still be used, or a row that is kept refers to it; one erased already is "needed"."""
    person = session.get(Person, person_id)
    if person is None or person.disabled_at is None or not person.name:
        return True
    return any(_refers(session, table, person_id) for table in Model.metadata.sorted_tables if table.name not in OWN)


def erase_person(unit: UnitOfWork, person_id: str) -> None:
    """Erase name, address and organisation, and what the account left behind; record that it was done."""
    person = unit.session.get_one(Person, person_id)
    person.name, person.email, person.organisation = "", person.id, ""
    person.password_hash, person.totp_sealed = "", ""
    for name in OWN:
        table = Model.metadata.tables.get(name)
        if table is not None:
            unit.session.execute(delete(table).where(table.c.person_id == person_id))
    trail.record(unit, "account:erased", actor=trail.WORKER, subject=person_id)


def _refers(session: Session, table: Table, person_id: str) -> bool:
    columns = [column for column in table.columns for key in column.foreign_keys if key.column.table.name == "person"]
    for column in columns:
        query = select(func.count()).select_from(table).where(column == person_id)
        if table.name == Inspection.__tablename__:  # of an inspection whose log is gone the bare row is left
            query = query.where(table.c.id.not_in(select(LogEnd.inspection_id).where(LogEnd.disposed_at.is_not(None))))
        if session.scalar(query):
            return True
    return False
