"""A client's socket that keeps to a pace and tells when a thread begins to wait for the client."""

import socket
import struct
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from exchange.web.pace import Pace, PaceLimits, TooSlowError

_DISCARD: Final = struct.pack("ii", 1, 0)  # linger for 0 seconds: a reset, and no memory kept for a client that is gone
T = TypeVar("T", bound=int | bytes)


class PacedSocket(socket.socket):
    """Non-blocking until a thread must wait for the client, then blocking within limits.

    The first read or write of a request that would block calls the function given to `begin`; it answers with the
    limits that hold from then on. Raises TooSlowError where the client is slower than they allow.
    """

    _on_wait: Callable[[], PaceLimits] | None = None
    _reading: Pace
    _writing: Pace

    @classmethod
    def adopt(cls, accepted: socket.socket) -> "PacedSocket":
        """Take over an accepted socket; the given object no longer owns it."""
        adopted = cls(fileno=accepted.detach())
        adopted.begin(PaceLimits)
        return adopted

    def begin(self, on_wait: Callable[[], PaceLimits]) -> None:
        """Start a new request, for which nothing has been waited yet."""
        self._on_wait = on_wait
        self._reading, self._writing = Pace(), Pace()
        super().settimeout(0)

    def setblocking(self, flag: bool, /) -> None:  # noqa: FBT001 - the standard library's signature
        """Do nothing when asked to block: this socket blocks by itself, once it must."""
        if not flag:
            super().settimeout(0)

    def stop_waiting(self) -> None:
        """Never block again, whatever was asked before."""
        super().settimeout(0)

    def receive_now(self, size: int) -> bytes | None:
        """Receive what is here; None when nothing is, b"" when the client has ended."""
        try:
            return super().recv(size)
        except (BlockingIOError, InterruptedError):
            return None

    def send_now(self, data: bytes) -> None:
        """Send what the kernel takes at once, and forget the rest: for a last word on a line that closes."""
        super().settimeout(0)
        try:
            super().send(data)
        except OSError:
            return

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive, within the pace."""
        return self._paced(self._reading, partial(super().recv, size, flags))

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """Receive into a writable buffer, within the pace."""
        return self._paced(self._reading, partial(super().recv_into, buffer, nbytes, flags))

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send everything, within the pace; where that fails, closing discards what the kernel still holds."""
        view = memoryview(data).cast("B")
        try:
            while view:
                view = view[self._paced(self._writing, partial(super().send, view, flags)) :]
        except TooSlowError:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD)
            raise

    def _paced(self, pace: Pace, call: Callable[[], T]) -> T:
        if self._on_wait is not None:
            try:
                return call()
            except BlockingIOError:
                self._wait_from_now(self._on_wait())
        pace.patience()
        started = pace.clock()
        try:
            result = call()
        except TimeoutError:
            raise TooSlowError from None
        pace.record(pace.clock() - started, result if isinstance(result, int) else len(result))
        return result

    def _wait_from_now(self, limits: PaceLimits) -> None:
        self._on_wait = None
        self._reading.limits = self._writing.limits = limits
        self.settimeout(limits.idle_seconds)
