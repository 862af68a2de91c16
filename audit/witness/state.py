"""What a witness remembers, durably: the logs it trusts, the latest state it cosigned of each, refused signed states.

One SQLite file. A transaction begins by taking the write lock (BEGIN IMMEDIATE) and is on the disk when it ends: the
rollback journal is synced, and so is the folder after the journal is gone (synchronous = EXTRA, which is FULL and
this), so that a loss of power cannot bring an older state back. Threads and processes on one file take turns. Triggers
in the file itself refuse to lower a size, to exchange a root at one size, and to forget a log.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.merkle import EMPTY_ROOT
from audit.note import VerifierKey
from audit.witness.errors import WitnessFolderError

WAIT_SECONDS: Final = 10
"""How long a request waits for its turn before it is told to come again."""

MOST_LOGS: Final = 100_000
MOST_KEPT_PER_LOG: Final = 32
MOST_KEPT: Final = 1_000

_APPLICATION: Final = 0x77697431  # "wit1"
_SCHEMA: Final = f"""
PRAGMA application_id = {_APPLICATION};
CREATE TABLE witness (only INTEGER PRIMARY KEY CHECK (only = 1), vkey TEXT NOT NULL);
CREATE TABLE trusted (name TEXT, public_key BLOB, below INTEGER NOT NULL, PRIMARY KEY (name, public_key)) WITHOUT ROWID;
CREATE TABLE latest (
  origin TEXT PRIMARY KEY NOT NULL,
  size INTEGER NOT NULL CHECK (typeof(size) = 'integer' AND size >= 0),
  root BLOB NOT NULL CHECK (typeof(root) = 'blob' AND length(root) = 32),
  note TEXT NOT NULL,
  time INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE refused (
  origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, kind TEXT NOT NULL,
  note TEXT NOT NULL, held TEXT NOT NULL, time INTEGER NOT NULL,
  PRIMARY KEY (origin, size, root, kind)
) WITHOUT ROWID;
CREATE TRIGGER latest_only_grows BEFORE UPDATE ON latest
  WHEN NEW.origin <> OLD.origin OR NEW.size < OLD.size OR NEW.time < OLD.time
    OR (NEW.size = OLD.size AND NEW.root <> OLD.root)
  BEGIN SELECT RAISE(ABORT, 'a cosigned state is never taken back'); END;
CREATE TRIGGER latest_stays BEFORE DELETE ON latest
  BEGIN SELECT RAISE(ABORT, 'a cosigned state is never forgotten'); END;
"""


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """A key whose states are cosigned: of the log that it names, and `below` it of every log `<name>/...`."""

    key: VerifierKey
    below: bool


@dataclass(frozen=True, slots=True)
class CosignedState:
    """The latest state of a log that was cosigned; `time` is the cosignature's, in POSIX seconds."""

    origin: str
    size: int
    root: bytes
    note: str
    time: int


@dataclass(frozen=True, slots=True)
class RefusedState:
    """A state that the log signed and this witness refused, with the note that it `held` then.

    `kind` is `fork` (another root at one size: both notes together prove it) or `unproved` (it came without a proof
    that it extends the held one, which anybody may have left out).
    """

    origin: str
    size: int
    root: bytes
    kind: str
    note: str
    held: str
    time: int


def unseen(origin: str) -> CosignedState:
    """The state of a log of which nothing was cosigned yet: the empty tree."""
    return CosignedState(origin, 0, EMPTY_ROOT, "", 0)


class WitnessState:
    """The state file of one witness. Raises WitnessFolderError when it is missing or no such file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as database:
            application = database.execute("PRAGMA application_id").fetchone()
            if application != (_APPLICATION,):
                raise WitnessFolderError(f"{path} is not the state of a witness. Nothing was changed.")

    @classmethod
    def create(cls, path: Path, vkey: str) -> None:
        """Make the state file of a new witness, 0600 and durable. Raises FileExistsError, OSError, sqlite3.Error."""
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA synchronous = EXTRA")
            database.executescript("BEGIN IMMEDIATE;" + _SCHEMA)
            database.execute("INSERT INTO witness VALUES (1, ?)", (vkey,))
            database.commit()

    def verify_whole(self) -> None:
        """Raise WitnessFolderError when SQLite finds the file damaged."""
        with self._open() as database:
            found = database.execute("PRAGMA quick_check").fetchall()
        if found != [("ok",)]:
            raise WitnessFolderError(
                f"{self._path} is damaged. Nothing is cosigned from it: a witness that has lost its state begins anew, "
                "under a new name and key."
            )

    @property
    def vkey(self) -> str:
        """The verifier key that this state was made for."""
        with self._open() as database:
            row = database.execute("SELECT vkey FROM witness").fetchone()
        return str(row[0]) if row else ""

    def trust(self, trusted: TrustedLog) -> None:
        """Cosign for this key from now on, and below its name too if so wished; what is trusted stays trusted."""
        row = (trusted.key.name, trusted.key.public_key, trusted.below)
        with self.turn() as turn:
            turn.execute(
                "INSERT INTO trusted VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET below = max(below, excluded.below)", row
            )

    def trusted(self) -> list[TrustedLog]:
        """Every trusted key, by name."""
        with self._open() as database:
            rows = database.execute("SELECT name, public_key, below FROM trusted ORDER BY name, public_key")
            return [TrustedLog(VerifierKey(name, key), bool(below)) for name, key, below in rows]

    def latest(self) -> list[CosignedState]:
        """The latest cosigned state of every log, by origin."""
        with self._open() as database:
            rows = database.execute("SELECT origin, size, root, note, time FROM latest ORDER BY origin")
            return [CosignedState(*row) for row in rows]

    def refused(self) -> list[RefusedState]:
        """The signed states that were refused and kept, by time."""
        with self._open() as database:
            columns = "origin, size, root, kind, note, held, time"
            rows = database.execute(f"SELECT {columns} FROM refused ORDER BY time, origin, size")  # noqa: S608  # constant
            return [RefusedState(*row) for row in rows]

    @contextmanager
    def turn(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; what was done is durable once the block ends, and nothing of it if it raises.

        Raises sqlite3.Error when the lock is not to be had within WAIT_SECONDS or the disk refuses.
        """
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            database = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=rw", uri=True, timeout=WAIT_SECONDS, isolation_level=None
            )
        except sqlite3.OperationalError as error:
            raise WitnessFolderError(
                f"The state {self._path} cannot be opened ({error}). A witness never makes a second one: with an empty "
                "state it would cosign a fork."
            ) from error
        with closing(database):
            database.execute("PRAGMA synchronous = EXTRA")
            yield database


def state_of(turn: sqlite3.Connection, origin: str) -> CosignedState:
    """The latest cosigned state of a log; the empty tree when there is none."""
    row = turn.execute("SELECT origin, size, root, note, time FROM latest WHERE origin = ?", (origin,)).fetchone()
    return CosignedState(*row) if row else unseen(origin)


def advance(turn: sqlite3.Connection, state: CosignedState) -> None:
    """Remember this state as the latest; the file itself refuses one that is smaller, or forks at the same size."""
    turn.execute(
        "INSERT INTO latest VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET size = excluded.size, "
        "root = excluded.root, note = excluded.note, time = excluded.time",
        (state.origin, state.size, state.root, state.note, state.time),
    )


def has_room_for(turn: sqlite3.Connection, origin: str) -> bool:
    """Whether a log is followed already, or may still be: one key with logs below it must not fill the disk."""
    followed = turn.execute("SELECT 1 FROM latest WHERE origin = ?", (origin,)).fetchone()
    return bool(followed) or turn.execute("SELECT count(*) FROM latest").fetchone()[0] < MOST_LOGS


def keep_refused(turn: sqlite3.Connection, refused: RefusedState) -> None:
    """Keep a refused state as evidence, once, as long as there is room for its kind."""
    of_log, of_kind = turn.execute(
        "SELECT count(*) FILTER (WHERE origin = ?), count(*) FROM refused WHERE kind = ?",
        (refused.origin, refused.kind),
    ).fetchone()
    if of_log < MOST_KEPT_PER_LOG and of_kind < MOST_KEPT:
        turn.execute(
            "INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                refused.origin,
                refused.size,
                refused.root,
                refused.kind,
                refused.note,
                refused.held,
                refused.time,
            ),
        )
