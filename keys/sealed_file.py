"""Seals content into a file and opens it again: the only verbs that the service sees.

A file opens under its own data key and context alone. Whoever needs the whole reads to the end, where truncation and
extra bytes are noticed at the latest; `Unsealer` notices them before the first byte. FORMAT.md states every byte.
"""

from keys.errors import SealedFileError, SealingError
from keys.seal_format import ENC_SEG_LEN, SealContext, SealedContent, plain_size_of, sealed_size_of
from keys.sealer import Sealer, Sink
from keys.unsealer import SeekableSource, Source, Unsealer, unseal

__all__ = [
    "ENC_SEG_LEN",
    "SealContext",
    "SealedContent",
    "SealedFileError",
    "Sealer",
    "SealingError",
    "SeekableSource",
    "Sink",
    "Source",
    "Unsealer",
    "plain_size_of",
    "sealed_size_of",
    "unseal",
]
