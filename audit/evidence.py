"""The evidence bundle's layout: one zip of stored members, the same bytes for the same log.

Members are read by our own few lines and not by `zipfile`'s, whose checksum would stop at the first flipped bit with
no word on which entry it is in.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from audit.errors import BundleError

README: Final = "README.txt"
VKEY: Final = "log.vkey"
ENTRIES: Final = "entries.jsonl"
LEAF_HASHES: Final = "leaf-hashes.txt"
CHECKPOINTS: Final = "checkpoints/"

MAX_SMALL_BYTES: Final = 256 * 1024
"""The most that is read at once: any member but the two that are read line by line."""

_LOCAL_HEADER: Final = b"PK\x03\x04"
_LOCAL_HEADER_BYTES: Final = 30
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
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
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise BundleError(f"{path} cannot be opened: {error.strerror}.") from error
        try:
            self._members = self._directory()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def checkpoint_names(self) -> list[str]:
        """The members that hold checkpoints, smallest size first."""
        return sorted(name for name in self._members if name.startswith(CHECKPOINTS))

    def read(self, name: str) -> bytes:
        """A small member, whole."""
        info = self._members[name]
        if info.file_size > MAX_SMALL_BYTES:
            raise BundleError(f"The member {name} is too large to be what it is called.")
        self._seek(info)
        return self._file.read(info.file_size)

    def lines(self, name: str, longest: int) -> Iterator[bytes]:
        """The lines of a member without their ends; raises BundleError for a line longer than `longest` bytes.

        Reading another member in between is allowed.
        """
        info = self._members[name]
        place, left = self._seek(info), info.file_size
        while left:
            self._file.seek(place)
            line = self._file.readline(min(left, longest + 1))
            if not line.endswith(b"\n"):
                raise BundleError(f"The member {name} holds a line that is too long, or its last line has no end.")
            place, left = place + len(line), left - len(line)
            yield line[:-1]

    def _directory(self) -> dict[str, zipfile.ZipInfo]:
        self._require_edges()
        try:
            with zipfile.ZipFile(self._file) as directory:
                infos = directory.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
            raise BundleError("The file is not an evidence bundle: it cannot be read as a zip.") from error
        if min((info.header_offset for info in infos), default=0) != 0:
            raise BundleError("The file is not an evidence bundle: another file stands before it, in the same bytes.")
        members = {info.filename: info for info in infos}
        unknown = members.keys() - {README, VKEY, ENTRIES, LEAF_HASHES}
        if len(members) != len(infos) or any(not name.startswith(CHECKPOINTS) for name in unknown):
            raise BundleError("The file holds members that an evidence bundle does not have.")
        missing = {README, VKEY, ENTRIES, LEAF_HASHES} - members.keys()
        if missing:
            raise BundleError(f"The file is not an evidence bundle; missing in it: {', '.join(sorted(missing))}.")
        if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 for info in infos):
            raise BundleError("The members of an evidence bundle are neither compressed nor encrypted; these are.")
        return members

    def _require_edges(self) -> None:
        """Nothing stands before the first member nor after the end record, where other readers would not look."""
        first = self._file.read(len(_LOCAL_HEADER))
        self._file.seek(max(self._file.seek(0, 2) - _END_BYTES, 0))
        last = self._file.read(_END_BYTES)
        if first != _LOCAL_HEADER or not last.startswith(_END) or not last.endswith(bytes(2)):
            raise BundleError("The file is neither a receipt nor an evidence bundle: it is no zip, or more than one.")

    def _seek(self, info: zipfile.ZipInfo) -> int:
        """Go to where the member's bytes begin, which must be inside the file, and say where that is."""
        end = self._file.seek(0, 2)
        self._file.seek(min(max(info.header_offset, 0), end))  # a damaged directory may point anywhere
        header = self._file.read(_LOCAL_HEADER_BYTES)
        if len(header) != _LOCAL_HEADER_BYTES or not header.startswith(_LOCAL_HEADER):
            raise BundleError(f"The file is damaged: the member {info.filename} is not where its directory says.")
        start = info.header_offset + _LOCAL_HEADER_BYTES + int.from_bytes(header[26:28], "little")
        start += int.from_bytes(header[28:30], "little")
        if not 0 <= start <= start + info.file_size <= end:
            raise BundleError(f"The file is cut short: the member {info.filename} is not whole.")
        self._file.seek(start)
        return start
