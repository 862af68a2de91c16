"""c2sp.org/FLOE with AES-256-GCM and HKDF-Expand-SHA-384: header, segments and layout, with no input or output.

A message is a 74-byte header and one or more segments. Every segment but the last fills `segment_size` bytes and
carries 0xFFFFFFFF where the last one carries its own length. Each segment has a fresh random IV; its position and
whether it is the last are authenticated; the key changes every 2^20 segments. The functions here trust their caller to
give each position once and to know which segment is the last: `sealed_file` is the interface that cannot be misused.
"""

import hmac
import os
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from keys.errors import FloeError

KEY_SIZE = 32
IV_SIZE = 32
HEADER_SIZE = 74
SEGMENT_OVERHEAD = 32  # length field 4, AEAD IV 12, tag 16
MAX_SEGMENTS = 1 << 40
ROTATION_BITS = 20

_PARAMETERS_SIZE = 10
_TAG_SIZE = 32
_MESSAGE_KEY_SIZE = 48
_AEAD_IV_SIZE = 12
_AEAD_TAG_SIZE = 16
_CONTENT_OFFSET = 4 + _AEAD_IV_SIZE
_INNER_MARK = 0xFFFFFFFF  # in place of a length, so no segment may be that long
_INNER_MARK_BYTES = _INNER_MARK.to_bytes(4, "big")


@dataclass(frozen=True)
class Parameters:
    """A member of the FLOE family: encrypted bytes in a segment, and the segments (as a power of two) under one key.

    The published family fixes `rotation_bits` at 20, and the header does not carry it; a known answer that shows the
    change of keys in a few segments needs a smaller one.
    """

    segment_size: int
    rotation_bits: int = ROTATION_BITS

    def __post_init__(self) -> None:
        if not SEGMENT_OVERHEAD < self.segment_size < _INNER_MARK or not 0 <= self.rotation_bits <= ROTATION_BITS:
            raise FloeError(
                "A FLOE segment holds 33 to 4,294,967,294 bytes, and a key lasts for at most 2^20 segments."
            )

    @classmethod
    def from_header(cls, header: bytes) -> Self:
        """Read the segment size that a header states; raise FloeError when any other parameter is not ours."""
        parameters = cls(int.from_bytes(header[2:6], "big"))
        if len(header) != HEADER_SIZE or header[:_PARAMETERS_SIZE] != parameters.encode():
            raise FloeError("This is not the header of a FLOE message with AES-256-GCM and HKDF-Expand-SHA-384.")
        return parameters

    def encode(self) -> bytes:
        """Give the ten bytes PARAM_ENCODE: AEAD 0, KDF 0, segment size, IV size."""
        return b"\x00\x00" + self.segment_size.to_bytes(4, "big") + IV_SIZE.to_bytes(4, "big")

    @property
    def plain_segment_size(self) -> int:
        """Content bytes in a full segment."""
        return self.segment_size - SEGMENT_OVERHEAD


@dataclass(frozen=True)
class Layout:
    """Where the segments of a message lie: how many there are, and the encrypted size of the last one."""

    parameters: Parameters
    segments: int
    last_size: int

    @classmethod
    def of_sealed(cls, sealed_size: int, parameters: Parameters) -> Self:
        """Derive the layout from the whole message's size in bytes; raise FloeError when no message has that size."""
        inner, last_size = divmod(sealed_size - HEADER_SIZE, parameters.segment_size)
        if last_size == 0:
            inner, last_size = inner - 1, parameters.segment_size
        if inner < 0 or last_size < SEGMENT_OVERHEAD or inner >= MAX_SEGMENTS:
            raise FloeError("No FLOE message has this size.")
        return cls(parameters, inner + 1, last_size)

    @property
    def plain_size(self) -> int:
        """Content bytes in the whole message."""
        return (self.segments - 1) * self.parameters.plain_segment_size + self.last_size - SEGMENT_OVERHEAD

    def offset(self, position: int) -> int:
        """Byte offset of the segment at `position` (from 0)."""
        return HEADER_SIZE + position * self.parameters.segment_size

    def size(self, position: int) -> int:
        """Encrypted bytes of the segment at `position`."""
        return self.last_size if self.is_last(position) else self.parameters.segment_size

    def is_last(self, position: int) -> bool:
        """Tell whether `position` is that of the last segment."""
        return position == self.segments - 1


class Segments:
    """Seals and opens the segments of one message, in one thread; made by `start_sealing` and `start_opening`."""

    def __init__(self, key: bytes, associated_data: bytes, iv: bytes, parameters: Parameters) -> None:
        self.parameters = parameters
        self._associated_data = associated_data
        self._iv = iv
        self._message_key = _derive(key, parameters, iv, b"MESSAGE_KEY:", associated_data, _MESSAGE_KEY_SIZE)
        self._epoch = -1
        self._aead: AESGCM

    def seal_into(self, plain: memoryview, position: int, out: memoryview, *, last: bool) -> int:
        """Write the sealed segment to the start of `out` and give its size in bytes; the IV is fresh at every call.

        Raises FloeError when `plain` is not a full segment (or, for the last, is more than one).
        """
        size = len(plain) + SEGMENT_OVERHEAD
        self._require_size(size, last=last)
        out[:4] = size.to_bytes(4, "big") if last else _INNER_MARK_BYTES
        iv = os.urandom(_AEAD_IV_SIZE)
        out[4:_CONTENT_OFFSET] = iv
        self._aead_for(position).encrypt_into(iv, plain, _segment_data(position, last=last), out[_CONTENT_OFFSET:size])
        return size

    def open(self, sealed: bytes | memoryview, position: int, *, last: bool) -> bytes:
        """Give a segment's content; raise FloeError when it is not the one sealed for this position."""
        view = memoryview(sealed)
        self._require_size(len(view), last=last)
        if view[:4] != (len(view).to_bytes(4, "big") if last else _INNER_MARK_BYTES):
            raise FloeError("The segment's length field is not the one that belongs here.")
        aead = self._aead_for(position)
        try:
            return aead.decrypt(view[4:_CONTENT_OFFSET], view[_CONTENT_OFFSET:], _segment_data(position, last=last))
        except InvalidTag as error:
            raise FloeError("The segment is not authentic at this position.") from error

    def _require_size(self, size: int, *, last: bool) -> None:
        full = self.parameters.segment_size
        if size != full and not (last and SEGMENT_OVERHEAD <= size < full):
            raise FloeError("The segment's size is not the one that belongs here.")

    def _aead_for(self, position: int) -> AESGCM:
        if not 0 <= position < MAX_SEGMENTS:
            raise FloeError("A FLOE message has at most 2^40 segments.")
        epoch = position >> self.parameters.rotation_bits
        if epoch != self._epoch:
            first = (epoch << self.parameters.rotation_bits).to_bytes(8, "big")
            purpose = b"DEK:" + first
            key = _derive(self._message_key, self.parameters, self._iv, purpose, self._associated_data, KEY_SIZE)
            self._aead, self._epoch = AESGCM(key), epoch
        return self._aead


def start_sealing(key: bytes, associated_data: bytes, parameters: Parameters) -> tuple[Segments, bytes]:
    """Begin a message under a fresh IV: its segments, and the 74-byte header that goes before them.

    Raises FloeError when the key is not 32 bytes.
    """
    _require_key(key)
    iv = os.urandom(IV_SIZE)
    tag = _derive(key, parameters, iv, b"HEADER_TAG:", associated_data, _TAG_SIZE)
    return Segments(key, associated_data, iv, parameters), parameters.encode() + iv + tag


def start_opening(key: bytes, associated_data: bytes, header: bytes, parameters: Parameters) -> Segments:
    """Check a header against the key, the associated data and exactly these parameters; raise FloeError otherwise.

    A caller that accepts any segment size passes `Parameters.from_header(header)`.
    """
    _require_key(key)
    if len(header) != HEADER_SIZE or header[:_PARAMETERS_SIZE] != parameters.encode():
        raise FloeError("The header's parameters are not the ones expected.")
    iv = header[_PARAMETERS_SIZE : _PARAMETERS_SIZE + IV_SIZE]
    expected = _derive(key, parameters, iv, b"HEADER_TAG:", associated_data, _TAG_SIZE)
    if not hmac.compare_digest(expected, header[-_TAG_SIZE:]):
        raise FloeError("The header does not belong to this key and associated data.")
    return Segments(key, associated_data, iv, parameters)


def open_message(key: bytes, associated_data: bytes, sealed: bytes, parameters: Parameters | None = None) -> bytes:
    """Open a whole message held in memory, for known answers and small things.

    With no parameters given the segment size is taken from the header. Raises FloeError.
    """
    header = sealed[:HEADER_SIZE]
    parameters = parameters or Parameters.from_header(header)
    segments = start_opening(key, associated_data, header, parameters)
    layout = Layout.of_sealed(len(sealed), parameters)
    body = memoryview(sealed)
    return b"".join(
        segments.open(body[layout.offset(position) :][: layout.size(position)], position, last=layout.is_last(position))
        for position in range(layout.segments)
    )


def _require_key(key: bytes) -> None:
    if len(key) != KEY_SIZE:
        raise FloeError("A FLOE key is 32 bytes.")


def _derive(key: bytes, parameters: Parameters, iv: bytes, purpose: bytes, associated_data: bytes, size: int) -> bytes:
    """FLOE_KDF: HKDF-Expand-SHA-384 over the parameters, the IV, a purpose and the associated data."""
    info = parameters.encode() + iv + purpose + associated_data
    return HKDFExpand(SHA384(), size, info).derive(key)


def _segment_data(position: int, *, last: bool) -> bytes:
    return position.to_bytes(8, "big") + (b"\x01" if last else b"\x00")
