"""The counterpart of an append: the next row of a plain hash chain, by the bare driver, just as durable.

One table, one row an entry, no secondary index, no tree, no vocabulary, no trigger: begin, take the turn, read the last
hash, insert, commit. It is about the least that an append under a lock can cost on this machine.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

_CREATE = "CREATE TABLE bare_chain (place {} PRIMARY KEY, entry {} NOT NULL, hash {} NOT NULL)"
_LAST = "SELECT place, hash FROM bare_chain ORDER BY place DESC LIMIT 1"
_TURN = 715_517


class BareSqlite:
    """A chain in a SQLite file of its own, under WAL and synchronous FULL, writers taking turns by a lock."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "bare.sqlite3"
        self._turn = threading.Lock()
        self._kept = threading.local()
        with closing(self._connect()) as connection:
            connection.execute(_CREATE.format("INTEGER", "BLOB", "BLOB"))

    def append(self, entry: bytes, count: int) -> None:
        """One transaction with this many rows."""
        connection = self._own()
        with self._turn:
            connection.execute("BEGIN IMMEDIATE")
            rows = _chained(connection.execute(_LAST).fetchone(), entry, count)
            connection.executemany("INSERT INTO bare_chain VALUES (?, ?, ?)", rows)
            connection.execute("COMMIT")

    def rows(self) -> list[tuple[int, bytes, bytes]]:
        """Place, entry and hash of every row, in order."""
        return self._own().execute("SELECT place, entry, hash FROM bare_chain ORDER BY place").fetchall()

    def _own(self) -> sqlite3.Connection:
        if not hasattr(self._kept, "connection"):
            self._kept.connection = self._connect()
        connection: sqlite3.Connection = self._kept.connection
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=30)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection


class BarePostgres:
    """A chain in a table of the same PostgreSQL, writers taking turns by a transaction's advisory lock."""

    def __init__(self, url: str) -> None:
        self._conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._kept = threading.local()
        with psycopg.connect(self._conninfo) as connection:
            connection.execute(_CREATE.format("bigint", "bytea", "bytea"))

    def append(self, entry: bytes, count: int) -> None:
        """One transaction with this many rows."""
        connection = self._own()
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_TURN,))  # the driver begins the transaction
        rows = _chained(connection.execute(_LAST).fetchone(), entry, count)
        with connection.cursor() as cursor:
            if count == 1:
                cursor.execute("INSERT INTO bare_chain VALUES (%s, %s, %s)", rows[0])
            else:
                cursor.executemany("INSERT INTO bare_chain VALUES (%s, %s, %s)", rows)
        connection.commit()

    def _own(self) -> psycopg.Connection[Any]:
        if not hasattr(self._kept, "connection"):
            self._kept.connection = psycopg.connect(self._conninfo)
        connection: psycopg.Connection[Any] = self._kept.connection
        return connection


def _chained(last: tuple[int, bytes] | None, entry: bytes, count: int) -> list[tuple[int, bytes, bytes]]:
    place, digest = (0, b"") if last is None else (last[0] + 1, last[1])
    rows = []
    for number in range(place, place + count):
        digest = hashlib.sha256(digest + entry).digest()
        rows.append((number, entry, digest))
    return rows
