"""Holds a checkpoint that somebody kept, as a plain signed note, against the evidence of a log that is proved already.

It agrees when the log's key signed it under the log's origin, and the first entries of the evidence, as many as it
counts, have its root hash.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.errors import EvidenceError, NoteError
from audit.note import Note, VerifierKey, parse_note, verify_note


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A checkpoint as it was kept; its signatures are not verified yet. `name` is what the reader calls it."""

    name: str
    note: Note
    checkpoint: Checkpoint


def parse_kept(name: str, content: bytes) -> KeptCheckpoint:
    """The checkpoint in a file of this name. Raises NoteError unless that is a signed note and nothing else."""
    try:
        note = parse_note(content)
        return KeptCheckpoint(name, note, parse_checkpoint(note.text))
    except NoteError as error:
        raise NoteError(f"{name} is no signed checkpoint: {error}") from error


def sizes_of(kept: Iterable[KeptCheckpoint]) -> set[int]:
    """The sizes at which the evidence's root hash has to be known."""
    return {each.checkpoint.size for each in kept}


def judge_kept(
    kept: Iterable[KeptCheckpoint], key: VerifierKey, size: int, roots: Mapping[int, bytes], went_on: Sequence[str]
) -> tuple[int, ...]:
    """The sizes of these checkpoints, ascending, each of which agrees with the evidence.

    `key` is the one that signed the evidence of `size` entries, `roots` its root hash at each size up to that, and
    `went_on` says where the log went on under a new origin. Raises EvidenceError for the first that does not agree.
    """
    for each in kept:
        _require_signed(each, key, went_on)
        _require_agreement(each, size, roots)
    return tuple(sorted(sizes_of(kept)))


def _require_signed(kept: KeptCheckpoint, key: VerifierKey, went_on: Sequence[str]) -> None:
    origin = kept.checkpoint.origin
    if origin != key.name:
        reason = f"The checkpoint that you kept ({kept.name}) is of the log {origin}; the evidence is of {key.name}."
        raise EvidenceError(" ".join([reason, *went_on]))
    try:
        verify_note(kept.note, [key])
    except NoteError as error:
        raise EvidenceError(
            f"The checkpoint that you kept ({kept.name}) is not signed by the key of the evidence: {error}"
        ) from error


def _require_agreement(kept: KeptCheckpoint, size: int, roots: Mapping[int, bytes]) -> None:
    counted = kept.checkpoint.size
    if counted > size:
        raise EvidenceError(
            f"The checkpoint that you kept ({kept.name}) counts {counted} entries; the evidence has {size}: entries "
            "are missing, or the evidence is older than the checkpoint."
        )
    if roots[counted] != kept.checkpoint.root:
        raise EvidenceError(
            f"The checkpoint that you kept ({kept.name}) does not fit: the first {counted} entries of the evidence are "
            "not those that it was signed for. The log's key signed two different logs: keep both files."
        )
