"""Answers as pages show them: names beside identifiers, transfers in words, people with how often they opened it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from config.catalogue import Catalogue
from exchange.oversight.answers import Answer
from exchange.oversight.names import Names, load_names, say_reference
from exchange.oversight.opening import How
from exchange.oversight.transfers_shown import Outcome, Transfer

MOST_SHOWN = 200
MOST_LINKED = 100
"""Entries of one transfer that are linked to: somebody can make ten thousand of one document in a day."""


@dataclass(frozen=True)
class TransferRow:
    """One transfer: who opened what how, how it ended, how much of the file, and the entries that say so."""

    person: str
    person_id: str
    document: str
    document_id: str
    how: How
    outcome: Outcome
    started_at: datetime
    ended_at: datetime | None
    covered: int
    size: int | None
    requests: int
    entries: tuple[int, ...]
    more_entries: int
    last_entry: int


@dataclass(frozen=True)
class PersonRow:
    """One person who opened it: how often in which way, the first time and the last."""

    name: str
    person_id: str
    downloads: int
    previews: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class Shown:
    """An answer in words; `more` transfers are not shown for their number, but counted."""

    people: tuple[PersonRow, ...]
    rows: tuple[TransferRow, ...]
    documents: tuple[tuple[str, str], ...]
    more: int
    total: int
    is_cut: bool
    tree_size: int


def show_answer(session: Session, catalogue: Catalogue, answer: Answer, most: int | None = MOST_SHOWN) -> Shown:
    """Put an answer into words; with `most` None every transfer is shown."""
    transfers = answer.transfers
    people = {transfer.person for transfer in transfers}
    names = load_names(session, catalogue, {*people, *answer.documents})
    shown = transfers if most is None else transfers[:most]
    return Shown(
        people=tuple(_person(names, person, transfers) for person in _in_order(people, names)),
        rows=tuple(_row(names, transfer) for transfer in shown),
        documents=tuple((document, _say(names, document)) for document in answer.documents),
        more=len(transfers) - len(shown),
        total=len(transfers),
        is_cut=answer.is_cut,
        tree_size=answer.tree_size,
    )


def _in_order(people: Iterable[str], names: Names) -> list[str]:
    return sorted(people, key=lambda person: (names(person).casefold(), person))


def _person(names: Names, person: str, transfers: Iterable[Transfer]) -> PersonRow:
    theirs = [transfer for transfer in transfers if transfer.person == person]
    return PersonRow(
        name=_say(names, person),
        person_id=person,
        downloads=sum(transfer.how is How.DOWNLOAD for transfer in theirs),
        previews=sum(transfer.how is How.PREVIEW for transfer in theirs),
        first_at=min(transfer.started_at for transfer in theirs),
        last_at=max(transfer.started_at for transfer in theirs),
    )


def _row(names: Names, transfer: Transfer) -> TransferRow:
    indexes = transfer.indexes
    return TransferRow(
        person=_say(names, transfer.person),
        person_id=transfer.person,
        document=_say(names, transfer.document),
        document_id=transfer.document,
        how=transfer.how,
        outcome=transfer.outcome,
        started_at=transfer.started_at,
        ended_at=transfer.ended_at,
        covered=transfer.covered,
        size=transfer.size,
        requests=len(transfer.releases),
        entries=indexes[:MOST_LINKED],
        more_entries=max(len(indexes) - MOST_LINKED, 0),
        last_entry=indexes[-1],
    )


def _say(names: Names, identifier: str) -> str:
    """A name at the beginning of a line; two people whose names are erased are told apart by their references."""
    said = names(identifier)
    if said == "somebody whose name is erased":
        return f"Somebody whose name is erased ({say_reference(identifier)})"
    return said
