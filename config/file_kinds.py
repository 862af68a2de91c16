"""Which kinds of file are taken, told by name and confirmed by content; the rows stand in file_kinds.toml.

Detection itself is done elsewhere, in a confined process; this module only judges what it reports. Anything that no row
names is refused.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from config.tables import FOLDER, Row, TableError, read_table, rows, verify_only, verify_unique

_FILE = "file_kinds.toml"
_EXTENSION = re.compile(r"[^\s.].*\.([A-Za-z0-9]{1,8})", re.DOTALL)
_MAIL_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?(?:From [^\r\n]+\r?\n)?[A-Za-z][A-Za-z0-9-]*:[ \t\r\n]")
_PDF_MARKER_WITHIN = 1024  # where readers look for it: ISO 32000 readers tolerate bytes before the header
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class UnknownKindError(ValueError):
    """The name has no extension that is taken; the message says what is."""


class HeldKindError(UnknownKindError):
    """The kind is known and not taken as it stands; `kind` is its row and the message says what to do instead."""

    def __init__(self, kind: "FileKind") -> None:
        self.kind = kind
        super().__init__(kind.why)


class MismatchError(ValueError):
    """The content is not what the name says; the message names both in plain words."""


class HeldContentError(MismatchError):
    """The content is of a kind that is not taken, whatever its name says: macros, a password, an archive."""

    def __init__(self, kind: "FileKind") -> None:
        self.kind = kind
        super().__init__(f"Its content is: {kind.label}. {kind.why}")


@dataclass(frozen=True)
class FileKind:
    """One row of file_kinds.toml; `most_bytes` None means the general limit of the settings."""

    code: str
    label: str
    extensions: tuple[str, ...]
    treatment: str
    detected: tuple[str, ...]
    looked_for: str
    download: str
    most_bytes: int | None
    why: str

    def is_seen_as(self, mime: str) -> bool:
        """Whether `mime` is a detected type of this kind."""
        return any(fnmatchcase(mime, pattern) for pattern in self.detected)


@dataclass(frozen=True)
class FileKinds:
    """Every kind, in the order of the file."""

    kinds: tuple[FileKind, ...]

    @property
    def accepted(self) -> tuple[FileKind, ...]:
        """The kinds that are taken."""
        return tuple(kind for kind in self.kinds if kind.treatment == "accepted")

    def kind(self, code: str) -> FileKind:
        """The kind of that code, taken or not. Raises UnknownKindError."""
        for kind in self.kinds:
            if kind.code == code:
                return kind
        raise UnknownKindError("There is no such kind of file.")

    def kind_of_content(self, mime: str) -> FileKind | None:
        """The first kind that is seen as `mime`, or None."""
        return next((kind for kind in self.kinds if kind.is_seen_as(mime)), None)


@cache
def load_file_kinds(path: Path | None = None) -> FileKinds:
    """Read the kinds (the file beside this module unless given) and check them; kept for the life of the process.

    Raises:
        TableError: the file is malformed or an extension stands twice.
    """
    path = path or FOLDER / _FILE
    table = read_table(path)
    verify_only(table, ("kinds",), path.name)
    found = rows(table, "kinds", _kind, path.name)
    verify_unique((kind.code for kind in found), path.name)
    verify_unique(chain.from_iterable(kind.extensions for kind in found), path.name)
    return FileKinds(found)


def _kind(row: Row) -> FileKind:
    kind = FileKind(
        code=row.get("code", str),
        label=row.get("label", str),
        extensions=row.texts("extensions"),
        treatment=row.one_of("treatment", ("accepted", "held", "refused")),
        detected=row.texts("detected"),
        looked_for=row.one_of("looked_for", ("", *_LOOKS), ""),
        download=row.get("download", str),
        most_bytes=row.get("most_bytes", int, 0) or None,
        why=row.get("why", str, ""),
    )
    if (kind.treatment == "accepted") == bool(kind.why):
        raise TableError(f"{_FILE}: {kind.code} is held or refused and must say why, or is accepted and must not")
    return kind


def kind_for_name(file_name: str) -> FileKind:
    """The accepted kind that the last extension of `file_name` names, in any case.

    Raises:
        HeldKindError: the kind is known and not taken (macros, archives, programs, web pages).
        UnknownKindError: there is no extension, or nothing is known of it.
    """
    kinds = load_file_kinds()
    match = _EXTENSION.fullmatch(file_name)
    extension = match[1].lower() if match else ""
    for kind in kinds.kinds:
        if extension in kind.extensions:
            if kind.treatment != "accepted":
                raise HeldKindError(kind)
            return kind
    endings = ", ".join(f".{name}" for kind in kinds.accepted for name in kind.extensions)
    raise UnknownKindError(f"The file’s name must end in one of these: {endings}.")


def verify_content(kind: FileKind, detected_mime: str, head: bytes) -> None:
    """Check that content is what the name said; `head` is the first bytes of the file, 4 KiB or more where it has them.

    Raises:
        HeldContentError: the content is of a kind that is not taken.
        MismatchError: it is another kind, or lacks what the kind always begins with.
    """
    if kind.is_seen_as(detected_mime):
        if _LOOKS.get(kind.looked_for, _nothing)(head):
            return
        raise MismatchError(f"The file’s name says {kind.label}, but its content does not begin like one. {_ADVICE}")
    seen = load_file_kinds().kind_of_content(detected_mime)
    if seen is not None and seen.treatment != "accepted":
        raise HeldContentError(seen)
    other = f"its content is: {seen.label}" if seen else "its content is something else"
    raise MismatchError(f"The file’s name says {kind.label}, but {other}. {_ADVICE}")


_ADVICE = "Open it in the program it was made with, save it again under the right name, and send that."


def _nothing(head: bytes) -> bool:
    del head
    return True


def _is_text(head: bytes) -> bool:
    return b"\0" not in head or head.startswith(_UTF16_MARKS)


def _begins_like_mail(head: bytes) -> bool:
    return _MAIL_HEADER.match(head) is not None


def _has_pdf_marker(head: bytes) -> bool:
    return b"%PDF-" in head[:_PDF_MARKER_WITHIN]


_LOOKS: MappingProxyType[str, Callable[[bytes], bool]] = MappingProxyType(
    {"text": _is_text, "mail-header": _begins_like_mail, "pdf-marker": _has_pdf_marker}
)
