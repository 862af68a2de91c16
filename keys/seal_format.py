"""The constants of a sealed file, what it is bound to, and the sizes it can have; FORMAT.md states every byte."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from keys import floe
from keys.encoding import length_prefixed
from keys.errors import FloeError, KeysError, SealedFileError
from keys.identifiers import require_identifier

ENC_SEG_LEN = 1_048_576
PARAMETERS = floe.Parameters(ENC_SEG_LEN)
PLAIN_SEG_LEN = PARAMETERS.plain_segment_size


@dataclass(frozen=True)
class SealContext:
    """What a sealed file belongs to; a file opens under no other context.

    `key_version` is the version of the inspection key that wraps the document's data key, from 1.
    """

    inspection_id: str
    document_id: str
    key_version: int

    def __post_init__(self) -> None:
        require_identifier(self.inspection_id)
        require_identifier(self.document_id)
        if not 1 <= self.key_version < 1 << 32:
            raise KeysError("A key version is a whole number from 1 to 4,294,967,295.")

    def associated_data(self) -> bytes:
        """Encode the context canonically: label, both identifiers, the version as four bytes, each length-prefixed."""
        return length_prefixed(
            b"sealed-file/1",
            self.inspection_id.encode("ascii"),
            self.document_id.encode("ascii"),
            self.key_version.to_bytes(4, "big"),
        )


@dataclass(frozen=True)
class SealedContent:
    """What was sealed or opened: sizes in bytes, and the SHA-256 of the plaintext in lower-case hex."""

    plain_size: int
    sha256_hex: str
    sealed_size: int


def sealed_size_of(plain_size: int) -> int:
    """Bytes that a sealed file of `plain_size` content bytes has; raises ValueError for a negative size."""
    if plain_size < 0:
        raise ValueError("a size is not negative")
    segments = max(1, -(-plain_size // PLAIN_SEG_LEN))
    return floe.HEADER_SIZE + segments * floe.SEGMENT_OVERHEAD + plain_size


def plain_size_of(sealed_size: int) -> int:
    """Content bytes in a sealed file of `sealed_size` bytes; raises SealedFileError when none has that size."""
    return layout_of(sealed_size).plain_size


def layout_of(sealed_size: int) -> floe.Layout:
    """Find the segments of a sealed file of that size; raise SealedFileError when none has it."""
    with one_error():
        layout = floe.Layout.of_sealed(sealed_size, PARAMETERS)
    if layout.segments > 1 and layout.last_size == floe.SEGMENT_OVERHEAD:
        raise SealedFileError  # FLOE allows an empty last segment; here each content has one length only
    return layout


@contextmanager
def one_error() -> Iterator[None]:
    """Turn every refusal of the algorithm into the one error of sealed files."""
    try:
        yield
    except FloeError as error:
        raise SealedFileError from error
