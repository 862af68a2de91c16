"""The evidence bundle as a stream: written by one thread, read by the response, with a pipe's few pages between.

Promises: the export is recorded, and the log's state signed, before the first byte; memory stays bounded for a log of
any length; a bundle that cannot be finished breaks the download off, so that half of one never passes for a whole.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from typing import IO, Self

from audit.bundle import write_bundle
from audit.errors import AuditError
from audit.tiles import write_tiles
from exchange import trail
from exchange.errors import ConflictError
from exchange.oversight.logs import frozen_view, inspection_of
from exchange.parts import Parts

PIECE_BYTES = 64 * 1024

NOTHING_SIGNED = (
    "The log’s state could not be signed, and nothing was signed before, so there is no evidence to export. Nothing "
    "was changed. Verify the log: the result says what is wrong."
)


Writer = Callable[[Parts, str, IO[bytes]], None]


class ExportBrokenOffError(Exception):
    """The bundle could not be finished; the download breaks off."""


class EvidenceStream:
    """The bytes of one bundle, for the server to iterate and close; it holds a turn of the person's downloads."""

    def __init__(self, pieces: Generator[bytes, None, None], give_back: Callable[[], None]) -> None:
        self._pieces = pieces
        self._give_back = give_back

    def __iter__(self) -> Self:
        """The stream itself."""
        return self

    def __next__(self) -> bytes:
        """The next piece. Raises ExportBrokenOffError when the bundle could not be finished."""
        return next(self._pieces)

    def close(self) -> None:
        """Let go of the log and of the turn; the server calls this however the download ended."""
        try:
            self._pieces.close()
        finally:  # also when the database is gone
            self._give_back()


def export_evidence(parts: Parts, log_id: str, *, actor: str) -> EvidenceStream:
    """Sign the log's state, record `evidence:exported`, and return the bundle's bytes as they are written.

    A damaged log is exported up to its latest checkpoint: that is when evidence is wanted most.

    Raises:
        ConflictError: nothing was ever signed, and cannot be now.
        BusyError: this person has as many downloads under way as they may: each holds a connection to the database.
    """
    return _export(parts, log_id, "evidence:exported", {}, _write_bundle, actor)


def export_tiles(parts: Parts, log_id: str, *, actor: str) -> EvidenceStream:
    """The same as c2sp.org/tlog-tiles in a zip, which any standard client of such logs reads; `log:exported`."""
    return _export(parts, log_id, "log:exported", {"form": "tlog-tiles"}, _write_tiles, actor)


def _export(
    parts: Parts, log_id: str, event: str, form: Mapping[str, trail.DetailValue], write: Writer, actor: str
) -> EvidenceStream:
    with ExitStack() as undo:
        give_back = parts.turns.take("download", actor)
        undo.callback(give_back)
        _record(parts, log_id, event, form, actor)
        undo.pop_all()
    return EvidenceStream(_stream(parts, log_id, write), give_back)


def _record(parts: Parts, log_id: str, event: str, form: Mapping[str, trail.DetailValue], actor: str) -> None:
    _sign_if_possible(parts, log_id)
    inspection = inspection_of(log_id)
    with parts.database.unit_of_work() as unit:
        checkpoint = parts.trail.store.latest_checkpoint(unit.session.connection(), log_id)
        if checkpoint is None:
            raise ConflictError(NOTHING_SIGNED)
        details: dict[str, trail.DetailValue] = {"tree_size": checkpoint.tree_size, **form}
        trail.record(unit, event, actor=actor, inspection=inspection, details=details)


def _sign_if_possible(parts: Parts, log_id: str) -> None:
    try:
        with parts.database.unit_of_work() as unit:
            parts.trail.log.sign_checkpoint(unit.session.connection(), log_id)
    except AuditError:
        return


def _stream(parts: Parts, log_id: str, write: Writer) -> Generator[bytes, None, None]:
    reading, writing = os.pipe()
    failures: list[BaseException] = []
    writer = threading.Thread(
        target=_write, args=(parts, log_id, write, writing, failures), name="evidence-writer", daemon=True
    )
    writer.start()
    try:
        with os.fdopen(reading, "rb", buffering=0) as source:
            while piece := source.read(PIECE_BYTES):
                yield piece
    finally:
        writer.join()
    if failures:
        raise ExportBrokenOffError("the evidence bundle could not be finished") from failures[0]


def _write(parts: Parts, log_id: str, write: Writer, writing: int, failures: list[BaseException]) -> None:
    try:
        with os.fdopen(writing, "wb", buffering=PIECE_BYTES) as out:
            write(parts, log_id, out)
    except BrokenPipeError:
        return  # whoever asked has gone away
    except BaseException as error:  # noqa: BLE001  handed to the thread that answers
        failures.append(error)


def _write_bundle(parts: Parts, log_id: str, out: IO[bytes]) -> None:
    with frozen_view(parts.database) as connection:
        key = parts.trail.log.verifier_key(connection, log_id)
        write_bundle(parts.trail.store, key.public_key, connection, log_id, out)


def _write_tiles(parts: Parts, log_id: str, out: IO[bytes]) -> None:
    with frozen_view(parts.database) as connection:
        key = parts.trail.log.verifier_key(connection, log_id)
        write_tiles(parts.trail.store, connection, log_id, key, out)
