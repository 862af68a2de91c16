"""Verifies an export of a log as c2sp.org/tlog-tiles, as a reader who trusts nothing but a key and a policy.

Everything follows from the checkpoint's size. The log is rebuilt from the entry bundles; every tile is compared with
that, and every narrower tile of an earlier export with the one that took its place.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.entry import MAX_ENTRY_BYTES
from audit.errors import BundleError, EvidenceError, NoteError
from audit.kept import KeptCheckpoint, judge_kept, sizes_of
from audit.merkle import EMPTY_ROOT, HASH_BYTES
from audit.note import MAX_NOTE_BYTES, VerifierKey, parse_note, signatures_of, verify_note
from audit.policy import Policy
from audit.reading import EntryNotes
from audit.stored_zip import StoredZip
from audit.tile_builder import Part, TileBuilder, split_bundle
from audit.tile_paths import CHECKPOINT, TILE_WIDTH, TilePath, parse_tile_path, tiles_of
from audit.tile_sources import FolderSource, TileSource

MAX_PART_BYTES: Final = TILE_WIDTH * (MAX_ENTRY_BYTES + 2)
"""The longest that any part of an export can be: an entry bundle full of the longest entries."""


@dataclass(frozen=True, slots=True)
class TilesReport:
    """What a verified export proves: these `tree_size` entries are what `key` signed for.

    `parts` counts the tiles and entry bundles that were compared, `beyond` the files past the checkpoint, which no
    reader looks at; `cosigned` gives each of the policy's witnesses that cosigned the checkpoint its POSIX time (s).
    `went_on` has a sentence for each time that the log went on under a new origin, `kept` the sizes of the kept
    checkpoints that agree.
    """

    key: VerifierKey
    tree_size: int
    root_hash: bytes
    parts: int
    beyond: int
    cosigned: Mapping[str, int]
    went_on: tuple[str, ...] = ()
    kept: tuple[int, ...] = ()


def is_export(path: Path) -> bool:
    """Whether this is to be judged as an export of tiles: a folder or a zip that holds a checkpoint by that name."""
    if path.is_dir():
        return (path / CHECKPOINT).is_file()
    try:
        with StoredZip(path) as source:
            return CHECKPOINT in source.names()
    except BundleError:
        return False


def verify_tiles(
    path: Path, key: VerifierKey | None, policy: Policy | None = None, kept: Sequence[KeptCheckpoint] = ()
) -> TilesReport:
    """Verify the export in this folder or zip, against `key` or a log that `policy` names, and the policy's quorum.

    Raises BundleError when there is no export to judge, or no key to judge it by; EvidenceError, naming the first bad
    entry wherever that can be known, when it does not prove itself or a kept checkpoint contradicts it.
    """
    if path.is_dir():
        return _verify(FolderSource(path), key, policy, kept)
    with StoredZip(path) as source:
        return _verify(source, key, policy, kept)


def _verify(
    source: TileSource, key: VerifierKey | None, policy: Policy | None, kept: Sequence[KeptCheckpoint]
) -> TilesReport:
    names = source.names()
    if CHECKPOINT not in names:
        raise BundleError("It is not an export of a log: it has no checkpoint.")
    present = {parse_tile_path(name) for name in sorted(names - {CHECKPOINT})}
    key, signed, cosigned = _trusted(source.read(CHECKPOINT, MAX_NOTE_BYTES) or b"", key, policy)
    reading = _read(source, signed.size, sizes_of(kept))
    _judge(source, signed, reading)
    required = {(path.level, path.index): path for path in tiles_of(signed.size)}
    earlier = {path for path in present.difference(required.values()) if path.end <= signed.size}
    for path in sorted(earlier, key=str):
        _verify_earlier(source, path, required[path.level, path.index])
    parts = len(required) + len(earlier)
    went_on = tuple(reading.notes.went_on)
    agreeing = judge_kept(kept, key, signed.size, reading.roots, went_on)
    return TilesReport(key, signed.size, signed.root, parts, len(present) - parts, cosigned, went_on, agreeing)


def _trusted(
    content: bytes, key: VerifierKey | None, policy: Policy | None
) -> tuple[VerifierKey, Checkpoint, Mapping[str, int]]:
    """The key that signed, what it signed, and who cosigned that; the key given and the policy must both agree."""
    try:
        note = parse_note(content)
        signed = parse_checkpoint(note.text)
        keys = [key] if key is not None else policy.log_keys(signed.origin) if policy is not None else []
        if not keys and (policy is None or not policy.logs):
            raise BundleError("An export does not hold the log's key. Take it from where the service publishes it.")
        verify_note(note, keys)
        cosigned = {} if policy is None else policy.verify(note)
    except NoteError as error:
        raise EvidenceError(f"The checkpoint proves nothing: {error}") from error
    (_, signed_by), *_ = signatures_of(note, keys)
    if signed_by.name != signed.origin:
        raise EvidenceError(f"The checkpoint is of the log {signed.origin}, the key of {signed_by.name}.")
    return signed_by, signed, cosigned


@dataclass(slots=True)
class _Reading:
    """What was read. `changed` is the first entry whose leaf hash its tile lists otherwise, `roots` those asked for."""

    root: bytes = b""
    roots: dict[int, bytes] = field(default_factory=lambda: {0: EMPTY_ROOT})
    wrong: str = ""
    changed: int | None = None
    notes: EntryNotes = field(default_factory=EntryNotes)
    builder: TileBuilder = field(default_factory=TileBuilder)


def _read(source: TileSource, size: int, wanted: AbstractSet[int]) -> _Reading:
    reading = _Reading()
    for path in tiles_of(size):
        if path.level is not None:
            break
        for index, entry in enumerate(_entries(source, path), path.start):
            for part in reading.builder.append(entry):
                _compare(source, part, reading)
            reading.notes.read(index, entry)
            if index + 1 in wanted:
                reading.roots[index + 1] = reading.builder.root()
    for part in reading.builder.rest():
        _compare(source, part, reading)
    reading.root = reading.builder.root()
    return reading


def _entries(source: TileSource, path: TilePath) -> list[bytes]:
    content = source.read(str(path), MAX_PART_BYTES)
    if content is None:
        raise EvidenceError(f"{path} is missing, and with it the entries {path.start} to {path.end - 1}.")
    return split_bundle(path, content)


def _compare(source: TileSource, part: Part, reading: _Reading) -> None:
    """Keep in `reading` where a tile first differs from what the entries give; level 0 says which entry it is."""
    path, expected = part
    if path.level is None:
        return  # the entries were read from it, to its last byte
    found = source.read(str(path), MAX_PART_BYTES)
    if found is None:
        reading.wrong = reading.wrong or f"{path} is missing"
    elif found != expected:
        first = next((at for at in range(path.width) if _hash_at(found, at) != _hash_at(expected, at)), path.width)
        reading.wrong = reading.wrong or f"{path} is wrong at its hash {first}"
        if reading.changed is None and path.level == 0:
            reading.changed = path.start + first


def _judge(source: TileSource, signed: Checkpoint, reading: _Reading) -> None:
    """Raise EvidenceError, naming the first bad entry as closely as can be known, unless everything agrees."""
    changed = reading.changed
    if reading.root != signed.root:
        if changed is not None and _listed_root(source, signed.size) == signed.root:
            raise EvidenceError(f"Entry {changed} is not the one that was logged: its leaf hash differs.")
        first = "" if changed is None else f" The first that its tile lists otherwise is entry {changed}."
        raise EvidenceError(f"The {signed.size} entries are not those that were signed for.{first}")
    if reading.wrong:
        raise EvidenceError(f"{reading.wrong}; the entries are what the checkpoint states.")
    if reading.notes.unreadable:
        raise EvidenceError(reading.notes.unreadable)


def _listed_root(source: TileSource, size: int) -> bytes | None:
    """The root hash over the leaf hashes as the tiles list them; None when a tile is not whole."""
    builder = TileBuilder()
    for path in tiles_of(size):
        if path.level != 0:
            continue
        content = source.read(str(path), MAX_PART_BYTES)
        if content is None or len(content) != path.width * HASH_BYTES:
            return None
        for at in range(path.width):
            list(builder.append_leaf(_hash_at(content, at)))
    return builder.root()


def _verify_earlier(source: TileSource, path: TilePath, successor: TilePath) -> None:
    """Raise EvidenceError unless a part of an earlier export begins the one that took its place."""
    content = source.read(str(path), MAX_PART_BYTES) or b""
    whole = path.level is None or len(content) == path.width * HASH_BYTES
    if path.level is None:
        split_bundle(path, content)
    if not whole or not (source.read(str(successor), MAX_PART_BYTES) or b"").startswith(content):
        raise EvidenceError(f"{path}, of an earlier export, is not how {successor} begins.")


def _hash_at(content: bytes, place: int) -> bytes:
    return content[place * HASH_BYTES : (place + 1) * HASH_BYTES]
