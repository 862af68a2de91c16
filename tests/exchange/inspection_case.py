"""An inspection under way, with documents that came the way every document comes."""

import io
from dataclasses import dataclass
from datetime import date
from typing import Any

import openpyxl
from sqlalchemy import text

from audit.entry import Entry
from config.data_date import parse_data_date
from exchange.access.roles import Role
from exchange.clock import in_london
from exchange.inspections.models import Inspection
from exchange.parts import Parts
from exchange.submissions.models import Document
from exchange.submissions.offer import Offer, parse_items
from exchange.submissions.receiving import Sender, receive_file

MONDAY = date(2026, 11, 23)  # the day of notification


@dataclass
class Case:
    """One inspection, the identifiers of people in it, and the shortest ways to do what a test needs done."""

    parts: Parts
    inspection: str
    people: dict[Role, str]

    @property
    def officer(self) -> str:
        return self.people[Role.DATA_PROTECTION_OFFICER]

    @property
    def lead(self) -> str:
        return self.people[Role.LEAD_INSPECTOR]

    def send(self, *numbers: str, content: bytes = b"minutes of the board\n", name: str = "a.txt") -> str:
        """Send a document that answers these items; its identifier."""
        kind = parse_data_date("as-at", MONDAY, None, in_london(self.parts.clock()).date())
        items = parse_items(self.parts.catalogue, numbers, frozenset(numbers))
        offer = Offer(items, kind, "A title to be erased")
        sender = Sender(self.inspection, self.people[Role.NOMINATED_OFFICER], offer)
        return receive_file(self.parts, sender, name, [content]).document

    def set_dates(self, **dates: object) -> None:
        """Set recorded dates of the inspection, such as fieldwork_ended_on."""
        with self.parts.database.unit_of_work() as unit:
            inspection = unit.session.get_one(Inspection, self.inspection)
            for name, value in dates.items():
                setattr(inspection, name, value)

    def document(self, document: str) -> Document:
        with self.parts.database.read() as session:
            return session.get_one(Document, document)

    def entries(self, log_id: str | None = None) -> list[Entry]:
        """Every entry of the inspection's log, or of another."""
        log, store = log_id or self.inspection, self.parts.trail.store
        with self.parts.database.read() as session:
            connection = session.connection()
            size = store.tree_size(connection, log)
            return [stored.entry for stored in store.entries(connection, log, 0, size)]

    def events(self, log_id: str | None = None) -> list[str]:
        return [entry.event for entry in self.entries(log_id)]


def case_of(parts: Parts, area: Any) -> Case:
    """The case of an area that the shared fixtures opened."""
    return Case(parts, area.inspection, {role: person.id for role, person in area.people.items()})


def tamper(case: Case, statement: str, **values: object) -> None:
    """Change the log behind the service's back, as only somebody with the database can."""
    with case.parts.database.engine.execution_options(write=True).begin() as connection:
        if connection.dialect.name == "sqlite":
            names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
            for name in names:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            for table in ("audit_entry", "audit_node", "audit_checkpoint", "audit_cosignature"):
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        connection.execute(text(statement), {"log": case.inspection, **values})


def make_workbook() -> bytes:
    target = io.BytesIO()
    openpyxl.Workbook().save(target)
    return target.getvalue()
