"""The worker checks the logs by itself: what has grown in every round, everything once a day and when it starts.

Promises: nothing is ever mended; a finding is the alarm `log-damaged`, or `log-rolled-back`, which names the log, the
first bad index and the kind of damage, and comes back with the next daily check as long as the damage is there; what is
found is found twice, with evidence read afresh, before it is told. A check waits for nobody and nobody waits for it: it
reads one frozen state of the database, in a thread of low priority.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial

from audit.checkpoint import open_checkpoint
from audit.errors import AuditError, NoteError, UnknownLogError
from audit.fsck import CheckedState, Finding, FsckReport, check_growth, check_tables
from audit.note import VerifierKey
from exchange import trail
from exchange.clock import in_london
from exchange.journal import journal
from exchange.oversight.service import Told, frozen_view
from exchange.oversight.verification import FINDINGS
from exchange.parts import Parts
from exchange.publishing.alarming import surely_raise_alarm
from exchange.publishing.keeping import kept_notes
from exchange.publishing.models import LogCheck

FULL, GROWTH = "full", "growth"
TABLES = "tables"
ROLLED_BACK = "rolled-back"

Stamp = tuple[int, int]


@dataclass(frozen=True)
class Checked:
    """A log that was found whole: how far, and the size and newest checkpoint by which growth is noticed."""

    state: CheckedState
    stamp: Stamp


class LogChecks:
    """The duty; what it found whole is remembered in this process alone, beyond the reach of the database."""

    def __init__(self, parts: Parts, go_on: Callable[[], bool] = lambda: True) -> None:
        self._parts = parts
        self._go_on = go_on
        self._whole: dict[str, Checked] = {}
        self._damaged: dict[str, str] = {}  # the origin under which damage was found
        self._day: date | None = None
        self._done: set[str] = set()

    def __call__(self) -> None:
        """Check everything once a day, else what has grown; nothing that stops one check stops another.

        Raises OSError: the kept files cannot be read, and the logs were checked without them; or what stopped a check.
        """
        today = in_london(self._parts.clock()).date()
        if today != self._day:
            self._day = today
            self._done.clear()
        checks: list[Callable[[], None]] = [self._check_tables_once]
        checks += [partial(self._check, log_id, stamp) for log_id, stamp in self._stamps().items()]
        failure: Exception | None = None
        for check in checks:
            if not self._go_on():
                return
            try:
                check()
            except Exception as error:  # noqa: BLE001  whatever damage one check meets, the next is still made
                failure = error
        if failure is not None:
            raise failure

    def _check_tables_once(self) -> None:
        if TABLES not in self._done:
            self._check_tables()
            self._done.add(TABLES)

    def _check(self, log_id: str, stamp: Stamp) -> None:
        if log_id not in self._done:
            unread = self._look(log_id, stamp, None)
            self._done.add(log_id)
            if unread is not None:
                raise unread
        elif log_id in self._whole and self._whole[log_id].stamp != stamp:
            self._look(log_id, stamp, self._whole[log_id].state)
        elif log_id in self._damaged and self._damaged[log_id] != self._origin(log_id):
            self._look(log_id, stamp, None)  # somebody decided how it goes on

    def _stamps(self) -> dict[str, Stamp]:
        """Every log that is there, with its size and the size of its newest checkpoint; damaged ones with neither."""
        store, found = self._parts.trail.store, {}
        with self._parts.database.read() as session:
            connection = session.connection()
            gone = {row.log_id for row in store.raw_tombstones(connection)}
            for log_id in store.raw_log_ids(connection)["audit_log"]:  # raw: a damaged row must not hide the others
                if not isinstance(log_id, str) or log_id in gone:
                    continue
                try:
                    latest = store.latest_checkpoint(connection, log_id)
                    size = store.tree_size(connection, log_id)
                except (AuditError, ValueError, TypeError):
                    size, latest = -1, None
                found[log_id] = (size, -1 if latest is None else latest.tree_size)
        return found

    def _look(self, log_id: str, stamp: Stamp, since: CheckedState | None) -> OSError | None:
        """One check, and a second where it found something; what kept the kept files from being read."""
        notes, unread = self._kept(log_id) if since is None else ([], None)
        try:
            report, state = self._read(log_id, since, notes)
            if report.findings:
                notes, unread = self._kept(log_id) if since is None else ([], None)
                report, state = self._read(log_id, since, notes)
        except UnknownLogError:  # disposed of meanwhile
            self._whole.pop(log_id, None)
            return None
        extent = FULL if since is None else GROWTH
        if report.findings:
            self._whole.pop(log_id, None)
            self._damaged[log_id] = self._origin(log_id)
            self._tell(log_id, report.findings)
        else:
            self._whole[log_id] = Checked(state, stamp)
            self._damaged.pop(log_id, None)
        self._write_down(report, extent)
        return unread

    def _kept(self, log_id: str) -> tuple[list[bytes], OSError | None]:
        try:
            keys = self._own_keys(log_id)
            return [note for note in kept_notes(self._parts, log_id) if _is_signed(note, keys)], None
        except OSError as error:
            return [], error

    def _own_keys(self, log_id: str) -> list[VerifierKey]:
        """The log's key under each of its origins."""
        with self._parts.database.read() as session:
            origins = self._parts.trail.store.origins(session.connection(), log_id)
        return [VerifierKey(each.origin, self._parts.trail.log.public_key) for each in origins]

    def _read(self, log_id: str, since: CheckedState | None, notes: Sequence[bytes]) -> tuple[FsckReport, CheckedState]:
        """One check; what the log is held to is read before the log, so that the log has all of it by then."""
        parts = self._parts
        witnesses = _keys(parts)
        remembered = parts.signed_sizes.latest(self._origin(log_id)) if since is None else None
        with frozen_view(parts.database) as connection:
            return check_growth(
                parts.trail.store,
                connection,
                log_id,
                parts.trail.log.public_key,
                since,
                notes,
                witnesses=witnesses,
                remembered=None if remembered is None or remembered.is_given_up else remembered,
            )

    def _origin(self, log_id: str) -> str:
        with self._parts.database.read() as session:
            return self._parts.trail.store.origins(session.connection(), log_id)[-1].origin

    def _check_tables(self) -> None:
        parts = self._parts
        origins = [origin for origin, state in parts.signed_sizes.states().items() if not state.is_given_up]
        with frozen_view(parts.database) as connection:
            findings = check_tables(parts.trail.store, connection, parts.trail.log.public_key, origins)
        if findings:
            self._tell(trail.SERVICE_LOG, findings, TABLES)

    def _tell(self, log_id: str, findings: Sequence[Finding], source: str = "") -> None:
        lost = [finding for finding in findings if finding.kind == ROLLED_BACK]
        first = min(lost or findings, key=lambda finding: finding.index)
        journal(duty="check logs").error(
            "damage found", log=log_id, first_index=first.index, kind=first.kind, findings=len(findings)
        )
        words = FINDINGS.get(first.kind, first.kind.replace("-", " ").capitalize())
        surely_raise_alarm(
            self._parts,
            log_id,
            kind="log-rolled-back" if lost else "log-damaged",
            told=Told(source, f"{words}. The first bad index is {first.index}. {first.detail}"),
            entries={"log:damage-found": {"index": first.index, "damage": first.kind}},
        )

    def _write_down(self, report: FsckReport, extent: str) -> None:
        first = min(report.findings, key=lambda finding: finding.index, default=None)
        with self._parts.database.unit_of_work() as unit:
            row = unit.session.get(LogCheck, (report.log_id, extent), with_for_update=True)
            if row is None:
                row = LogCheck(log_id=report.log_id, extent=extent)
                unit.session.add(row)
            row.checked_at, row.size, row.findings = unit.now, report.tree_size, len(report.findings)
            row.first_index = None if first is None else first.index
            row.first_kind = "" if first is None else first.kind


def _is_signed(note: bytes, keys: Sequence[VerifierKey]) -> bool:
    """Whether this is a checkpoint of the log at all; a spoiled file says nothing of it, and has its own alarm."""
    for key in keys:
        with suppress(NoteError):
            open_checkpoint(note, key)
            return True
    return False


def _keys(parts: Parts) -> list[VerifierKey]:
    policy = parts.witness_policy
    return [] if policy is None else [witness.key for witness in policy.witnesses]
