import os
from pathlib import Path

import pytest

from config.secret_files import SecretFileError, create_secret_file, read_secret_file, verify_private


def test_a_new_secret_is_private_random_and_leaves_no_draft(tmp_path: Path) -> None:
    one, two = tmp_path / "keys" / "one", tmp_path / "keys" / "two"
    create_secret_file(one)
    create_secret_file(two)
    assert one.stat().st_mode & 0o777 == 0o600
    assert one.parent.stat().st_mode & 0o777 == 0o700
    assert len(read_secret_file(one)) == 48
    assert read_secret_file(one) != read_secret_file(two)
    assert sorted(path.name for path in one.parent.iterdir()) == ["one", "two"]


def test_an_existing_secret_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    create_secret_file(path)
    before = path.read_bytes()
    with pytest.raises(SecretFileError, match="exists already"):
        create_secret_file(path)
    create_secret_file(path, tolerate_existing=True)
    assert path.read_bytes() == before


def test_a_failed_flush_leaves_no_secret_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(SecretFileError, match="No space left"):
        create_secret_file(tmp_path / "secret")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o601, 0o604, 0o610, 0o620, 0o640, 0o644, 0o666])
def test_any_right_of_others_is_too_much(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    create_secret_file(path)
    path.chmod(mode)
    with pytest.raises(SecretFileError, match="chmod 600"):
        verify_private(path)


def test_a_secret_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    create_secret_file(path)
    somebody_else = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody_else)
    with pytest.raises(SecretFileError, match="another user"):
        verify_private(path)


@pytest.mark.parametrize("size", [0, 31, 4097])
def test_a_secret_of_unlikely_length_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"x" * size)
    path.chmod(0o600)
    with pytest.raises(SecretFileError, match="32 to 4096"):
        read_secret_file(path)


def test_a_missing_secret_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SecretFileError, match="create it"):
        read_secret_file(tmp_path / "secret")


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(SecretFileError, match="cannot be read"):
        read_secret_file(tmp_path)
