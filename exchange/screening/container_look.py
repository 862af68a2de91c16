"""Looks at the table of contents of Office and OpenDocument containers within the first bytes of a file; pure.

libmagic tells many containers apart only when their parts stand in the order one program writes them. This look reads
names instead: local headers of ZIP (PKWARE APPNOTE 4.3.7) and the directory of compound files (MS-CFB 2.2 to 2.6).
Promises: it never raises on any bytes, never inflates more than it says, and answers None where it cannot tell.
"""

import struct
import zlib
from collections.abc import Iterator

_OOXML = "application/vnd.openxmlformats-officedocument."
_OOXML_PLAIN = {
    "xl": _OOXML + "spreadsheetml.sheet",
    "word": _OOXML + "wordprocessingml.document",
    "ppt": _OOXML + "presentationml.presentation",
}
_OOXML_MACROS = {
    "xl": "application/vnd.ms-excel.sheet.macroEnabled.12",
    "word": "application/vnd.ms-word.document.macroEnabled.12",
    "ppt": "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
}
_BINARY_WORKBOOK = "application/vnd.ms-excel.sheet.binary.macroEnabled.12"
_ODF = {
    f"application/vnd.oasis.opendocument.{kind}".encode(): f"application/vnd.oasis.opendocument.{kind}"
    for kind in ("spreadsheet", "text", "presentation")
}
_CONTENT_TYPES = b"[Content_Types].xml"
_PACKAGE_MARKS = (_CONTENT_TYPES, b"_rels/.rels", b"docProps/")
_LOCAL_HEADER = struct.Struct("<4s5HIIIHH")
_LOCAL_MARK = b"PK\x03\x04"
_SIZES_FOLLOW = 0x0008
_ZIP64_SIZE = 0xFFFF_FFFF
_DEFLATED = 8
_MOST_PARTS = 10_000
_MOST_NAME = 512
_MOST_CONTENT_TYPES = 512 * 1024

_CFB_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CFB_HEADER = 512
_CFB_ENTRY = 128
_CFB_SECTOR_SHIFTS = (9, 12)
_CFB_IN_HEADER_FAT = 109
_CFB_LAST_SECTOR = 0xFFFF_FFFA
_CFB_NONE = 0xFFFF_FFFF
_MOST_DIRECTORY_SECTORS = 2048
_CFB_STREAMS = tuple(
    (name.encode("utf-16-le"), kind)  # encoded on import: the confined process cannot load a codec later
    for name, kind in (
        ("__properties_version1.0", "application/vnd.ms-outlook"),
        ("EncryptedPackage", "application/encrypted"),
        ("WordDocument", "application/msword"),
        ("Workbook", "application/vnd.ms-excel"),
        ("Book", "application/vnd.ms-excel"),
        ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    )
)
UNKNOWN_COMPOUND = "application/x-ole-storage"


def look_inside(head: bytes) -> str | None:
    """The MIME type that a container's own table of contents shows, or None when it is no container or cannot be told.

    A compound file whose directory was read whole and holds none of the known streams is `application/x-ole-storage`.
    """
    if head.startswith(_LOCAL_MARK):
        return _zip_type(head)
    if head.startswith(_CFB_MARK):
        return _compound_type(head)
    return None


def _zip_type(head: bytes) -> str | None:
    names: set[bytes] = set()
    types = b""
    for name, method, data in _parts(head):
        if name == b"mimetype":
            kind = _ODF.get(_content(method, data, 256).strip())
            if kind:
                return kind
        if name == _CONTENT_TYPES and not types:
            types = _content(method, data, _MOST_CONTENT_TYPES)
        names.add(name)
    if not any(name.startswith(_PACKAGE_MARKS) for name in names):
        return None
    roots = [root for root in _OOXML_PLAIN if any(name.startswith(root.encode() + b"/") for name in names)]
    if len(roots) != 1:
        return None
    return _office_type(roots[0], names, types)


def _office_type(root: str, names: set[bytes], types: bytes) -> str:
    if b"xl/workbook.bin" in names or b".binary.macroEnabled" in types:
        return _BINARY_WORKBOOK
    if b"macroEnabled" in types or any(name.lower().endswith(b"vbaproject.bin") for name in names):
        return _OOXML_MACROS[root]
    return _OOXML_PLAIN[root]


def _parts(head: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Name, method and the bytes present of each part whose header stands within `head`."""
    position = 0
    for _ in range(_MOST_PARTS):
        if head[position : position + 4] != _LOCAL_MARK or position + _LOCAL_HEADER.size > len(head):
            return
        _, _, flags, method, _, _, _, packed, _, name_size, extra_size = _LOCAL_HEADER.unpack_from(head, position)
        start = position + _LOCAL_HEADER.size + name_size + extra_size
        if name_size > _MOST_NAME or start > len(head):
            return
        name = head[position + _LOCAL_HEADER.size : start - extra_size]
        follows = bool(flags & _SIZES_FOLLOW) and packed == 0
        position = head.find(_LOCAL_MARK, start) if follows or packed == _ZIP64_SIZE else start + packed
        yield name, method, head[start : position if position >= 0 else len(head)]
        if position < 0:
            return


def _content(method: int, data: bytes, most: int) -> bytes:
    """Up to `most` bytes of a part, inflated if need be; what can be read of a part that is cut or damaged."""
    if method != _DEFLATED:
        return data[:most]
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, most)
    except zlib.error:
        return b""


def _compound_type(head: bytes) -> str | None:
    directory, whole = _directory(head)
    if not directory:
        return None
    names, complete = _root_names(directory)
    for stream, kind in _CFB_STREAMS:
        if stream in names:
            return kind
    return UNKNOWN_COMPOUND if whole and complete else None


def _directory(head: bytes) -> tuple[bytes, bool]:
    """The directory's bytes within `head`, and whether that is all of it."""
    if len(head) < _CFB_HEADER:
        return b"", False
    shift = struct.unpack_from("<H", head, 30)[0]
    if shift not in _CFB_SECTOR_SHIFTS:
        return b"", False
    size, sector, found = 1 << shift, struct.unpack_from("<I", head, 48)[0], bytearray()
    for _ in range(_MOST_DIRECTORY_SECTORS):
        if sector >= _CFB_LAST_SECTOR:
            return bytes(found), True
        start = (sector + 1) * size
        if start + size > len(head):
            return bytes(found), False
        found += head[start : start + size]
        sector = _next_sector(head, sector, size)
    return bytes(found), False


def _next_sector(head: bytes, sector: int, size: int) -> int:
    """The sector after `sector` in its chain; past the end of `head` when the allocation table is not in it."""
    beyond = len(head)
    table, place = divmod(sector, size // 4)
    if table >= _CFB_IN_HEADER_FAT:
        return beyond
    start = (struct.unpack_from("<I", head, 76 + 4 * table)[0] + 1) * size + 4 * place
    return int(struct.unpack_from("<I", head, start)[0]) if start + 4 <= len(head) else beyond


def _root_names(directory: bytes) -> tuple[set[bytes], bool]:
    """Names directly under the root, and whether every one of them could be read: embedded objects do not count."""
    names: set[bytes] = set()
    count = len(directory) // _CFB_ENTRY
    waiting, seen, complete = [struct.unpack_from("<I", directory, 76)[0]], {0}, True
    while waiting:
        place = waiting.pop()
        if place == _CFB_NONE or place in seen:
            continue
        if place >= count:
            complete = False
            continue
        seen.add(place)
        start = place * _CFB_ENTRY
        size, _, _, left, right = struct.unpack_from("<HBBII", directory, start + 64)
        names.add(directory[start : start + min(max(size - 2, 0), 64)])
        waiting += [left, right]
    return names, complete
