"""The store in a local folder: files of mode 0600 in folders of mode 0700, synced before they are named.

A blob is written as `<name>.arriving` under an advisory lock and renamed on commit, after fsync of the file and
before fsync of its folder. The lock dies with its process, so a sweep can tell an abandoned file from one in work. A
settled blob is read-only, which backups that keep rights keep too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from exchange.storage.contract import BlobExistsError, BlobNotFoundError, StoreError

NAME = re.compile(r"[a-z]{3}_[0-9a-z]{26}/[a-z]{3}_[0-9a-z]{26}\.floe")
ARRIVING = ".arriving"
WRITTEN_OUT_EVERY = 16 * 2**20  # bytes
SETTLED = 0o400


class LocalFolderStore:
    """A `BlobStore` below one folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def create(self, name: str) -> LocalBlobWriter:
        """Begin a blob (see the contract)."""
        path = self._path(name)
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self.root)
        return LocalBlobWriter(path)

    def settle(self, name: str) -> None:
        """Make a blob read-only (see the contract)."""
        try:
            self._path(name).chmod(SETTLED)
        except FileNotFoundError as error:
            raise BlobNotFoundError("The sealed file is not in the store.") from error

    def is_settled(self, name: str) -> bool:
        """Tell whether a blob is read-only (see the contract)."""
        try:
            return stat.S_IMODE(self._path(name).stat().st_mode) == SETTLED
        except FileNotFoundError:
            return False

    def open(self, name: str) -> IO[bytes]:
        """Open a blob unbuffered (see the contract)."""
        try:
            return self._path(name).open("rb", buffering=0)
        except FileNotFoundError as error:
            raise BlobNotFoundError("The sealed file is not in the store.") from error

    def size(self, name: str) -> int:
        """Return a blob's length (see the contract)."""
        try:
            return self._path(name).stat().st_size
        except FileNotFoundError as error:
            raise BlobNotFoundError("The sealed file is not in the store.") from error

    def delete(self, name: str) -> None:
        """Remove a blob and sync its folder (see the contract)."""
        path = self._path(name)
        path.unlink(missing_ok=True)
        if path.parent.exists():
            sync_folder(path.parent)

    def names(self) -> Iterator[str]:
        """Yield committed blobs (see the contract)."""
        for path in self.root.glob("*/*.floe"):
            name = f"{path.parent.name}/{path.name}"
            if NAME.fullmatch(name):
                yield name

    def unfinished(self) -> Iterator[str]:
        """Yield blobs in work (see the contract)."""
        for path in self.root.glob(f"*/*.floe{ARRIVING}"):
            yield f"{path.parent.name}/{path.name.removesuffix(ARRIVING)}"

    def sweep_unfinished(self) -> int:
        """Remove `.arriving` files whose writer is gone (see the contract)."""
        swept = 0
        for path in self.root.glob(f"*/*.floe{ARRIVING}"):
            swept += _remove_if_abandoned(path)
        return swept

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            message = "not a name this store uses"
            raise ValueError(message)
        return self.root / name


class LocalBlobWriter:
    """A blob on its way into a `LocalFolderStore`."""

    def __init__(self, path: Path) -> None:
        self._final = path
        self._arriving = path.with_name(path.name + ARRIVING)
        try:
            self._descriptor = _create_locked(self._arriving)
        except OSError as error:
            raise StoreError(f"The store cannot take a new file: {error.strerror}.") from error
        self._open = True
        self._written = self._sent_out = 0

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write all of `data` (see the contract)."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            raise StoreError(f"The store cannot write the file: {error.strerror}.") from error
        self._written += len(data)
        if self._written - self._sent_out >= WRITTEN_OUT_EVERY:
            self._send_out()
        return len(data)

    def _send_out(self) -> None:
        """Let the disk begin with what has come, so that little is left for the sync at the end; waits for nothing."""
        if hasattr(os, "posix_fadvise"):
            # Linux starts writing a range that is declared unneeded, and keeps what is not yet clean.
            with contextlib.suppress(OSError):
                size = self._written - self._sent_out
                os.posix_fadvise(self._descriptor, self._sent_out, size, os.POSIX_FADV_DONTNEED)
        self._sent_out = self._written

    def commit(self) -> None:
        """Sync, name and sync the name (see the contract)."""
        try:
            os.fsync(self._descriptor)
            # link() refuses an existing name where rename() would replace it in silence.
            os.link(self._arriving, self._final)
            self._arriving.unlink()
            sync_folder(self._final.parent)
        except FileExistsError as error:
            self.abandon()
            raise BlobExistsError("A sealed file of that name is already in the store.") from error
        except OSError as error:
            self._final.unlink(missing_ok=True)
            self.abandon()
            raise StoreError(f"The store cannot keep the file: {error.strerror}.") from error
        self._close()

    def abandon(self) -> None:
        """Remove what was written (see the contract)."""
        if self._open:
            with contextlib.suppress(OSError):
                self._arriving.unlink(missing_ok=True)
            self._close()

    def _close(self) -> None:
        self._open = False
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _create_locked(path: Path) -> int:
    """Create `path` and hold its lock; again if a sweep removed it in the instant between the two."""
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def _remove_if_abandoned(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
