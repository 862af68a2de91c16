"""Request bodies: counted against their promised length and kept to a pace.

`BodyReader` is what every reader of a request sees as `wsgi.input`: a body that ends before its Content-Length raises
and is never mistaken for a whole one.
"""

import io
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final, Protocol

from exchange.errors import ExchangeError
from exchange.web.pace import Pace

READ_SIZE: Final = 1 << 20
_LENGTH: Final = re.compile(r"[0-9]{1,18}")


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
