"""Releasing bytes: the decision is recorded and committed, then the first byte leaves; the end is a second entry.

Promises: without a committed `release:started` no byte is handed out; `completed` is said only when every byte asked
for was handed to the network, otherwise `broken-off` with the bytes that were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import structlog

from exchange import trail
from exchange.database import UnitOfWork
from exchange.downloads.models import Release
from exchange.downloads.ranges import Wanted
from exchange.errors import ContentUnavailableError, NotFoundError
from exchange.identifiers import new_identifier
from exchange.parts import Parts
from exchange.submissions.checking import mark_unreadable, reference_of
from exchange.submissions.models import READABLE, Document
from exchange.vault import OpenDocument

log = structlog.get_logger("exchange.downloads")

Piece = bytes


def begin_release(unit: UnitOfWork, document_id: str, person: str, wanted: Wanted) -> Release:
    """Record that bytes of a document are about to be given to a person.

    Raises:
        NotFoundError: the document was disposed of, or marked unreadable, since the page was shown.
    """
    document = unit.session.get(Document, document_id)
    if document is None or document.state not in READABLE:
        raise NotFoundError
    release = Release(
        id=new_identifier("rel"),
        inspection_id=document.inspection_id,
        document_id=document.id,
        person_id=person,
        range_start=wanted.start,
        range_stop=wanted.stop,
        started_at=unit.now,
    )
    unit.session.add(release)
    trail.record(
        unit,
        "release:started",
        actor=person,
        inspection=document.inspection_id,
        details={
            "release": release.id,
            "document": document.id,
            "range_start": wanted.start,
            "range_stop": wanted.stop,
        },
    )
    return release


def end_release(unit: UnitOfWork, release_id: str, sent: int, *, completed: bool) -> None:
    """Record how a release ended; the first end counts."""
    release = unit.session.get_one(Release, release_id, with_for_update=True)
    if release.ended_at is not None:
        return
    release.ended_at, release.bytes_sent = unit.now, sent
    release.outcome = "completed" if completed else "broken-off"
    trail.record(
        unit,
        f"release:{release.outcome}",
        actor=release.person_id,
        inspection=release.inspection_id,
        details={"release": release.id, "document": release.document_id, "bytes": sent},
    )


def open_release(parts: Parts, document: Document, person: str, wanted: Wanted) -> ReleaseStream:
    """Open a document, commit the entry, and read the first piece.

    Raises:
        BusyError: this person has as many downloads under way as they may.
        ContentUnavailableError: the sealed file is not as it was; nothing is sent, an alarm is raised.
        NotFoundError: the document is no longer there.
    """
    with ExitStack() as undo:
        give_back = parts.turns.take("download", person)
        undo.callback(give_back)
        try:
            opened = parts.vault.open(reference_of(document))
        except ContentUnavailableError:
            _alarm(parts, document.id)
            raise
        undo.callback(opened.close)
        with parts.database.unit_of_work() as unit:
            release_id = begin_release(unit, document.id, person, wanted).id
        undo.pop_all()
    stream = ReleaseStream(parts, opened, release_id, document.id, wanted, give_back)
    stream.read_first()
    return stream


class ReleaseStream:
    """The bytes of one release, for the server to iterate and close; closing records how it ended."""

    def __init__(
        self,
        parts: Parts,
        opened: OpenDocument,
        release_id: str,
        document_id: str,
        wanted: Wanted,
        give_back: Callable[[], None],
    ) -> None:
        self._parts = parts
        self._opened = opened
        self._release_id = release_id
        self._document_id = document_id
        self._wanted = wanted
        self._give_back = give_back
        self._pieces = opened.read_range(wanted.start, wanted.stop)
        self._first: Piece | None = None
        self._given = 0  # handed to the server
        self._sent = 0  # and asked for more since: the server has passed it to the network
        self._ended = False

    def read_first(self) -> None:
        """Unseal the first piece before anything is said to the client.

        Raises:
            ContentUnavailableError: it is damaged; the release is recorded as broken off after 0 bytes.
        """
        try:
            self._first = next(self._pieces, b"")
        except ContentUnavailableError:
            self._fail()
            raise

    def __iter__(self) -> Iterator[Piece]:
        """The stream itself."""
        return self

    def __next__(self) -> Piece:
        """The next piece; asking for it says that the one before was sent."""
        self._sent = self._given
        try:
            piece = self._first if self._first is not None else next(self._pieces)
        except ContentUnavailableError:
            # Half an answer must not look like a whole one: the error breaks the connection.
            self._fail()
            raise
        self._first = None
        self._given += len(piece)
        return piece

    def close(self) -> None:
        """Record the end once; the server calls this however the transfer ended."""
        if self._ended:
            return
        self._ended = True
        self._opened.close()
        self._give_back()
        completed = self._sent == self._wanted.stop - self._wanted.start
        try:
            with self._parts.database.unit_of_work() as unit:
                end_release(unit, self._release_id, self._sent, completed=completed)
        except Exception:
            # The start is recorded; a missing end reads as "no end recorded", never as completed.
            log.exception("end of a release could not be recorded", release=self._release_id)

    def _fail(self) -> None:
        self.close()
        _alarm(self._parts, self._document_id)


def _alarm(parts: Parts, document_id: str) -> None:
    with parts.database.unit_of_work() as unit:
        document = unit.session.get(Document, document_id, with_for_update=True)
        if document is not None and document.state in READABLE:
            mark_unreadable(unit, document, None)
