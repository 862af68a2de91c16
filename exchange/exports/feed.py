"""The feed: every entry of every log to one receiver, in the order of its log, at least once.

Promises: an entry is counted as handed over only after the receiver took it, so that a crash repeats entries and loses
none; one bad log does not stop the others; the service never waits for the receiver, which gets a bounded time and,
when it fails, a growing pause.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from audit.errors import AuditError, LogDamagedError
from config.settings import Settings
from exchange.exports.cursors import Cursors, KeptCursors
from exchange.exports.receivers import Receiver, ReceiverError, Sender, open_receiver
from exchange.exports.siem import Record, record_of
from exchange.journal import journal
from exchange.parts import Parts

BATCH: Final = 200
SHORTEST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 300.0
WORKER_SECONDS: Final = 2.0
"""The longest that one round of the feed holds up the worker's other duties, and once more for its last batch."""

Monotonic = Callable[[], float]


class FeedStoppedError(AuditError):
    """A log could not be read on; its entries wait, and the other logs were fed."""


class Feed:
    """Feeds one receiver, a bounded time at once: a round begins no batch after `seconds`, a batch takes no longer."""

    def __init__(
        self,
        parts: Parts,
        receiver: Receiver,
        cursors: Cursors,
        *,
        seconds: float,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._parts = parts
        self._receiver = receiver
        self._cursors = cursors
        self._seconds = seconds
        self._monotonic = monotonic
        self._pause = 0.0
        self._not_before = 0.0

    def __call__(self) -> None:
        """One round, unless the receiver failed a short while ago.

        Raises:
            ReceiverError: it failed again; the pause grows.
            FeedStoppedError: a log cannot be read on.
        """
        if self._monotonic() < self._not_before:
            return
        try:
            self.pump()
        except ReceiverError:
            self._pause = min(max(2 * self._pause, SHORTEST_PAUSE), LONGEST_PAUSE)
            self._not_before = self._monotonic() + self._pause
            raise
        self._pause = 0.0

    def pump(self) -> int:
        """Hand over what waits, until nothing does or the time is up; return how many entries were taken.

        Raises:
            ReceiverError: the receiver did not take some; the cursors stand before those.
            FeedStoppedError: a log cannot be read on; the others were fed.
        """
        if not self._cursors.take_turn():
            return 0
        until, taken, damaged = self._monotonic() + self._seconds, 0, ""
        for log_id in self._logs():
            try:
                taken += self._feed(log_id, until)
            except AuditError as error:
                damaged = log_id
                journal(duty="feed").error("a log cannot be fed on", log=log_id, failure=error)
        if damaged:
            raise FeedStoppedError(
                f"The log {damaged} cannot be read on, so its entries wait. Nothing is lost. Verify the log."
            )
        return taken

    def close(self) -> None:
        """Hang up."""
        self._receiver.close()

    def _logs(self) -> list[str]:
        with self._parts.database.read() as session:
            return [record.log_id for record in self._parts.trail.store.logs(session.connection())]

    def _feed(self, log_id: str, until: float) -> int:
        taken = 0
        start = self._cursors.next_of(log_id)
        while self._monotonic() < until and (records := self._waiting(log_id, start)):
            self._receiver.send(records, time.monotonic() + self._seconds)
            start += len(records)
            taken += len(records)
            self._cursors.move(log_id, start)
            if not self._cursors.take_turn():
                break
        return taken

    def _waiting(self, log_id: str, start: int) -> list[Record]:
        store = self._parts.trail.store
        with self._parts.database.read() as session:
            connection = session.connection()
            size = store.tree_size(connection, log_id)
            if start > size:
                raise LogDamagedError(
                    f"The receiver was given {start} entries of the log {log_id}, which has {size}: it went back."
                )
            found = list(store.entries(connection, log_id, start, min(size, start + BATCH)))
        return [record_of(stored, stored.entry) for stored in found]


def sender_of(settings: Settings) -> Sender:
    """What this service's messages say of where they come from."""
    host = urlsplit(settings.public_url).hostname or "-"
    return Sender(host, settings.siem_enterprise)


class WorkerFeed:
    """The worker's duty: feeds the receiver that the settings name; the receiver is opened when it is first due."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._feed: Feed | None = None

    def __call__(self) -> None:
        """One bounded round. Raises ReceiverError, also when the certificate authorities cannot be read."""
        if self._feed is None:
            settings, url = self._parts.settings, self._parts.settings.siem_url
            receiver = open_receiver(url, sender_of(settings), settings.siem_authorities_file)
            self._feed = Feed(self._parts, receiver, KeptCursors(self._parts, url), seconds=WORKER_SECONDS)
        self._feed()
