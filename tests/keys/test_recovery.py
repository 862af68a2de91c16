"""Recovery: one file, the keys, and nothing else; all of the content or no output at all."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from keys.errors import KeyFileError, KeysError, KeyUnavailableError, SealedFileError
from keys.identifiers import new_identifier
from keys.keyring import Keyring
from keys.recovery import unseal_file
from keys.sealed_file import SealContext, SealedContent, Sealer

CONTENT = os.urandom(2_500_000)
Recover = Callable[..., SealedContent]


@pytest.fixture
def sealed_path(keyring: Keyring, inspection_id: str, document_id: str, tmp_path: Path) -> Path:
    path = tmp_path / "store" / inspection_id / f"{document_id}.floe"
    path.parent.mkdir(parents=True)
    key, version = keyring.new_data_key(inspection_id, document_id)
    with path.open("wb") as sink, Sealer(key, SealContext(inspection_id, document_id, version), sink) as sealer:
        sealer.write(CONTENT)
        sealer.finish()
    return path


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "recovered.xlsx"


@pytest.fixture
def recover(sealed_path: Path, inspection_id: str, document_id: str, tmp_path: Path, output: Path) -> Recover:
    keys = tmp_path / "keys"

    def call(path: Path = sealed_path, document: str = document_id) -> SealedContent:
        return unseal_file(path, inspection_id, document, keys / "provider.json", keys / "wrapped", output)

    return call


def test_a_document_is_recovered_from_its_file_and_the_keys(recover: Recover, output: Path, sealed_path: Path) -> None:
    said = recover()
    assert output.read_bytes() == CONTENT
    assert output.stat().st_mode & 0o777 == 0o600
    assert said == SealedContent(len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), sealed_path.stat().st_size)


def test_an_output_that_exists_is_not_touched(recover: Recover, output: Path) -> None:
    output.write_bytes(b"precious")
    with pytest.raises(KeysError, match="not touched"):
        recover()
    assert output.read_bytes() == b"precious"


def test_a_link_in_the_outputs_place_is_not_followed(recover: Recover, output: Path, tmp_path: Path) -> None:
    output.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeysError, match="not touched"):
        recover()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("at", [0, 100, 1_048_576 + 500, -1])
def test_a_damaged_file_leaves_no_output(recover: Recover, output: Path, sealed_path: Path, at: int) -> None:
    damaged = bytearray(sealed_path.read_bytes())
    damaged[at] ^= 1
    sealed_path.write_bytes(damaged)
    with pytest.raises(SealedFileError):
        recover()
    assert not output.exists()


@pytest.mark.parametrize("change", [lambda sealed: sealed[:-1], lambda sealed: sealed[:1_048_650], lambda _: b""])
def test_a_file_cut_short_leaves_no_output(
    recover: Recover, output: Path, sealed_path: Path, change: Callable[[bytes], bytes]
) -> None:
    sealed_path.write_bytes(change(sealed_path.read_bytes()))
    with pytest.raises(SealedFileError):
        recover()
    assert not output.exists()


def test_a_missing_file_leaves_no_output(recover: Recover, output: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        recover(tmp_path / "missing.floe")
    assert not output.exists()


def test_a_full_disk_leaves_no_output(recover: Recover, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        recover()
    assert not output.exists()


def test_another_documents_key_is_never_tried(recover: Recover, output: Path) -> None:
    with pytest.raises(KeyUnavailableError):
        recover(document=new_identifier("doc"))
    assert not output.exists()


def test_a_file_under_another_documents_name_does_not_open(
    recover: Recover, keyring: Keyring, inspection_id: str, output: Path
) -> None:
    other = new_identifier("doc")
    keyring.new_data_key(inspection_id, other)
    with pytest.raises(SealedFileError):
        recover(document=other)
    assert not output.exists()


def test_a_disposed_document_is_not_recovered(
    recover: Recover, keyring: Keyring, inspection_id: str, document_id: str, output: Path
) -> None:
    keyring.destroy_data_key(inspection_id, document_id)
    with pytest.raises(KeyUnavailableError):
        recover()
    assert not output.exists()


def test_without_the_provider_key_nothing_opens(recover: Recover, output: Path, tmp_path: Path) -> None:
    (tmp_path / "keys" / "provider.json").unlink()
    with pytest.raises(KeyFileError):
        recover()
    assert not output.exists()
