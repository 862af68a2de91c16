"""The worker checks the logs by itself: what has grown in every round, everything once a day and when it starts.

Promises: nothing is ever mended; a finding is the alarm `log-damaged`, which names the log, the first bad index and the
kind of damage, and comes back with the next daily check as long as the damage is there; what is found is found twice,
with evidence read afresh, before it is told. A check waits for nobody and nobody waits for it: it reads one frozen
state of the database, in a thread of low priority.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from audit.errors import AuditError, UnknownLogError
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
        self._day: date | None = None
        self._done: set[str] = set()

    def __call__(self) -> None:
        """Check everything once a day, else what has grown. Raises OSError: the kept files cannot be read."""
        today = in_london(self._parts.clock()).date()
        if today != self._day:
            self._day = today
            self._done.clear()
            self._check_tables()
        failure: OSError | None = None
        for log_id, stamp in self._stamps().items():
            if not self._go_on():
                return
            try:
                self._check(log_id, stamp)
            except OSError as error:
                failure = error
        if failure is not None:
            raise failure

    def _check(self, log_id: str, stamp: Stamp) -> None:
        if log_id not in self._done:
            self._look(log_id, stamp, None)
            self._done.add(log_id)
        elif log_id in self._whole and self._whole[log_id].stamp != stamp:
            self._look(log_id, stamp, self._whole[log_id].state)

    def _stamps(self) -> dict[str, Stamp]:
        """Every log that is there, with its size and the size of its newest checkpoint; damaged ones with neither."""
        store, found = self._parts.trail.store, {}
        with self._parts.database.read() as session:
            connection = session.connection()
            for record in store.logs(connection):
                try:
                    latest = store.latest_checkpoint(connection, record.log_id)
                    size = store.tree_size(connection, record.log_id)
                except (AuditError, ValueError, TypeError):
                    size, latest = -1, None
                found[record.log_id] = (size, -1 if latest is None else latest.tree_size)
        return found

    def _look(self, log_id: str, stamp: Stamp, since: CheckedState | None) -> None:
        try:
            report, state = self._read(log_id, since)
            if report.findings:
                report, state = self._read(log_id, since)
        except UnknownLogError:  # disposed of meanwhile
            self._whole.pop(log_id, None)
            return
        extent = FULL if since is None else GROWTH
        if report.findings:
            self._whole.pop(log_id, None)
            self._tell(log_id, report.findings)
        else:
            self._whole[log_id] = Checked(state, stamp)
        self._write_down(report, extent)

    def _read(self, log_id: str, since: CheckedState | None) -> tuple[FsckReport, CheckedState]:
        """One check; what the log is held to is read before the log, so that the log has all of it by then."""
        parts = self._parts
        notes = kept_notes(parts, log_id) if since is None else []
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
            return self._parts.trail.store.log(session.connection(), log_id).origin

    def _check_tables(self) -> None:
        parts = self._parts
        origins = [origin for origin, state in parts.signed_sizes.states().items() if not state.is_given_up]
        with frozen_view(parts.database) as connection:
            findings = check_tables(parts.trail.store, connection, parts.trail.log.public_key, origins)
        if findings:
            self._tell(trail.SERVICE_LOG, findings, TABLES)

    def _tell(self, log_id: str, findings: Sequence[Finding], source: str = "") -> None:
        first = min(findings, key=lambda finding: finding.index)
        journal(duty="check logs").error(
            "damage found", log=log_id, first_index=first.index, kind=first.kind, findings=len(findings)
        )
        words = FINDINGS.get(first.kind, first.kind.replace("-", " ").capitalize())
        surely_raise_alarm(
            self._parts,
            log_id,
            kind="log-damaged",
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


def _keys(parts: Parts) -> list[VerifierKey]:
    policy = parts.witness_policy
    return [] if policy is None else [witness.key for witness in policy.witnesses]
