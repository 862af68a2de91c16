"""Multipart forms as streams: read part by part in the order sent, never spooled.

A file's bytes (RFC 7578) pass through in pieces of at most `READ_SIZE` and are never whole in memory or on disk. A form
that is damaged, cut short or past its limits raises; a file of it is complete only when its chunks ended quietly.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from exchange.web.request_body import (
    READ_SIZE,
    BodyCutShortError,
    BodyError,
    BodyReader,
    BodyTooSlowError,
    body_of,
    content_length,
)

__all__ = [
    "READ_SIZE",
    "BodyCutShortError",
    "BodyError",
    "BodyReader",
    "BodyTooSlowError",
    "FieldPart",
    "FileChunks",
    "FilePart",
    "FormError",
    "FormLimitError",
    "FormLimits",
    "FormStream",
    "body_of",
    "content_length",
]

_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")  # RFC 2046 section 5.1.1
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class FormError(BodyError):
    """The body is not a form that this service reads."""

    title = "The form could not be read"


class FormLimitError(FormError):
    """The form holds more, or larger, parts than a page of this service sends."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "The form is too large"


@dataclass(frozen=True)
class FormLimits:
    """What a form may hold (counts, bytes)."""

    fields: int = 200
    field_bytes: int = 16 * 1024
    files: int = 50
    header_bytes: int = 4096 + 128
    headers: int = 8


@dataclass(frozen=True)
class FieldPart:
    """One field with its whole value."""

    name: str
    value: str


class FileChunks:
    """The bytes of one file, in order, once; read them before asking the form for its next part."""

    def __init__(self, events: Iterator[MultipartSegment | bytes | None]) -> None:
        self._events = events
        self._finished = False
        self._skipped = False

    def __iter__(self) -> Iterator[memoryview]:
        return self

    def __next__(self) -> memoryview:
        if self._skipped:
            raise FormError("A file was read after the form had moved past it. It was not received.")
        if self._finished:
            raise StopIteration
        for event in self._events:
            if event is None:
                break
            return memoryview(event)
        else:  # the events ended by an error that somebody has already seen: this is not the end of a file
            raise FormError("The form broke off inside a file. The file was not received: send it again.")
        self._finished = True
        raise StopIteration

    def skip(self) -> None:
        """Read past what is left; asking for it afterwards raises FormError."""
        left = sum(len(chunk) for chunk in self)
        self._skipped = left > 0


@dataclass(frozen=True)
class FilePart:
    """One file: the field's name, the file's name as the browser sent it, and its bytes as they come."""

    name: str
    file_name: str
    chunks: FileChunks


class FormStream:
    """A multipart form, read once from front to back; a part left unread is read past."""

    def __init__(self, body: BodyReader, content_type: str, limits: FormLimits | None = None) -> None:
        self._body = body
        self._limits = limits or FormLimits()
        self._boundary = _boundary_of(content_type)

    @classmethod
    def from_environ(cls, environ: Mapping[str, Any], limits: FormLimits | None = None) -> "FormStream":
        """Read the form of a WSGI request; raises FormError when it is not one."""
        return cls(body_of(environ), environ.get("CONTENT_TYPE", ""), limits)

    def __iter__(self) -> Iterator[FieldPart | FilePart]:
        """Yield the parts; raises BodyCutShortError, BodyTooSlowError, FormError or FormLimitError."""
        events = self._events()
        fields = files = 0
        for event in events:
            if not isinstance(event, MultipartSegment):
                continue
            name = _checked_name(event.name or "", "A field")
            if event.filename is None:
                fields += 1
                self._require_at_most(fields, self._limits.fields, "fields")
                yield FieldPart(name, self._value(name, events))
            elif part := self._file(name, event.filename, events):
                files += 1
                self._require_at_most(files, self._limits.files, "files")
                yield part
                part.chunks.skip()

    def drain(self, limit: int) -> None:
        """Throw away up to `limit` of the bytes not yet read, so that the client hears a refusal; never raises."""
        self._body.drain(limit)

    def _file(self, name: str, file_name: str, events: Iterator[MultipartSegment | bytes | None]) -> FilePart | None:
        """Make the part; None for the empty part that browsers send when no file was chosen."""
        chunks = FileChunks(events)
        if file_name:
            return FilePart(name, _checked_name(file_name, "A file"), chunks)
        if next(chunks, None) is not None:
            raise FormError("A file was sent without a name. It was not received: give it a name and send it again.")
        return None

    def _value(self, name: str, events: Iterator[MultipartSegment | bytes | None]) -> str:
        value = bytearray()
        for chunk in FileChunks(events):
            value += chunk
            self._require_at_most(len(value), self._limits.field_bytes, f"bytes in the field {name!r}")
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise FormError(f"The field {name!r} is not text in UTF-8. Nothing after it was received.") from None

    def _require_at_most(self, count: int, limit: int, what: str) -> None:
        if count > limit:
            raise FormLimitError(f"The form holds more than {limit} {what}. What came after was not received.")

    def _events(self) -> Iterator[MultipartSegment | bytes | None]:
        limits = self._limits
        opening = b"--" + self._boundary
        tail = b""
        parser = PushMultipartParser(
            self._boundary,
            content_length=self._body.length,
            max_header_size=limits.header_bytes,
            max_header_count=limits.headers,
            max_segment_count=2 * (limits.fields + limits.files),  # unchosen files count too; ours are the exact limits
        )
        try:
            for chunk in self._body.chunks(READ_SIZE):
                if len(tail) < len(opening) and not (tail + chunk).startswith(opening[: len(tail) + len(chunk)]):
                    raise FormError("The form does not begin with its boundary. Nothing was received.")
                tail = (tail + chunk[-len(opening) - 4 :])[-len(opening) - 4 :]
                yield from parser.parse(chunk)
            parser.close()
        except ParserLimitReached:
            raise FormLimitError("The form has more or longer headers or parts than a browser sends.") from None
        except MultipartError:
            raise FormError("The form is damaged. The part being read was not received: send it again.") from None
        if not tail.removesuffix(b"\r\n").endswith(opening + b"--"):
            raise FormError("The form goes on after its last line. Files received before it were kept.")


def _boundary_of(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not _BOUNDARY.fullmatch(boundary):
        raise FormError("The request is not a form with files. Nothing was received.")
    return bytes(boundary, "ascii")


def _checked_name(name: str, what: str) -> str:
    if not name or _CONTROL.search(name):
        raise FormError(
            f"{what} has no name, or a name with characters that cannot be printed. Rename it and try again."
        )
    return name
