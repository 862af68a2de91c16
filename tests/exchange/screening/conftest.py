"""Small real files of every kind: made by the libraries people use where we have them, by hand where we have not."""

import io
import os
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence

import docx
import openpyxl
import pytest

from exchange.screening.type_probe import TypeProbe

OOXML = "application/vnd.openxmlformats-officedocument."
SHEET = OOXML + "spreadsheetml.sheet"
MACRO_TYPES = b'<Types><Override ContentType="application/vnd.ms-excel.sheet.macroEnabled.main+xml"/></Types>'
FREE, END, TABLE_SECTOR = 0xFFFF_FFFF, 0xFFFF_FFFE, 0xFFFF_FFFD


def workbook(rows: int = 3) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("List_1")
    for row in range(rows):
        sheet.append([f"{row}", f"A{row:012}", "SEMH"])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def word_document() -> bytes:
    document = docx.Document()
    document.add_paragraph("How the partnership is governed")
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def archive(parts: Sequence[tuple[str, bytes]], *, streamed: bool = False) -> bytes:
    """A ZIP file; a streamed one states sizes after the data, as writers to a pipe do."""
    target = io.BytesIO()
    if streamed:
        target.seekable = lambda: False  # type: ignore[method-assign]  # how zipfile learns that it cannot go back
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts:
            made.writestr(name, content)
    return target.getvalue()


def compound(streams: Sequence[str], *, directory_at: int = 1, shift: int = 9) -> bytes:
    """A compound file (MS-CFB) whose root holds empty streams; the directory begins at a sector of choice."""
    size = 1 << shift
    entries = [_entry("Root Entry", 5, child=1 if streams else FREE)]
    entries += [
        _entry(name, 2, right=place + 1 if place < len(streams) else FREE) for place, name in enumerate(streams, 1)
    ]
    directory = b"".join(entries)
    directory += _entry("", 0) * (-len(directory) % size // 128)
    sectors = len(directory) // size
    table = [TABLE_SECTOR] + [END] * (directory_at - 1)
    table += [directory_at + place + 1 for place in range(sectors - 1)] + [END]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack(
        "<5H6x9I", 0x3E, 3 if shift == 9 else 4, 0xFFFE, shift, 6, 0, 1, directory_at, 0, 4096, END, 0, END, 0
    )
    header += struct.pack("<109I", 0, *[FREE] * 108)
    first = struct.pack(f"<{size // 4}I", *(table + [FREE] * size)[: size // 4])
    return header.ljust(size, b"\0") + first + bytes(size * (directory_at - 1)) + directory


def _entry(name: str, kind: int, *, right: int = FREE, child: int = FREE) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0" if name else b""
    return text.ljust(64, b"\0") + struct.pack("<HBB3I36xIQ", len(text), kind, 1, FREE, right, child, END, 0)


ODS = "application/vnd.oasis.opendocument.spreadsheet"
EXCEL_MACROS = "application/vnd.ms-excel.sheet.macroEnabled.12"
EXCEL_BINARY = "application/vnd.ms-excel.sheet.binary.macroEnabled.12"
WORD_MACROS = "application/vnd.ms-word.document.macroEnabled.12"
POWERPOINT = "application/vnd.ms-powerpoint"
TYPES, RELS = ("[Content_Types].xml", b"x"), ("_rels/.rels", b"x")
BOOK, WORDS, SLIDES = ("xl/workbook.xml", b"x"), ("word/document.xml", b"x"), ("ppt/presentation.xml", b"x")
ODS_MARK, ODS_CONTENT = ("mimetype", ODS.encode()), ("content.xml", b"x")
MAIL = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\n\r\nhello\r\n"
RECEIVED = b"Received: from x by y; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
PROGRAM = b"".join(
    (
        b"MZ",
        bytes(58),
        struct.pack("<I", 64),
        b"PE\0\0",
        struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x22),
        bytes(302),
    )
)
UTF_16, CP_1252 = "UPN,DOB\nA1,\u00e9\nA2,x\n".encode("utf-16"), "Caf\u00e9 \u2013 \u00a35\n".encode("cp1252")


def given(content: bytes) -> Callable[[], bytes]:
    return lambda: content


def zipped(*parts: tuple[str, bytes], streamed: bool = False) -> Callable[[], bytes]:
    return lambda: archive(parts, streamed=streamed)


def old_office(*streams: str, directory_at: int = 1) -> Callable[[], bytes]:
    return lambda: compound(streams, directory_at=directory_at)


SAMPLES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    # what it is: (name it would have, how to make it, the type that must be seen)
    "openpyxl workbook, types part last": ("a.xlsx", workbook, SHEET),
    "large openpyxl workbook, cut at 1 MiB": ("a.xlsx", lambda: workbook(60_000), SHEET),
    "workbook that begins with a large part": (
        "a.xlsx",
        zipped(("docProps/a.bin", os.urandom(2**18)), BOOK, TYPES),
        SHEET,
    ),
    "python-docx document": ("a.docx", word_document, OOXML + "wordprocessingml.document"),
    "presentation": ("a.pptx", zipped(RELS, SLIDES), OOXML + "presentationml.presentation"),
    "streamed workbook": ("a.xlsx", zipped(TYPES, BOOK, streamed=True), SHEET),
    "OpenDocument, mimetype first": ("a.ods", zipped(ODS_MARK, ODS_CONTENT), ODS),
    "OpenDocument, mimetype last": ("a.ods", zipped(ODS_CONTENT, ODS_MARK), ODS),
    "old workbook": ("a.xls", old_office("Workbook"), "application/vnd.ms-excel"),
    "older workbook": ("a.xls", old_office("Book"), "application/vnd.ms-excel"),
    "old document": ("a.doc", old_office("1Table", "WordDocument"), "application/msword"),
    "old presentation": ("a.ppt", old_office("Current User", "PowerPoint Document"), POWERPOINT),
    "Outlook message": ("a.msg", old_office("__properties_version1.0"), "application/vnd.ms-outlook"),
    "old workbook, directory past 1 MiB": ("a.xls", old_office("Workbook", directory_at=2100), "application/CDFV2"),
    "CSV": ("a.csv", given(b"UPN,DOB\nA1,01/01/2010\nA2,02/01/2010\n"), "text/csv"),
    "CSV of one line": ("a.csv", given(b"UPN,DOB\r\n"), "text/plain"),
    "CSV with semicolons": ("a.csv", given(b"UPN;DOB\r\nA1;01/01/2010\r\n"), "text/plain"),
    "CSV in UTF-16": ("a.csv", given(UTF_16), "text/csv"),
    "PDF": ("a.pdf", given(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n"), "application/pdf"),
    "rich text": ("a.rtf", given(b"{\\rtf1\\ansi hello}"), "text/rtf"),
    "plain text": ("a.txt", given("Caf\u00e9 \u2013 minutes\n".encode()), "text/plain"),
    "plain text in Windows-1252": ("a.txt", given(CP_1252), "text/plain"),
    "minutes that begin like mail": ("a.txt", given(MAIL), "message/rfc822"),
    "PNG": ("a.png", given(PNG), "image/png"),
    "JPEG": ("a.jpeg", given(JPEG), "image/jpeg"),
    "mail from a server": ("a.eml", given(RECEIVED + MAIL), "message/rfc822"),
    "mail saved by a program": ("a.eml", given(b"MIME-Version: 1.0\r\n" + MAIL), "text/plain"),
}
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "workbook with macros": (zipped(TYPES, BOOK, ("xl/vbaProject.bin", b"x")), EXCEL_MACROS),
    "workbook that declares macros": (zipped((TYPES[0], MACRO_TYPES), BOOK), EXCEL_MACROS),
    "binary workbook": (zipped(TYPES, ("xl/workbook.bin", b"x")), EXCEL_BINARY),
    "document with macros": (zipped(RELS, WORDS, ("word/vbaProject.bin", b"x")), WORD_MACROS),
    "password-protected workbook": (old_office("EncryptionInfo", "EncryptedPackage"), "application/encrypted"),
    "archive": (zipped(("a.txt", b"hello")), "application/zip"),
    "archive that has an xl folder": (zipped(("a.txt", b"hello"), BOOK), "application/zip"),
    "program": (given(PROGRAM), "application/x-dosexec"),
    "web page": (given(b"<!DOCTYPE html><html><body>x</body></html>"), "text/html"),
}


@pytest.fixture(params=SAMPLES.values(), ids=SAMPLES.keys())
def sample(request: pytest.FixtureRequest) -> tuple[str, bytes, str]:
    name, make, mime = request.param
    return name, make(), mime


@pytest.fixture(params=REFUSED.values(), ids=REFUSED.keys())
def refused_sample(request: pytest.FixtureRequest) -> tuple[bytes, str]:
    make, mime = request.param
    return make(), mime


@pytest.fixture
def make_archive() -> Callable[..., bytes]:
    return archive


@pytest.fixture
def make_compound() -> Callable[..., bytes]:
    return compound


@pytest.fixture(scope="module")
def probe() -> Iterator[TypeProbe]:
    made = TypeProbe(answer_seconds=60, start_seconds=60)  # a crowded machine is not what these tests are about
    yield made
    made.close()
