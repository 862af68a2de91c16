"""Where an export of tiles goes: a zip, written forwards only, or a folder that grows from export to export.

In a folder, what its checkpoint covers is final and never written again. Whatever lies beyond it is the rest of an
export that broke off; no reader looks there, and the next export writes it anew.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Protocol, Self, cast

from audit.errors import AuditError
from audit.evidence import BundleWriter
from audit.note import MAX_NOTE_BYTES
from audit.tile_paths import CHECKPOINT, TilePath

NEW_CHECKPOINT: Final = "checkpoint.new"
"""The next checkpoint while it is written; readers pass over it."""


class TilesFolderError(AuditError):
    """A folder that holds another log, or another history of this one; nothing that was in it has been changed."""


class TileSink(Protocol):
    """Takes the parts of a log in the order in which they are full, the checkpoint last."""

    def add(self, path: TilePath, content: bytes) -> None:
        """Keep one tile or entry bundle."""

    def finish(self, checkpoint: str) -> None:
        """Keep the checkpoint, once everything that it covers is durable."""


class ZipSink:
    """A zip of stored members on a stream that need not be seekable; the same parts give the same bytes.

    A zip whose writing broke off, inside `with`, gets no directory and cannot pass for a whole one.
    """

    def __init__(self, out: IO[bytes]) -> None:
        self._writer = BundleWriter(cast("IO[bytes]", _Forwards(out)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)

    def add(self, path: TilePath, content: bytes) -> None:
        """Write one member."""
        with self._writer.open_member(str(path)) as member:
            member.write(content)

    def finish(self, checkpoint: str) -> None:
        """Write the checkpoint, the last member."""
        self._writer.add(CHECKPOINT, checkpoint)


class _Forwards:
    """A stream that cannot go back, whatever it is: the library writes other headers on one that can."""

    def __init__(self, out: IO[bytes]) -> None:
        self.write = out.write
        self.flush = out.flush


class FolderSink:
    """A folder whose checkpoint covers its first `covered` entries."""

    def __init__(self, folder: Path, covered: int) -> None:
        self._folder = folder
        self._covered = covered
        self._touched: set[Path] = set()

    def add(self, path: TilePath, content: bytes) -> None:
        """Write one file, durably. Raises TilesFolderError when another one stands where nothing may change."""
        place = self._folder / str(path)
        if path.end <= self._covered and place.exists():
            if place.read_bytes() != content:
                raise TilesFolderError(
                    f"{place} is not what the log holds. Nothing was changed there. Verify the folder, and the log."
                )
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        self._write(place, content)

    def finish(self, checkpoint: str) -> None:
        """Replace the checkpoint, after everything else is durable."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._write(self._folder / NEW_CHECKPOINT, checkpoint.encode())
        for folder in self._touched:
            _sync_folder(folder)
        (self._folder / NEW_CHECKPOINT).replace(self._folder / CHECKPOINT)
        _sync_folder(self._folder)

    def _write(self, place: Path, content: bytes) -> None:
        with place.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        while place != self._folder:
            place = place.parent
            self._touched.add(place)


def read_checkpoint(folder: Path) -> bytes | None:
    """The checkpoint of an export, None when the folder has none yet."""
    try:
        with (folder / CHECKPOINT).open("rb") as file:
            return file.read(MAX_NOTE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TilesFolderError(f"The folder {folder} cannot be read: {error.strerror}. Nothing was changed.") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
