"""The provider's key file: made once, private, versioned, and never half written."""

import json
import os
from pathlib import Path

import pytest

from keys.errors import KeyExistsError, KeyFileError, KeyNeededError, KeyUnavailableError
from keys.local_provider import LocalKeyProvider
from keys.wrapping import WrongContextError

KEY = os.urandom(32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "provider.json"


def test_making_it_leaves_a_private_file_in_a_private_folder(provider: LocalKeyProvider, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["provider.json"]


def test_making_it_twice_is_refused_and_changes_nothing(provider: LocalKeyProvider, path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(KeyExistsError, match="not touched"):
        LocalKeyProvider.create(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["provider.json"]


def test_what_one_process_wraps_another_opens(provider: LocalKeyProvider, path: Path) -> None:
    wrapped = provider.wrap(KEY, b"context")
    assert LocalKeyProvider.open(path).unwrap(wrapped, b"context") == KEY
    assert (wrapped.key_id, wrapped.key_version) == (provider.key_id, 1)


def test_another_context_opens_nothing(provider: LocalKeyProvider) -> None:
    with pytest.raises(WrongContextError):
        provider.unwrap(provider.wrap(KEY, b"context"), b"another")


def test_another_provider_says_that_its_file_is_not_the_one(provider: LocalKeyProvider, tmp_path: Path) -> None:
    other = LocalKeyProvider.create(tmp_path / "other" / "provider.json")
    with pytest.raises(KeyUnavailableError, match="another provider key"):
        other.unwrap(provider.wrap(KEY, b"context"), b"context")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o644, 0o610])
def test_a_file_that_others_can_reach_is_refused_with_the_command_that_mends_it(
    provider: LocalKeyProvider, path: Path, mode: int
) -> None:
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        LocalKeyProvider.open(path)


def test_a_file_of_another_user_is_refused(
    provider: LocalKeyProvider, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(KeyFileError, match="another user"):
        LocalKeyProvider.open(path)


def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(KeyFileError, match="chmod 700"):
        LocalKeyProvider.create(folder / "provider.json")
    assert list(folder.iterdir()) == []


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"provider\.json cannot be"):
        LocalKeyProvider.open(path)


def test_a_link_or_a_pipe_in_its_place_is_refused(provider: LocalKeyProvider, path: Path) -> None:
    link, pipe = path.with_name("link"), path.with_name("pipe")
    link.symlink_to(path)
    os.mkfifo(pipe, 0o600)
    for wrong in (link, pipe, path.parent):
        with pytest.raises(KeyFileError):
            LocalKeyProvider.open(wrong)


BAD_FILES = {
    "empty": lambda _: b"",
    "not-json": lambda content: content[:-3],
    "not-an-object": lambda _: b"[]",
    "no-keys": lambda content: _changed(content, keys={}),
    "keys-a-list": lambda content: _changed(content, keys=[]),
    "short-key": lambda content: _changed(content, keys={"1": "AAAA"}),
    "version-zero": lambda content: _changed(content, keys={"0": "A" * 43}),
    "version-not-a-number": lambda content: _changed(content, keys={"one": "A" * 43}),
    "version-spelled-differently": lambda content: _changed(content, keys={"01": "A" * 43}),
    "another-format": lambda content: _changed(content, format="local-key-provider/2"),
    "bad-identifier": lambda content: _changed(content, key_id="kek"),
    "byte-appended": lambda content: content + b" ",
}


def _changed(content: bytes, **changes: object) -> bytes:
    return json.dumps(json.loads(content) | changes, indent=1).encode() + b"\n"


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_with_other_content_is_refused_without_quoting_it(
    name: str, provider: LocalKeyProvider, path: Path
) -> None:
    content = path.read_bytes()
    secret = json.loads(content)["keys"]["1"]
    path.write_bytes(BAD_FILES[name](content))
    with pytest.raises(KeyFileError, match="damaged") as refusal:
        LocalKeyProvider.open(path)
    assert secret not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_no_key_shows_in_a_repr(provider: LocalKeyProvider, path: Path) -> None:
    secret = json.loads(path.read_bytes())["keys"]["1"]
    assert secret not in repr(provider) + repr(provider._file) + repr(vars(provider))


def test_rotation_adds_a_version_and_keeps_the_old_ones(provider: LocalKeyProvider, path: Path) -> None:
    old = provider.wrap(KEY, b"context")
    assert provider.rotate() == 2
    new = provider.wrap(KEY, b"context")

    assert (old.key_version, new.key_version) == (1, 2)
    again = LocalKeyProvider.open(path)
    assert again.versions() == (1, 2)
    assert again.unwrap(old, b"context") == again.unwrap(new, b"context") == KEY
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_open_provider_notices_a_rotation_made_elsewhere(provider: LocalKeyProvider, path: Path) -> None:
    running = LocalKeyProvider.open(path)
    provider.rotate()
    assert running.current_version() == 2
    assert running.unwrap(provider.wrap(KEY, b"context"), b"context") == KEY
    assert running.wrap(KEY, b"context").key_version == 2


def test_an_open_provider_notices_that_its_file_became_unsafe_or_went(provider: LocalKeyProvider, path: Path) -> None:
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        provider.wrap(KEY, b"context")
    path.unlink()
    with pytest.raises(KeyFileError, match="cannot be found"):
        provider.current_version()


def test_a_retired_version_opens_nothing_any_more(provider: LocalKeyProvider, path: Path) -> None:
    old = provider.wrap(KEY, b"context")
    secret = json.loads(path.read_bytes())["keys"]["1"]
    provider.rotate()
    provider.retire(1, used_versions={2})

    assert provider.versions() == (2,)
    assert secret.encode() not in path.read_bytes()
    with pytest.raises(KeyUnavailableError, match="Version 1"):
        provider.unwrap(old, b"context")


def test_retiring_overwrites_the_old_file(provider: LocalKeyProvider, path: Path) -> None:
    provider.rotate()
    with path.open("rb") as old:
        provider.retire(1, used_versions=set())
        assert not any(old.read())


@pytest.mark.parametrize(("version", "used"), [(1, {1}), (2, set()), (2, {1, 2})])
def test_a_version_that_is_needed_is_not_retired(provider: LocalKeyProvider, version: int, used: set[int]) -> None:
    provider.rotate()
    with pytest.raises(KeyNeededError):
        provider.retire(version, used)
    assert provider.versions() == (1, 2)


def test_a_version_that_is_not_there_is_not_retired(provider: LocalKeyProvider) -> None:
    with pytest.raises(KeyUnavailableError):
        provider.retire(7, set())


def test_a_version_number_is_not_given_twice(provider: LocalKeyProvider) -> None:
    provider.rotate()
    provider.retire(1, set())
    assert provider.rotate() == 3


def test_rotation_removes_what_a_killed_one_left(provider: LocalKeyProvider, path: Path) -> None:
    stale = path.with_name(".provider.json.0123456789abcdef")
    stale.write_bytes(b"a half-written key file")
    provider.rotate()
    assert not stale.exists()
