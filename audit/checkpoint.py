"""C2SP checkpoints (c2sp.org/tlog-checkpoint): a log's origin, size and root hash, as the text of a signed note.

The key that signs a checkpoint bears the log's origin as its name, so one Ed25519 key serves many logs and a
checkpoint of one can never pass for a checkpoint of another.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from audit.errors import NoteError
from audit.merkle import HASH_BYTES
from audit.note import NoteSigner, VerifierKey, parse_note, require_key_name, sign_note, verify_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_LINES = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: `size` entries whose root hash (32 bytes) is `root`; extension lines are not used by us.

    Raises NoteError for an origin that no key can be named after, a negative size or a root of another length.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_key_name(self.origin)
        if self.size < 0 or len(self.root) != HASH_BYTES:
            raise NoteError("A checkpoint has a size of zero or more and a root hash of 32 bytes.")
        if any(not line or "\n" in line for line in self.extensions):
            raise NoteError("An extension line of a checkpoint is not empty and is one line.")

    def text(self) -> str:
        """The text of the note that is signed."""
        root = base64.b64encode(self.root).decode()
        return "\n".join([self.origin, str(self.size), root, *self.extensions]) + "\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in the text of a note. Raises NoteError unless it is in its one valid form."""
    lines = text.split("\n")
    if lines.pop() != "" or len(lines) < _LINES or not _SIZE.fullmatch(lines[1]):
        raise NoteError("A checkpoint has a line with its origin, one with its size and one with its root hash.")
    try:
        root = base64.b64decode(lines[2].encode("ascii"), validate=True)
    except (UnicodeError, binascii.Error) as error:
        raise NoteError("The root hash of the checkpoint is not base64.") from error
    checkpoint = Checkpoint(lines[0], int(lines[1]), root, tuple(lines[_LINES:]))
    if checkpoint.text() != text:
        raise NoteError("The checkpoint is not in its one valid form.")
    return checkpoint


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> str:
    """The signed note of this checkpoint, by a key under the log's origin."""
    return sign_note(checkpoint.text(), checkpoint.origin, signer)


def open_checkpoint(note: str | bytes, key: VerifierKey) -> Checkpoint:
    """The checkpoint of the log that `key` belongs to.

    Raises NoteError unless the note is well formed, signed by `key`, and its origin is the key's name.
    """
    parsed = parse_note(note)
    verify_note(parsed, [key])
    checkpoint = parse_checkpoint(parsed.text)
    if checkpoint.origin != key.name:
        raise NoteError(f"The checkpoint is of the log {checkpoint.origin}, the key of {key.name}.")
    return checkpoint
