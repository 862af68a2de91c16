"""How many transfers may be under way at once: for one person, and in one process so that pages keep answering.

Promises: a turn is held from before the first byte until it is given back, once; whoever gets none has lost nothing.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from exchange.errors import BusyError


class Turns:
    """Counts the uploads and downloads under way in this process."""

    def __init__(self, *, uploads: int, downloads: int, whole: int) -> None:
        self._limits = {"upload": uploads, "download": downloads}
        self._whole = whole
        self._now: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def uploading(self, person: str) -> Iterator[None]:
        """Hold a turn for an upload while the block runs. Raises BusyError as `take` does."""
        give_back = self.take("upload", person)
        try:
            yield
        finally:
            give_back()

    def take(self, kind: str, person: str) -> Callable[[], None]:
        """Take a turn for an "upload" or "download" and return what gives it back; giving back twice is no error.

        Raises:
            BusyError: this person, or this process, has as many transfers under way as it may.
        """
        key = (kind, person)
        with self._lock:
            if self._now[key] >= self._limits[kind]:
                raise BusyError(
                    f"You already have {self._limits[kind]} {kind}s under way. Nothing was lost. "
                    "Wait until one has finished and try again."
                )
            if self._now.total() >= self._whole:
                raise BusyError("Many files are on their way at once. Nothing was lost. Wait a minute and try again.")
            self._now[key] += 1
        held = [key]

        def give_back() -> None:
            with self._lock:
                if held:
                    self._now[held.pop()] -= 1
                    self._now += Counter()  # drops what has come to nothing

        return give_back
