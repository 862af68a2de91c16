"""The one module that appends to the log.

Promises: an event is written in the caller's transaction or not at all; only events of the vocabulary, with exactly
their fields, get in; actors and subjects are opaque identifiers, never names. An inspection's log that is closed, or
was disposed of, takes no entry: what is done in that inspection afterwards, a look at its trail above all, is recorded
as `closed-log:acted` in the service's log, so that no act is without its entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from audit.entry import Entry
from audit.errors import LogClosedError, LogDisposedError, LogRolledBackError
from audit.log import AuditLog
from audit.sql_store import SqlLogStore
from audit.store import SearchFilters
from audit.vocabulary import commit_to, subject_of, verify_entry
from exchange.database import UnitOfWork

SERVICE_LOG = "service"
WORKER = "system:worker"
HOST = "system:host"  # somebody at the command line of the machine itself
ANONYMOUS = "anonymous"

DetailValue = str | int | bool | list[str] | None


@dataclass(frozen=True)
class PlaceInLog:
    """Where an entry stands: the log's origin, its leaf index, and the tree size it is in at least."""

    origin: str
    leaf_index: int


def record(
    unit: UnitOfWork,
    event: str,
    *,
    actor: str,
    inspection: str | None = None,
    subject: str | None = None,
    details: Mapping[str, DetailValue] | None = None,
) -> None:
    """Add an entry to the inspection's log, or to the service's when there is none.

    Raises:
        audit.vocabulary.VocabularyError: the event is unknown or its fields are not exactly those of the vocabulary.
    """
    entry = Entry(
        event=event,
        time=unit.now,
        actor=actor,
        inspection=inspection,
        subject=subject,
        details=dict(details or {}),
    )
    log_id = inspection or SERVICE_LOG
    verify_entry(entry, log_id)
    unit.record(log_id, entry)


def commitment(value: str, salt: bytes) -> str:
    """Return the salted commitment to a text that must not stand in the log itself."""
    return commit_to(value, salt)


class Trail:
    """The logs of this service: created, appended to, signed, and read for the officer's pages."""

    def __init__(self, log: AuditLog[Connection], store: SqlLogStore, origin: str) -> None:
        self.log = log
        self.store = store
        self._origin = origin
        self._check: Callable[[Connection], None] = lambda _connection: None
        self._is_settled = False

    def require_first(self, check: Callable[[Connection], None]) -> None:
        """Have `check` pass before the next entry, and again after one was refused; it raises LogRolledBackError."""
        self._check, self._is_settled = check, False

    def require_settled(self, connection: Connection) -> None:
        """Make that check unless it passed before. Raises LogRolledBackError while nothing may be done."""
        if not self._is_settled:
            self._check(connection)
            self._is_settled = True

    @property
    def is_settled(self) -> bool:
        """Whether that check passed, and nothing was refused since."""
        return self._is_settled

    def go_on_regardless(self) -> None:
        """Append without that check: for the act by which a person decides."""
        self._is_settled = True

    def origin_of(self, log_id: str) -> str:
        """Return the C2SP origin line of a log."""
        return f"{self._origin}/{log_id}"

    def create(self, unit: UnitOfWork, log_id: str) -> None:
        """Begin a log. Raises when it exists: a log is begun once."""
        self.log.create(unit.session.connection(), log_id, self.origin_of(log_id))

    def append(self, connection: Connection, log_id: str, entries: list[Entry]) -> list[tuple[str, Entry]]:
        """Append entries in the given transaction (`Database` calls this just before its commit).

        Where the log is closed, nothing is appended and what the service's log is to say instead is returned.

        Raises:
            LogRolledBackError: the database went back behind what was signed; nothing is taken until somebody decides.
        """
        self.require_settled(connection)
        try:
            self.log.append_many(connection, log_id, entries)
        except LogRolledBackError:
            self._is_settled = False
            raise
        except (LogClosedError, LogDisposedError):
            if log_id == SERVICE_LOG:
                raise
            return [(SERVICE_LOG, _said_instead(log_id, entry)) for entry in entries]
        return []

    def place_of(self, session: Session, log_id: str, event: str, subject: str) -> PlaceInLog | None:
        """Return where the newest entry of `event` about `subject` stands, or None."""
        filters = SearchFilters(events=(event,), subject=subject)
        found = self.store.search(session.connection(), log_id, filters, limit=1)
        return PlaceInLog(self.origin_of(log_id), found[0].index) if found else None


def _said_instead(log_id: str, entry: Entry) -> Entry:
    """What the service's log says of an act in an inspection whose own log takes no entry any more."""
    return Entry(
        event="closed-log:acted",
        time=entry.time,
        actor=entry.actor,
        inspection=None,
        subject=log_id,
        details={
            "act": entry.event.replace(":", "-"),
            "about": subject_of(entry) or log_id,
            "commitment": entry.details.get("commitment"),
        },
    )
