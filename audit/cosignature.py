"""C2SP cosignatures (c2sp.org/tlog-cosignature, Ed25519): a witness states that it saw a checkpoint, and when.

A cosignature is a signature line of the checkpoint's note. It covers `cosignature/v1`, the time and the whole text, so
neither the time nor the text can be exchanged under it; its key has a type of its own, so that it can never pass for
the signature of a log.
"""

from collections.abc import Sequence
from typing import Final

from audit.checkpoint import parse_checkpoint
from audit.errors import NoteError
from audit.note import (
    COSIGNER,
    Note,
    NoteSigner,
    VerifierKey,
    parse_note,
    signature_line,
    signatures_of,
    verify_signature,
)

__all__ = ["COSIGNER", "cosign", "cosignatures_of", "cosigned_at", "with_signatures"]

MAX_TIME: Final = 2**63 - 1
_TIME_BYTES: Final = 8
_SIGNATURE_BYTES: Final = 64


def cosign(text: str, name: str, signer: NoteSigner, time: int) -> str:
    """One signature line, with its newline: `signer`, called `name`, states at POSIX `time` (s) that it saw this.

    `text` is the text of a checkpoint's note. Raises NoteError for any other text, and for a time out of range. Whether
    the checkpoint may be cosigned at all is for the caller to have judged.
    """
    parse_checkpoint(text)
    if not 0 <= time <= MAX_TIME:
        raise NoteError("The time of a cosignature is a POSIX time of 63 bits.")
    key = VerifierKey(name, signer.public_key_bytes, COSIGNER)
    return signature_line(key, time.to_bytes(_TIME_BYTES, "big") + signer.sign(_message(text, time)))


def cosigned_at(note: Note, keys: Sequence[VerifierKey]) -> dict[VerifierKey, int]:
    """For each of these keys that cosigned the note, its POSIX time (s); of several, the latest.

    Raises NoteError when a cosignature of one of these keys is false, or the note is no checkpoint. Others are ignored.
    """
    parse_checkpoint(note.text)
    times: dict[VerifierKey, int] = {}
    for signature, key in signatures_of(note, [key for key in keys if key.kind == COSIGNER]):
        if len(signature.signature) != _TIME_BYTES + _SIGNATURE_BYTES:
            raise NoteError(f"The cosignature of {key.name} is not a time and an Ed25519 signature.")
        time = int.from_bytes(signature.signature[:_TIME_BYTES], "big")
        if time > MAX_TIME:
            raise NoteError(f"The cosignature of {key.name} bears a time out of range.")
        verify_signature(key, signature.signature[_TIME_BYTES:], _message(note.text, time))
        times[key] = max(time, times.get(key, 0))
    return times


def cosignatures_of(note: Note, keys: Sequence[VerifierKey]) -> dict[str, int]:
    """The name of each of these cosigners that cosigned the note, and its POSIX time (s).

    Raises NoteError as `cosigned_at` does, and for two keys of one name: the answer could not tell them apart.
    """
    if len({key.name for key in keys}) != len(set(keys)):
        raise NoteError("Two of the cosigners' keys bear the same name.")
    return {key.name: time for key, time in cosigned_at(note, keys).items()}


def with_signatures(note: str, lines: Sequence[str]) -> str:
    """The note with these signature lines after its own, each once.

    Raises NoteError unless every line is one signature line with its newline and the note stays well formed.
    """
    present = {f"{line}\n" for line in note.rpartition("\n\n")[2].split("\n")[:-1]}
    added = [line for line in dict.fromkeys(lines) if line not in present]
    if any(line.count("\n") != 1 or not line.endswith("\n") for line in added):
        raise NoteError("A signature line is one line with its newline.")
    whole = note + "".join(added)
    parse_note(whole)
    return whole


def _message(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()
