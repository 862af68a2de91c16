"""The folder that checkpoints are kept in, outside the reach of whoever changes the database: added to, never changed.

A checkpoint of `exchange.example.org/log/service` with 42 entries is the file

    exchange.example.org/log/service/00000000000000000042.txt

Promises: a file is created under its name exclusively, written in one go and durable, with its folder, before `write`
returns; nothing is ever overwritten, renamed or removed, so that a write-once mount can hold the folder.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from errno import EINVAL
from pathlib import Path

from audit.note import MAX_NOTE_BYTES

_FILE = re.compile(r"([0-9]{20})\.txt")
_ORIGIN = re.compile(r"[A-Za-z0-9._:-]+(/[A-Za-z0-9._-]+)*")
FILE_RIGHTS = 0o444
FOLDER_RIGHTS = 0o755

Stamp = tuple[int, int, int, int]


@dataclass(frozen=True)
class KeptFile:
    """One file that is there: the size in its name, and what changes when somebody changes it."""

    size: int
    stamp: Stamp


class CheckpointFolder:
    """The folder; it must be there already, since a mount that is missing must not be taken for an empty one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, origin: str, size: int, note: str) -> None:
        """Keep a checkpoint.

        Raises:
            FileExistsError: there is one of this size; it stays as it is.
            OSError: it could not be kept; what was written of it, if anything, stays.
        """
        folder = self._folder_for(origin)
        handle = os.open(_name(size), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_RIGHTS, dir_fd=folder)
        try:
            _write_whole(handle, note.encode())
            os.fsync(handle)
            os.fsync(folder)
        finally:
            os.close(handle)
            os.close(folder)

    def files(self, origin: str) -> list[KeptFile]:
        """The files of an origin, smallest size first. Raises OSError when the folder itself cannot be read."""
        self._path.stat()
        try:
            entries = list(os.scandir(self._place_of(origin)))
        except FileNotFoundError:
            return []
        found = [(int(match[1]), entry) for entry in entries if (match := _FILE.fullmatch(entry.name))]
        return [KeptFile(size, _stamp(entry)) for size, entry in sorted(found, key=lambda pair: pair[0])]

    def read(self, origin: str, size: int) -> bytes:
        """What one file holds, as far as a note can be long. Raises OSError, for whatever is no plain file too."""
        place, flags = self._place_of(origin) / _name(size), os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(place, os.O_RDONLY | flags), "rb") as source:
            if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
                raise OSError(EINVAL, "is no plain file", str(place))  # one that nobody writes to would be waited for
            return source.read(MAX_NOTE_BYTES + 1)

    def _folder_for(self, origin: str) -> int:
        """A descriptor of the origin's folder, made where it is missing, each new one durable in the one above."""
        self._path.stat()
        above = self._path
        for part in self._place_of(origin).relative_to(self._path).parts:
            place = above / part
            if not place.is_dir():
                place.mkdir(mode=FOLDER_RIGHTS, exist_ok=True)
                _sync(above)
            above = place
        return os.open(above, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def _place_of(self, origin: str) -> Path:
        if not _ORIGIN.fullmatch(origin) or {".", ".."} & set(origin.split("/")):
            raise OSError(f"the origin {origin!r} is no path to keep a checkpoint under")
        return self._path / origin


def _name(size: int) -> str:
    return f"{size:020d}.txt"


def _stamp(entry: os.DirEntry[str]) -> Stamp:
    found = entry.stat(follow_symlinks=False)
    length = found.st_size if stat.S_ISREG(found.st_mode) else -1
    return found.st_ino, length, found.st_mtime_ns, found.st_ctime_ns


def _write_whole(handle: int, content: bytes) -> None:
    written = 0
    while written < len(content):
        written += os.write(handle, content[written:])


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
