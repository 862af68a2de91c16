"""C2SP proofs of inclusion (c2sp.org/tlog-proof): the place of an entry, its Merkle path, and a signed checkpoint.

One proof has one valid byte sequence. The extra data is authenticated by nothing and belongs to whoever put it there;
parsing verifies neither path nor signatures.
"""

import base64
import re
from dataclasses import dataclass
from typing import Final

from audit.checkpoint import parse_checkpoint
from audit.errors import NoteError, ReceiptError
from audit.merkle import HASH_BYTES
from audit.note import MAX_NOTE_BYTES, decode_base64, parse_note
from audit.proof import Proof

MAGIC: Final = b"c2sp.org/tlog-proof@v1\n"
SUFFIX: Final = ".tlog-proof"
MAX_HASHES: Final = 63
MAX_EXTRA_BYTES: Final = 512 * 1024
MAX_PROOF_BYTES: Final = 1024 * 1024
"""The longest file; checked before anything is read out of it."""

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
_EXTRA: Final = "extra "


@dataclass(frozen=True, slots=True)
class TlogProof:
    """The entry at `index` is under the checkpoint in `note` (its signatures included) by the path `hashes`.

    `extra` is empty where there is none. Raises ReceiptError for what the format cannot hold.
    """

    index: int
    hashes: Proof
    note: str
    extra: bytes = b""

    def __post_init__(self) -> None:
        if self.index < 0 or len(str(self.index)) > len(str(2**63)):
            raise ReceiptError("The index of an entry is a number from 0 of at most 19 digits.")
        if len(self.hashes) > MAX_HASHES or any(len(value) != HASH_BYTES for value in self.hashes):
            raise ReceiptError(f"A proof has at most {MAX_HASHES} hashes of {HASH_BYTES} bytes.")
        if len(self.extra) > MAX_EXTRA_BYTES or len(self.note) > MAX_NOTE_BYTES:
            raise ReceiptError("The proof is too long.")

    def encode(self) -> bytes:
        """The file's bytes."""
        extra = [_EXTRA + _base64(self.extra)] if self.extra else []
        lines = [*extra, f"index {self.index}", *map(_base64, self.hashes)]
        return MAGIC + ("\n".join(lines) + "\n\n" + self.note).encode()


def parse_tlog_proof(content: bytes) -> TlogProof:
    """The proof in these bytes. Raises ReceiptError unless they are one, to the byte, with a well-formed checkpoint."""
    if len(content) > MAX_PROOF_BYTES:
        raise ReceiptError(f"A proof has at most {MAX_PROOF_BYTES} bytes.")
    if not content.startswith(MAGIC):
        raise ReceiptError("The file does not begin as a c2sp.org/tlog-proof@v1.")
    head, separator, note = content.removeprefix(MAGIC).partition(b"\n\n")
    if not separator:
        raise ReceiptError("The proof has no empty line before its checkpoint.")
    try:
        parse_checkpoint(parse_note(note).text)
        return _proof(head.decode("ascii").split("\n"), note.decode())
    except (NoteError, UnicodeDecodeError) as error:
        raise ReceiptError(f"The proof cannot be read. {_sentence(error)}") from error


def _proof(lines: list[str], note: str) -> TlogProof:
    extra = b""
    if lines[0].startswith(_EXTRA):
        extra = decode_base64(lines.pop(0).removeprefix(_EXTRA))
        if not extra or not lines:
            raise ReceiptError("The proof's extra data is empty, or nothing follows it.")
    index = _INDEX.fullmatch(lines[0])
    if index is None:
        raise ReceiptError("The proof does not say the index of its entry in the one valid form.")
    return TlogProof(int(index[1]), tuple(decode_base64(line) for line in lines[1:]), note, extra)


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, NoteError) else "It holds characters that no proof has."


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
