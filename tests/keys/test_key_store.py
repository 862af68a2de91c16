"""The key store: create-only, private, and what it has forgotten is gone from the disk."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keys.errors import IdentifierError, KeyExistsError, KeyUnavailableError, WrappedKeyError
from keys.identifiers import new_identifier
from keys.key_store import INSPECTION, FolderKeyStore
from keys.protected_file import locked_folder
from keys.wrapping import WrappedKey, wrap_key

WRAPPED = wrap_key(os.urandom(32), os.urandom(32), b"", key_id=new_identifier("kek"), key_version=1)
OTHER = wrap_key(os.urandom(32), os.urandom(32), b"", key_id=new_identifier("kek"), key_version=2)
INS, DOC = "ins_0123456789abcdefghjkmnpqrs", "doc_7zyxwvtsrqpnmkjhgfedcba987"


@pytest.fixture
def filled(key_store: FolderKeyStore) -> FolderKeyStore:
    key_store.put(INS, INSPECTION, WRAPPED)
    key_store.put(INS, DOC, OTHER)
    return key_store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "wrapped" / INS


def test_what_is_put_can_be_had(filled: FolderKeyStore, folder: Path) -> None:
    assert filled.get(INS, INSPECTION) == WRAPPED
    assert filled.get(INS, DOC) == OTHER
    assert filled.has(INS, DOC)
    assert filled.list(INS) == (DOC,)
    assert filled.inspections() == (INS,)
    assert sorted(path.name for path in folder.iterdir()) == sorted([f"{DOC}.json", "inspection.json"])


def test_files_and_folders_are_private(filled: FolderKeyStore, folder: Path) -> None:
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == folder.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", [INSPECTION, DOC])
def test_a_name_is_taken_once(filled: FolderKeyStore, folder: Path, name: str) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(KeyExistsError):
        filled.put(INS, name, WRAPPED)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_document_key_needs_its_inspections_key(key_store: FolderKeyStore, folder: Path) -> None:
    with pytest.raises(KeyUnavailableError):
        key_store.put(INS, DOC, OTHER)
    folder.mkdir(parents=True)
    with pytest.raises(KeyUnavailableError):
        key_store.put(INS, DOC, OTHER)
    assert list(folder.iterdir()) == []


def test_what_was_never_put_is_not_there(filled: FolderKeyStore) -> None:
    absent = new_identifier("doc")
    assert not filled.has(INS, absent)
    assert filled.list(new_identifier("ins")) == ()
    with pytest.raises(KeyUnavailableError):
        filled.get(INS, absent)
    with pytest.raises(KeyUnavailableError):
        filled.replace(INS, absent, OTHER)
    with pytest.raises(KeyUnavailableError):
        filled.replace(new_identifier("ins"), INSPECTION, OTHER)


def test_an_empty_store_has_no_inspections(key_store: FolderKeyStore) -> None:
    assert key_store.inspections() == ()


@pytest.mark.parametrize("bad", ["", "..", "../../etc", "/etc", f"{DOC}/x", f"{DOC}\n", DOC.upper(), f"{DOC}é", "ins_"])
def test_a_text_that_is_no_identifier_never_becomes_a_path(filled: FolderKeyStore, folder: Path, bad: str) -> None:
    for act in (
        lambda: filled.put(INS, bad, WRAPPED),
        lambda: filled.put(bad, DOC, WRAPPED),
        lambda: filled.get(INS, bad),
        lambda: filled.get(bad, DOC),
        lambda: filled.has(bad, DOC),
        lambda: filled.replace(INS, bad, WRAPPED),
        lambda: filled.destroy(INS, bad),
        lambda: filled.destroy(bad, INSPECTION),
        lambda: filled.list(bad),
    ):
        with pytest.raises(IdentifierError):
            act()
    assert filled.list(INS) == (DOC,)


def test_a_damaged_file_is_refused(filled: FolderKeyStore, folder: Path) -> None:
    (folder / f"{DOC}.json").write_bytes(b"\xff" + OTHER.to_json().encode())
    with pytest.raises(WrappedKeyError):
        filled.get(INS, DOC)


def test_replacing_exchanges_the_key(filled: FolderKeyStore) -> None:
    filled.replace(INS, INSPECTION, OTHER)
    assert filled.get(INS, INSPECTION) == OTHER


def test_a_destroyed_document_key_is_overwritten_and_gone(filled: FolderKeyStore, folder: Path) -> None:
    with (folder / f"{DOC}.json").open("rb") as file:
        filled.destroy(INS, DOC)
        left = file.read()
    assert len(left) == len(OTHER.to_json())
    assert not any(left)
    assert not filled.has(INS, DOC)
    assert filled.has(INS, INSPECTION)


def test_destroying_an_inspection_key_destroys_all_below_it(filled: FolderKeyStore, folder: Path) -> None:
    (folder / f".{DOC}.json.0123456789abcdef").write_bytes(b"left by a killed write")
    with (folder / "inspection.json").open("rb") as first, (folder / f"{DOC}.json").open("rb") as second:
        filled.destroy(INS, INSPECTION)
        assert not any(first.read() + second.read())
    assert not folder.exists()
    assert filled.inspections() == ()


def test_what_a_killed_write_left_goes_with_its_key(filled: FolderKeyStore, folder: Path) -> None:
    stale = folder / f".{DOC}.json.0123456789abcdef"
    stale.write_bytes(b"left by a killed write")
    assert filled.list(INS) == (DOC,)
    filled.destroy(INS, DOC)
    assert not stale.exists()


def test_a_sweep_removes_what_killed_writes_left_and_nothing_else(filled: FolderKeyStore, folder: Path) -> None:
    kept = sorted(path.name for path in folder.iterdir())
    stale = [folder / f".{name}.json.0123456789abcdef" for name in (INSPECTION, DOC, new_identifier("doc"))]
    for path in stale:
        path.write_bytes(b"left by a killed write")
    (folder / ".other").write_bytes(b"not ours")
    assert filled.sweep_unfinished() == len(stale)
    assert sorted(path.name for path in folder.iterdir()) == [".other", *kept]
    assert filled.sweep_unfinished() == 0


def test_a_sweep_waits_for_a_write_under_way(filled: FolderKeyStore, folder: Path) -> None:
    under_way = folder / f".{DOC}.json.0123456789abcdef"
    with ThreadPoolExecutor(1) as pool, locked_folder(folder):
        under_way.write_bytes(b"a write that holds the folder")
        swept = pool.submit(filled.sweep_unfinished)
        with pytest.raises(TimeoutError):
            swept.result(timeout=0.05)
        under_way.unlink()
    assert swept.result() == 0


@pytest.mark.parametrize("name", [INSPECTION, DOC])
def test_destroying_again_changes_nothing(filled: FolderKeyStore, name: str) -> None:
    filled.destroy(INS, name)
    filled.destroy(INS, name)
    filled.destroy(new_identifier("ins"), name)
    assert not filled.has(INS, name)


def test_another_document_and_inspection_are_left_alone(filled: FolderKeyStore) -> None:
    other_inspection, other_document = new_identifier("ins"), new_identifier("doc")
    filled.put(other_inspection, INSPECTION, WRAPPED)
    filled.put(INS, other_document, WRAPPED)
    filled.destroy(INS, DOC)
    assert filled.list(INS) == (other_document,)
    filled.destroy(INS, INSPECTION)
    assert filled.inspections() == (other_inspection,)


def test_a_stored_key_is_its_canonical_text(filled: FolderKeyStore, folder: Path) -> None:
    text = (folder / f"{DOC}.json").read_text("ascii")
    assert text == OTHER.to_json()
    assert WrappedKey.from_json(text) == OTHER


def test_what_else_lies_in_the_store_is_passed_over(filled: FolderKeyStore, folder: Path) -> None:
    (folder.parent / "lost+found").mkdir()
    (folder.parent / "some_folder").mkdir()
    (folder.parent / new_identifier("ins")).mkdir()
    (folder / "notes_of_somebody.json").write_text("{}", "ascii")
    assert filled.inspections() == (INS,)
    assert filled.list(INS) == (DOC,)
