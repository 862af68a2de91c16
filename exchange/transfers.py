"""How many uploads may be under way at once: for one person, and in one process so that pages keep answering."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from exchange.errors import BusyError

KEPT_FOR_PAGES = 4  # threads of a process that no transfer may take


class Turns:
    """Counts transfers under way in this process."""

    def __init__(self, per_person: int, threads: int) -> None:
        self._per_person = per_person
        self._whole = max(1, threads - KEPT_FOR_PAGES)
        self._now: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, person: str) -> Iterator[None]:
        """Hold a turn for as long as the block runs.

        Raises:
            BusyError: this person, or this process, has as many transfers under way as it may.
        """
        with self._lock:
            if self._now[person] >= self._per_person:
                raise BusyError(
                    f"You already have {self._per_person} transfers under way. Nothing was lost. "
                    "Wait until one has finished and send this again."
                )
            if self._now.total() >= self._whole:
                raise BusyError(
                    "Many files are on their way at once. Nothing was lost. Wait a minute and send this again."
                )
            self._now[person] += 1
        try:
            yield
        finally:
            with self._lock:
                self._now[person] -= 1
                if not self._now[person]:
                    del self._now[person]
