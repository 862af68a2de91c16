"""Two lanes for requests: pages, which never wait for a client, and long requests, which may.

`Lanes` promises that at most `pages` requests run at once that are not waiting for their client, so that a page never
waits for somebody's slow line. Safe to use from any thread.
"""

from collections import deque
from enum import Enum, auto
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Lane(Enum):
    """Where a request runs."""

    PAGE = auto()
    LONG = auto()


class Lanes(Generic[T]):
    """Who runs in which lane, and who waits in front of it."""

    def __init__(self, pages: int, long: int) -> None:
        self._sizes = {Lane.PAGE: pages, Lane.LONG: long}
        self._queues: dict[Lane, deque[tuple[T, float]]] = {lane: deque() for lane in Lane}
        self._running: dict[T, Lane] = {}
        self._counts = dict.fromkeys(Lane, 0)
        self._lock = Lock()

    def queue(self, item: T, lane: Lane, deadline: float) -> None:
        """Wait for a place in the lane until `deadline` (monotonic seconds; one lane's deadlines only grow)."""
        with self._lock:
            self._queues[lane].append((item, deadline))

    def admit(self) -> list[T]:
        """Move those there is room for from the queues into their lanes, and give them to the caller to start."""
        admitted = []
        with self._lock:
            for lane, queue in self._queues.items():
                while queue and self._counts[lane] < self._sizes[lane]:
                    item, _deadline = queue.popleft()
                    self._running[item] = lane
                    self._counts[lane] += 1
                    admitted.append(item)
        return admitted

    def move_to_long(self, item: T) -> bool:
        """Give up the page lane for the long one, which always takes it; True when the long lane was full before."""
        with self._lock:
            lane = self._running[item]
            if lane is Lane.LONG:
                return False
            is_crowded = self._counts[Lane.LONG] >= self._sizes[Lane.LONG]
            self._running[item] = Lane.LONG
            self._counts[Lane.PAGE] -= 1
            self._counts[Lane.LONG] += 1
            return is_crowded

    def leave(self, item: T) -> None:
        """Give up the place."""
        with self._lock:
            self._counts[self._running.pop(item)] -= 1

    def overdue(self, now: float) -> list[T]:
        """Remove and give back those whose deadline in a queue has passed."""
        late = []
        with self._lock:
            for queue in self._queues.values():
                while queue and queue[0][1] <= now:
                    late.append(queue.popleft()[0])
        return late
