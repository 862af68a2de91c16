"""Reading a log for an export: every entry is hashed as it is read, and the tree is rebuilt beside the output.

Promises: what is given out is what the log's root stands for; where an entry is missing, altered or the roots differ,
LogDamagedError is raised before the last piece of the export, so that a damaged log never yields a whole file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

from sqlalchemy import Connection

from audit.entry import Entry, time_text
from audit.errors import AuditError, LogDamagedError
from audit.merkle import Frontier, leaf_hash
from audit.search import names_reference
from audit.store import LogStore, SearchFilters, StoredEntry
from audit.vocabulary import items_of, subject_of
from exchange.parts import Parts

Test = Callable[[bytes], bool]

_KNOWN_FILTERS = {"events", "actor", "subject", "person", "item", "reference", "since", "until"}
_TIME_END = len(b'","version":1}')
_TIME_BYTES = 27


@dataclass(frozen=True)
class Covered:
    """How far an export reaches: the first `size` entries, whose root is `root`; `note` is empty when unsigned."""

    log_id: str
    origin: str
    size: int
    root: bytes
    note: str


def covered_state(parts: Parts, log_id: str) -> Covered:
    """Sign the log's state if that can be done, and say how far an export of it reaches.

    Raises:
        audit.errors.AuditError: the log does not exist, was disposed of, or has lost what its root is made of.
    """
    try:
        with parts.database.unit_of_work() as unit:
            parts.trail.log.sign_checkpoint(unit.session.connection(), log_id)
    except AuditError:
        pass  # a damaged log is not signed; what was signed before is exported, as far as it is whole
    store = parts.trail.store
    with parts.database.read() as session:
        connection = session.connection()
        origin = store.log(connection, log_id).origin
        latest = store.latest_checkpoint(connection, log_id)
        if latest is not None:
            return Covered(log_id, origin, latest.tree_size, latest.root_hash, latest.note)
        size = store.tree_size(connection, log_id)
        return Covered(log_id, origin, size, store.root(connection, log_id, size), "")


def verified_entries(
    store: LogStore[Connection], connection: Connection, covered: Covered, may_match: Test = lambda _: True
) -> Iterator[StoredEntry]:
    """The entries that `may_match` lets through, oldest first; all of the log is read and hashed on the way.

    Raises:
        LogDamagedError: an entry is missing or altered, or the entries do not lead to the root.
    """
    frontier = Frontier()
    for stored in store.entries(connection, covered.log_id, 0, covered.size):
        leaf = leaf_hash(stored.encoded)
        if leaf != stored.leaf_hash:
            raise LogDamagedError(f"Entry {stored.index} of the log {covered.log_id} is not the one that was logged.")
        frontier.append(leaf)
        if may_match(stored.encoded):
            yield stored
    if frontier.root() != covered.root:
        raise LogDamagedError(f"The entries of the log {covered.log_id} do not lead to its root.")


def matching_entries(
    store: LogStore[Connection], connection: Connection, covered: Covered, filters: SearchFilters
) -> Iterator[tuple[StoredEntry, Entry]]:
    """The entries that match, decoded; judged by their own bytes and not by the copies that pages search by.

    Raises:
        audit.errors.AuditError: the log is damaged.
        ValueError: a filter that this reader does not know.
    """
    _verify_known(filters)
    for stored in verified_entries(store, connection, covered, _quick_test(filters)):
        entry = stored.entry
        if _matches(entry, filters):
            yield stored, entry


def mentions(identifier: str) -> Test:
    """A test for entries that name an identifier anywhere: as actor, subject or in a field."""
    needle = f'"{identifier}"'.encode("ascii")
    return lambda encoded: needle in encoded


def _verify_known(filters: SearchFilters) -> None:
    given = {field.name for field in fields(filters) if getattr(filters, field.name) != field.default}
    if given - _KNOWN_FILTERS:
        raise ValueError(f"an export cannot filter by {', '.join(sorted(given - _KNOWN_FILTERS))}")


def _quick_test(filters: SearchFilters) -> Test:
    """What every matching entry's bytes hold: most entries need not be decoded to be passed over."""
    wanted = [one for one in (filters.actor, filters.subject, filters.person, filters.item) if one is not None]
    needles = [f'"{one}"'.encode("ascii") for one in wanted]
    if filters.reference is not None:
        needles.append(f'{filters.reference}"'.encode("ascii"))
    events = [f'"event":"{event}"'.encode("ascii") for event in filters.events]
    since = b"" if filters.since is None else time_text(filters.since).encode("ascii")
    until = b"" if filters.until is None else time_text(filters.until).encode("ascii")

    def may_match(encoded: bytes) -> bool:
        if since or until:
            stop = len(encoded) - _TIME_END
            time = encoded[stop - _TIME_BYTES : stop]
            if time < since or (until and time >= until):
                return False
        return all(needle in encoded for needle in needles) and (
            not events or any(event in encoded for event in events)
        )

    return may_match


def _matches(entry: Entry, filters: SearchFilters) -> bool:
    subject = subject_of(entry)
    return (
        (not filters.events or entry.event in filters.events)
        and filters.actor in {None, entry.actor}
        and filters.subject in {None, subject}
        and filters.person in {None, entry.actor, subject}
        and (filters.item is None or filters.item in items_of(entry))
        and (filters.reference is None or names_reference(entry, filters.reference))
        and (filters.since is None or entry.time >= filters.since)
        and (filters.until is None or entry.time < filters.until)
    )
