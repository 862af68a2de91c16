"""Every system call that keeps a key fails in turn, and the process is killed at each: nothing is ever half there.

Failures come in pairs: the call failed and did nothing, or it did its work and then failed. What was acknowledged
stays; what was not is wholly there or wholly absent, and doing it again finishes it.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from keys.errors import KeyExistsError, KeyFileError, KeyUnavailableError, WrappedKeyError
from keys.identifiers import new_identifier
from keys.key_store import INSPECTION, FolderKeyStore
from keys.keyring import Keyring
from keys.local_provider import LocalKeyProvider
from keys.rotation import rewrap
from keys.signing import LogSigner

CALLS = ("open", "fsync", "link", "rename", "unlink", "pwrite", "mkdir", "rmdir")


class Trap:
    """Lets `left` of the watched system calls through and then fails one, or kills the process there."""

    def __init__(self, left: int, how: str) -> None:
        self.left, self.how, self.sprung = left, how, False
        self.seen: list[str] = []

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.seen.append(name)
            self.left -= 1
            if self.left != -1:
                return call(*args, **kwargs)
            self.sprung = True
            if self.how in {"failed-but-stored", "killed-after"}:
                with suppress(FileNotFoundError):
                    call(*args, **kwargs)
            if self.how.startswith("killed"):
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(28, "No space left on device")

        return watched

    @contextmanager
    def set(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, self.around(name, getattr(os, name)))
            yield


def spring(act: Callable[[], object], left: int, how: str) -> bool:
    """Do `act` with a fault at one call; tell whether it came so far."""
    if how.startswith("killed"):
        child = os.fork()
        if not child:
            try:
                with Trap(left, how).set():
                    act()
                os._exit(0)
            finally:
                os._exit(1)
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    trap = Trap(left, how)
    try:
        with trap.set():
            act()
    except (OSError, KeyFileError):
        assert trap.sprung
    return trap.sprung


HOW = ["failed-not-stored", "failed-but-stored", "killed-before", "killed-after"]
MOST = 60


class Host:
    """A host with a provider, a key store, one inspection and one document."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.provider = LocalKeyProvider.create(folder / "keys" / "provider.json")
        self.inspection_id, self.document_id = new_identifier("ins"), new_identifier("doc")
        self.ring = self.fresh()
        self.ring.create_inspection_key(self.inspection_id)
        self.key, _ = self.ring.new_data_key(self.inspection_id, self.document_id)

    def fresh(self) -> Keyring:
        """Give the keyring of a process that has just started."""
        return Keyring(LocalKeyProvider.open(self.provider_path), self.store)

    @property
    def provider_path(self) -> Path:
        return self.folder / "keys" / "provider.json"

    @property
    def store(self) -> FolderKeyStore:
        return FolderKeyStore(self.folder / "keys" / "wrapped")

    def verify_nothing_lost(self) -> None:
        assert self.fresh().data_key(self.inspection_id, self.document_id) == self.key


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Host]:
    return (Host(tmp_path / str(number)) for number in range(MOST))


@pytest.mark.parametrize("how", HOW)
def test_a_data_key_is_there_whole_or_not_at_all(hosts: Iterator[Host], how: str) -> None:
    sprung = 0
    for left, host in enumerate(hosts):
        document = new_identifier("doc")
        if not spring(
            lambda host=host, document=document: host.ring.new_data_key(host.inspection_id, document), left, how
        ):
            break
        sprung += 1
        host.verify_nothing_lost()
        fresh = host.fresh()
        if fresh.has_data_key(host.inspection_id, document):
            assert len(fresh.data_key(host.inspection_id, document)) == 32
        else:
            fresh.new_data_key(host.inspection_id, document)
        assert set(fresh.wrapped_documents(host.inspection_id)) == {host.document_id, document}
    assert sprung >= 5


@pytest.mark.parametrize("how", HOW)
def test_an_inspection_key_is_there_whole_or_not_at_all(hosts: Iterator[Host], how: str) -> None:
    sprung = 0
    for left, host in enumerate(hosts):
        inspection = new_identifier("ins")
        if not spring(lambda host=host, inspection=inspection: host.ring.create_inspection_key(inspection), left, how):
            break
        sprung += 1
        host.verify_nothing_lost()
        if not host.store.has(inspection, INSPECTION):
            host.fresh().create_inspection_key(inspection)
        host.fresh().new_data_key(inspection, new_identifier("doc"))
    assert sprung >= 7


@pytest.mark.parametrize("how", HOW)
def test_a_destruction_can_always_be_finished(hosts: Iterator[Host], how: str) -> None:
    sprung = 0
    for left, host in enumerate(hosts):
        if not spring(lambda host=host: host.ring.destroy_inspection_key(host.inspection_id), left, how):
            break
        sprung += 1
        host.fresh().destroy_inspection_key(host.inspection_id)
        assert list((host.folder / "keys" / "wrapped").iterdir()) == []
        with pytest.raises(KeyUnavailableError):
            host.fresh().data_key(host.inspection_id, host.document_id)
    assert sprung >= 8


@pytest.mark.parametrize("how", HOW)
def test_the_inspection_key_goes_before_those_below_it(hosts: Iterator[Host], how: str) -> None:
    seen = set()
    for left, host in enumerate(hosts):
        if not spring(lambda host=host: host.ring.destroy_inspection_key(host.inspection_id), left, how):
            break
        above = host.store.has(host.inspection_id, INSPECTION)
        below = host.store.has(host.inspection_id, host.document_id)
        assert below or not above
        seen.add((above, below))
    assert seen >= {(True, True), (False, True)}


@pytest.mark.parametrize("how", HOW)
def test_a_document_keys_destruction_leaves_the_inspection_alone(hosts: Iterator[Host], how: str) -> None:
    sprung = 0
    for left, host in enumerate(hosts):
        kept = new_identifier("doc")
        key, _ = host.ring.new_data_key(host.inspection_id, kept)
        if not spring(lambda host=host: host.ring.destroy_data_key(host.inspection_id, host.document_id), left, how):
            break
        sprung += 1
        host.fresh().destroy_data_key(host.inspection_id, host.document_id)
        assert host.fresh().wrapped_documents(host.inspection_id) == [kept]
        assert host.fresh().data_key(host.inspection_id, kept) == key
    assert sprung >= 5


@pytest.mark.parametrize("how", HOW)
def test_a_rotation_leaves_the_old_file_or_the_new_one(hosts: Iterator[Host], how: str) -> None:
    sprung = 0
    for left, host in enumerate(hosts):
        if not spring(LocalKeyProvider.open(host.provider_path).rotate, left, how):
            break
        sprung += 1
        host.verify_nothing_lost()
        after = LocalKeyProvider.open(host.provider_path)
        assert after.versions() in {(1,), (1, 2)}
        after.rotate()
        names = {path.name for path in host.provider_path.parent.iterdir()}
        assert names == {"provider.json", "wrapped"}
    assert sprung >= 5


@pytest.mark.parametrize("how", HOW)
def test_retiring_a_version_never_costs_the_one_in_use(hosts: Iterator[Host], how: str) -> None:
    sprung = 0
    for left, host in enumerate(hosts):
        host.provider.rotate()
        rewrap(host.provider, host.store)
        if not spring(lambda host=host: host.provider.retire(1, {2}), left, how):
            break
        sprung += 1
        host.verify_nothing_lost()
        assert LocalKeyProvider.open(host.provider_path).versions() in {(1, 2), (2,)}
    assert sprung >= 7


@pytest.mark.parametrize("how", HOW)
def test_a_rewrap_is_run_again_until_it_is_done(hosts: Iterator[Host], how: str) -> None:
    sprung = 0
    for left, host in enumerate(hosts):
        second = new_identifier("ins")
        host.ring.create_inspection_key(second)
        host.provider.rotate()
        if not spring(lambda host=host: rewrap(host.provider, host.store), left, how):
            break
        sprung += 1
        host.verify_nothing_lost()
        report = rewrap(host.provider, host.store)
        assert sorted(report.rewrapped + report.already_current) == sorted([host.inspection_id, second])
        assert report.failed == ()
        host.verify_nothing_lost()
    assert sprung >= 10


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("kind", [LocalKeyProvider, LogSigner])
def test_a_key_file_is_made_whole_or_not_at_all(
    tmp_path: Path, kind: type[LocalKeyProvider] | type[LogSigner], how: str
) -> None:
    sprung = 0
    for left in range(MOST):
        path = tmp_path / str(left) / "keys" / "key"
        if not spring(lambda path=path: kind.create(path), left, how):
            break
        sprung += 1
        if path.exists():
            kind.open(path)
            with pytest.raises(KeyExistsError):
                kind.create(path)
        else:
            kind.create(path)
    assert sprung >= 7


def test_a_key_is_durable_in_file_and_folder_before_it_is_given_out(hosts: Iterator[Host]) -> None:
    host, trap = next(hosts), Trap(MOST, "never")
    with trap.set():
        host.ring.new_data_key(host.inspection_id, new_identifier("doc"))
    assert [name for name in trap.seen if name != "open"] == ["fsync", "link", "unlink", "fsync"]


def test_a_destruction_overwrites_before_it_removes(hosts: Iterator[Host]) -> None:
    host, trap = next(hosts), Trap(MOST, "never")
    with trap.set():
        host.ring.destroy_data_key(host.inspection_id, host.document_id)
    assert [name for name in trap.seen if name != "open"] == ["pwrite", "fsync", "unlink", "fsync"]


def test_a_key_that_was_half_overwritten_opens_nothing_and_says_so(hosts: Iterator[Host]) -> None:
    host = next(hosts)
    path = host.folder / "keys" / "wrapped" / host.inspection_id / "inspection.json"
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(WrappedKeyError, match="valid encoding"):
        host.fresh().data_key(host.inspection_id, host.document_id)
