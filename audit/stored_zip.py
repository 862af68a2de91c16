"""Reads the members of a zip in place, where nothing is compressed or encrypted and no name is there twice.

Contents are read by our own few lines and not by `zipfile`'s, whose checksum would stop at the first flipped bit with
no word on which entry it is in.
"""

import zipfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from audit.errors import BundleError

_LOCAL_HEADER: Final = b"PK\x03\x04"
_LOCAL_HEADER_BYTES: Final = 30


class StoredZip:
    """The members of a zip by name. Raises BundleError for a file that is not one, or not laid out so."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise BundleError(f"{path} cannot be opened: {error.strerror}.") from error
        try:
            self._members = self._directory()
            self._end = self._file.seek(0, 2)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def names(self) -> set[str]:
        """The name of every member."""
        return set(self._members)

    def read(self, name: str, longest: int) -> bytes | None:
        """A member, whole, or None when there is none; raises BundleError for one of more than `longest` bytes."""
        info = self._members.get(name)
        if info is None:
            return None
        if info.file_size > longest:
            raise BundleError(f"{name} is too large to be what it is called.")
        self._file.seek(min(max(info.header_offset, 0), self._end))  # a damaged directory may point anywhere
        header = self._file.read(_LOCAL_HEADER_BYTES)
        if len(header) != _LOCAL_HEADER_BYTES or not header.startswith(_LOCAL_HEADER):
            raise BundleError(f"The file is damaged: {name} is not where its directory says.")
        start = info.header_offset + _LOCAL_HEADER_BYTES + int.from_bytes(header[26:28], "little")
        start += int.from_bytes(header[28:30], "little")
        if not 0 <= start <= start + info.file_size <= self._end:
            raise BundleError(f"The file is cut short: {name} is not whole.")
        self._file.seek(start)
        return self._file.read(info.file_size)

    def _directory(self) -> dict[str, zipfile.ZipInfo]:
        try:
            with zipfile.ZipFile(self._file) as directory:
                infos = directory.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
            raise BundleError("The file cannot be read as a zip.") from error
        members = {info.filename: info for info in infos}
        if len(members) != len(infos):
            raise BundleError("The file holds a member twice; which of the two was meant, nobody can know.")
        if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 for info in infos):
            raise BundleError("The members of an export are neither compressed nor encrypted; these are.")
        return members
