"""The evidence bundle's layout: one zip of stored members, the same bytes for the same log."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from audit.errors import BundleError
from audit.stored_zip import StoredZip

README: Final = "README.txt"
VKEY: Final = "log.vkey"
ENTRIES: Final = "entries.jsonl"
LEAF_HASHES: Final = "leaf-hashes.txt"
CHECKPOINTS: Final = "checkpoints/"

MAX_SMALL_BYTES: Final = 256 * 1024
"""The most that is read at once: any member but the two that are read line by line."""

_LENGTHS: Final = range(18, 26)
_ZIP64_VERSION: Final = 45
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)


def checkpoint_name(tree_size: int) -> str:
    """The member that holds the checkpoint of this size; names sort like sizes."""
    return f"{CHECKPOINTS}{tree_size:020d}.txt"


class _Member(zipfile.ZipInfo):
    """A member whose header is the same in every Python: before 3.11.4 one of unknown length was marked otherwise."""

    def FileHeader(self, zip64: bool | None = None) -> bytes:  # noqa: FBT001, N802  the library's own signature
        """The local header; where 64-bit lengths follow the content, its 32-bit ones are all ones (APPNOTE 4.4.8)."""
        if not zip64:
            return super().FileHeader(zip64)
        self.create_version = self.extract_version = _ZIP64_VERSION
        header = super().FileHeader(zip64)
        return header[: _LENGTHS.start] + b"\xff" * len(_LENGTHS) + header[_LENGTHS.stop :]


class BundleWriter:
    """Writes members one after another, uncompressed and without the time: the bytes depend on the log alone."""

    def __init__(self, out: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_STORED)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._zip.close()
        else:  # a bundle that broke off gets no directory, from a finaliser neither, and so cannot pass for a whole one
            self._zip.fp = None

    def open_member(self, name: str) -> IO[bytes]:
        """A member to write to; close it before the next."""
        return self._zip.open(self._info(name), "w", force_zip64=True)

    def add(self, name: str, content: str) -> None:
        """A small member, whole."""
        self._zip.writestr(self._info(name), content.encode())

    @staticmethod
    def _info(name: str) -> zipfile.ZipInfo:
        info = _Member(name, _EARLIEST)
        info.create_system = 3
        info.external_attr = 0o100644 << 16
        return info


class BundleReader:
    """The members of a bundle, read in place. Raises BundleError for anything that is not laid out as one."""

    def __init__(self, path: Path) -> None:
        self._zip = StoredZip(path)
        try:
            self._require_members()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def checkpoint_names(self) -> list[str]:
        """The members that hold checkpoints, smallest size first."""
        return sorted(name for name in self._zip.names() if name.startswith(CHECKPOINTS))

    def read(self, name: str) -> bytes:
        """A small member, whole; nothing where there is none."""
        return self._zip.read(name, MAX_SMALL_BYTES) or b""

    def lines(self, name: str, longest: int) -> Iterator[bytes]:
        """The lines of a member without their ends; raises BundleError for a line longer than `longest` bytes.

        Reading another member in between is allowed.
        """
        return self._zip.lines(name, longest)

    def _require_members(self) -> None:
        names, known = self._zip.names(), {README, VKEY, ENTRIES, LEAF_HASHES}
        if any(not name.startswith(CHECKPOINTS) for name in names - known):
            raise BundleError("The file holds members that an evidence bundle does not have.")
        if missing := known - names:
            raise BundleError(f"The file is not an evidence bundle; missing in it: {', '.join(sorted(missing))}.")
