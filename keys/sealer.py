"""Seals one document's content into a sink, as it arrives, in memory under 8 MiB whatever the size.

SHA-256 is the dearest step, so it runs in a second thread once there is more than one segment. Plaintext buffers are
overwritten with zeros at the end, however it comes.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, Self

from keys import floe
from keys.errors import SealingError
from keys.seal_format import ENC_SEG_LEN, PARAMETERS, PLAIN_SEG_LEN, SealContext, SealedContent

_RING = 3  # plaintext buffers: one fills, one is sealed, one waits for the hash
_ZEROS = bytes(PLAIN_SEG_LEN)


class Sink(Protocol):
    """Takes sealed bytes in order. It may take fewer than offered and say how many, as a raw file does."""

    def write(self, data: memoryview, /) -> int | None:
        """Take bytes; the view is only valid during the call."""


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
        self._ring = [bytearray(PLAIN_SEG_LEN)]
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
                if self._filled == PLAIN_SEG_LEN:
                    self._seal_inner()
                size = min(PLAIN_SEG_LEN - self._filled, len(view) - start)
                self._ring[self._current][self._filled : self._filled + size] = view[start : start + size]
                self._filled += size
                start += size

    def finish(self, *, expected_size: int | None = None) -> SealedContent:
        """Seal the last segment and say what was sealed; durability is the sink's matter.

        Raises SealingError after the end, and when the content is not `expected_size` bytes: nothing was kept then.
        """
        self._require_open()
        with self._abandoning_on_error():
            plain_size = self._position * PLAIN_SEG_LEN + self._filled
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
            used = self._filled if self._position == 0 and index == self._current else PLAIN_SEG_LEN
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
            self._ring.append(bytearray(PLAIN_SEG_LEN))
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
