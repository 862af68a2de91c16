"""How far a receiver has the logs, kept in the database or given by whoever reads, and whose turn it is to feed it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Protocol

from sqlalchemy import select

from exchange import trail
from exchange.database import UnitOfWork
from exchange.errors import InvalidError
from exchange.exports.models import FeedCursor, FeedReceiver
from exchange.identifiers import PATTERN, new_identifier
from exchange.parts import Parts

TURN = timedelta(minutes=2)  # a feeder that died lets the next one in after this


class Cursors(Protocol):
    """Where to go on in each log."""

    def take_turn(self) -> bool:
        """Tell whether this process may feed the receiver now; others wait until the turn runs out."""

    def next_of(self, log_id: str) -> int:
        """The index of the first entry that the receiver has not."""

    def move(self, log_id: str, next_index: int) -> None:
        """Say durably that the receiver has everything below `next_index`."""

    def give_back(self) -> None:
        """Let the next feeder in at once."""


class GivenCursors:
    """Cursors that whoever reads keeps for themselves; nothing is written."""

    def __init__(self, after: Mapping[str, int]) -> None:
        self._next = {log_id: index + 1 for log_id, index in after.items()}

    def take_turn(self) -> bool:
        """Nobody else feeds this reader."""
        return True

    def next_of(self, log_id: str) -> int:
        """After what was given, or from the beginning."""
        return self._next.get(log_id, 0)

    def move(self, log_id: str, next_index: int) -> None:
        """Remember it for as long as this process lives."""
        self._next[log_id] = next_index

    def give_back(self) -> None:
        """There is no turn to give back."""


class KeptCursors:
    """Cursors of one receiver in the database; `after` overrides them once, backwards too."""

    def __init__(
        self, parts: Parts, receiver: str, after: Mapping[str, int] | None = None, *, actor: str = trail.WORKER
    ) -> None:
        self._parts = parts
        self._receiver = receiver
        self._actor = actor
        self._after = dict(after or {})
        self._me = new_identifier("fdr")

    def take_turn(self) -> bool:
        """Take or prolong the turn; the first feeder of a receiver is an entry of the service's log."""
        with self._parts.database.unit_of_work() as unit:
            row = unit.session.get(FeedReceiver, self._receiver, with_for_update=True)
            if row is None:
                row = FeedReceiver(name=self._receiver, began_at=unit.now, held_by="", held_until=unit.now)
                unit.session.add(row)
                record_begun(unit, self._receiver, actor=self._actor)
            elif row.held_by != self._me and row.held_until > unit.now:
                return False
            row.held_by, row.held_until = self._me, unit.now + TURN
        return True

    def give_back(self) -> None:
        """Let the next feeder in at once."""
        with self._parts.database.unit_of_work() as unit:
            row = unit.session.get(FeedReceiver, self._receiver, with_for_update=True)
            if row is not None and row.held_by == self._me:
                row.held_by, row.held_until = "", unit.now

    def next_of(self, log_id: str) -> int:
        """What was given to override the cursor, or the cursor, or the beginning."""
        if log_id in self._after:
            return self._after[log_id] + 1
        query = select(FeedCursor.next_index).where(FeedCursor.receiver == self._receiver, FeedCursor.log_id == log_id)
        with self._parts.database.read() as session:
            return session.scalar(query) or 0

    def move(self, log_id: str, next_index: int) -> None:
        """Keep the cursor."""
        with self._parts.database.unit_of_work() as unit:
            row = unit.session.get(FeedCursor, (self._receiver, log_id), with_for_update=True)
            if row is None:
                row = FeedCursor(receiver=self._receiver, log_id=log_id)
                unit.session.add(row)
            row.next_index, row.moved_at = next_index, unit.now
        self._after.pop(log_id, None)


def record_begun(unit: UnitOfWork, receiver: str, *, actor: str) -> None:
    """Append `feed:started`, with the kind of the receiver and not its address."""
    scheme, is_address, _ = receiver.partition("://")
    kind = scheme.replace("+", "-") if is_address else "standard-output"
    trail.record(unit, "feed:started", actor=actor, details={"receiver": kind})


def require_within_logs(parts: Parts, after: Mapping[str, int]) -> None:
    """Raise InvalidError, with the log's size, for a cursor of an entry that its log does not have."""
    with parts.database.read() as session:
        connection, store = session.connection(), parts.trail.store
        for record in store.logs(connection):
            index, size = after.get(record.log_id, -1), store.tree_size(connection, record.log_id)
            if index >= size:
                entries = "1 entry" if size == 1 else f"{size:,} entries"
                raise InvalidError(
                    f"The log {record.log_id} has {entries}, so nothing was sent after {record.log_id}:{index}."
                )


def parse_cursors(texts: Iterable[str]) -> dict[str, int]:
    """Cursors written LOG:INDEX, as every record of the feed carries one; the last of each log counts.

    Raises:
        InvalidError: one is not written so.
    """
    found = {}
    for text in texts:
        log_id, _, index = text.rpartition(":")
        is_log = log_id == trail.SERVICE_LOG or PATTERN.fullmatch(log_id)
        if not is_log or not index.isascii() or not index.isdigit() or len(index) > 15:  # noqa: PLR2004  below 2^53
            raise InvalidError(f"“{text}” is no cursor. Nothing was sent. Write one as the feed does, like service:41.")
        found[log_id] = int(index)
    return found
