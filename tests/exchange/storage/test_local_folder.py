"""The local store keeps the contract: durable when committed, invisible before, nothing after an abandoned write."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.storage.contract import BlobExistsError, BlobNotFoundError, StoreError
from exchange.storage.local_folder import LocalFolderStore

NAME = "ins_00000000000000000000000001/doc_00000000000000000000000001.floe"


@pytest.fixture
def store(tmp_path: Path) -> LocalFolderStore:
    return LocalFolderStore(tmp_path / "store")


def files_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_blob_is_invisible_until_committed_and_whole_afterwards(store: LocalFolderStore) -> None:
    writer = store.create(NAME)
    writer.write(b"sealed bytes")
    assert list(store.names()) == []
    assert list(store.unfinished()) == [NAME]
    with pytest.raises(BlobNotFoundError):
        store.open(NAME)
    writer.commit()
    assert list(store.names()) == [NAME]
    with store.open(NAME) as blob:
        assert blob.read() == b"sealed bytes"
    assert store.size(NAME) == 12
    assert list(store.unfinished()) == []


def test_files_and_folders_are_for_the_service_alone(store: LocalFolderStore) -> None:
    store.create(NAME).commit()
    path = store.root / NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_an_abandoned_blob_leaves_nothing(store: LocalFolderStore) -> None:
    writer = store.create(NAME)
    writer.write(b"half")
    writer.abandon()
    writer.abandon()
    assert files_below(store.root) == []


def test_a_name_is_written_once_and_the_first_blob_is_untouched(store: LocalFolderStore) -> None:
    first = store.create(NAME)
    first.write(b"first")
    first.commit()
    second = store.create(NAME)
    second.write(b"second")
    with pytest.raises(BlobExistsError):
        second.commit()
    with store.open(NAME) as blob:
        assert blob.read() == b"first"
    assert files_below(store.root) == ["doc_00000000000000000000000001.floe"]


def test_a_settled_blob_is_read_only_and_still_read_and_deleted(store: LocalFolderStore) -> None:
    store.create(NAME).commit()
    assert not store.is_settled(NAME)
    store.settle(NAME)
    store.settle(NAME)
    assert store.is_settled(NAME)
    assert stat.S_IMODE((store.root / NAME).stat().st_mode) == 0o400
    with store.open(NAME) as blob:
        assert blob.read() == b""
    store.delete(NAME)
    assert not store.is_settled(NAME)
    with pytest.raises(BlobNotFoundError):
        store.settle(NAME)


def test_deleting_is_final_and_may_be_repeated(store: LocalFolderStore) -> None:
    store.create(NAME).commit()
    store.delete(NAME)
    store.delete(NAME)
    with pytest.raises(BlobNotFoundError):
        store.size(NAME)


@pytest.mark.parametrize(
    "name", ["../etc/passwd", "a/b.floe", f"/{NAME}", NAME.upper(), f"{NAME}\n", NAME + ".arriving"]
)
def test_only_names_of_its_own_making_reach_a_path(store: LocalFolderStore, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        store.open(name)


def test_a_sweep_spares_a_writer_at_work_and_takes_the_remains_of_a_dead_one(store: LocalFolderStore) -> None:
    alive = store.create(NAME)
    alive.write(b"in work")
    dead = NAME.replace("doc_00000000000000000000000001", "doc_00000000000000000000000002")
    code = (
        "import os, sys; from pathlib import Path; from exchange.storage.local_folder import LocalFolderStore; "
        "w = LocalFolderStore(Path(sys.argv[1])).create(sys.argv[2]); w.write(b'half'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(store.root), dead], check=False)
    assert sorted(store.unfinished()) == sorted([NAME, dead])
    assert store.sweep_unfinished() == 1
    assert list(store.unfinished()) == [NAME]
    alive.commit()
    assert list(store.names()) == [NAME]


@pytest.mark.parametrize("call", ["fsync", "link"])
def test_when_the_disk_fails_at_the_end_nothing_is_visible(
    store: LocalFolderStore, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = store.create(NAME)
    writer.write(b"bytes")

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(StoreError, match="No space left"):
        writer.commit()
    monkeypatch.undo()
    assert files_below(store.root) == []


def test_when_the_disk_is_full_a_write_says_so(store: LocalFolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = store.create(NAME)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(StoreError, match="No space left"):
        writer.write(b"bytes")
