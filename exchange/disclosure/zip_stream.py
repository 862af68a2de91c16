"""A zip written as a stream: members one after another, nothing on disk, and no directory unless all were written."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from exchange.clock import in_london

PIECE_BYTES: Final = 64 * 1024

Member = tuple[str, Iterable[bytes]]


class _Sink:
    """Takes what the zip writes, and gives it away."""

    def __init__(self) -> None:
        self.held = bytearray()

    def write(self, data: bytes, /) -> int:
        """Hold the bytes until they are drained."""
        self.held += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits anywhere else."""

    def close(self) -> None:
        """Nothing to let go of."""

    def drain(self, least: int = 1) -> Iterator[bytes]:
        """What is held, if it is at least so many bytes."""
        if len(self.held) >= least:
            piece = bytes(self.held)
            self.held.clear()
            yield piece


def zip_pieces(members: Iterable[Member], at: datetime) -> Iterator[bytes]:
    """The bytes of a zip with these members, dated `at`; the content of a member is asked for as it is written.

    Raises whatever a member's content raises: then no directory is written, and the half cannot pass for a whole.
    """
    sink = _Sink()
    book = zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED)
    is_whole = False
    try:
        for name, content in members:
            with book.open(_info(name, at), "w", force_zip64=True) as member:
                for piece in content:
                    member.write(piece)
                    yield from sink.drain(PIECE_BYTES)
        book.close()
        is_whole = True
    finally:
        if not is_whole:
            book.fp = None  # its finaliser would write the directory
    yield from sink.drain()


def _info(name: str, at: datetime) -> zipfile.ZipInfo:
    local = in_london(at)
    info = zipfile.ZipInfo(name, (local.year, local.month, local.day, local.hour, local.minute, local.second))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o100600 << 16
    info.create_system = 3
    return info
