"""Receiving one file: check what it is, seal it as it arrives, make it durable, record it; or leave nothing behind.

Promises: a document that is returned from here is on disk (file and folder synced) and recorded with its entry; one
that is refused leaves no sealed file, no key and no row, only the entry that says it was refused; plaintext is in
memory one piece at a time (at most 1 MiB kept to tell the file's kind) and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from audit.vocabulary import new_salt
from config.catalogue import Item
from config.file_kinds import (
    FileKind,
    HeldContentError,
    HeldKindError,
    MismatchError,
    UnknownKindError,
    kind_for_name,
    verify_content,
)
from exchange import trail
from exchange.access.policy import Decision, decide_in_inspection
from exchange.access.roles import Permission
from exchange.accounts.sessions import load_actor
from exchange.errors import ConflictError, InvalidError
from exchange.identifiers import new_identifier
from exchange.inspections.models import Inspection
from exchange.parts import Parts
from exchange.screening.type_probe import MOST_HEAD, ProbeError
from exchange.submissions.models import Document, DocumentItem, DocumentState
from exchange.submissions.offer import Offer, clean_file_name, log_date, title_for
from keys.sealed_file import SealedContent

Pieces = Iterable[bytes | bytearray | memoryview]


class FileRefusedError(InvalidError):
    """One file cannot be taken; `reason` is its code in the log. Nothing of the file was kept."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message, field="files")
        self.reason = reason


@dataclass(frozen=True)
class Sender:
    """Who sends, for which inspection, under which offer, and whether the form brings several files."""

    inspection: str
    person: str
    offer: Offer
    several: bool = False


@dataclass(frozen=True)
class Received:
    """A document that is durable and recorded."""

    document: str
    file_name: str
    size: int
    sha256: str


def receive_file(parts: Parts, sender: Sender, file_name: str, pieces: Pieces) -> Received:
    """Receive one file from its pieces.

    Raises:
        FileRefusedError: the file cannot be taken; the refusal is recorded.
        exchange.storage.contract.StoreError: the store cannot keep it; nothing was kept.
    """
    started = parts.clock()
    try:
        return _receive(parts, sender, file_name, pieces, started)
    except FileRefusedError as error:
        record_refused(parts, sender.inspection, sender.person, sender.offer.numbers, error.reason)
        raise


def verify_open(inspection: Inspection) -> None:
    """Raise ConflictError when the inspection is closed."""
    if inspection.closed_at is not None:
        raise ConflictError("This inspection is closed, so nothing can be sent to it. Nothing was kept.")


def record_refused(parts: Parts, inspection: str, person: str, numbers: Iterable[str], reason: str) -> None:
    """Append `submission:refused` though nothing else changed."""
    with parts.database.unit_of_work() as unit:
        details: dict[str, trail.DetailValue] = {"reason": reason, "items": list(numbers)}
        trail.record(unit, "submission:refused", actor=person, inspection=inspection, details=details)


def _receive(parts: Parts, sender: Sender, file_name: str, pieces: Pieces, started: datetime) -> Received:
    name, kind = _verify_name(file_name, sender.offer.items)
    limit = min(kind.most_bytes or parts.settings.max_file_bytes, parts.settings.max_file_bytes)
    stream = iter(pieces)
    head, head_pieces = _take_head(stream)
    _verify_kind(parts, name, kind, head, head_pieces)
    document_id = new_identifier("doc")
    with parts.vault.receive(sender.inspection, document_id) as arrival:
        size = 0
        for piece in _chain(head_pieces, stream):
            size += len(piece)
            if size > limit:
                raise FileRefusedError(
                    f"“{name}” is larger than {_megabytes(limit)}, the most this service takes for such a file. "
                    "Nothing of it was kept. Split it or leave out pictures, and send it again",
                    "too-large",
                )
            arrival.write(piece)
        content = arrival.seal()
        with parts.database.read() as session:
            _verify_new(session, sender, name, content.sha256_hex)
        arrival.keep()
    document = _document(sender, document_id, name, kind, content, arrival.key_version)
    document.started_at = started
    _record(parts, sender, document)
    parts.vault.settle(sender.inspection, document_id)
    return Received(document_id, name, content.plain_size, content.sha256_hex)


def _verify_name(file_name: str, items: tuple[Item, ...]) -> tuple[str, FileKind]:
    try:
        name = clean_file_name(file_name)
        kind = kind_for_name(name)
    except InvalidError as error:
        raise FileRefusedError(error.message, "bad-name") from error
    except HeldKindError as error:
        raise FileRefusedError(f"“{file_name[-100:]}” was not taken. {error}", "held-kind") from error
    except UnknownKindError as error:
        raise FileRefusedError(
            f"“{file_name[-100:]}” is not a kind of file this service takes. {error}", "unknown-kind"
        ) from error
    for item in items:
        if not item.takes_kind(kind.code):
            raise FileRefusedError(
                f"“{name}” cannot answer {item.label}. {item.kinds_reason} "
                "Nothing of it was kept. Save it as an Excel workbook (.xlsx) and send that",
                "kind-not-for-item",
            )
    return name, kind


def _take_head(stream: Iterator[bytes | bytearray | memoryview]) -> tuple[bytes, list[bytes]]:
    """Read pieces until the kind can be told; they are copied, since the reader may use its buffers again."""
    pieces: list[bytes] = []
    length = 0
    for piece in stream:
        pieces.append(bytes(piece))
        length += len(piece)
        if length >= MOST_HEAD:
            break
    return b"".join(pieces)[:MOST_HEAD], pieces


def _verify_kind(parts: Parts, name: str, kind: FileKind, head: bytes, pieces: list[bytes]) -> None:
    if not any(pieces):
        raise FileRefusedError(
            f"“{name}” is empty (0 bytes). Nothing was kept. Check that it was saved and send it again", "empty"
        )
    try:
        verify_content(kind, parts.type_probe.detect(head), head)
    except MismatchError as error:
        # What is cut short or damaged looks like the archive that an office file is inside.
        damaged = isinstance(error, HeldContentError) and error.kind.code == "zip"
        hint = " If it is no archive, it is damaged: open it where it was made, save it again and send that." * damaged
        raise FileRefusedError(f"“{name}” was not taken. {error}{hint} Nothing of it was kept", "mismatch") from error
    except ProbeError as error:
        raise FileRefusedError(
            f"The kind of “{name}” could not be told, so it was not taken. Nothing of it was kept. Send it again",
            "kind-not-told",
        ) from error


def _verify_new(session: Session, sender: Sender, name: str, sha256: str) -> None:
    found = session.execute(
        select(DocumentItem.number, Document.received_at)
        .join(Document, Document.id == DocumentItem.document_id)
        .where(
            DocumentItem.inspection_id == sender.inspection,
            DocumentItem.sha256 == sha256,
            DocumentItem.number.in_(sender.offer.numbers),
            DocumentItem.live,
        )
    ).first()
    if found is not None:
        raise _duplicate(sender, name, found.number)


def _duplicate(sender: Sender, name: str, number: str) -> FileRefusedError:
    label = next((item.label for item in sender.offer.items if item.number == number), number)
    return FileRefusedError(
        f"“{name}” was already received for {label}: the same bytes, so nothing was added and nothing was lost. "
        "If it also answers another item, send it again for that item alone",
        "duplicate",
    )


def _document(
    sender: Sender, document_id: str, name: str, kind: FileKind, content: SealedContent, key_version: int
) -> Document:
    offer = sender.offer
    document = Document(
        id=document_id,
        inspection_id=sender.inspection,
        title=title_for(offer, name, several=sender.several),
        file_name=name,
        file_kind=kind.code,
        size=content.plain_size,
        sha256=content.sha256_hex,
        sealed_size=content.sealed_size,
        key_version=key_version,
        data_date_kind=offer.data_date.kind,
        data_date_start=offer.data_date.start,
        data_date_end=offer.data_date.end,
        # The strictest class decides: what answers a person-level list is let go when lists are.
        record_class=min(item.retention_class for item in offer.items),
        state=DocumentState.RECEIVED,
        submitted_by=sender.person,
        salt=new_salt(),
    )
    document.items = [
        DocumentItem(
            inspection_id=sender.inspection, number=number, position=position, sha256=content.sha256_hex, live=True
        )
        for position, number in enumerate(offer.numbers)
    ]
    return document


def _record(parts: Parts, sender: Sender, document: Document) -> None:
    """Insert the row and its entry; when another upload of the same bytes was quicker, take the sealed file away."""
    document_id, name = document.id, document.file_name
    try:
        with parts.database.unit_of_work() as unit:
            _verify_still_open_to(unit.session, sender)
            document.received_at = unit.now
            unit.session.add(document)
            unit.session.flush()
            trail.record(
                unit,
                "submission:accepted",
                actor=sender.person,
                inspection=sender.inspection,
                details=_accepted(sender.offer, document),
            )
    except IntegrityError as error:
        parts.vault.destroy(sender.inspection, document_id)
        raise _duplicate(sender, name, sender.offer.numbers[0]) from error
    except FileRefusedError:
        parts.vault.destroy(sender.inspection, document_id)
        raise
    # Any other failure may have come after the commit: the sealed file stays, and the sweep asks the database.


def _verify_still_open_to(session: Session, sender: Sender) -> None:
    """Judge again at the moment of receipt: a file may have been on its way for hours.

    The inspection's row is read under a lock that other uploads share, so that none is recorded after its close.
    """
    inspection = session.get_one(Inspection, sender.inspection, with_for_update={"read": True})
    if inspection.closed_at is not None:
        raise FileRefusedError(
            "This inspection was closed while the file was on its way. Nothing of it was kept", "inspection-closed"
        )
    actor, items = load_actor(session, sender.person), frozenset(sender.offer.numbers)
    if decide_in_inspection(actor, Permission.SUBMIT, sender.inspection, items) is not Decision.ALLOWED:
        raise FileRefusedError(
            "You may no longer send files for these items: that ended while the file was on its way. Nothing of it was "
            "kept. Ask the nominated officer",
            "access-ended",
        )


def _accepted(offer: Offer, document: Document) -> dict[str, trail.DetailValue]:
    return {
        "document": document.id,
        "items": list(offer.numbers),
        "size": document.size,
        "sha256": document.sha256,
        "kind": document.file_kind,
        "data_date": log_date(offer.data_date),
        "name_commitment": trail.commitment(f"name:{document.file_name}", document.salt),
        "title_commitment": trail.commitment(f"title:{document.title}", document.salt),
    }


def _chain(
    head: list[bytes], rest: Iterator[bytes | bytearray | memoryview]
) -> Iterator[bytes | bytearray | memoryview]:
    yield from head
    head.clear()
    yield from rest


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.0f} MB" if size >= 1_000_000 else f"{size:,} bytes"  # noqa: PLR2004
