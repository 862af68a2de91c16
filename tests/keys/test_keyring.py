"""The chain of keys: durable before use, bound to its place, and gone when it is destroyed."""

import threading
from pathlib import Path

import pytest

from keys.errors import IdentifierError, KeyExistsError, KeysError, KeyUnavailableError
from keys.identifiers import new_identifier
from keys.key_store import INSPECTION, FolderKeyStore
from keys.keyring import CACHE_SECONDS, Keyring
from keys.local_provider import LocalKeyProvider
from keys.wrapping import WrappedKey, WrongContextError


class CountingProvider:
    """Counts how often a key is opened by the provider behind it."""

    def __init__(self, provider: LocalKeyProvider) -> None:
        self.provider, self.opened = provider, 0

    def current_version(self) -> int:
        return self.provider.current_version()

    def wrap(self, key: bytes, context: bytes) -> WrappedKey:
        return self.provider.wrap(key, context)

    def unwrap(self, wrapped: WrappedKey, context: bytes) -> bytes:
        self.opened += 1
        return self.provider.unwrap(wrapped, context)


@pytest.fixture
def counting(provider: LocalKeyProvider) -> CountingProvider:
    return CountingProvider(provider)


@pytest.fixture
def now() -> list[float]:
    return [1000.0]


@pytest.fixture
def timed(counting: CountingProvider, key_store: FolderKeyStore, now: list[float]) -> Keyring:
    return Keyring(counting, key_store, clock=lambda: now[0])


def test_a_data_key_is_had_again_with_its_version(keyring: Keyring, inspection_id: str, document_id: str) -> None:
    key, version = keyring.new_data_key(inspection_id, document_id)
    assert len(key) == 32
    assert keyring.data_key(inspection_id, document_id) == key
    assert keyring.data_key_with_version(inspection_id, document_id) == (key, version)
    assert keyring.has_data_key(inspection_id, document_id)
    assert keyring.wrapped_documents(inspection_id) == [document_id]


def test_a_fresh_process_has_the_same_keys(
    keyring: Keyring, inspection_id: str, document_id: str, tmp_path: Path
) -> None:
    key, _ = keyring.new_data_key(inspection_id, document_id)
    fresh = Keyring(LocalKeyProvider.open(tmp_path / "keys/provider.json"), FolderKeyStore(tmp_path / "keys/wrapped"))
    assert fresh.data_key(inspection_id, document_id) == key


def test_every_document_has_a_key_of_its_own(keyring: Keyring, inspection_id: str) -> None:
    made = {keyring.new_data_key(inspection_id, new_identifier("doc"))[0] for _ in range(20)}
    assert len(made) == 20


def test_no_key_is_written_to_the_disk_as_it_is(
    keyring: Keyring, inspection_id: str, document_id: str, tmp_path: Path
) -> None:
    key, _ = keyring.new_data_key(inspection_id, document_id)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert key not in written
    assert key.hex().encode() not in written
    assert document_id.encode() not in written


def test_keys_are_made_once(keyring: Keyring, inspection_id: str, document_id: str) -> None:
    key, _ = keyring.new_data_key(inspection_id, document_id)
    with pytest.raises(KeyExistsError):
        keyring.create_inspection_key(inspection_id)
    with pytest.raises(KeyExistsError):
        keyring.new_data_key(inspection_id, document_id)
    assert keyring.data_key(inspection_id, document_id) == key


def test_an_inspection_without_a_key_takes_no_documents(keyring: Keyring, document_id: str) -> None:
    unknown = new_identifier("ins")
    with pytest.raises(KeyUnavailableError):
        keyring.new_data_key(unknown, document_id)
    assert keyring.wrapped_documents(unknown) == []
    assert not keyring.has_data_key(unknown, document_id)


def test_a_wrapped_key_moved_to_another_document_does_not_open(
    keyring: Keyring, key_store: FolderKeyStore, inspection_id: str, document_id: str
) -> None:
    keyring.new_data_key(inspection_id, document_id)
    other = new_identifier("doc")
    key_store.put(inspection_id, other, key_store.get(inspection_id, document_id))
    with pytest.raises(WrongContextError):
        keyring.data_key(inspection_id, other)


def test_a_wrapped_key_moved_to_another_inspection_does_not_open(
    keyring: Keyring, key_store: FolderKeyStore, inspection_id: str, document_id: str
) -> None:
    keyring.new_data_key(inspection_id, document_id)
    other = new_identifier("ins")
    keyring.create_inspection_key(other)
    key_store.put(other, document_id, key_store.get(inspection_id, document_id))
    with pytest.raises(KeyUnavailableError):
        keyring.data_key(other, document_id)


def test_an_inspection_key_put_in_anothers_place_does_not_open(
    keyring: Keyring, key_store: FolderKeyStore, provider: LocalKeyProvider, inspection_id: str, document_id: str
) -> None:
    other = new_identifier("ins")
    keyring.create_inspection_key(other)
    key_store.replace(other, INSPECTION, key_store.get(inspection_id, INSPECTION))
    with pytest.raises(WrongContextError):
        Keyring(provider, key_store).new_data_key(other, document_id)


def test_a_destroyed_data_key_is_gone_and_the_others_stay(
    keyring: Keyring, inspection_id: str, document_id: str
) -> None:
    other = new_identifier("doc")
    keyring.new_data_key(inspection_id, document_id)
    kept, _ = keyring.new_data_key(inspection_id, other)
    keyring.destroy_data_key(inspection_id, document_id)
    keyring.destroy_data_key(inspection_id, document_id)

    assert not keyring.has_data_key(inspection_id, document_id)
    with pytest.raises(KeyUnavailableError):
        keyring.data_key(inspection_id, document_id)
    assert keyring.data_key(inspection_id, other) == kept
    assert keyring.wrapped_documents(inspection_id) == [other]


def test_a_document_key_is_never_destroyed_by_the_inspections_name(keyring: Keyring, inspection_id: str) -> None:
    with pytest.raises(IdentifierError):
        keyring.destroy_data_key(inspection_id, INSPECTION)
    with pytest.raises(IdentifierError):
        keyring.new_data_key(inspection_id, INSPECTION)


def test_with_the_inspection_key_go_all_data_keys(keyring: Keyring, inspection_id: str, document_id: str) -> None:
    keyring.new_data_key(inspection_id, document_id)
    keyring.destroy_inspection_key(inspection_id)
    keyring.destroy_inspection_key(inspection_id)

    assert keyring.wrapped_documents(inspection_id) == []
    for act in (keyring.data_key, keyring.new_data_key):
        with pytest.raises(KeyUnavailableError):
            act(inspection_id, document_id)


def test_a_destruction_elsewhere_is_noticed_though_the_key_was_in_memory(
    timed: Keyring, key_store: FolderKeyStore, document_id: str
) -> None:
    inspection = new_identifier("ins")
    timed.create_inspection_key(inspection)
    timed.new_data_key(inspection, document_id)
    kept = {name: key_store.get(inspection, name) for name in (document_id,)}
    key_store.destroy(inspection, INSPECTION)

    with pytest.raises(KeyUnavailableError):
        timed.new_data_key(inspection, new_identifier("doc"))
    # Even with the document's wrapped key back in place, the one above it has gone.
    folder = key_store._folder(inspection)
    folder.mkdir()
    (folder / f"{document_id}.json").write_text(kept[document_id].to_json(), encoding="ascii")
    with pytest.raises(KeyUnavailableError):
        timed.data_key(inspection, document_id)
    assert not timed.has_data_key(inspection, document_id)


def test_a_key_in_memory_is_not_used_for_another_that_took_its_place(
    timed: Keyring, keyring: Keyring, document_id: str
) -> None:
    inspection = new_identifier("ins")
    timed.create_inspection_key(inspection)
    timed.new_data_key(inspection, document_id)
    keyring.destroy_inspection_key(inspection)
    keyring.create_inspection_key(inspection)

    key, _ = timed.new_data_key(inspection, document_id)
    assert keyring.data_key(inspection, document_id) == key


def test_an_inspection_key_is_kept_in_memory_for_a_bounded_time(
    timed: Keyring, counting: CountingProvider, now: list[float], document_id: str
) -> None:
    inspection = new_identifier("ins")
    timed.create_inspection_key(inspection)
    timed.new_data_key(inspection, document_id)
    counting.opened = 0

    now[0] += CACHE_SECONDS - 1
    timed.data_key(inspection, document_id)
    assert counting.opened == 0
    now[0] += 1
    timed.data_key(inspection, document_id)
    assert counting.opened == 1


def test_an_expired_key_leaves_memory_at_the_next_use_of_any_key(
    timed: Keyring, now: list[float], document_id: str
) -> None:
    first, second = new_identifier("ins"), new_identifier("ins")
    for inspection in (first, second):
        timed.create_inspection_key(inspection)
    timed.new_data_key(first, document_id)
    assert set(timed._cache) == {first}
    now[0] += CACHE_SECONDS
    timed.new_data_key(second, document_id)
    assert set(timed._cache) == {second}


def test_the_memory_holds_a_bounded_number_of_keys(timed: Keyring) -> None:
    for _ in range(70):
        inspection = new_identifier("ins")
        timed.create_inspection_key(inspection)
        timed.new_data_key(inspection, new_identifier("doc"))
    assert len(timed._cache) == 64


def test_no_key_shows_in_a_repr(keyring: Keyring, inspection_id: str, document_id: str) -> None:
    keyring.new_data_key(inspection_id, document_id)
    key = keyring._cache[inspection_id].key
    assert repr(key) not in repr(vars(keyring))


def test_an_inspection_whose_key_cannot_be_opened_again_is_not_begun(
    counting: CountingProvider, key_store: FolderKeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def retired_meanwhile(_wrapped: WrappedKey, _context: bytes) -> bytes:
        raise KeyUnavailableError("retired")

    monkeypatch.setattr(counting, "unwrap", retired_meanwhile)
    inspection = new_identifier("ins")
    with pytest.raises(KeyUnavailableError, match="retired"):
        Keyring(counting, key_store).create_inspection_key(inspection)
    assert not key_store.has(inspection, INSPECTION)


def test_of_many_at_once_one_makes_the_key(keyring: Keyring, inspection_id: str, document_id: str) -> None:
    outcomes: list[bytes | type] = []
    start = threading.Barrier(8)

    def race() -> None:
        start.wait()
        try:
            outcomes.append(keyring.new_data_key(inspection_id, document_id)[0])
        except KeysError as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    won = [outcome for outcome in outcomes if isinstance(outcome, bytes)]
    assert won == [keyring.data_key(inspection_id, document_id)]
    assert outcomes.count(KeyExistsError) == 7
