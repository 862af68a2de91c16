"""The chain of keys: provider key -> inspection key -> data key, each wrapped by the one before.

A data key is given out only after its wrapped form is durable. An inspection key stays in memory for at most 30 seconds
after it was opened, counted at each use, and is not used once its file has gone: destruction takes effect at once.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from keys.encoding import length_prefixed
from keys.errors import KeysError, KeyUnavailableError
from keys.identifiers import require_identifier
from keys.key_store import INSPECTION, WrappedKeyStore
from keys.wrapping import KEY_SIZE, KeyProvider, WrappedKey, unwrap_key, wrap_key

CACHE_SECONDS = 30.0
_CACHE_ENTRIES = 64
_INSPECTION_KEY_VERSION = 1  # an inspection key is rewrapped, never exchanged, so its version never grows


@dataclass(frozen=True, repr=False)
class _CachedKey:
    key: bytes
    wrapped: WrappedKey
    until: float


class Keyring:
    """Makes, finds and destroys the keys of inspections and documents. Safe in several threads and processes."""

    def __init__(
        self, provider: KeyProvider, store: WrappedKeyStore, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._provider = provider
        self._store = store
        self._clock = clock
        self._cache: dict[str, _CachedKey] = {}
        self._lock = threading.Lock()

    def create_inspection_key(self, inspection_id: str) -> None:
        """Make an inspection's key, durable on return; raise KeyExistsError when it has one."""
        context = inspection_key_context(inspection_id)
        key = os.urandom(KEY_SIZE)
        wrapped = self._provider.wrap(key, context)
        self._store.put(inspection_id, INSPECTION, wrapped)
        # Read back: a version retired in between must stop the inspection now, not its documents later.
        try:
            self._provider.unwrap(self._store.get(inspection_id, INSPECTION), context)
        except KeysError:
            self._store.destroy(inspection_id, INSPECTION)
            raise

    def new_data_key(self, inspection_id: str, document_id: str) -> tuple[bytes, int]:
        """Make a document's 32-byte data key, wrapped and durable on return; give it with its key version.

        Raises KeyExistsError when the document has one, KeyUnavailableError when the inspection has none.
        """
        context = data_key_context(inspection_id, document_id)
        inspection_key = self._inspection_key(inspection_id)
        key = os.urandom(KEY_SIZE)
        wrapped = wrap_key(inspection_key, key, context, key_id=inspection_id, key_version=_INSPECTION_KEY_VERSION)
        self._store.put(inspection_id, document_id, wrapped)
        return key, wrapped.key_version

    def data_key(self, inspection_id: str, document_id: str) -> bytes:
        """Open a document's data key.

        Raises KeyUnavailableError when it or the inspection's was destroyed or never made, WrongContextError when it
        does not open.
        """
        return self.data_key_with_version(inspection_id, document_id)[0]

    def data_key_with_version(self, inspection_id: str, document_id: str) -> tuple[bytes, int]:
        """Open a document's data key and give it with its key version; raises as `data_key` does."""
        context = data_key_context(inspection_id, document_id)
        wrapped = self._store.get(inspection_id, document_id)
        if wrapped.key_id != inspection_id:
            raise KeyUnavailableError("The key was wrapped by another inspection's key.")
        return unwrap_key(self._inspection_key(inspection_id), wrapped, context), wrapped.key_version

    def has_data_key(self, inspection_id: str, document_id: str) -> bool:
        """Tell whether the document's key and the one above it are in the store."""
        return self._store.has(inspection_id, document_id) and self._store.has(inspection_id, INSPECTION)

    def destroy_data_key(self, inspection_id: str, document_id: str) -> None:
        """Forget a document's key for good, durable on return; one that has gone already is no error."""
        self._store.destroy(inspection_id, require_identifier(document_id))

    def destroy_inspection_key(self, inspection_id: str) -> None:
        """Forget an inspection's key and all below it for good, durable on return; repeating it finishes it."""
        with self._lock:
            self._cache.pop(inspection_id, None)
        self._store.destroy(inspection_id, INSPECTION)

    def wrapped_documents(self, inspection_id: str) -> list[str]:
        """Give the identifiers of all documents that have a wrapped key, sorted, for the sweep of orphans."""
        return list(self._store.list(inspection_id))

    def sweep_unfinished(self) -> int:
        """Remove what killed writes left in the store; return how many. A write under way is not touched."""
        return self._store.sweep_unfinished()

    def _inspection_key(self, inspection_id: str) -> bytes:
        # The store is asked first, cache or not: what it has forgotten is forgotten.
        wrapped = self._store.get(inspection_id, INSPECTION)
        now = self._clock()
        with self._lock:
            self._cache = {name: entry for name, entry in self._cache.items() if now < entry.until}
            cached = self._cache.get(inspection_id)
        if cached is not None and cached.wrapped == wrapped:
            return cached.key
        key = self._provider.unwrap(wrapped, inspection_key_context(inspection_id))
        with self._lock:
            if len(self._cache) < _CACHE_ENTRIES:
                self._cache[inspection_id] = _CachedKey(key, wrapped, now + CACHE_SECONDS)
        return key


def inspection_key_context(inspection_id: str) -> bytes:
    """Encode what an inspection key is wrapped for; raise IdentifierError for a text that is no identifier."""
    return length_prefixed(b"inspection-key/1", require_identifier(inspection_id).encode("ascii"))


def data_key_context(inspection_id: str, document_id: str) -> bytes:
    """Encode what a data key is wrapped for; raise IdentifierError for a text that is no identifier."""
    return length_prefixed(
        b"data-key/1",
        require_identifier(inspection_id).encode("ascii"),
        require_identifier(document_id).encode("ascii"),
    )
