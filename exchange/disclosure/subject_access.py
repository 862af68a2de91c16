"""A subject access pack: everything held about one person, in words and as data, as one zip that never touches a disk.

Promises: every log is read whole and its tree rebuilt before the first byte, so that nothing can be missing without
being noticed; the preparation is recorded before the first byte, in every log that something was taken from; other
people stand in it by their role; no document's content is in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jinja2 import Environment, PackageLoader
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from audit.errors import LogDisposedError
from exchange import trail
from exchange.clock import say_moment
from exchange.disclosure.held import document_ids, parts_of
from exchange.disclosure.pack_entries import FoundIn, ToldEntry, find_in, told_entries
from exchange.disclosure.part import Part
from exchange.disclosure.subject import Spoken, Subject, find_subject
from exchange.disclosure.zip_stream import Member, zip_pieces
from exchange.exports.service import Covered, ExportStream, covered_state, csv_pieces
from exchange.inspections.models import Inspection
from exchange.oversight.service import frozen_view, inspection_of
from exchange.parts import Parts

ENTRY_HEADER: Final = ("log", "index", "time_utc", "concern", "event", "what_happened", "leaf_hash")

FOR_THE_OFFICER: Final = """\
For the officer who prepared this. It is not part of what is handed over: delete it first.

1. Make sure that whoever asked is who they say, and that they may have this.
2. Read the titles, file names, reasons and answers (data/documents, data/words, data/support): people typed them, and
   they may name others. The sentences of the trail name nobody else: others stand there by their role.
3. Content of documents is not in the pack, because officers do not read content. data/documents.csv lists what this
   person sent and says who can hand it over. Documents that others sent may also speak of this person: ask the lead
   inspector and the partnership to search theirs.
4. Data beyond this service (mail, copies that inspectors downloaded, backups) is not in it.
5. One month from the day of the request (UK GDPR Article 12(3)).
"""


@dataclass(frozen=True)
class Pack:
    """A pack on its way."""

    stream: ExportStream
    file_name: str


@dataclass(frozen=True)
class _Order:
    """One pack as it was asked for."""

    parts: Parts
    subject: Subject
    actor: str
    at: datetime


def prepare_pack(parts: Parts, identifier: str, inspection_id: str | None, *, actor: str) -> Pack:
    """Prepare what is held about a person or an identifier, within one inspection or across the service (None).

    Raises:
        InvalidError: it is no identifier.
        NotFoundError: nobody of that identifier, or nobody who was ever in this inspection.
        ConflictError: a log is damaged; nothing was recorded and nothing sent.
        BusyError: this person has as many downloads under way as they may.
    """
    with parts.database.read() as session:
        subject = find_subject(session, identifier, inspection_id)
        session.expunge_all()
    order = _Order(parts, subject, actor, parts.clock())
    with ExitStack() as undo:
        give_back = parts.turns.take("download", actor)
        undo.callback(give_back)
        stream = ExportStream(_pieces(order, _covered(order)), give_back)
        stream.read_first()
        undo.pop_all()
    return Pack(stream, f"subject-access-{identifier}.zip")


def _covered(order: _Order) -> list[Covered]:
    """The signed state of each log that is read; one that was disposed of holds nothing any more."""
    parts, inspection_id = order.parts, order.subject.inspection_id
    if inspection_id is not None:
        return [covered_state(parts, inspection_id)]
    with parts.database.read() as session:
        logs = [record.log_id for record in parts.trail.store.logs(session.connection())]
    found = []
    for log_id in logs:
        try:
            found.append(covered_state(parts, log_id))
        except LogDisposedError:
            continue
    return found


def _pieces(order: _Order, covered: list[Covered]) -> Generator[bytes, None, None]:
    """Read everything, record it, then write; the frozen view is left when the stream is closed."""
    parts = order.parts
    with frozen_view(parts.database) as connection, Session(connection) as session:
        wanted = frozenset({order.subject.identifier}) | document_ids(session, order.subject)
        found = [find_in(parts.trail.store, connection, one, wanted) for one in covered]
        _record(order, found)
        yield from zip_pieces(_members(order, connection, session, found), order.at)


def _record(order: _Order, found: list[FoundIn]) -> None:
    """One entry in the log of whoever asked, and one in each inspection's from which something is taken."""
    home = order.subject.inspection_id or trail.SERVICE_LOG
    with order.parts.database.unit_of_work() as unit:
        for one in found:
            if one.covered.log_id == home or one.places:
                details: dict[str, trail.DetailValue] = {
                    "person": order.subject.identifier,
                    "tree_size": one.covered.size,
                }
                inspection = inspection_of(one.covered.log_id)
                trail.record(unit, "subject-access:prepared", actor=order.actor, inspection=inspection, details=details)


def _members(order: _Order, connection: Connection, session: Session, found: list[FoundIn]) -> Iterator[Member]:
    spoken = Spoken(session, order.parts.catalogue, order.subject)
    held = parts_of(session, order.parts, order.subject, spoken)

    def entries() -> Iterator[ToldEntry]:
        return told_entries(order.parts.trail.store, connection, found, order.subject, spoken)

    yield "index.html", _page(order, session, held, entries, found)
    for part in held:
        yield f"data/{part.name}.csv", csv_pieces(part.header, part.rows)
        yield f"data/{part.name}.json", [_json([dict(zip(part.header, row, strict=True)) for row in part.rows])]
    yield "data/trail.csv", csv_pieces(ENTRY_HEADER, (_cells(entry) for entry in entries()))
    yield "data/trail.jsonl", (_json(dict(zip(ENTRY_HEADER, _cells(entry), strict=True))) for entry in entries())
    yield "statement.txt", [_statement(order, found).encode()]
    for one in found:
        if one.covered.note:
            yield f"checkpoints/{one.covered.log_id}.txt", [one.covered.note.encode()]
    yield "for-the-officer.txt", [FOR_THE_OFFICER.encode()]


def _cells(entry: ToldEntry) -> tuple[str | int, ...]:
    return (
        entry.log_id,
        entry.index,
        entry.time,
        entry.concern,
        entry.event,
        entry.sentence,
        entry.leaf_hash,
    )


def _statement(order: _Order, found: list[FoundIn]) -> str:
    """Up to what this is complete, so that a later question can begin where this ends."""
    subject = order.subject
    lines = [
        f"Statement of what was searched for {subject.identifier}",
        "",
        f"Prepared {say_moment(order.at)}.",
        "Each log below was read from its first entry to the size stated, every entry was hashed, and the tree that",
        "they make was rebuilt: its root is the one stated. Every entry that names the identifier, or a document that",
        "this person sent, is in data/trail.csv. What came later is not in it.",
    ]
    for one in found:
        signed = f"signed: see checkpoints/{one.covered.log_id}.txt" if one.covered.note else "not signed yet"
        lines += [
            "",
            f"Log: {one.covered.log_id}",
            f"Origin: {one.covered.origin}",
            f"Entries read: {one.covered.size}",
            f"Root hash: {one.covered.root.hex()}",
            f"Checkpoint: {signed}",
            f"Entries found: {len(one.places)}",
        ]
    return "\n".join(lines) + "\n"


def _page(
    order: _Order,
    session: Session,
    held: list[Part],
    entries: Callable[[], Iterable[ToldEntry]],
    found: list[FoundIn],
) -> Iterator[bytes]:
    inspection = order.subject.inspection_id
    where = "the whole service" if inspection is None else session.get_one(Inspection, inspection).local_area
    template = _templates().get_template("disclosure/pack.html")
    stream = template.stream(
        subject=order.subject,
        where=where,
        at=say_moment(order.at),
        held=held,
        entries=entries(),
        count=sum(len(one.places) for one in found),
        found=found,
    )
    stream.enable_buffering(200)
    return (text.encode() for text in stream)


def _templates() -> Environment:
    """Templates outside any request: a pack is a file, with no address and nobody signed in."""
    return Environment(loader=PackageLoader("exchange"), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
