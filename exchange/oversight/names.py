"""Names that stand beside the log, put into its sentences; what has no name any more is said to have none.

A document is named by the end of its identifier and the items it answers, never by its title or file name: the
officer who reads the trail does not see the content, and the name stays the same after disposal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from audit.entry import ID_PATTERN, Entry, parse_time
from audit.errors import EntryError
from audit.sql_store import SqlLogStore
from audit.store import SearchFilters
from config.catalogue import Catalogue
from exchange import trail
from exchange.accounts.models import SupportAct
from exchange.clock import say_moment
from exchange.inspections.models import Inspection
from exchange.inspections.queries import names_of
from exchange.submissions.models import DocumentItem

REFERENCE_CHARACTERS = 6

_ID = re.compile(ID_PATTERN)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORDS = re.compile(r"[a-z]+(?:-[a-z]+)+")
_FIXED = {
    trail.WORKER: "the service’s worker",
    trail.HOST: "somebody at the server’s command line",
    trail.ANONYMOUS: "somebody who was not signed in",
    trail.SERVICE_LOG: "the service",
    "commissioner": "the Information Commissioner",
    "people-affected": "the people affected",
}

# What somebody tried to do, and why they were refused: the permissions and the policy's reasons in words.
ACTS = {
    "use-own-account": "use their account",
    "manage-accounts": "manage accounts",
    "open-inspection": "open an inspection",
    "answer-legal-notes": "answer a legal note",
    "read-legal-notes": "read the legal notes",
    "view-service-trail": "read the service’s trail",
    "agree-to-resets": "agree to an account reset",
    "review-closed-logs": "review the logs that are closed",
    "tune-alerts": "tune the alerts",
    "view-inspection": "see the inspection",
    "manage-inspectors": "say who inspects",
    "manage-contributors": "say who contributes",
    "assign-items": "assign items",
    "record-milestones": "record a milestone",
    "submit": "send files",
    "list-documents": "see what has come",
    "view-receipt": "see a receipt",
    "download": "download a file",
    "view-trail": "read the trail",
    "verify-log": "verify the log",
    "export-evidence": "export the evidence",
    "view-access": "see who has access",
    "view-disposal": "see disposal and holds",
    "manage-holds": "place or lift a hold",
    "clear-alarms": "clear an alarm",
    "export-trail": "export the trail",
    "prepare-subject-access": "prepare what is held about a person",
    "manage-breaches": "record or see a breach",
    "csrf": "send a form",
}
REASONS = {
    "not-a-member": "they are not in this inspection",
    "role-does-not-allow": "their role does not allow it",
    "not-assigned": "the item is not assigned to them",
    "inspection-closed": "the inspection is closed",
    "form-token": "the form was too old, or not one of this service’s",
}

# Why a file or its form was refused; a code that stands in neither table is shown with spaces for its hyphens.
_REFUSALS = {
    "bad-name": "its name cannot be used",
    "held-kind": "files of its kind are not taken",
    "unknown-kind": "its kind is not known here",
    "kind-not-for-item": "its kind cannot answer that item",
    "kind-not-told": "its kind could not be told",
    "mismatch": "its content is not what its name says, or of a kind that is not taken",
    "empty": "it is empty",
    "too-large": "it is too large",
    "duplicate": "the same bytes had been received for that item",
    "form-numbers": "the items named on its form cannot stand",
    "form-date-kind": "the form does not say what date its data represents",
    "form-start": "the date of its data on the form cannot stand",
    "form-end": "the end date of its data on the form cannot stand",
    "form-title": "the title on its form cannot stand",
}


def say_reference(identifier: str) -> str:
    """The end of an identifier, in capitals, short enough to read to somebody: '9K2F4Q'."""
    return identifier[-REFERENCE_CHARACTERS:].upper()


class Names:
    """Turns the values of an entry's details into what a page shows for them."""

    def __init__(self, known: dict[str, str], catalogue: Catalogue) -> None:
        self._known = known
        self._labels = {str(item.number): item.label for item in catalogue.items}

    def __call__(self, value: str) -> str:
        """What is shown for one value: a name for an identifier, words for a code or a date, else the value."""
        for names in (self._known, _FIXED, ACTS, REASONS, _REFUSALS, self._labels):
            if value in names:
                return names[value]
        if _ID.fullmatch(value):
            return "somebody whose name is erased" if value.startswith("per_") else say_reference(value)
        if value.startswith("class-"):
            return f"class {value.removeprefix('class-').upper()} of the retention schedule"
        return _say_code(value)

    def say_document(self, document_id: str, numbers: Iterable[str]) -> str:
        """The name of a document: its reference and the items it answers."""
        labels = ", ".join(self._labels.get(number, number) for number in numbers)
        return f"{say_reference(document_id)} ({labels})" if labels else say_reference(document_id)

    def label(self, number: str) -> str:
        """The label of an item: 'List 1', '1.4'."""
        return self._labels.get(number, number)


def identifiers_in(entries: Iterable[Entry]) -> set[str]:
    """Every opaque identifier that the entries name."""
    found: set[str] = set()
    for entry in entries:
        texts = [entry.actor, entry.subject or "", entry.inspection or ""]
        texts += [value for value in entry.details.values() if isinstance(value, str)]
        found.update(text for text in texts if _ID.fullmatch(text))
    return found


def load_names(session: Session, catalogue: Catalogue, identifiers: Iterable[str]) -> Names:
    """Look up what is known beside the log about these identifiers, in four short queries."""
    wanted = set(identifiers)
    nameless = Names({}, catalogue)
    known = names_of(session, {one for one in wanted if one.startswith("per_")})
    for document, numbers in numbers_of(session, {one for one in wanted if one.startswith("doc_")}).items():
        known[document] = nameless.say_document(document, numbers)
    reasons = select(SupportAct.id, SupportAct.reason).where(
        SupportAct.id.in_({one for one in wanted if one.startswith("sup_")})
    )
    for support, reason in session.execute(reasons):
        known[support] = f"“{' '.join(reason.split())}”"
    areas = select(Inspection.id, Inspection.local_area).where(
        Inspection.id.in_({one for one in wanted if one.startswith("ins_")})
    )
    for inspection, area in session.execute(areas):
        known[inspection] = f"the inspection of {area}"
    return Names(known, catalogue)


def load_names_in(
    session: Session, store: SqlLogStore, catalogue: Catalogue, log_id: str, identifiers: Iterable[str]
) -> Names:
    """Names for identifiers that somebody typed: of those alone that the log speaks of, and of nobody elsewhere."""
    connection = session.connection()
    return load_names(session, catalogue, {one for one in identifiers if is_in(store, connection, log_id, one)})


def is_in(store: SqlLogStore, connection: Connection, log_id: str, identifier: str) -> bool:
    """Whether a log speaks of a person, or has an entry about a document."""
    if not _ID.fullmatch(identifier):
        return False
    is_person = identifier.startswith("per_")
    filters = SearchFilters(person=identifier) if is_person else SearchFilters(subject=identifier)
    return bool(store.search(connection, log_id, filters, None, 1))


def numbers_of(session: Session, documents: Iterable[str]) -> dict[str, list[str]]:
    """The item numbers of each of these documents, in catalogue order."""
    rows = session.execute(
        select(DocumentItem.document_id, DocumentItem.number)
        .where(DocumentItem.document_id.in_(set(documents)))
        .order_by(DocumentItem.document_id, DocumentItem.position)
    )
    numbers: dict[str, list[str]] = {}
    for document, number in rows:
        numbers.setdefault(document, []).append(number)
    return numbers


def _say_code(value: str) -> str:
    if _DATE.fullmatch(value):
        return _say_date(value)
    if ":" in value and not value.startswith("system:"):
        kind, _, days = value.partition(":")
        if days and all(_DATE.fullmatch(day) for day in days.split("/")):
            return f"{kind.replace('-', ' ')} {' to '.join(_say_date(day) for day in days.split('/'))}"
        try:
            return say_moment(parse_time(value))
        except EntryError:
            return value
    return value.replace("-", " ") if _WORDS.fullmatch(value) else value


def _say_date(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{day.day} {day:%B %Y}"
