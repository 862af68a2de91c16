"""The worker keeps each new checkpoint in the folder, and holds what is there against the log, round by round.

Promises: what is there is read again when it is new or changed, the newest of each log in every round; a file that the
log's key did not sign, that is no state of the log, or that has gone, raises an alarm, once in a day. A folder that
cannot be written stops no other duty and is tried again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from errno import errorcode

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from audit.cosignature import with_signatures
from audit.errors import AuditError, NoteError
from audit.note import parse_note
from audit.store import StoredCheckpoint
from exchange.clock import in_london
from exchange.database import UnitOfWork
from exchange.oversight.service import Told, frozen_view
from exchange.parts import Parts
from exchange.publishing.alarming import surely_raise_alarm
from exchange.publishing.destinations import CheckpointFolder, KeptFile, Stamp
from exchange.publishing.judging import CONSISTENT, DISPOSED, GIVEN_UP, judge
from exchange.publishing.models import KeptState

PATIENCE = timedelta(seconds=30)
"""How long a checkpoint waits for the witnesses that the policy asks for; then it is kept with those that are there."""

FINE = frozenset({CONSISTENT, GIVEN_UP, DISPOSED})
SOURCE = "checkpoint-folder"
GONE = "has gone from the folder"
NOTHING: Stamp = (0, 0, 0, 0)
MOMENT = 0.2  # seconds in which a file of a few hundred bytes is written


@dataclass(frozen=True)
class Seen:
    """The files of one origin, as they were listed before the log was looked at."""

    log_id: str
    origin: str
    files: list[KeptFile]


class Keeper:
    """The duty; it remembers which files it has read, and begins afresh with each start of the worker."""

    def __init__(self, parts: Parts, patience: timedelta = PATIENCE) -> None:
        self._parts = parts
        self._patience = patience
        self._folder = CheckpointFolder(parts.settings.checkpoint_folder) if parts.settings.checkpoint_folder else None
        self._read: dict[tuple[str, int], tuple[Stamp, str]] = {}
        self._day: date | None = None

    def __call__(self) -> None:
        """Read what is there, then keep what is new. Raises OSError when the folder cannot be used."""
        if self._folder is None:
            return
        self._begin_day()
        failure: OSError | None = None
        for log_id in self._logs():
            try:
                self._look(self._folder, log_id)
                self._keep(self._folder, log_id)
            except OSError as error:
                failure = error
                self._note_failure(log_id, error)
        if failure is not None:
            raise failure

    def _begin_day(self) -> None:
        """Once a day every file is read afresh, and what is still wrong is told again if its alarm was cleared."""
        today = in_london(self._parts.clock()).date()
        if today != self._day:
            self._day = today
            self._read = dict.fromkeys(self._read, (NOTHING, ""))

    def _logs(self) -> list[str]:
        with self._parts.database.read() as session:
            return [record.log_id for record in self._parts.trail.store.logs(session.connection())]

    # Reading

    def _look(self, folder: CheckpointFolder, log_id: str) -> None:
        with self._parts.database.read() as session:
            origins = [one.origin for one in self._parts.trail.store.origins(session.connection(), log_id)]
            written = self._written(session, log_id)
        # Listed before the log is looked at: whatever is there by now, the log has.
        seen = [Seen(log_id, origin, folder.files(origin)) for origin in origins]
        for kept in seen:
            self._look_for_gone(kept, written)
        with frozen_view(self._parts.database) as connection:
            for kept in seen:
                self._read_files(folder, connection, kept)

    def _look_for_gone(self, kept: Seen, written: tuple[str, int]) -> None:
        """What was written or read before and is not there any more."""
        expected = {size for origin, size in (*self._read, written) if origin == kept.origin and size >= 0}
        for size in sorted(expected - {file.size for file in kept.files}):
            if self._read.get((kept.origin, size)) != (NOTHING, GONE):
                self._read[(kept.origin, size)] = (NOTHING, GONE)
                self._alarm(kept.log_id, f"The kept checkpoint of {size} entries {GONE}.")

    def _read_files(self, folder: CheckpointFolder, connection: Connection, kept: Seen) -> None:
        for file in kept.files:
            known = self._read.get((kept.origin, file.size))
            if known is not None and known[0] == file.stamp and file is not kept.files[-1]:
                continue
            found = file.stamp, self._fault(folder, connection, kept, file.size)
            self._read[(kept.origin, file.size)] = found
            if found[1] and found != known:
                self._alarm(kept.log_id, f"The kept checkpoint of {file.size} entries {found[1]}.")

    def _fault(self, folder: CheckpointFolder, connection: Connection, kept: Seen, size: int) -> str:
        """What is wrong with one file, in words that follow its name; empty when nothing is."""
        trail = self._parts.trail
        try:
            content = _read_written(folder, kept.origin, size)
        except OSError:
            return _FAULTS["unreadable"]
        verdict = judge(trail.store, connection, kept.log_id, trail.log.public_key, content)
        if verdict.code in FINE and (verdict.size, verdict.origin) != (size, kept.origin):
            return f"is one of {verdict.size} entries of {verdict.origin}"
        return "" if verdict.code in FINE else _FAULTS.get(verdict.code, _FAULTS["unreadable"])

    def _alarm(self, log_id: str, detail: str) -> None:
        surely_raise_alarm(self._parts, log_id, kind="kept-checkpoint-differs", told=Told(SOURCE, detail))

    # Keeping

    def _keep(self, folder: CheckpointFolder, log_id: str) -> None:
        with self._parts.database.read() as session:
            kept_under, size = self._written(session, log_id)
            present = self._parts.trail.store.origins(session.connection(), log_id)[-1]
            above = size if kept_under == present.origin else present.from_size or -1
            found = self._choose(session.connection(), log_id, above)
        if found is None:
            return
        checkpoint, note = found
        try:
            folder.write(present.origin, checkpoint.tree_size, note)
        except FileExistsError:
            if not _is_same(folder.read(present.origin, checkpoint.tree_size), note):
                detail = f"In the place of the checkpoint of {checkpoint.tree_size} entries another file is kept."
                self._alarm(log_id, detail)
        with self._parts.database.unit_of_work() as unit:
            row = _row(unit, log_id)
            row.origin, row.size, row.written_at = present.origin, checkpoint.tree_size, unit.now
            row.failure, row.failed_at = "", None

    def _choose(self, connection: Connection, log_id: str, above: int) -> tuple[StoredCheckpoint, str] | None:
        """The newest checkpoint that the quorum cosigned, or that has waited long enough, with its cosignatures."""
        for checkpoint in self._newest_first(connection, log_id, above):
            note = self._cosigned(connection, checkpoint)
            waited = self._parts.clock() - checkpoint.signed_at
            if waited >= self._patience or self._has_quorum(note):
                return checkpoint, note
        return None

    def _newest_first(self, connection: Connection, log_id: str, above: int) -> Iterator[StoredCheckpoint]:
        store = self._parts.trail.store
        latest = store.latest_checkpoint(connection, log_id)
        if latest is None or latest.tree_size <= above:
            return
        yield latest
        yield from reversed(store.checkpoints(connection, log_id, above)[:-1])

    def _cosigned(self, connection: Connection, checkpoint: StoredCheckpoint) -> str:
        lines = self._parts.trail.store.cosignatures(connection, checkpoint.log_id, checkpoint.tree_size)
        try:
            return with_signatures(checkpoint.note, [found.line for found in lines])
        except NoteError:  # a damaged line, which the log check names
            return checkpoint.note

    def _has_quorum(self, note: str) -> bool:
        policy = self._parts.witness_policy
        if policy is None:
            return True
        try:
            policy.verify(parse_note(note))
        except AuditError:
            return False
        return True

    def _written(self, session: Session, log_id: str) -> tuple[str, int]:
        """The origin and size of what was kept last; a size of -1 when nothing was."""
        row = session.get(KeptState, log_id)
        return ("", -1) if row is None or row.written_at is None else (row.origin, row.size)

    def _note_failure(self, log_id: str, error: OSError) -> None:
        with self._parts.database.unit_of_work() as unit:
            row = _row(unit, log_id)
            row.failure = errorcode.get(error.errno or 0, "unusable").lower()
            row.failed_at = unit.now


_FAULTS = {
    "unreadable": "cannot be read as one",
    "not-signed": "does not bear the signature of the log’s key",
    "other-log": "is one of another log",
    "ahead": "counts more entries than the log has now",
    "differs": "is no state that the log went through",
}


def _read_written(folder: CheckpointFolder, origin: str, size: int) -> bytes:
    """The bytes of a file; once more, a moment later, when another worker may be in the middle of writing it."""
    content = folder.read(origin, size)
    if content.endswith(b"\n") and b"\n\n" in content:
        return content
    time.sleep(MOMENT)
    return folder.read(origin, size)


def _is_same(kept: bytes, note: str) -> bool:
    """Whether both are the same checkpoint; cosignatures may have come since."""
    try:
        return parse_note(kept).text == parse_note(note).text
    except NoteError:
        return False


def _row(unit: UnitOfWork, log_id: str) -> KeptState:
    row = unit.session.get(KeptState, log_id, with_for_update=True)
    if row is None:
        row = KeptState(log_id=log_id, size=0, origin="", written_at=None, failure="", failed_at=None)
        unit.session.add(row)
    return row


def kept_notes(parts: Parts, log_id: str) -> list[bytes]:
    """Every checkpoint of a log that is kept in the folder, for the log check. Raises OSError for the folder itself.

    A file that cannot be read is passed over, or it would stand between a damaged log and its check; the duty tells.
    """
    if parts.settings.checkpoint_folder is None:
        return []
    folder = CheckpointFolder(parts.settings.checkpoint_folder)
    with parts.database.read() as session:
        origin = parts.trail.store.origins(session.connection(), log_id)[-1].origin
    found = []
    for file in folder.files(origin):
        with suppress(OSError):
            found.append(folder.read(origin, file.size))
    return found
