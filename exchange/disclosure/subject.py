"""Whose data is asked for, within which logs, and how other people are spoken of: by their role and never by name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.entry import ID_PATTERN
from config.catalogue import Catalogue
from exchange.access.roles import Role
from exchange.accounts.models import Person, ServiceRole
from exchange.errors import InvalidError, NotFoundError
from exchange.inspections.models import Membership
from exchange.oversight.service import load_names

SOMEBODY: Final = "somebody else with an account"
REASON_ELSEWHERE: Final = "see ‘Support’"
"""What stands for a reason in a sentence: people typed it, and it may name others."""

_ID = re.compile(ID_PATTERN)


@dataclass(frozen=True)
class Subject:
    """A person with an account, or an identifier alone (`person` None), in one inspection or in all (None)."""

    identifier: str
    person: Person | None
    inspection_id: str | None

    @property
    def name(self) -> str:
        """The name as the account has it, or the identifier."""
        return self.identifier if self.person is None else self.person.name or self.identifier


def find_subject(session: Session, identifier: str, inspection_id: str | None) -> Subject:
    """Whom an officer asks about.

    Raises:
        InvalidError: it is not written as an identifier.
        NotFoundError: a person who has no account, or was never in this inspection.
    """
    if not _ID.fullmatch(identifier):
        raise InvalidError(
            "Choose a person, or enter an identifier: three letters, an underscore and 26 letters and digits",
            field="identifier",
        )
    if not identifier.startswith("per_"):
        return Subject(identifier, None, inspection_id)
    person = session.get(Person, identifier)
    if person is None or (inspection_id is not None and not _was_member(session, identifier, inspection_id)):
        raise NotFoundError
    return Subject(identifier, person, inspection_id)


def people_to_choose(session: Session, inspection_id: str | None) -> list[tuple[str, str]]:
    """(identifier, label) of everybody who was ever in an inspection, or who has an account (None), by name."""
    query = select(Person.id, Person.name, Person.email)
    if inspection_id is not None:
        query = query.where(
            Person.id.in_(select(Membership.person_id).where(Membership.inspection_id == inspection_id))
        )
    rows = [(row.id, f"{row.name} ({row.email})") for row in session.execute(query) if row.name]
    return sorted(rows, key=lambda row: row[1].casefold())


class Spoken:
    """Names for the sentences of a pack: the person's own name, others by their role, everything else as usual."""

    def __init__(self, session: Session, catalogue: Catalogue, subject: Subject) -> None:
        self._session = session
        self._catalogue = catalogue
        self._subject = subject
        self._roles = _roles(session, subject.inspection_id)
        self._names = load_names(session, catalogue, ())

    def learn(self, identifiers: Iterable[str]) -> None:
        """Look up the documents and inspections among these; of people nothing more is looked up."""
        wanted = {one for one in identifiers if not one.startswith(("per_", "sup_"))}
        self._names = load_names(self._session, self._catalogue, wanted)

    def __call__(self, value: str) -> str:
        """What is said for one value."""
        if value == self._subject.identifier:
            return self._subject.name
        if value.startswith("per_") and _ID.fullmatch(value):
            return self._roles.get(value, SOMEBODY)
        if value.startswith("sup_") and _ID.fullmatch(value):
            return REASON_ELSEWHERE
        return self._names(value)

    def who(self, value: str) -> str:
        """The same, where nothing is said for an empty value."""
        return self(value) if value else ""


def _was_member(session: Session, person_id: str, inspection_id: str) -> bool:
    query = select(Membership.id).where(Membership.inspection_id == inspection_id, Membership.person_id == person_id)
    return session.scalar(query.limit(1)) is not None


def _roles(session: Session, inspection_id: str | None) -> dict[str, str]:
    """How each person is spoken of: by the highest role they have or had, in the service or in the inspection."""
    order = list(Role)
    found: dict[str, Role] = {}
    members = select(Membership.person_id, Membership.role)
    if inspection_id is not None:
        members = members.where(Membership.inspection_id == inspection_id)
    for query in (select(ServiceRole.person_id, ServiceRole.role), members):
        for person, text in session.execute(query):
            role = Role(text)
            if person not in found or order.index(role) < order.index(found[person]):
                found[person] = role
    return {person: _say(role) for person, role in found.items()}


def _say(role: Role) -> str:
    word = role.label.lower()
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
