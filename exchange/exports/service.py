"""What exports decide: recorded, then made; and what other rooms may ask of them.

Promises: `trail:exported` is committed before the first byte; CSV and JSON lines take bounded memory for a log of any
length; a turn of the person's downloads is held until the last byte; damage breaks an export off.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from exchange import trail
from exchange.clock import say_moment
from exchange.database import UnitOfWork
from exchange.errors import NotFoundError
from exchange.exports import xlsx_export
from exchange.exports.csv_export import csv_pieces, csv_text, neutralise
from exchange.exports.feed import WorkerFeed
from exchange.exports.json_lines import json_pieces
from exchange.exports.reading import Covered, covered_state, matching_entries, mentions, verified_entries
from exchange.exports.rows import HEADER, ExportRow, rows_in_words
from exchange.exports.stream import DAMAGED, ExportStream, hold_back
from exchange.exports.words import say_filters
from exchange.oversight.service import TrailFilters, frozen_view, inspection_of, load_names, load_names_in
from exchange.parts import Parts

__all__ = [
    "DAMAGED",
    "FORMS",
    "MOST_ROWS",
    "Covered",
    "Export",
    "ExportStream",
    "WorkerFeed",
    "covered_state",
    "csv_pieces",
    "csv_text",
    "export_trail",
    "hold_back",
    "mentions",
    "neutralise",
    "verified_entries",
]

MOST_ROWS: Final = xlsx_export.MOST_ROWS
PIECE_BYTES: Final = 64 * 1024
JSON_LINES: Final = "application/jsonl"

FORMS: Final[Mapping[str, str]] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": xlsx_export.CONTENT_TYPE,
    "jsonl": JSON_LINES,
}
"""The form of an export by the end of its file's name, and its media type."""


@dataclass(frozen=True)
class Export:
    """A file on its way: its bytes, its name and its media type."""

    stream: ExportStream
    file_name: str
    media_type: str


@dataclass(frozen=True)
class _Order:
    """One export as it was asked for."""

    parts: Parts
    covered: Covered
    filters: TrailFilters
    form: str
    actor: str
    at: datetime


def export_trail(parts: Parts, log_id: str, filters: TrailFilters, form: str, *, actor: str) -> Export:
    """Export what matches of a log, up to its latest checkpoint.

    Raises:
        NotFoundError: there is no such form.
        InvalidError: more matches than a workbook is made for; nothing was recorded and nothing sent.
        ConflictError: the log is damaged where that shows before the first byte.
        BusyError: this person has as many downloads under way as they may.
        audit.errors.AuditError: the log takes no entry, so nothing is exported.
    """
    if form not in FORMS:
        raise NotFoundError
    with ExitStack() as undo:
        give_back = parts.turns.take("download", actor)
        undo.callback(give_back)
        covered = covered_state(parts, log_id)
        order = _Order(parts, covered, filters, form, actor, parts.clock())
        make = _workbook_maker(order) if form == "xlsx" else lambda: _pieces(order)
        with parts.database.unit_of_work() as unit:
            _record(unit, order)
        stream = ExportStream(make(), give_back)
        stream.read_first()
        undo.pop_all()
    return Export(stream, f"trail-{log_id}-{covered.size}.{form}", FORMS[form])


def _record(unit: UnitOfWork, order: _Order) -> None:
    details: dict[str, trail.DetailValue] = {
        "form": order.form,
        "filters": order.filters.codes,
        "tree_size": order.covered.size,
    }
    trail.record(
        unit, "trail:exported", actor=order.actor, inspection=inspection_of(order.covered.log_id), details=details
    )


def _pieces(order: _Order) -> Generator[bytes, None, None]:
    """The file as it is made; the frozen view is left when the stream is closed."""
    with frozen_view(order.parts.database) as connection, Session(connection) as session:
        rows = _rows(order, connection, session)
        if order.form == "csv":
            made: Iterator[bytes] = csv_pieces(HEADER, (row.cells for row in rows))
        else:
            made = json_pieces(dict(_about(order, session)), rows)
        yield from hold_back(made)


def _workbook_maker(order: _Order) -> Callable[[], Generator[bytes, None, None]]:
    """Read and bound the rows now, so that a refusal comes before the record of an export; make it afterwards."""
    with frozen_view(order.parts.database) as connection, Session(connection) as session:
        rows = list(islice(_rows(order, connection, session), xlsx_export.MOST_ROWS + 1))
        about = [*_about(order, session), ("Entries in this file", f"{len(rows):,}")]
    if len(rows) > xlsx_export.MOST_ROWS:
        raise xlsx_export.too_many()

    def make() -> Generator[bytes, None, None]:
        content = xlsx_export.workbook(about, rows)
        yield from (content[start : start + PIECE_BYTES] for start in range(0, len(content), PIECE_BYTES))

    return make


def _rows(order: _Order, connection: Connection, session: Session) -> Iterator[ExportRow]:
    store = order.parts.trail.store
    found = matching_entries(store, connection, order.covered, order.filters.search())
    return rows_in_words(session, order.parts.catalogue, found)


def _about(order: _Order, session: Session) -> list[tuple[str, str]]:
    """What the file is: log, origin, signed state, filters, when and by whom."""
    covered = order.covered
    catalogue, store = order.parts.catalogue, order.parts.trail.store
    names = load_names(session, catalogue, {covered.log_id, order.actor})
    wanted = {order.filters.person or "", order.filters.document or ""}
    filtered = load_names_in(session, store, catalogue, covered.log_id, wanted)
    return [
        ("What this is", f"An export of the trail of {names(covered.log_id)}"),
        ("Log", covered.log_id),
        ("Origin", covered.origin),
        ("Entries in the log", f"{covered.size:,}"),
        ("Root hash", covered.root.hex()),
        ("Checkpoint", covered.note or "None: nothing of this log was signed yet"),
        ("Filters", say_filters(order.filters, filtered)),
        ("Exported", say_moment(order.at)),
        ("Exported by", f"{names(order.actor)} ({order.actor})"),
        (
            "What it proves",
            "Nothing by itself: anybody can change a file. The evidence bundle of the same log is checked offline.",
        ),
    ]
