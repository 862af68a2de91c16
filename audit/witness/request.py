"""The body of an add-checkpoint request (c2sp.org/tlog-witness): written by a log, read strictly by a witness."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.errors import NoteError
from audit.merkle import HASH_BYTES
from audit.note import Note, parse_note
from audit.proof import Proof
from audit.witness.errors import MalformedRequestError

MAX_REQUEST_BYTES: Final = 64 * 1024
"""A proof of 63 hashes and a checkpoint with 32 signatures of any kind fit five times."""

MAX_PROOF_LINES: Final = 63
MAX_SIZE: Final = 2**63 - 1

_OLD = re.compile(rb"old (?P<size>0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A log asks: cosign `signed`, which by `proof` extends the state of `old_size` that you cosigned last."""

    old_size: int
    proof: Proof
    signed: str
    note: Note
    checkpoint: Checkpoint


def format_request(old_size: int, proof: Proof, signed: str) -> bytes:
    """The body that asks for a cosignature of the signed note."""
    lines = [f"old {old_size}", *(base64.b64encode(each).decode() for each in proof)]
    return ("\n".join(lines) + "\n\n" + signed).encode()


def parse_request(body: bytes) -> AddCheckpoint:
    """The request in this body. Raises MalformedRequestError unless every byte is as the format says.

    The checkpoint's signatures are not verified here, nor is the proof.
    """
    if len(body) > MAX_REQUEST_BYTES:
        raise MalformedRequestError(f"The request is longer than {MAX_REQUEST_BYTES} bytes.")
    head, separator, signed = body.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    match = _OLD.fullmatch(first)
    if not separator or not match:
        raise MalformedRequestError("The request is the old size, the proof, an empty line and the checkpoint.")
    if len(lines) > MAX_PROOF_LINES:
        raise MalformedRequestError(f"The proof has more than {MAX_PROOF_LINES} hashes.")
    try:
        note = parse_note(signed)
        checkpoint = parse_checkpoint(note.text)
    except NoteError as error:
        raise MalformedRequestError(f"The checkpoint cannot be read. {error}") from error
    old_size = int(match["size"])
    if max(old_size, checkpoint.size) > MAX_SIZE:
        raise MalformedRequestError("The request holds a size that no log can have.")
    return AddCheckpoint(old_size, tuple(_hash(line) for line in lines), signed.decode(), note, checkpoint)


def _hash(line: bytes) -> bytes:
    try:
        value = base64.b64decode(line, validate=True)
    except binascii.Error as error:
        raise MalformedRequestError("A line of the proof is not base64.") from error
    if len(value) != HASH_BYTES or base64.b64encode(value) != line:
        raise MalformedRequestError("A line of the proof is not the base64 of 32 bytes.")
    return value
