"""Searches in a growing log, beside a plain table of the same columns with one index, by actor."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from audit.entry import Entry, time_text
from audit.search import copies_of
from audit.store import SearchFilters
from bench.figures import percentile, say, verdict
from bench.log_database import LogUnderTest
from bench.long_log import RARE_ITEM, RARE_PERSON, LongLog, document, person
from bench.proofs import WrongProofError, milliseconds

PAGE = 50
REPEATS = 7
WINDOW = 20  # entries
GOAL_MS = 50.0
READ_THROUGH = ("a rare item", "a short time, half-way")
"""No index answers these: one more would cost every append, and it is the rare search."""
THROUGH_GOAL_MS = 500.0
_SELECT = "SELECT place FROM plain WHERE {} ORDER BY place DESC LIMIT 50"


class PlainTable:
    """One table, one index: what an audit trail is when nobody thought further."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "plain.sqlite3")
        self._connection.execute(
            "CREATE TABLE plain (place INTEGER PRIMARY KEY, entry BLOB, time TEXT, event TEXT, actor TEXT,"
            " inspection TEXT, subject TEXT, items TEXT)"
        )
        self._connection.execute("CREATE INDEX plain_actor ON plain (actor)")

    def grow(self, start: int, entries: list[Entry]) -> None:
        """Add rows."""
        rows = [(start + place, entry.encode(), *copies_of(entry)) for place, entry in enumerate(entries)]
        self._connection.executemany("INSERT INTO plain VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._connection.commit()

    def find(self, where: str, values: tuple[str, ...]) -> list[int]:
        """The newest rows that match."""
        return [row[0] for row in self._connection.execute(_SELECT.format(where), values)]

    def close(self) -> None:
        """Close its database."""
        self._connection.close()


Question = tuple[SearchFilters, str, tuple[str, ...]]


def questions(long: LongLog, entries: int) -> dict[str, Question]:
    """What an officer asks: the filters, and the same for the plain table."""
    middle, later = long.time_of(entries // 2), long.time_of(entries // 2 + WINDOW)
    about = document(7 * (entries // 3))
    common, rare = person(1), RARE_PERSON
    window = (time_text(middle), time_text(later))
    return {
        "newest": (SearchFilters(), "1", ()),
        "a person who did much": (SearchFilters(person=common), "(actor = ? OR subject = ?)", (common, common)),
        "a person seldom seen": (SearchFilters(person=rare), "(actor = ? OR subject = ?)", (rare, rare)),
        "a document": (SearchFilters(subject=about), "subject = ?", (about,)),
        "a rare event": (SearchFilters(events=("item:assigned",)), "event = ?", ("item:assigned",)),
        "a rare item": (SearchFilters(item=RARE_ITEM), "items LIKE ?", (f"%|{RARE_ITEM}|%",)),
        "a short time, half-way": (SearchFilters(since=middle, until=later), "time >= ? AND time < ?", window),
        "an event that never was": (SearchFilters(events=("hold:placed",)), "event = ?", ("hold:placed",)),
    }


def measure_searches(log: LogUnderTest, long: LongLog, plain: PlainTable, entries: int) -> None:
    """Print the median time of each question at this size, and judge the slowest at a million."""
    say(f"\nSearches in {entries:,} entries on SQLite, milliseconds, p50: exchange, plain table with one index")
    slowest = dict.fromkeys((True, False), 0.0)
    with log.database.engine.connect() as connection:
        for name, (filters, where, values) in questions(long, entries).items():

            def ours(filters: SearchFilters = filters) -> list[int]:
                return [
                    int(one.index) for one in log.trail.store.search(connection, log.inspection, filters, None, PAGE)
                ]

            def theirs(where: str = where, values: tuple[str, ...] = values) -> list[int]:
                return plain.find(where, values)

            if ours() != theirs():
                raise WrongProofError(name)
            mine, other = _median(ours), _median(theirs)
            slowest[name in READ_THROUGH] = max(slowest[name in READ_THROUGH], mine)
            say(f"  {name:<24} {mine:10.2f} {other:10.2f}")
    goal = (
        f"searches by person, document and event in {entries:,} entries under {GOAL_MS:.0f} ms: {slowest[False]:.1f} ms"
    )
    say(verdict(goal, met=slowest[False] < GOAL_MS))
    goal = f"those that read the log through under {THROUGH_GOAL_MS:.0f} ms: {slowest[True]:.1f} ms"
    say(verdict(goal, met=slowest[True] < THROUGH_GOAL_MS))


def _median(act: Callable[[], object]) -> float:
    return percentile([milliseconds(act) for _ in range(REPEATS)], 0.5)
