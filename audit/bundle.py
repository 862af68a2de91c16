"""Evidence that a person verifies on a laptop, without us: writing it, and verifying it.

A bundle is a log up to its latest signed checkpoint: every entry in its exact bytes, the leaf hashes (so that a changed
entry can be named), every checkpoint signed so far with what witnesses signed under it, and the public key. It needs no
server and no database.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, TypeVar

from audit.checkpoint import Checkpoint, open_checkpoint
from audit.cosignature import with_signatures
from audit.entry import MAX_ENTRY_BYTES
from audit.errors import BundleError, EvidenceError, LogDamagedError, NoteError, UnknownLogError
from audit.evidence import (
    ENTRIES,
    LEAF_HASHES,
    README,
    VKEY,
    BundleReader,
    BundleWriter,
    checkpoint_name,
)
from audit.kept import KeptCheckpoint, judge_kept, sizes_of
from audit.merkle import HASH_BYTES, Frontier, leaf_hash
from audit.note import VerifierKey, parse_note, parse_verifier_key
from audit.policy import Policy
from audit.reading import EntryNotes
from audit.store import LogStore, StoredCheckpoint

ConnectionT = TypeVar("ConnectionT")

_README_TEXT: Final = """\
Evidence from the log {origin}

This file holds the first {size} entries of the log, as the signed checkpoint {checkpoint} counts them.

  entries.jsonl     one entry a line, in the exact bytes that were logged
  leaf-hashes.txt   the SHA-256 leaf hash of each entry, in hexadecimal, one a line
  checkpoints/      every state of the log that was signed, as C2SP signed notes (c2sp.org/tlog-checkpoint)
  log.vkey          the public key that the checkpoints are signed with (c2sp.org/signed-note)

To verify it, with Python 3.11 or later and this software:

  python -m audit verify FILE --key VKEY

Take VKEY from where the service publishes it, not from this file: a forger would put a key of their own here.
Entries name people and documents by opaque identifiers. The names are kept beside the log, where they can be erased.
"""

_CONTINUED_TEXT: Final = """
Up to {size} entries this log bore another origin. The checkpoints signed under that are not in this file; the entries
are, and the checkpoints here count them too.
"""


@dataclass(frozen=True, slots=True)
class BundleSummary:
    """What was put into a bundle: the log's origin, the number of entries, and their root hash."""

    origin: str
    tree_size: int
    root_hash: bytes


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What a verified bundle proves: these `tree_size` entries are what `key` signed for, at every checkpoint.

    `cosigned` gives each witness of the policy that saw the latest checkpoint, and its POSIX time (s). `went_on` has a
    sentence for each time that the log went on under a new origin, `kept` the sizes of the kept checkpoints that agree.
    """

    key: VerifierKey
    tree_size: int
    root_hash: bytes
    checkpoint_sizes: tuple[int, ...]
    cosigned: Mapping[str, int] = field(default_factory=dict)
    went_on: tuple[str, ...] = ()
    kept: tuple[int, ...] = ()


def write_bundle(
    store: LogStore[ConnectionT], public_key: bytes, connection: ConnectionT, log_id: str, out: IO[bytes]
) -> BundleSummary:
    """Write the log up to its latest checkpoint to `out`, which need not be seekable; memory stays bounded.

    The checkpoints are those of the log's present origin, each with the cosignatures that came for it. Raises
    UnknownLogError when nothing was signed yet, LogDamagedError when an entry is missing or a cosignature is malformed.
    """
    *earlier, origin = store.origins(connection, log_id)
    since = origin.from_size if earlier else -1
    checkpoints = store.checkpoints(connection, log_id, since)
    if not checkpoints:
        raise UnknownLogError(f"The log {log_id} has no signed checkpoint yet, so there is nothing to prove.")
    latest = checkpoints[-1]
    key = VerifierKey(origin.origin, public_key)
    with BundleWriter(out) as bundle:
        name = checkpoint_name(latest.tree_size)
        readme = _README_TEXT.format(origin=key.name, size=latest.tree_size, checkpoint=name)
        bundle.add(README, readme + (_CONTINUED_TEXT.format(size=since) if earlier else ""))
        bundle.add(VKEY, f"{key}\n")
        with bundle.open_member(ENTRIES) as member:
            for stored in store.entries(connection, log_id, 0, latest.tree_size):
                member.write(stored.encoded + b"\n")
        with bundle.open_member(LEAF_HASHES) as member:
            for stored in store.entries(connection, log_id, 0, latest.tree_size):
                member.write(stored.leaf_hash.hex().encode() + b"\n")
        for checkpoint in checkpoints:
            bundle.add(checkpoint_name(checkpoint.tree_size), _cosigned(store, connection, checkpoint))
    return BundleSummary(key.name, latest.tree_size, latest.root_hash)


def _cosigned(store: LogStore[ConnectionT], connection: ConnectionT, checkpoint: StoredCheckpoint) -> str:
    lines = [each.line for each in store.cosignatures(connection, checkpoint.log_id, checkpoint.tree_size)]
    try:
        return with_signatures(checkpoint.note, lines)
    except NoteError as error:
        raise LogDamagedError(
            f"What is kept under the checkpoint of {checkpoint.tree_size} entries is no signed note: {error} "
            "Run the log check."
        ) from error


def verify_bundle(
    path: Path,
    key: VerifierKey | None = None,
    policy: Policy | None = None,
    kept: Sequence[KeptCheckpoint] = (),
) -> BundleReport:
    """Verify a bundle against `key` or, proving less, against the key inside it; its latest state against a policy.

    Raises BundleError when the file is not a bundle, EvidenceError when it is one that does not prove itself, that the
    policy does not accept, or that a kept checkpoint contradicts; the message names the first bad entry wherever that
    can be known.
    """
    with BundleReader(path) as bundle:
        key = _trusted_key(bundle, key, policy)
        checkpoints = _checkpoints(bundle, key)
        latest = checkpoints[-1]
        cosigned = {} if policy is None else _seen_by(bundle.read(checkpoint_name(latest.size)), policy)
        sizes = tuple(checkpoint.size for checkpoint in checkpoints)
        reading = _read_entries(bundle, latest.size, sizes_of(kept).union(sizes))
        _judge(checkpoints, reading)
        went_on = tuple(reading.notes.went_on)
        agreeing = judge_kept(kept, key, latest.size, reading.of_entries, went_on)
        return BundleReport(key, latest.size, latest.root, sizes, cosigned, went_on, agreeing)


def _seen_by(note: bytes, policy: Policy) -> Mapping[str, int]:
    try:
        return policy.verify(parse_note(note))
    except NoteError as error:
        raise EvidenceError(f"The latest checkpoint is not what the policy asks for: {error}") from error


def _trusted_key(bundle: BundleReader, key: VerifierKey | None, policy: Policy | None) -> VerifierKey:
    try:
        enclosed = parse_verifier_key(bundle.read(VKEY).decode().removesuffix("\n"))
    except (NoteError, UnicodeDecodeError) as error:
        raise EvidenceError(f"The public key in the bundle cannot be read: {error}") from error
    if key is not None and enclosed != key:
        raise EvidenceError(f"The bundle comes with the key {enclosed}, not with the key you trust, {key}.")
    if policy is not None and policy.logs and enclosed not in policy.log_keys(enclosed.name):
        raise EvidenceError(f"The bundle comes with the key {enclosed}, which the policy does not name.")
    return enclosed


def _checkpoints(bundle: BundleReader, key: VerifierKey) -> list[Checkpoint]:
    """Every checkpoint, smallest first; each signed by the key and filed under its size."""
    checkpoints = []
    for name in bundle.checkpoint_names():
        try:
            checkpoint = open_checkpoint(bundle.read(name), key)
        except NoteError as error:
            raise EvidenceError(f"The checkpoint {name} proves nothing: {error}") from error
        if checkpoint_name(checkpoint.size) != name:
            raise EvidenceError(f"The checkpoint {name} is of another size, {checkpoint.size}.")
        checkpoints.append(checkpoint)
    if not checkpoints:
        raise BundleError("The file is not an evidence bundle: it has no checkpoint.")
    return checkpoints


@dataclass(slots=True)
class _Reading:
    """What was read: the roots at each size, over entries and over listed leaf hashes, and the first that differ."""

    of_entries: dict[int, bytes]
    of_listed: dict[int, bytes]
    first_changed: int | None = None
    notes: EntryNotes = field(default_factory=EntryNotes)


def _read_entries(bundle: BundleReader, size: int, wanted: set[int]) -> _Reading:
    """Rebuild the tree from the entries, and again from the listed leaf hashes, keeping the roots at wanted sizes."""
    entries, listed_entries = Frontier(), Frontier()
    reading = _Reading({0: entries.root()}, {0: entries.root()})
    listed_hashes = _leaf_hashes(bundle)
    for index, line in enumerate(bundle.lines(ENTRIES, MAX_ENTRY_BYTES)):
        leaf, listed = leaf_hash(line), next(listed_hashes, bytes(HASH_BYTES))
        if leaf != listed and reading.first_changed is None:
            reading.first_changed = index
        reading.notes.read(index, line)
        entries.append(leaf)
        listed_entries.append(listed)
        if index + 1 in wanted:
            reading.of_entries[index + 1] = entries.root()
            reading.of_listed[index + 1] = listed_entries.root()
    if next(listed_hashes, None) is not None or entries.size != size:
        raise EvidenceError(f"The checkpoint counts {size} entries; the bundle holds {entries.size}.")
    return reading


def _judge(checkpoints: list[Checkpoint], reading: _Reading) -> None:
    """Raise EvidenceError, naming the first bad entry as closely as can be known, unless everything agrees."""
    good = [signed.size for signed in checkpoints if reading.of_entries[signed.size] == signed.root]
    first, latest = reading.first_changed, checkpoints[-1]
    if len(good) < len(checkpoints):
        if first is not None and reading.of_listed[latest.size] == latest.root:
            raise EvidenceError(f"Entry {first} is not the one that was logged: its leaf hash differs.")
        since = first if first is not None else max(good, default=0)
        raise EvidenceError(f"The entries are not those that were signed for, from entry {since} on or later.")
    if first is not None:
        raise EvidenceError(f"Leaf hash {first} of the list is wrong; the entries are what the checkpoints state.")
    if reading.notes.unreadable:
        raise EvidenceError(reading.notes.unreadable)


def _leaf_hashes(bundle: BundleReader) -> Iterator[bytes]:
    for line in bundle.lines(LEAF_HASHES, 2 * HASH_BYTES):
        try:
            listed = bytes.fromhex(line.decode("ascii"))
        except ValueError:
            listed = b""
        yield listed if listed.hex().encode() == line and len(listed) == HASH_BYTES else bytes(HASH_BYTES)
