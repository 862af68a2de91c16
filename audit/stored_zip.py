"""Reads the members of a zip in place, where nothing is compressed or encrypted and no name is there twice.

What is proved must be what every other reader shows, too: a member has one name, the same in the directory and where it
stands, and no extra field gives it another. Contents are read by our own few lines and not by `zipfile`'s, whose
checksum would stop at the first flipped bit with no word on which entry it is in.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from audit.errors import BundleError

_LOCAL_HEADER: Final = b"PK\x03\x04"
_LOCAL_HEADER_BYTES: Final = 30
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_UTF8: Final = 0x800
_WIDE: Final = 1
"""The one extra field that members of evidence have: lengths of 64 bits."""


class StoredZip:
    """The members of a zip by name. Raises BundleError for a file that is not one, or not laid out so."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise BundleError(f"{path} cannot be opened: {error.strerror}.") from error
        try:
            self._end = self._file.seek(0, 2)
            self._members = self._directory()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
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
        self._file.seek(self._start(info))
        return self._file.read(info.file_size)

    def lines(self, name: str, longest: int) -> Iterator[bytes]:
        """The lines of a member that is there, without their ends; reading another member in between is allowed.

        Raises BundleError for a line longer than `longest` bytes, and for a last line without an end.
        """
        info = self._members[name]
        place, left = self._start(info), info.file_size
        while left:
            self._file.seek(place)
            line = self._file.readline(min(left, longest + 1))
            if not line.endswith(b"\n"):
                raise BundleError(f"The member {name} holds a line that is too long, or its last line has no end.")
            place, left = place + len(line), left - len(line)
            yield line[:-1]

    def _start(self, info: zipfile.ZipInfo) -> int:
        """Where the member's bytes begin, all of which are inside the file."""
        name = info.filename
        self._file.seek(min(max(info.header_offset, 0), self._end))  # a damaged directory may point anywhere
        header = self._file.read(_LOCAL_HEADER_BYTES)
        if len(header) != _LOCAL_HEADER_BYTES or not header.startswith(_LOCAL_HEADER):
            raise BundleError(f"The file is damaged: {name} is not where its directory says.")
        named, extra = (self._file.read(int.from_bytes(header[at : at + 2], "little")) for at in (26, 28))
        if named != info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437"):
            raise BundleError(f"The file calls {name} by another name where it stands; other readers would show that.")
        _require_plain(extra)
        start = info.header_offset + _LOCAL_HEADER_BYTES + len(named) + len(extra)
        if not 0 <= start <= start + info.file_size <= self._end:
            raise BundleError(f"The file is cut short: {name} is not whole.")
        return start

    def _directory(self) -> dict[str, zipfile.ZipInfo]:
        self._require_edges()
        try:
            with zipfile.ZipFile(self._file) as directory:
                infos = directory.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
            raise BundleError("The file cannot be read as a zip.") from error
        if min((info.header_offset for info in infos), default=0) != 0:
            raise BundleError("Another file stands before this zip, in the same bytes; other readers would read that.")
        members = {info.filename: info for info in infos}
        if len(members) != len(infos):
            raise BundleError("The file holds a member twice; which of the two was meant, nobody can know.")
        if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 for info in infos):
            raise BundleError("The members of evidence are neither compressed nor encrypted; these are.")
        for info in infos:
            _require_plain(info.extra if info.filename == info.orig_filename else b"named twice")
        return members

    def _require_edges(self) -> None:
        """Nothing stands before the first member nor after the end record, where other readers would not look."""
        self._file.seek(0)
        first = self._file.read(len(_LOCAL_HEADER))
        self._file.seek(max(self._end - _END_BYTES, 0))
        last = self._file.read(_END_BYTES)
        if first != _LOCAL_HEADER or not last.startswith(_END) or not last.endswith(bytes(2)):
            raise BundleError("The file is neither a receipt nor evidence in a zip: it is no zip, or more than one.")


def _require_plain(extra: bytes) -> None:
    """Raise BundleError for extra fields that could call a member otherwise, as other readers would."""
    while extra:
        length = int.from_bytes(extra[2:4], "little")
        if int.from_bytes(extra[:2], "little") != _WIDE or len(extra) < length + 4:
            raise BundleError("A member of the file bears more than a name; other readers might show another one.")
        extra = extra[length + 4 :]
