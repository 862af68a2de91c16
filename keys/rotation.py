"""Rewraps every inspection key under the provider's current version; data keys and sealed files are never touched.

Killed anywhere it is simply run again: each inspection's key is exchanged at once or not at all, and one that is
wrapped under the current version already is left alone.
"""

from dataclasses import dataclass

from keys.errors import KeysError, WrongContextError
from keys.key_store import INSPECTION, WrappedKeyStore
from keys.keyring import inspection_key_context
from keys.wrapping import KeyProvider


@dataclass(frozen=True)
class RewrapReport:
    """What a rewrap did, by inspection identifier: exchanged, already current, and those whose key did not open."""

    version: int
    rewrapped: tuple[str, ...]
    already_current: tuple[str, ...]
    failed: tuple[str, ...]


def rewrap(provider: KeyProvider, store: WrappedKeyStore) -> RewrapReport:
    """Wrap every inspection key anew that is not under the provider's current version.

    An inspection whose key does not open is reported and the others go on; a failing disk raises OSError.
    """
    version = provider.current_version()
    outcomes: dict[str, list[str]] = {"rewrapped": [], "already_current": [], "failed": []}
    for inspection_id in store.inspections():
        try:
            outcome = _rewrap_one(provider, store, inspection_id, version)
        except KeysError:
            if not store.has(inspection_id, INSPECTION):
                continue  # disposed of in the meantime
            outcome = "failed"
        outcomes[outcome].append(inspection_id)
    return RewrapReport(version, **{name: tuple(found) for name, found in outcomes.items()})


def used_versions(store: WrappedKeyStore) -> frozenset[int]:
    """Give the provider versions that something is wrapped under; raise KeysError when a key file is damaged."""
    return frozenset(store.get(inspection_id, INSPECTION).key_version for inspection_id in store.inspections())


def _rewrap_one(provider: KeyProvider, store: WrappedKeyStore, inspection_id: str, version: int) -> str:
    context = inspection_key_context(inspection_id)
    wrapped = store.get(inspection_id, INSPECTION)
    key = provider.unwrap(wrapped, context)
    if wrapped.key_version == version:
        return "already_current"
    anew = provider.wrap(key, context)
    # The old wrapping is the only other copy: it goes only when the new one has been seen to open.
    if provider.unwrap(anew, context) != key:
        raise WrongContextError
    store.replace(inspection_id, INSPECTION, anew)
    return "rewrapped"
