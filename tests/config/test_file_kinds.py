import shutil
from pathlib import Path

import pytest

import config.file_kinds
from config.file_kinds import (
    HeldContentError,
    HeldKindError,
    MismatchError,
    UnknownKindError,
    kind_for_name,
    load_file_kinds,
    verify_content,
)
from config.tables import TableError

REAL = Path(config.file_kinds.__file__).parent / "file_kinds.toml"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def test_the_accepted_kinds_are_these_and_no_others() -> None:
    codes = {kind.code for kind in load_file_kinds().accepted}
    assert codes == set("xlsx ods xls csv docx doc odt pdf pptx ppt odp txt rtf png jpg msg eml".split())  # noqa: SIM905  # read as one line


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("List 1.xlsx", "xlsx"),
        ("LIST 1.XLSX", "xlsx"),
        ("photo.jpeg", "jpg"),
        ("photo.JPG", "jpg"),
        ("v1.2 final.docx", "docx"),
        ("a\nb.pdf", "pdf"),
        ("Über uns – 1.4.odt", "odt"),
    ],
)
def test_the_last_extension_in_any_case_names_the_kind(name: str, code: str) -> None:
    assert kind_for_name(name).code == code


@pytest.mark.parametrize(
    "name", ["", "list", ".xlsx", "list.", "list.xlsx.", "list.xlsx ", "list.foo", "xlsx", "a.xls\u0445"]
)
def test_a_name_that_says_nothing_known_is_refused_with_what_is_taken(name: str) -> None:
    with pytest.raises(UnknownKindError, match=r"\.xlsx, .*\.pdf") as refused:
        kind_for_name(name)
    assert not isinstance(refused.value, HeldKindError)


@pytest.mark.parametrize(
    ("name", "code", "why"),
    [
        ("a.xlsm", "xlsm", "macros"),
        ("a.docm", "docm", "macros"),
        ("a.pptm", "pptm", "macros"),
        ("a.xlsb", "xlsb", "macros"),
        ("a.zip", "zip", "Send the files themselves"),
        ("report.pdf.exe", "program", "Programs"),
        ("a.svg", "html", "PDF"),
    ],
)
def test_a_kind_that_is_not_taken_says_why_and_what_to_do(name: str, code: str, why: str) -> None:
    with pytest.raises(HeldKindError, match=why) as refused:
        kind_for_name(name)
    assert refused.value.kind.code == code


@pytest.mark.parametrize("kind", load_file_kinds().accepted, ids=lambda kind: kind.code)
def test_each_kind_takes_each_type_that_detection_reports_for_it(kind: config.file_kinds.FileKind) -> None:
    heads = {"": b"any", "text": b"UPN,Name\n", "mail-header": b"From: a@example.org\n", "pdf-marker": b"%PDF-1.7\n"}
    for mime in kind.detected:
        verify_content(kind, mime.replace("*", "script.python"), heads[kind.looked_for])


@pytest.mark.parametrize(
    ("name", "mime", "head", "message"),
    [
        ("a.xlsx", "application/pdf", b"%PDF-1.7", "name says Excel workbook, but its content is: PDF document"),
        ("a.pdf", SHEET, b"PK\x03\x04", "name says PDF document, but its content is: Excel workbook"),
        ("a.xlsx", "application/octet-stream", b"\x00", "content is something else"),
        ("a.xls", SHEET, b"PK\x03\x04", "Excel workbook"),
        ("a.csv", "text/plain", b"a\0b", "does not begin like one"),
        ("a.eml", "text/plain", b"hello\n", "does not begin like one"),
        ("a.pdf", "application/pdf", b"x" * 2000 + b"%PDF-", "does not begin like one"),
        ("a.png", "image/jpeg", b"\xff\xd8", "JPEG picture"),
        ("a.doc", "application/x-ole-storage", b"\xd0\xcf", "something else"),
        ("a.txt", "application/x-empty", b"", "something else"),
    ],
)
def test_content_of_another_kind_is_refused_in_words(name: str, mime: str, head: bytes, message: str) -> None:
    with pytest.raises(MismatchError, match=message) as refused:
        verify_content(kind_for_name(name), mime, head)
    assert not isinstance(refused.value, HeldContentError)


@pytest.mark.parametrize(
    ("mime", "code"),
    [
        ("application/vnd.ms-excel.sheet.macroEnabled.12", "xlsm"),
        ("application/vnd.ms-word.document.macroEnabled.12", "docm"),
        ("application/encrypted", "locked"),
        ("application/zip", "zip"),
        ("application/x-dosexec", "program"),
        ("text/html", "html"),
    ],
)
@pytest.mark.parametrize("kind", load_file_kinds().accepted, ids=lambda kind: kind.code)
def test_content_that_is_not_taken_is_refused_under_every_name(
    kind: config.file_kinds.FileKind, mime: str, code: str
) -> None:
    with pytest.raises(HeldContentError) as refused:
        verify_content(kind, mime, b"From: a\n%PDF-")
    assert refused.value.kind.code == code


@pytest.mark.parametrize(
    "head",
    [
        b"From: a@example.org\r\n",
        b"\xef\xbb\xbfReceived: by x",
        b"From MAILER Mon Jan  1\nSubject: x\n",
        b"X-Long-Header:\r\n value\r\n",
    ],
)
def test_mail_is_told_by_its_first_header(head: bytes) -> None:
    verify_content(kind_for_name("a.eml"), "text/plain", head)


def test_text_in_utf_16_may_hold_zero_bytes() -> None:
    verify_content(kind_for_name("a.csv"), "text/csv", "UPN,Name\n".encode("utf-16"))


def test_a_kind_is_found_by_its_code() -> None:
    assert load_file_kinds().kind("xlsx").download == SHEET
    with pytest.raises(UnknownKindError):
        load_file_kinds().kind("foo")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('code = "xls"', 'code = "xlsx"', "twice"),
        ('extensions = ["xls"]', 'extensions = ["xlsx"]', "twice"),
        ('extensions = ["xls"]', 'extensions = ["xls", "xls"]', "extensions"),
        ('treatment = "refused"', 'treatment = "frowned-upon"', "treatment"),
        ('treatment = "refused"', 'treatment = "accepted"', "why"),
        ('treatment = "accepted"', 'treatment = "held"', "why"),
        ('looked_for = "text"', 'looked_for = "poetry"', "looked_for"),
        ("[[kinds]]", "[[sorts]]", "sorts"),
    ],
)
def test_kinds_that_contradict_themselves_are_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    copy = tmp_path / "file_kinds.toml"
    shutil.copy(REAL, copy)
    text = copy.read_text(encoding="utf-8")
    assert old in text
    copy.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TableError, match=complaint):
        load_file_kinds(copy)


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "file_kinds.toml"
    empty.write_text("", encoding="utf-8")
    with pytest.raises(TableError, match="no \\[\\[kinds\\]\\] row"):
        load_file_kinds(empty)
