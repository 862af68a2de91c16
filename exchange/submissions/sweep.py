"""Sweeping what was abandoned: unfinished files, sealed files and data keys that no document owns.

Promises: nothing that a document row owns is touched; nothing that was acknowledged is touched though its row is gone,
as after restoring an older database: that is an alarm, and for people to settle; nothing younger than the given age, as
this sweeper has seen it, is touched, so an upload between its last byte and its commit is safe.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from exchange.inspections.models import Inspection
from exchange.oversight.service import raise_alarm
from exchange.parts import Parts
from exchange.submissions.models import Document, DocumentState
from exchange.vault import blob_name


@dataclass(frozen=True)
class SweepReport:
    """What a sweep removed, and how many acknowledged files it found that no row tells of."""

    unfinished: int = 0
    files: int = 0
    keys: int = 0
    unrecorded: int = 0


@dataclass
class Sweeper:
    """Remembers when it first saw each orphan; one lives in the worker, a fresh one behind `exchange sweep`."""

    parts: Parts
    seen: dict[str, datetime] = field(default_factory=dict)

    def sweep(self, older_than: timedelta) -> SweepReport:
        """Remove orphans first seen at least `older_than` ago (zero: at once, when no web server is running)."""
        unfinished = self.parts.vault.store.sweep_unfinished() + self.parts.vault.keyring.sweep_unfinished()
        now = self.parts.clock()
        orphans = self._orphans()
        self.seen = {orphan: self.seen.get(orphan, now) for orphan in orphans}
        files = keys = unrecorded = 0
        for orphan in [orphan for orphan, since in self.seen.items() if since <= now - older_than]:
            inspection, document = orphan.split("/")
            state = self._state_of(document)
            if state not in {None, DocumentState.DISPOSED}:
                continue
            if state is None and self.parts.vault.is_settled(inspection, document):
                unrecorded += 1
                self._alarm(inspection, document)
                continue
            keys += self.parts.vault.keyring.has_data_key(inspection, document)
            files += blob_name(inspection, document) in orphans[orphan]
            self.parts.vault.destroy(inspection, document)
            del self.seen[orphan]
        return SweepReport(unfinished, files, keys, unrecorded)

    def _orphans(self) -> dict[str, set[str]]:
        """Find `<inspection>/<document>` with a sealed file or a key and no living document row."""
        found: dict[str, set[str]] = {}
        for name in self.parts.vault.store.names():
            found.setdefault(name.removesuffix(".floe"), set()).add(name)
        # Keys before rows: a key whose row is committed meanwhile is then seen to be owned.
        with self.parts.database.read() as session:
            inspections = session.scalars(select(Inspection.id)).all()
        for inspection in inspections:
            for document in self.parts.vault.keyring.wrapped_documents(inspection):
                found.setdefault(f"{inspection}/{document}", set())
        self._wait_for_commits()
        with self.parts.database.read() as session:
            owned = _owned(session)
        # An upload that is still arriving may take hours and has a key already: it is nobody's orphan.
        arriving = {name.removesuffix(".floe") for name in self.parts.vault.store.unfinished()}
        return {orphan: names for orphan, names in found.items() if orphan not in owned | arriving}

    def _wait_for_commits(self) -> None:
        """Wait until each document being recorded is committed or not; a commit under way outlives a killed server.

        On SQLite a server killed in its commit can leave it written but not shown to processes that have the database
        open; should they be killed too, whoever opens it next finds the commit. A commit that is written after it
        settles that nobody does, so this one writes (the number is nobody's and stays as it is).
        """
        with self.parts.database.unit_of_work() as unit:
            if unit.connection.dialect.name == "postgresql":
                unit.connection.execute(text("LOCK TABLE document IN SHARE MODE"))
            else:
                unit.connection.execute(text("PRAGMA user_version = 0"))

    def _state_of(self, document: str) -> str | None:
        with self.parts.database.read() as session:
            return session.scalar(select(Document.state).where(Document.id == document))

    def _alarm(self, inspection: str, document: str) -> None:
        with self.parts.database.unit_of_work() as unit:
            known = inspection if unit.session.get(Inspection, inspection) else None
            raise_alarm(unit, kind="file-without-record", inspection=known, subject=document)


def _owned(session: Session) -> set[str]:
    rows = session.execute(select(Document.inspection_id, Document.id).where(Document.state != DocumentState.DISPOSED))
    return {f"{inspection}/{document}" for inspection, document in rows}


def sweep(parts: Parts, older_than: timedelta) -> SweepReport:
    """Sweep once with a fresh sweeper."""
    return Sweeper(parts).sweep(older_than)
