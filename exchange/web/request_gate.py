"""How much of a request must be here before a thread is given to it.

A `RequestGate` is fed the bytes of one connection and promises to be `ready` only when the head is complete and, for a
body of at most `small_body` bytes, the body too. It reads lengths only to count: whether a request is well formed is
decided by the server's parser, which is handed the same bytes.
"""

import re
from typing import Final

SMALL_BODY: Final = 64 * 1024
HEAD_LIMIT: Final = 64 * 1024
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*(?=\r\n)", re.IGNORECASE)
_UNCOUNTED: Final = re.compile(rb"\r\n(?:transfer-encoding|expect)[ \t]*:", re.IGNORECASE)


class HeadTooLargeError(Exception):
    """The head of a request goes on after `HEAD_LIMIT` bytes."""


class RequestGate:
    """What has come of one request, and what is still missing."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._needed: int | None = None
        self.is_long = False

    @property
    def is_empty(self) -> bool:
        """Nothing has come yet: an idle connection."""
        return not self._data

    @property
    def has_head(self) -> bool:
        """The head is complete."""
        return self._needed is not None

    @property
    def is_ready(self) -> bool:
        """A thread can read this request without waiting for the client, or its body is long (`is_long`)."""
        return self._needed is not None and len(self._data) >= self._needed

    @property
    def wanted(self) -> int:
        """The most bytes to receive next, so that little more than this request is taken."""
        return 16 * 1024 if self._needed is None else max(1, self._needed - len(self._data))

    def feed(self, data: bytes) -> None:
        """Add received bytes; raises HeadTooLargeError."""
        searched = max(0, len(self._data) - len(_HEAD_END) + 1)
        self._data += data
        if self._needed is None:
            self._look_for_the_head(searched)

    def take(self) -> bytes:
        """Give up every byte received, and begin again with the next request."""
        data = bytes(self._data)
        self._data.clear()
        self._needed = None
        self.is_long = False
        return data

    def _look_for_the_head(self, searched: int) -> None:
        end = self._data.find(_HEAD_END, searched)
        if end < 0:
            if b"\n\n" in self._data[searched:]:  # never a valid head: let the parser say so at once
                self._needed = len(self._data)
            elif len(self._data) > HEAD_LIMIT:
                raise HeadTooLargeError
            return
        head = bytes(self._data[: end + 2])
        self._needed = end + len(_HEAD_END)
        length = max(map(int, _LENGTH.findall(head)), default=0)
        if length > SMALL_BODY:
            self.is_long = True
        elif not _UNCOUNTED.search(head):
            self._needed += length
