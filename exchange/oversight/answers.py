"""Answers from the log: who has opened this, what has this person opened, and nobody but these.

Promises: an answer follows from the entries of the inspection's log and from nothing beside it but names. The two
quick ones find entries by what is copied beside them and are as good as the check of the log. The complete one reads
every entry up to a signed checkpoint, hashes each, and is given only when the root hash is the one that was signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from audit.checkpoint import open_checkpoint
from audit.entry import Entry
from audit.errors import AuditError
from audit.merkle import Frontier, leaf_hash
from audit.sql_store import SqlLogStore
from audit.store import SearchFilters, StoredCheckpoint, StoredEntry
from audit.vocabulary import items_of
from exchange import trail
from exchange.database import UnitOfWork
from exchange.errors import ConflictError, InvalidError
from exchange.oversight.logs import frozen_view
from exchange.oversight.opening import OPENING_EVENTS
from exchange.oversight.transfers_shown import Found, Transfer, transfers_in
from exchange.parts import Parts

PAGE_ENTRIES: Final = 1000
MOST_ENTRIES: Final = 20_000
"""The newest entries that a quick answer is made of; a log of one inspection seldom holds as many openings."""

ACCEPTED: Final = "submission:accepted"
NO_CHECKPOINT: Final = "No checkpoint of that size was signed. Leave the field empty for the newest one"
NOT_AS_SIGNED: Final = (
    "The entries of the log are not those that its checkpoint was signed for, so nothing can be stated. Nothing was "
    "changed. Verify the log: the result says what is wrong."
)

_ACCEPTED_MARK: Final = f'"event":"{ACCEPTED}"'.encode()
_OPENING_MARKS: Final = tuple(f'"event":"{event}"'.encode() for event in OPENING_EVENTS)


@dataclass(frozen=True)
class Answer:
    """Transfers, newest first, and whether older entries were left out for their number."""

    transfers: tuple[Transfer, ...]
    documents: tuple[str, ...]
    tree_size: int
    is_cut: bool = False


@dataclass(frozen=True)
class Statement:
    """A complete answer: it covers every entry of the checkpoint, whose root hash was built anew from them."""

    answer: Answer
    checkpoint: StoredCheckpoint
    root_hash: bytes
    public_key: str
    log_size: int
    """How many entries the log held when this was made; those after the checkpoint are not covered."""


def record_asked(unit: UnitOfWork, inspection_id: str, question: str, tree_size: int, *, actor: str) -> None:
    """Record that somebody asks the log, and what kind of question; not about whom or what."""
    details: dict[str, trail.DetailValue] = {"question": question, "tree_size": tree_size}
    trail.record(unit, "log:asked", actor=actor, inspection=inspection_id, details=details)


def who_opened(session: Session, store: SqlLogStore, log_id: str, documents: Iterable[str]) -> Answer:
    """Who has opened these documents."""
    connection, wanted = session.connection(), tuple(documents)
    found: list[Found] = []
    is_cut = False
    for document in wanted:
        filters = SearchFilters(events=OPENING_EVENTS, subject=document)
        more, was_cut = _search(store, connection, log_id, filters)
        found += more
        is_cut = is_cut or was_cut
    sizes = _sizes(store, connection, log_id, wanted)
    return Answer(tuple(transfers_in(found, sizes)), wanted, store.tree_size(connection, log_id), is_cut)


def what_opened(session: Session, store: SqlLogStore, log_id: str, person: str) -> Answer:
    """What this person has opened."""
    connection = session.connection()
    found, is_cut = _search(store, connection, log_id, SearchFilters(events=OPENING_EVENTS, actor=person))
    documents = tuple(dict.fromkeys(str(one.entry.details["document"]) for one in found))
    transfers = transfers_in(found, _sizes(store, connection, log_id, documents))
    return Answer(tuple(transfers), documents, store.tree_size(connection, log_id), is_cut)


def documents_for(session: Session, store: SqlLogStore, log_id: str, item: str) -> list[str]:
    """The documents that were ever received for an item, as the log says, oldest first."""
    filters = SearchFilters(events=(ACCEPTED,), item=item)
    found, _ = _search(store, session.connection(), log_id, filters)
    return [str(one.entry.details["document"]) for one in reversed(found)]


def nobody_but_these(parts: Parts, log_id: str, *, document: str | None, item: str | None, size: int) -> Statement:
    """State completely who opened a document, or the documents of an item, up to the checkpoint of `size` entries.

    Raises:
        InvalidError: there is no signed checkpoint of that size; `field` is `size`.
        ConflictError: the entries are not those that were signed.
    """
    with frozen_view(parts.database) as connection:
        store = parts.trail.store
        checkpoint = store.checkpoint_at(connection, log_id, size)
        if checkpoint is None:
            raise InvalidError(NO_CHECKPOINT, field="size")
        key = parts.trail.log.verifier_key(connection, log_id)
        reading = Reading(document, item)
        try:
            signed = open_checkpoint(checkpoint.note, key)
            root = reading.read(store.entries(connection, log_id, 0, size))
        except AuditError as error:
            raise ConflictError(NOT_AS_SIGNED) from error
        if (signed.size, signed.root) != (size, root):
            raise ConflictError(NOT_AS_SIGNED)
        answer = Answer(tuple(transfers_in(reading.found, reading.sizes)), tuple(reading.documents), size)
        return Statement(answer, checkpoint, root, str(key), store.tree_size(connection, log_id))


class Reading:
    """One pass over every entry: hashes each, and keeps what is about the document or the item."""

    def __init__(self, document: str | None, item: str | None) -> None:
        self._item = item
        self.documents: dict[str, None] = {} if document is None else {document: None}
        self.found: list[Found] = []
        self.sizes: dict[str, int] = {}

    def read(self, entries: Iterator[StoredEntry]) -> bytes:
        """Read them all; the root hash. Raises AuditError where one is missing or unreadable."""
        frontier = Frontier()
        for stored in entries:
            frontier.append(leaf_hash(stored.encoded))
            if _ACCEPTED_MARK in stored.encoded:
                self._take_accepted(stored.entry)
            elif any(mark in stored.encoded for mark in _OPENING_MARKS) and self._is_named(stored.encoded):
                self._take_opening(Found(stored.index, stored.entry))
        return frontier.root()

    def _is_named(self, encoded: bytes) -> bool:
        place = encoded.find(b'"document":"')
        start = place + len(b'"document":"')
        return place >= 0 and encoded[start : encoded.find(b'"', start)].decode("ascii", "replace") in self.documents

    def _take_accepted(self, entry: Entry) -> None:
        document = str(entry.details["document"])
        if self._item is not None and self._item in items_of(entry):
            self.documents[document] = None
        if document in self.documents:
            self.sizes[document] = int(str(entry.details["size"]))

    def _take_opening(self, found: Found) -> None:
        if found.entry.details.get("document") in self.documents:
            self.found.append(found)


def _search(
    store: SqlLogStore, connection: Connection, log_id: str, filters: SearchFilters
) -> tuple[list[Found], bool]:
    """The newest matching entries that can be read, newest first, and whether there are more than are taken."""
    found: list[Found] = []
    before: int | None = None
    while len(found) < MOST_ENTRIES:
        page = store.search(connection, log_id, filters, before, PAGE_ENTRIES)
        found += [Found(stored.index, entry) for stored in page if (entry := _readable(stored)) is not None]
        if len(page) < PAGE_ENTRIES:
            return found, False
        before = page[-1].index
    return found, True


def _sizes(store: SqlLogStore, connection: Connection, log_id: str, documents: Iterable[str]) -> dict[str, int]:
    sizes = {}
    for document in documents:
        filters = SearchFilters(events=(ACCEPTED,), subject=document)
        for stored in store.search(connection, log_id, filters, None, 1):
            if (entry := _readable(stored)) is not None:
                sizes[document] = int(str(entry.details["size"]))
    return sizes


def _readable(stored: StoredEntry) -> Entry | None:
    try:
        return stored.entry
    except AuditError:
        return None
