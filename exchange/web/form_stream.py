"""Request bodies as streams: counted against their promised length, kept to a pace, never spooled.

`BodyReader` is what every reader of a request sees as `wsgi.input`: a body that ends before its Content-Length raises
and is never mistaken for a whole one. `FormStream` reads a multipart form (RFC 7578) part by part in the order sent; a
file's bytes pass through in pieces of at most `READ_SIZE` and are never held whole, in memory or on disk.
"""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, Final, Protocol

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from exchange.errors import ExchangeError
from exchange.web.pace import Pace

READ_SIZE: Final = 1 << 20
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")  # RFC 2046 section 5.1.1
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class BodyError(ExchangeError):
    """A request body that cannot be taken; `status` and `title` are for the page that says so."""

    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST
    title: ClassVar[str] = "The request could not be read"


class BodyCutShortError(BodyError):
    """The line ended before the promised number of bytes had come."""

    title = "The upload was cut short"


class BodyTooSlowError(BodyError):
    """The bytes came more slowly than the service can wait for."""

    status = HTTPStatus.REQUEST_TIMEOUT
    title = "The upload was too slow"


class FormError(BodyError):
    """The body is not a form that this service reads."""

    title = "The form could not be read"


class FormLimitError(FormError):
    """The form holds more, or larger, parts than a page of this service sends."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "The form is too large"


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class BodyReader(io.RawIOBase):
    """The body of one request, `length` bytes long: no more is read, and less raises.

    Safe to install as `wsgi.input`: a reader that stops at end of input has seen every promised byte.
    """

    def __init__(self, stream: _Readable, length: int, pace: Pace | None = None) -> None:
        super().__init__()
        self._stream = stream
        self._pace = pace or Pace()
        self._broken: BodyError | None = None
        self.length = length
        self.received = 0

    @property
    def remaining(self) -> int:
        """Bytes promised and not yet read."""
        return self.length - self.received

    def readable(self) -> bool:
        """Say that this stream can be read."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes, or the whole rest without a size; b"" only after the last promised byte.

        Raises BodyCutShortError or BodyTooSlowError, and the same again on every later call.
        """
        if size is None or size < 0:
            return self.readall()
        if self._broken is not None:
            raise self._broken
        wanted = min(size, self.remaining)
        if wanted == 0:
            return b""
        data = self._receive(wanted)
        if not data:
            raise self._break(BodyCutShortError(self._cut_short_text()))
        self.received += len(data)
        return data

    def readall(self) -> bytes:
        """Read the whole rest of the body, however many reads it takes."""
        return b"".join(self.chunks())

    def readinto(self, buffer: Any, /) -> int:
        """Read into a writable buffer and return how many bytes came."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def chunks(self, size: int = READ_SIZE) -> Iterator[bytes]:
        """Read the rest of the body in pieces of at most `size` bytes; raises as `read` does."""
        while data := self.read(size):
            yield data

    def drain(self, limit: int) -> None:
        """Throw away up to `limit` of the remaining bytes, so that the client hears the answer; never raises."""
        stop = min(self.length, self.received + limit)
        try:
            while self.received < stop:
                self.read(min(READ_SIZE, stop - self.received))
        except BodyError:
            return

    def _receive(self, wanted: int) -> bytes:
        started = self._pace.clock()
        try:
            self._pace.patience()
            data = self._stream.read(wanted)
        except TimeoutError as error:
            raise self._break(
                BodyTooSlowError("The upload came too slowly and was stopped. It was not received: send it again.")
            ) from error
        except OSError as error:
            raise self._break(BodyCutShortError(self._cut_short_text())) from error
        self._pace.record(self._pace.clock() - started, len(data))
        return data

    def _break(self, error: BodyError) -> BodyError:
        self._broken = error
        return error

    def _cut_short_text(self) -> str:
        return (
            f"The connection ended after {self.received} of {self.length} bytes. "
            "What was being sent was not received: send it again."
        )


def content_length(environ: Mapping[str, Any]) -> int:
    """Read the promised body length in bytes, 0 when there is none; raises BodyError for anything but digits."""
    text = environ.get("CONTENT_LENGTH", "")
    if text == "":
        return 0
    if not _LENGTH.fullmatch(text):
        raise BodyError("The length given for the request is not a number. Nothing was received.")
    return int(text)


def body_of(environ: Mapping[str, Any]) -> BodyReader:
    """Give the request's one BodyReader: the one the edge installed, or a new one where there is no edge."""
    stream = environ["wsgi.input"]
    return stream if isinstance(stream, BodyReader) else BodyReader(stream, content_length(environ))


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
            raise FormError("The form goes on after its last line. Send it again.")


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
