"""Rotation: every inspection key under the new version, every data key and sealed file as it was."""

import io
from pathlib import Path

import pytest

from keys.errors import KeyNeededError, WrappedKeyError
from keys.identifiers import new_identifier
from keys.key_store import INSPECTION, FolderKeyStore
from keys.keyring import Keyring
from keys.local_provider import LocalKeyProvider
from keys.rotation import RewrapReport, rewrap, used_versions
from keys.sealed_file import SealContext, Sealer, unseal
from keys.wrapping import WrappedKey


@pytest.fixture
def documents(keyring: Keyring) -> dict[tuple[str, str], bytes]:
    """Make three inspections of two documents each, with their data keys."""
    made = {}
    for _ in range(3):
        inspection = new_identifier("ins")
        keyring.create_inspection_key(inspection)
        for _ in range(2):
            document = new_identifier("doc")
            made[inspection, document] = keyring.new_data_key(inspection, document)[0]
    return made


def inspections_of(documents: dict[tuple[str, str], bytes]) -> tuple[str, ...]:
    return tuple(sorted({inspection for inspection, _ in documents}))


def test_a_rewrap_moves_every_inspection_key_and_nothing_below(
    documents: dict[tuple[str, str], bytes], provider: LocalKeyProvider, key_store: FolderKeyStore
) -> None:
    below = {pair: key_store.get(*pair) for pair in documents}
    provider.rotate()
    report = rewrap(provider, key_store)

    assert report == RewrapReport(2, inspections_of(documents), (), ())
    assert used_versions(key_store) == {2}
    assert {pair: key_store.get(*pair) for pair in documents} == below
    fresh = Keyring(provider, key_store)
    assert {pair: fresh.data_key(*pair) for pair in documents} == documents


def test_a_second_rewrap_changes_nothing(
    documents: dict[tuple[str, str], bytes], provider: LocalKeyProvider, key_store: FolderKeyStore
) -> None:
    provider.rotate()
    rewrap(provider, key_store)
    before = {inspection: key_store.get(inspection, INSPECTION) for inspection in inspections_of(documents)}

    assert rewrap(provider, key_store) == RewrapReport(2, (), inspections_of(documents), ())
    assert {inspection: key_store.get(inspection, INSPECTION) for inspection in before} == before


def test_the_old_version_can_go_after_the_rewrap_and_not_before(
    documents: dict[tuple[str, str], bytes], provider: LocalKeyProvider, key_store: FolderKeyStore
) -> None:
    provider.rotate()
    with pytest.raises(KeyNeededError):
        provider.retire(1, used_versions(key_store))
    rewrap(provider, key_store)
    provider.retire(1, used_versions(key_store))

    fresh = Keyring(provider, key_store)
    assert {pair: fresh.data_key(*pair) for pair in documents} == documents


def test_a_sealed_file_opens_after_any_number_of_rotations(
    keyring: Keyring, provider: LocalKeyProvider, key_store: FolderKeyStore, inspection_id: str, document_id: str
) -> None:
    key, version = keyring.new_data_key(inspection_id, document_id)
    sink = io.BytesIO()
    with Sealer(key, SealContext(inspection_id, document_id, version), sink) as sealer:
        sealer.write(b"content")
        sealer.finish()
    for _ in range(3):
        old = provider.current_version()
        provider.rotate()
        rewrap(provider, key_store)
        provider.retire(old, used_versions(key_store))

    key, version = Keyring(provider, key_store).data_key_with_version(inspection_id, document_id)
    context = SealContext(inspection_id, document_id, version)
    sealed = sink.getvalue()
    assert b"".join(unseal(io.BytesIO(sealed), key, context, sealed_size=len(sealed))) == b"content"


def test_one_damaged_key_is_reported_and_the_others_go_on(
    documents: dict[tuple[str, str], bytes], provider: LocalKeyProvider, key_store: FolderKeyStore, tmp_path: Path
) -> None:
    first, second, third = inspections_of(documents)
    (tmp_path / "keys" / "wrapped" / first / "inspection.json").write_bytes(b"damaged")
    key_store.replace(second, INSPECTION, key_store.get(third, INSPECTION))
    provider.rotate()

    assert rewrap(provider, key_store) == RewrapReport(2, (third,), (), (first, second))
    with pytest.raises(WrappedKeyError):
        used_versions(key_store)


def test_a_key_that_does_not_open_is_reported_though_its_version_is_current(
    documents: dict[tuple[str, str], bytes], provider: LocalKeyProvider, key_store: FolderKeyStore
) -> None:
    first, second, third = inspections_of(documents)
    key_store.replace(first, INSPECTION, key_store.get(second, INSPECTION))
    assert rewrap(provider, key_store) == RewrapReport(1, (), (second, third), (first,))


class Meddling:
    """A provider during whose work something else happens, or that gives back another key."""

    def __init__(self, provider: LocalKeyProvider) -> None:
        self.provider = provider

    def current_version(self) -> int:
        return self.provider.current_version()

    def wrap(self, key: bytes, context: bytes) -> WrappedKey:
        return self.provider.wrap(key[::-1], context)

    def unwrap(self, wrapped: WrappedKey, context: bytes) -> bytes:
        return self.provider.unwrap(wrapped, context)


def test_a_wrapping_that_opens_to_another_key_never_replaces_the_good_one(
    documents: dict[tuple[str, str], bytes], provider: LocalKeyProvider, key_store: FolderKeyStore
) -> None:
    provider.rotate()
    report = rewrap(Meddling(provider), key_store)

    assert report.failed == inspections_of(documents)
    fresh = Keyring(provider, key_store)
    assert {pair: fresh.data_key(*pair) for pair in documents} == documents


def test_a_key_destroyed_during_the_rewrap_does_not_come_back(
    documents: dict[tuple[str, str], bytes], provider: LocalKeyProvider, key_store: FolderKeyStore
) -> None:
    class Disposing(Meddling):
        def wrap(self, key: bytes, context: bytes) -> WrappedKey:
            key_store.destroy(first, INSPECTION)
            return self.provider.wrap(key, context)

    first, *others = inspections_of(documents)
    provider.rotate()

    assert rewrap(Disposing(provider), key_store) == RewrapReport(2, tuple(others), (), ())
    assert not key_store.has(first, INSPECTION)


def test_the_report_of_an_empty_store_is_empty(provider: LocalKeyProvider, key_store: FolderKeyStore) -> None:
    assert rewrap(provider, key_store) == RewrapReport(1, (), (), ())
    assert used_versions(key_store) == frozenset()
