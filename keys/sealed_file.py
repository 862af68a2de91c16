"""Seals content into a file and opens it again: the only verbs that the service sees.

Memory stays under 8 MiB whatever the size. The Sealer hashes in a second thread once there is more than one segment,
and overwrites its plaintext buffers with zeros when it ends. Opening releases a segment only when it is authentic at
its place; whoever needs the whole must read to the end, where truncation and extra bytes are noticed too. FORMAT.md
states every byte; the algorithm is in `floe`.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, Self

from keys import floe
from keys.encoding import length_prefixed
from keys.errors import FloeError, KeysError, SealedFileError, SealingError
from keys.identifiers import require_identifier

__all__ = [
    "ENC_SEG_LEN",
    "SealContext",
    "SealedContent",
    "SealedFileError",
    "Sealer",
    "SealingError",
    "Unsealer",
    "plain_size_of",
    "sealed_size_of",
    "unseal",
]

ENC_SEG_LEN = 1_048_576
PARAMETERS = floe.Parameters(ENC_SEG_LEN)

_PLAIN = PARAMETERS.plain_segment_size
_RING = 3  # plaintext buffers: one fills, one is sealed, one waits for the hash
_ZEROS = bytes(_PLAIN)


class Sink(Protocol):
    """Takes sealed bytes in order. It may take fewer than offered and say how many, as a raw file does."""

    def write(self, data: memoryview, /) -> int | None:
        """Take bytes; the view is only valid during the call."""


class Source(Protocol):
    """Gives sealed bytes in order."""

    def read(self, size: int = ..., /) -> bytes | None:
        """Give at most `size` bytes, none at the end."""


class SeekableSource(Source, Protocol):
    """Gives sealed bytes from any place."""

    def seek(self, offset: int, whence: int = ..., /) -> int:
        """Move to a byte offset and give the new one."""


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
    segments = max(1, -(-plain_size // _PLAIN))
    return floe.HEADER_SIZE + segments * floe.SEGMENT_OVERHEAD + plain_size


def plain_size_of(sealed_size: int) -> int:
    """Content bytes in a sealed file of `sealed_size` bytes; raises SealedFileError when none has that size."""
    return _layout(sealed_size).plain_size


class Sealer:
    """Seals one document's content into a sink, as it arrives.

    The header is written at once. After an error, `finish` or `abandon` the Sealer takes nothing more. Use it in one
    thread; it may be used as a context manager, which abandons what was not finished.
    """

    def __init__(self, data_key: bytes, context: SealContext, sink: Sink) -> None:
        self._segments, header = floe.start_sealing(data_key, context.associated_data(), PARAMETERS)
        self._sink = sink
        self._hash = hashlib.sha256()
        self._hasher: ThreadPoolExecutor | None = None
        self._ring = [bytearray(_PLAIN)]
        self._hashing: list[Future[None] | None] = [None]
        self._current = self._filled = self._position = self._sealed_size = 0
        self._sealed = memoryview(bytearray(ENC_SEG_LEN))
        self._open = True
        with self._abandoning_on_error():
            self._put(memoryview(header))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes, any number; raise SealingError after the end, and whatever the sink raises."""
        self._require_open()
        with self._abandoning_on_error(), memoryview(data).cast("B") as view:
            start = 0
            while start < len(view):
                # A full buffer is sealed only when more follows, so the last segment is never empty after another.
                if self._filled == _PLAIN:
                    self._seal_inner()
                size = min(_PLAIN - self._filled, len(view) - start)
                self._ring[self._current][self._filled : self._filled + size] = view[start : start + size]
                self._filled += size
                start += size

    def finish(self, *, expected_size: int | None = None) -> SealedContent:
        """Seal the last segment and say what was sealed; durability is the sink's matter.

        Raises SealingError after the end, and when the content is not `expected_size` bytes: nothing was kept then.
        """
        self._require_open()
        with self._abandoning_on_error():
            plain_size = self._position * _PLAIN + self._filled
            if expected_size is not None and plain_size != expected_size:
                raise SealingError(
                    f"{plain_size} bytes arrived of {expected_size} announced. Nothing was kept; send it again."
                )
            plain = memoryview(self._ring[self._current])[: self._filled]
            self._update_hash(plain)
            size = self._segments.seal_into(plain, self._position, self._sealed, last=True)
            self._put(self._sealed[:size])
            self._close_hasher()
        sealed_size = self._sealed_size
        digest = self._hash.hexdigest()
        self.abandon()
        return SealedContent(plain_size, digest, sealed_size)

    def abandon(self) -> None:
        """Overwrite the plaintext buffers and take nothing more; harmless when repeated."""
        if not self._open:
            return
        self._open = False
        self._close_hasher()
        for index, buffer in enumerate(self._ring):
            used = self._filled if self._position == 0 and index == self._current else _PLAIN
            buffer[:used] = memoryview(_ZEROS)[:used]
        self._ring.clear()
        del self._segments

    def _seal_inner(self) -> None:
        plain = memoryview(self._ring[self._current])
        self._hasher = self._hasher or ThreadPoolExecutor(1, "seal-hash")
        self._update_hash(plain)
        size = self._segments.seal_into(plain, self._position, self._sealed, last=False)
        self._put(self._sealed[:size])
        self._position += 1
        self._filled = 0
        self._take_next_buffer()

    def _take_next_buffer(self) -> None:
        if len(self._ring) < _RING:
            self._ring.append(bytearray(_PLAIN))
            self._hashing.append(None)
            self._current = len(self._ring) - 1
            return
        self._current = (self._current + 1) % _RING
        pending = self._hashing[self._current]
        if pending is not None:
            pending.result()

    def _update_hash(self, plain: memoryview) -> None:
        """Hash here while there is one segment; behind the earlier ones, in the second thread, when there are more."""
        if self._hasher is None:
            self._hash.update(plain)
        else:
            self._hashing[self._current] = self._hasher.submit(self._hash.update, plain)

    def _close_hasher(self) -> None:
        if self._hasher is not None:
            self._hasher.shutdown(wait=True)

    def _put(self, view: memoryview) -> None:
        written = 0
        while written < len(view):
            count = self._sink.write(view[written:])
            if count == 0:
                raise SealingError("The store takes no more bytes. Nothing was kept; try again later.")
            written += len(view) - written if count is None else count
        self._sealed_size += len(view)

    def _require_open(self) -> None:
        if not self._open:
            raise SealingError("This content has ended: nothing can be added to it.")

    @contextmanager
    def _abandoning_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.abandon()
            raise


def unseal(source: Source, data_key: bytes, context: SealContext, *, sealed_size: int) -> Iterator[bytes]:
    """Open a whole sealed file in order, a segment of content at a time.

    The header is checked before this returns. Raises SealedFileError, at the latest at the end, on any damage,
    truncation or extra bytes: what was read is only the document once the iterator has ended.
    """
    layout = _layout(sealed_size)
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
        self._layout = _layout(sealed_size)
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
            position, skip = divmod(start, _PLAIN)
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


def _layout(sealed_size: int) -> floe.Layout:
    with _one_error():
        layout = floe.Layout.of_sealed(sealed_size, PARAMETERS)
    if layout.segments > 1 and layout.last_size == floe.SEGMENT_OVERHEAD:
        raise SealedFileError  # FLOE allows an empty last segment; here each content has one length only
    return layout


def _start(source: Source, data_key: bytes, context: SealContext) -> floe.Segments:
    header = _read_exactly(source, floe.HEADER_SIZE)
    with _one_error():
        return floe.start_opening(data_key, context.associated_data(), header, PARAMETERS)


def _open_segment(source: Source, segments: floe.Segments, layout: floe.Layout, position: int) -> bytes:
    sealed = _read_exactly(source, layout.size(position))
    with _one_error():
        return segments.open(sealed, position, last=layout.is_last(position))


def _read_exactly(source: Source, size: int) -> bytes:
    data = source.read(size) or b""
    while len(data) < size:
        more = source.read(size - len(data))
        if not more:
            raise SealedFileError
        data += more
    return data


@contextmanager
def _one_error() -> Iterator[None]:
    try:
        yield
    except FloeError as error:
        raise SealedFileError from error
