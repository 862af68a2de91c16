"""Small secret files on the host: made once, readable by their owner alone, durable before anybody is told.

Every write is: a new file of rights 0600, its content, fsync, its place in the folder, fsync of the folder. Killed
anywhere, the old content or the new one is there, never a part. A reader refuses a file that others could read or swap.
"""

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from keys.errors import KeyExistsError, KeyFileError

_OTHERS_RIGHTS = 0o077
_OTHERS_WRITE = 0o022
_LONGEST = 1 << 20
_SPARE = re.compile(r"\..+\.[0-9a-f]{16}")


@contextmanager
def locked_folder(folder: Path) -> Iterator[int]:
    """Hold a folder alone among processes and threads; gives its descriptor. Raises FileNotFoundError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def write_new(folder: int, name: str, content: bytes) -> None:
    """Put a file durably into an open folder; raise FileExistsError when the name is taken."""
    with _spare_file(folder, name, content) as spare:
        os.link(spare, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    os.fsync(folder)


def replace(folder: int, name: str, content: bytes) -> None:
    """Exchange a file's content durably and at once for every reader."""
    with _spare_file(folder, name, content) as spare:
        os.rename(spare, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


def overwrite_and_remove(folder: int, name: str) -> None:
    """Overwrite a file in place, then remove it durably; nothing happens when it is not there.

    Overwriting reaches the old blocks only where the file system writes in place; FORMAT.md says what else is needed.
    """
    with suppress(FileNotFoundError):
        descriptor = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            overwrite(descriptor)
        finally:
            os.close(descriptor)
        os.unlink(name, dir_fd=folder)
    os.fsync(folder)


def overwrite(descriptor: int) -> None:
    """Write zeros over the whole of an open file, durably."""
    size = os.fstat(descriptor).st_size
    os.pwrite(descriptor, bytes(size), 0)
    os.fsync(descriptor)


def create_protected(path: Path, content: bytes) -> None:
    """Make a secret file (0600), and its folder (0700) where there is none.

    Raises KeyExistsError when the file is there already, KeyFileError when others may write to the folder.
    """
    make_folder(path.parent)
    with locked_folder(path.parent) as folder:
        _require_safe_folder(folder, path.parent)
        try:
            write_new(folder, path.name, content)
        except FileExistsError as error:
            raise KeyExistsError(
                f"{path} exists already. It was not touched; move it away if you mean to start anew."
            ) from error


def read_protected(path: Path) -> bytes:
    """Read a secret file; raise KeyFileError when it is missing, not a plain file, another's, or open to others."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be opened ({error.strerror}). Create or restore it.") from error
    try:
        _require_private(os.fstat(descriptor), path)
        return os.read(descriptor, _LONGEST)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder of rights 0700 and its missing parents, each durably; one that exists stays as it is."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    descriptor = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_private(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError(f"The key file {path} is not a plain file.")
    if status.st_uid != os.geteuid():
        raise KeyFileError(f"The key file {path} belongs to another user. Run this as the user that owns it.")
    if status.st_mode & _OTHERS_RIGHTS:
        raise KeyFileError(
            f"The key file {path} is open to other users of this machine. Run: chmod 600 {path}, "
            "and replace the key if anybody may have read it."
        )


def _require_safe_folder(descriptor: int, folder: Path) -> None:
    if os.fstat(descriptor).st_mode & _OTHERS_WRITE:
        raise KeyFileError(f"Other users may write to {folder}, so they could exchange a key. Run: chmod 700 {folder}")


@contextmanager
def _spare_file(folder: int, name: str, content: bytes) -> Iterator[str]:
    """Write content durably under a name of its own, and remove that name at the end."""
    spare = f"{spare_prefix(name)}{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(spare, flags, 0o600, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        yield spare
    finally:
        with suppress(FileNotFoundError):  # a rename has taken it away
            os.unlink(spare, dir_fd=folder)


def spare_prefix(name: str) -> str:
    """Begin the names that a write of `name` uses until it is complete; a killed write can leave one behind."""
    return f".{name}."


def is_spare(name: str) -> bool:
    """Tell whether a name is one that a write uses until it is complete."""
    return _SPARE.fullmatch(name) is not None
