"""A whole log as c2sp.org/tlog-tiles, which any standard client reads: as one zip, or as a folder that grows.

The log is rebuilt from its entries while it is written, so an export that ends well is what the checkpoint signs for.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import IO, TypeVar

from audit.checkpoint import Checkpoint, open_checkpoint
from audit.cosignature import with_signatures
from audit.errors import LogDamagedError, NoteError, ProofError, UnknownLogError
from audit.note import VerifierKey
from audit.proof import verify_consistency
from audit.store import LogStore, StoredEntry
from audit.tile_builder import TileBuilder
from audit.tile_sinks import FolderSink, TilesFolderError, TileSink, ZipSink, read_checkpoint
from audit.tiles_check import TilesReport, is_export, verify_tiles

__all__ = ["TilesFolderError", "TilesReport", "is_export", "verify_tiles", "write_tiles"]

ConnectionT = TypeVar("ConnectionT")


def write_tiles(
    store: LogStore[ConnectionT], connection: ConnectionT, log_id: str, key: VerifierKey, out: Path | IO[bytes]
) -> Checkpoint:
    """Export the log up to its latest checkpoint to a folder or, as a zip, to a stream; memory stays bounded.

    `key` is the log's, under its present origin. The checkpoint carries the cosignatures that came for it. Every entry
    is read each time, and every file that a folder's checkpoint covers is compared. Raises UnknownLogError when nothing
    was signed yet, LogDamagedError when what is stored is not what was signed for, TilesFolderError when the folder
    holds something else, or the export of an earlier origin.
    """
    note = _latest_note(store, connection, log_id)
    try:
        signed = open_checkpoint(note, key)
    except NoteError as error:
        raise LogDamagedError(f"The latest checkpoint of the log {log_id} cannot be exported: {error}") from error
    entries = store.entries(connection, log_id, 0, signed.size)
    if isinstance(out, Path):
        _export(entries, signed, note, FolderSink(out, _covered(store, connection, log_id, key, out, signed)))
    else:
        with ZipSink(out) as sink:
            _export(entries, signed, note, sink)
    return signed


def _latest_note(store: LogStore[ConnectionT], connection: ConnectionT, log_id: str) -> str:
    """The latest checkpoint that was signed under the log's present origin, cosigned as far as witnesses did."""
    *earlier, origin = store.origins(connection, log_id)
    latest = store.latest_checkpoint(connection, log_id)
    if latest is None or (earlier and latest.tree_size <= origin.from_size):
        raise UnknownLogError(f"The log {log_id} has no signed checkpoint yet, so there is nothing to export.")
    lines = [cosignature.line for cosignature in store.cosignatures(connection, log_id, latest.tree_size)]
    try:
        return with_signatures(latest.note, lines)
    except NoteError as error:
        raise LogDamagedError(f"The latest checkpoint of the log {log_id} cannot be exported: {error}") from error


def _export(entries: Iterable[StoredEntry], signed: Checkpoint, note: str, sink: TileSink) -> None:
    builder = TileBuilder()
    for stored in entries:
        for path, content in builder.append(stored.encoded):
            sink.add(path, content)
    if builder.root() != signed.root:
        raise LogDamagedError(
            f"The entries of the log {signed.origin} are not what its checkpoint of {signed.size} entries signs for. "
            "No checkpoint was exported. Run the log check."
        )
    for path, content in builder.rest():
        sink.add(path, content)
    sink.finish(note)


def _covered(
    store: LogStore[ConnectionT],
    connection: ConnectionT,
    log_id: str,
    key: VerifierKey,
    folder: Path,
    signed: Checkpoint,
) -> int:
    """How many entries the folder holds for good; raises TilesFolderError unless the log extends them."""
    note = read_checkpoint(folder)
    if note is None:
        return 0
    try:
        present = open_checkpoint(note, key)
        if present.size > 0:
            proof = store.consistency_proof(connection, log_id, present.size, signed.size)
            verify_consistency(present.size, signed.size, present.root, signed.root, proof)
    except (NoteError, ProofError) as error:
        raise TilesFolderError(
            f"The folder {folder} holds something that the log {log_id} does not extend: {error} "
            "Nothing was changed. Keep the folder: one of the two was tampered with, or it is of another log."
        ) from error
    return present.size
