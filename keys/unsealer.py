"""Opens a sealed file: the whole in order, or any part of it. A segment is released only when it is authentic there."""

from collections.abc import Iterator
from typing import Protocol

from keys import floe
from keys.errors import SealedFileError
from keys.seal_format import PARAMETERS, PLAIN_SEG_LEN, SealContext, layout_of, one_error


class Source(Protocol):
    """Gives sealed bytes in order."""

    def read(self, size: int = ..., /) -> bytes | None:
        """Give at most `size` bytes, none at the end."""


class SeekableSource(Source, Protocol):
    """Gives sealed bytes from any place."""

    def seek(self, offset: int, whence: int = ..., /) -> int:
        """Move to a byte offset and give the new one."""


def unseal(source: Source, data_key: bytes, context: SealContext, *, sealed_size: int) -> Iterator[bytes]:
    """Open a whole sealed file in order, a segment of content at a time.

    The header is checked before this returns. Raises SealedFileError, at the latest at the end, on any damage,
    truncation or extra bytes: what was read is only the document once the iterator has ended.
    """
    layout = layout_of(sealed_size)
    segments = _start(source, data_key, context)
    return _unseal_segments(source, segments, layout)


def _unseal_segments(source: Source, segments: floe.Segments, layout: floe.Layout) -> Iterator[bytes]:
    for position in range(layout.segments):
        yield _open_segment(source, segments, layout, position)
    if source.read(1):
        raise SealedFileError


class Unsealer:
    """Opens any part of a sealed file, decrypting only the segments asked for.

    The header and the last segment are opened at once: a file cut short, extended or exchanged raises SealedFileError
    here, before the first byte is released. Use it in one thread; the source stays the caller's to close.
    """

    def __init__(self, source: SeekableSource, data_key: bytes, context: SealContext, sealed_size: int) -> None:
        self._layout = layout_of(sealed_size)
        self._source = source
        if source.seek(0, 2) != sealed_size:
            raise SealedFileError
        source.seek(0)
        self._segments = _start(source, data_key, context)
        self._next = 0
        self._last = self._open(self._layout.segments - 1)

    @property
    def plain_size(self) -> int:
        """Content bytes in the whole document."""
        return self._layout.plain_size

    def read_range(self, start: int, stop: int) -> Iterator[bytes]:
        """Give the content bytes from `start` up to but not including `stop`, in pieces of at most a segment.

        Raises ValueError for a range outside the content at once, and SealedFileError at the first damaged segment.
        """
        if not 0 <= start <= stop <= self.plain_size:
            raise ValueError("the range lies outside the content")
        return self._read_range(start, stop)

    def _read_range(self, start: int, stop: int) -> Iterator[bytes]:
        while start < stop:
            position, skip = divmod(start, PLAIN_SEG_LEN)
            content = self._last if self._layout.is_last(position) else self._open(position)
            piece = content[skip : skip + stop - start]
            yield piece
            start += len(piece)

    def _open(self, position: int) -> bytes:
        if position != self._next:
            self._source.seek(self._layout.offset(position))
        self._next = -1  # unknown until the segment has been read whole
        content = _open_segment(self._source, self._segments, self._layout, position)
        self._next = position + 1
        return content


def _start(source: Source, data_key: bytes, context: SealContext) -> floe.Segments:
    header = _read_exactly(source, floe.HEADER_SIZE)
    with one_error():
        return floe.start_opening(data_key, context.associated_data(), header, PARAMETERS)


def _open_segment(source: Source, segments: floe.Segments, layout: floe.Layout, position: int) -> bytes:
    sealed = _read_exactly(source, layout.size(position))
    with one_error():
        return segments.open(sealed, position, last=layout.is_last(position))


def _read_exactly(source: Source, size: int) -> bytes:
    data = source.read(size) or b""
    while len(data) < size:
        more = source.read(size - len(data))
        if not more:
            raise SealedFileError
        data += more
    return data
