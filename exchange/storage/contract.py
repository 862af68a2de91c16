"""The contract of a store for sealed files: what is durable when, and nothing about where.

Promises every store keeps:
- a blob is visible only after `BlobWriter.commit()` returned, and is then durable (bytes and name);
- a name is written once: committing over an existing blob raises `BlobExistsError`;
- a blob that was settled is never an orphan to be swept, whatever the database says: its upload was acknowledged;
- an abandoned or interrupted writer leaves nothing that `names()` or `open()` shows, and `sweep_unfinished()` removes
  its remains without touching a writer that is still at work.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Protocol

from exchange.errors import ExchangeError


class StoreError(ExchangeError):
    """The store could not do what was asked; what was acknowledged before is untouched."""


class BlobNotFoundError(StoreError):
    """No blob of that name."""


class BlobExistsError(StoreError):
    """A blob of that name is already there; it was not touched."""


class BlobWriter(Protocol):
    """A blob being written; exactly one of `commit` and `abandon` ends it."""

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Take more sealed bytes and return how many; all of them, or StoreError."""

    def commit(self) -> None:
        """Make the blob durable and visible. Raises BlobExistsError or StoreError; then nothing is visible."""

    def abandon(self) -> None:
        """Remove what was written; never raises, may be called twice."""


class BlobStore(Protocol):
    """Sealed files by name; a name is `<inspection>/<document>.floe`."""

    def create(self, name: str) -> BlobWriter:
        """Begin a blob that nobody sees before its commit."""

    def settle(self, name: str) -> None:
        """Mark a blob as acknowledged, once its row is committed. Raises BlobNotFoundError."""

    def is_settled(self, name: str) -> bool:
        """Tell whether a blob was acknowledged; False when there is none."""

    def open(self, name: str) -> IO[bytes]:
        """Open a blob for reading with seek. Raises BlobNotFoundError."""

    def size(self, name: str) -> int:
        """Return a blob's length in bytes. Raises BlobNotFoundError."""

    def delete(self, name: str) -> None:
        """Remove a blob durably; removing one that is gone is no error."""

    def names(self) -> Iterator[str]:
        """Yield the names of all committed blobs."""

    def unfinished(self) -> Iterator[str]:
        """Yield the names of blobs that are being written."""

    def sweep_unfinished(self) -> int:
        """Remove the remains of writers that are no more; return how many."""
