"""The one module that seals and unseals.

Promises: plaintext has one road, socket to seal to store and store to unseal to socket, a segment at a time, never
whole in memory and never in a file; a document's data key is durable before its first sealed byte; an arrival that
is not kept leaves neither a file nor a key.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self

from exchange.errors import ContentUnavailableError
from exchange.storage.contract import BlobStore, BlobWriter, StoreError
from keys.keyring import Keyring
from keys.sealed_file import SealContext, SealedContent, Sealer, Unsealer
from keys.wrapping import KeysError


def blob_name(inspection: str, document: str) -> str:
    """The name of a document's sealed file in the store."""
    return f"{inspection}/{document}.floe"


@dataclass(frozen=True)
class SealedReference:
    """What is needed beside the keys to open a document: its place, its sealed length and its bound context."""

    inspection: str
    document: str
    key_version: int
    sealed_size: int

    @property
    def context(self) -> SealContext:
        """The context bound into every segment."""
        return SealContext(self.inspection, self.document, self.key_version)


class Arrival:
    """One file being received: `write` pieces, `seal`, `keep`; leaving the `with` block before that abandons it."""

    def __init__(self, vault: Vault, inspection: str, document: str) -> None:
        self._vault = vault
        self._inspection = inspection
        self._document = document
        data_key, self.key_version = vault.keyring.new_data_key(inspection, document)
        self._writer: BlobWriter | None = None
        try:
            self._writer = vault.store.create(blob_name(inspection, document))
            self._sealer = Sealer(data_key, SealContext(inspection, document, self.key_version), self._writer)
        except BaseException:
            self._discard()
            raise
        self._kept = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Seal the next piece of the file."""
        self._sealer.write(data)

    def seal(self) -> SealedContent:
        """Seal the last segment; return size, SHA-256 and sealed size. Nothing is visible in the store yet."""
        return self._sealer.finish()

    def keep(self) -> None:
        """Make the sealed file durable and visible. Raises StoreError; then nothing is kept."""
        if not self._vault.keyring.has_data_key(self._inspection, self._document):
            raise StoreError("The key of this file is gone from the key store. The file was not kept: send it again.")
        if self._writer is not None:
            self._writer.commit()
        self._kept = True

    def __enter__(self) -> Self:
        """Enter the arrival."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing behind unless `keep` returned."""
        if not self._kept:
            self._sealer.abandon()
            self._discard()

    def _discard(self) -> None:
        if self._writer is not None:
            self._writer.abandon()
        with contextlib.suppress(KeysError, OSError):
            self._vault.keyring.destroy_data_key(self._inspection, self._document)


class OpenDocument:
    """A sealed document opened for reading; every segment is authenticated before a byte of it is given out."""

    def __init__(self, source: IO[bytes], unsealer: Unsealer) -> None:
        self._source = source
        self._unsealer = unsealer
        self.size = unsealer.plain_size

    def read_range(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the plain bytes from `start` to `stop` (exclusive).

        Raises:
            ContentUnavailableError: a segment is damaged or cannot be read.
        """
        try:
            yield from self._unsealer.read_range(start, stop)
        except (KeysError, OSError) as error:
            raise ContentUnavailableError("The sealed file cannot be read as it was written.") from error

    def close(self) -> None:
        """Close the sealed file."""
        self._source.close()


class Vault:
    """Sealed files and their keys, behind four verbs: receive, open, check, destroy."""

    def __init__(self, keyring: Keyring, store: BlobStore) -> None:
        self.keyring = keyring
        self.store = store

    def receive(self, inspection: str, document: str) -> Arrival:
        """Begin to receive a document; use as a `with` block."""
        return Arrival(self, inspection, document)

    def open(self, reference: SealedReference) -> OpenDocument:
        """Open a document.

        Raises:
            ContentUnavailableError: key or file is missing, cut or damaged.
        """
        try:
            key = self.keyring.data_key(reference.inspection, reference.document)
            source = self.store.open(blob_name(reference.inspection, reference.document))
        except (KeysError, StoreError, OSError) as error:
            raise ContentUnavailableError("The sealed file or its key is not there.") from error
        try:
            unsealer = Unsealer(source, key, reference.context, reference.sealed_size)
        except (KeysError, OSError) as error:
            source.close()
            raise ContentUnavailableError("The sealed file cannot be read as it was written.") from error
        return OpenDocument(source, unsealer)

    def check(self, reference: SealedReference) -> str:
        """Read a document back from the store, whole, and return the SHA-256 of its content in hex.

        Raises:
            ContentUnavailableError: it cannot be read.
        """
        document = self.open(reference)
        try:
            digest = hashlib.sha256()
            for piece in document.read_range(0, document.size):
                digest.update(piece)
        finally:
            document.close()
        return digest.hexdigest()

    def settle(self, inspection: str, document: str) -> None:
        """Note beside the sealed file that it was acknowledged: no sweep takes it from then on."""
        self.store.settle(blob_name(inspection, document))

    def is_settled(self, inspection: str, document: str) -> bool:
        """Tell whether a sealed file was acknowledged."""
        return self.store.is_settled(blob_name(inspection, document))

    def destroy(self, inspection: str, document: str) -> None:
        """Destroy a document's data key, then its sealed file. Doing it again is no error."""
        self.keyring.destroy_data_key(inspection, document)
        self.store.delete(blob_name(inspection, document))
