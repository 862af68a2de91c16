"""C2SP signed notes (c2sp.org/signed-note) with Ed25519 signatures, and verifier keys as text.

Parsing is strict: one note has one valid byte sequence. Signatures of unknown keys are kept and ignored, a signature
of a known key that does not verify refuses the whole note.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.errors import NoteError

MAX_NOTE_BYTES: Final = 256 * 1024
MAX_SIGNATURES: Final = 64
"""A log's own and 63 cosigners': more than a policy names, few enough that a hostile note costs nothing."""

ED25519: Final = 0x01
COSIGNER: Final = 0x04
"""The type of a key that cosigns other people's checkpoints (c2sp.org/tlog-cosignature)."""

_KINDS: Final = {ED25519: "an Ed25519 key of a log", COSIGNER: "an Ed25519 key of a cosigner"}
_PUBLIC_KEY_BYTES: Final = 32
_KEY_ID_BYTES: Final = 4
_MARK: Final = "\u2014 "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")  # and half a character, which no UTF-8 has
_VKEY = re.compile(r"(?P<name>[^+]+)\+(?P<key_id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/=]+)")


class NoteSigner(Protocol):
    """What the log needs of a signing key: Ed25519 over the bytes, and the 32 raw bytes of the public key."""

    @property
    def public_key_bytes(self) -> bytes:
        """The public key as RFC 8032 encodes it."""

    def sign(self, message: bytes, /) -> bytes:
        """The 64-byte Ed25519 signature."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """An Ed25519 public key under a name. Its text is `<name>+<key id in hex>+<base64(kind || key)>`.

    `kind` says what it signs: ED25519 a note's text, COSIGNER a timestamped statement about it. Raises NoteError for a
    name that is empty or holds white space or a plus sign, a key that is not 32 bytes, or another kind.
    """

    name: str
    public_key: bytes
    kind: int = ED25519

    def __post_init__(self) -> None:
        require_key_name(self.name)
        if len(self.public_key) != _PUBLIC_KEY_BYTES:
            raise NoteError("An Ed25519 public key has 32 bytes.")
        if self.kind not in _KINDS:
            raise NoteError("A verifier key is an Ed25519 key of a log (type 1) or of a cosigner (type 4).")

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || kind || public key), its first four bytes."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._typed_key).digest()[:_KEY_ID_BYTES]

    @property
    def _typed_key(self) -> bytes:
        return bytes([self.kind]) + self.public_key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self._typed_key).decode()}"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: the key's name, its four-byte id and the raw signature."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and its signatures; nothing is verified yet."""

    text: str
    signatures: tuple[NoteSignature, ...]


def parse_verifier_key(text: str, kind: int = ED25519) -> VerifierKey:
    """The key in its text form. Raises NoteError unless name, id and key belong together and it is of this kind."""
    match = _VKEY.fullmatch(text)
    if not match:
        raise NoteError("A verifier key is written <name>+<8 hexadecimal digits>+<base64>.")
    encoded = decode_base64(match["key"])
    if encoded[:1] != bytes([kind]):
        raise NoteError(f"The verifier key is not {_KINDS[kind]}.")
    key = VerifierKey(match["name"], encoded[1:], kind)
    if str(key) != text:
        raise NoteError("The verifier key's id does not belong to its name and key; it may have been mistyped.")
    return key


def sign_note(text: str, name: str, signer: NoteSigner) -> str:
    """The text with one signature line by `signer` under `name`. Raises NoteError for a text no note may hold."""
    _require_text(text)
    key = VerifierKey(name, signer.public_key_bytes)
    return f"{text}\n{signature_line(key, signer.sign(text.encode()))}"


def signature_line(key: VerifierKey, signature: bytes) -> str:
    """The line, with its newline, that carries this signature of the key."""
    return f"{_MARK}{key.name} {base64.b64encode(key.key_id + signature).decode()}\n"


def parse_note(note: str | bytes) -> Note:
    """The text and signatures. Raises NoteError unless the note is well formed to the byte."""
    decoded = _decode_note(note)
    text, separator, block = decoded.rpartition("\n\n")
    lines = block.split("\n")
    if not separator or lines.pop() != "" or not lines:
        raise NoteError("A signed note is a text, an empty line and at least one signature line.")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"The note has more than {MAX_SIGNATURES} signatures.")
    _require_text(text + "\n")
    return Note(text + "\n", tuple(_parse_signature(line) for line in lines))


def verify_note(note: Note, keys: Sequence[VerifierKey]) -> None:
    """Raise NoteError unless a known key signed the note, and no signature of a known key is false."""
    signatures = signatures_of(note, keys)
    for signature, key in signatures:
        verify_signature(key, signature.signature, note.text.encode())
    if not signatures:
        raise NoteError("No known key signed the note.")


def signatures_of(note: Note, keys: Sequence[VerifierKey]) -> list[tuple[NoteSignature, VerifierKey]]:
    """The signatures that name a known key, each with that key; none is verified yet, and the others are ignored."""
    return [
        (signature, key)
        for signature in note.signatures
        for key in keys
        if (signature.name, signature.key_id) == (key.name, key.key_id)
    ]


def verify_signature(key: VerifierKey, signature: bytes, message: bytes) -> None:
    """Raise NoteError unless these 64 bytes are the key's Ed25519 signature of the message."""
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise NoteError(f"The signature of {key.name} does not belong to this note.") from error


def require_key_name(name: str) -> None:
    """Raise NoteError unless `name` can stand in a signature line and in a verifier key."""
    if not name or "+" in name or any(character.isspace() for character in name) or _CONTROL.search(name):
        raise NoteError("The name of a key is not empty and has no white space and no plus sign.")


def decode_base64(text: str) -> bytes:
    """The bytes in this text (RFC 4648, section 4). Raises NoteError for a second spelling of the same bytes."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeError, binascii.Error) as error:
        raise NoteError("The note or key holds a damaged base64 text.") from error
    if base64.b64encode(raw).decode() != text:
        raise NoteError("The note or key holds a base64 text in a second spelling.")
    return raw


def _parse_signature(line: str) -> NoteSignature:
    name, separator, encoded = line.removeprefix(_MARK).partition(" ")
    if not line.startswith(_MARK) or not separator:
        raise NoteError("A signature line of the note is malformed.")
    require_key_name(name)
    raw = decode_base64(encoded)
    if len(raw) <= _KEY_ID_BYTES:
        raise NoteError("A signature of the note is too short.")
    return NoteSignature(name, raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])


def _decode_note(note: str | bytes) -> str:
    try:
        raw = note.encode() if isinstance(note, str) else note
        decoded = raw.decode("utf-8")
    except UnicodeError as error:
        raise NoteError("The note is not UTF-8.") from error
    if len(raw) > MAX_NOTE_BYTES:
        raise NoteError("The note is too long.")
    return decoded


def _require_text(text: str) -> None:
    if not text.endswith("\n") or _CONTROL.search(text):
        raise NoteError("The text of a note ends in a newline and holds no other control character.")
