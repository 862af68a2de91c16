"""An act done beside the worker's other duties: begun unless it is under way, and never waited for in the loop.

Promises: it is under way at most once; what it raised is raised by the next call, or by `finish`, so that the journal
tells of it; a worker that stops leaves it behind, and its open transaction is rolled back.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress

LOW_PRIORITY = 10  # of a thread, on Linux; the process that serves pages is another one


class Alongside:
    """One act in a thread of its own."""

    def __init__(self, name: str, act: Callable[[], object], *, is_heavy: bool = False) -> None:
        self._name = name
        self._act = act
        self._is_heavy = is_heavy
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether the act goes on now."""
        return self._thread is not None and self._thread.is_alive()

    def __call__(self) -> None:
        """Begin the act, unless it is under way. Raises what it raised the last time, once it has begun anew."""
        if self.is_under_way:
            return
        failure, self._failure = self._failure, None
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()
        if failure is not None:
            raise failure

    def finish(self) -> None:
        """Wait until the act has ended. Raises what it raised."""
        if self._thread is not None:
            self._thread.join()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _run(self) -> None:
        try:
            if self._is_heavy:
                _yield_to_others()
            self._act()
        except Exception as error:  # noqa: BLE001  handed to the thread that calls next
            self._failure = error


def _yield_to_others() -> None:
    with suppress(OSError, AttributeError):  # a system that knows no priority of threads does without
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOW_PRIORITY)
