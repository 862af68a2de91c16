"""The bytes of an export on their way: a turn held until the end, and no last piece before everything was verified."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from itertools import chain
from typing import Self

from audit.errors import AuditError
from exchange.errors import ConflictError

DAMAGED = (
    "The log is not as it was written, so the export was not made: half of it must not pass for a whole. Nothing was "
    "changed, and the attempt is an entry in the log. Verify the log, and export the evidence: that is for this case."
)


class ExportBrokenOffError(Exception):
    """The export could not be finished; the download breaks off."""


def hold_back(pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
    """Give each piece only when the next one is there, and the last when the source has ended without an error."""
    held: bytes | None = None
    for piece in pieces:
        if held is not None:
            yield held
        held = piece
    if held is not None:
        yield held


class ExportStream:
    """The pieces of one export, for the server to iterate and close; closing gives the turn back."""

    def __init__(self, pieces: Generator[bytes, None, None], give_back: Callable[[], None]) -> None:
        self._source = pieces
        self._pieces: Iterator[bytes] = pieces
        self._give_back = give_back

    def read_first(self) -> None:
        """Make the first piece before anything is said to the client.

        Raises:
            ConflictError: the log is damaged within the first piece; nothing was sent, and the turn is given back.
        """
        try:
            first = next(self._source, b"")
        except AuditError as error:
            self.close()
            raise ConflictError(DAMAGED) from error
        except BaseException:
            self.close()
            raise
        self._pieces = chain((first,), self._source)

    def __iter__(self) -> Self:
        """The stream itself."""
        return self

    def __next__(self) -> bytes:
        """The next piece. Raises ExportBrokenOffError, which breaks the connection, when the log is damaged."""
        try:
            return next(self._pieces)
        except AuditError as error:
            raise ExportBrokenOffError("the export could not be finished") from error

    def close(self) -> None:
        """Let go of the log and of the turn; the server calls this however the download ended."""
        try:
            self._source.close()
        finally:  # also when the database is gone
            self._give_back()
