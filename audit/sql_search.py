"""Searching a log in SQL: each search as arms that an index answers in the order of the log, merged newest first.

SQLite, which keeps no figures of these tables, would read the whole log backwards whatever is looked for; so it is told
which condition few entries meet, and takes that one's index. PostgreSQL chooses by its own figures, but for somebody
who may be the actor or the subject it needs the two apart.
"""

import heapq
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, select

from audit.entry import time_text
from audit.sql_reference import reference_conditions
from audit.sql_tables import audit_entry
from audit.store import SearchFilters, StoredEntry

_MOST_ARMS: Final = 12


def search_log(
    connection: Connection, log_id: str, filters: SearchFilters, before: int | None, limit: int
) -> list[StoredEntry]:
    """The newest `limit` matching entries with an index below `before`, newest first."""
    arms = [_arm(connection, log_id, arm, before, limit) for arm in _arms(filters)]
    found: list[StoredEntry] = []
    for stored in heapq.merge(*arms, key=lambda stored: stored.index, reverse=True):
        if len(found) == limit:
            break
        if not found or found[-1].index != stored.index:  # what somebody did to themselves is in two arms
            found.append(stored)
    return found


def _arms(filters: SearchFilters) -> list[SearchFilters]:
    """Searches whose results together are those of `filters`, each for one actor, subject or event where it can be."""
    if filters.person is not None and filters.actor is None and filters.subject is None:
        apart = replace(filters, person=None)
        return [replace(apart, actor=filters.person), replace(apart, subject=filters.person)]
    named = (filters.actor, filters.subject, filters.person)
    if named == (None, None, None) and 1 < len(filters.events) <= _MOST_ARMS:
        return [replace(filters, events=(event,)) for event in dict.fromkeys(filters.events)]
    return [filters]


def _arm(
    connection: Connection, log_id: str, filters: SearchFilters, before: int | None, limit: int
) -> list[StoredEntry]:
    rows = audit_entry.c
    dialect = connection.dialect.name
    query = select(rows.log_id, rows.leaf_index, rows.entry, rows.leaf_hash).where(
        rows.log_id == log_id, *_conditions(filters, dialect), *reference_conditions(filters.reference, dialect)
    )
    if before is not None:
        query = query.where(rows.leaf_index < before)
    return [StoredEntry(*row) for row in connection.execute(query.order_by(rows.leaf_index.desc()).limit(limit))]


def _conditions(filters: SearchFilters, dialect: str) -> Iterator[ColumnElement[bool]]:
    rows = audit_entry.c
    equal = {"subject": filters.subject, "actor": filters.actor}
    if len(filters.events) == 1:
        equal["event"] = filters.events[0]
    elif filters.events:
        yield rows.event.in_(filters.events)
    given = [rows[name] == value for name, value in equal.items() if value is not None]
    if given and dialect == "sqlite":
        yield func.unlikely(given[0])  # the one that tells most apart: its index
        given = given[1:]
    yield from given
    if filters.person is not None:
        yield (rows.actor == filters.person) | (rows.subject == filters.person)
    if filters.item is not None:
        yield rows["items"].contains(f"|{filters.item}|", autoescape=True)
    if filters.since is not None:
        yield rows.time >= time_text(filters.since)
    if filters.until is not None:
        yield rows.time < time_text(filters.until)
