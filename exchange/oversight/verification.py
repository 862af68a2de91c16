"""'Verify now': checks all of a log with the log's own reader, and signs its state if it is whole and has grown.

Promises: a log that was found damaged is not signed; damage is said with its first index and kind, raised as an
alarm, and recorded as far as the damaged log still takes an entry. Whoever asks sees what was proved, and what a check
here cannot prove.
"""

from __future__ import annotations

from dataclasses import dataclass

from audit.errors import AuditError
from audit.fsck import Finding, FsckReport, check_log
from audit.store import StoredCheckpoint
from exchange import trail
from exchange.oversight.alarms import add_alarm, raise_alarm
from exchange.oversight.logs import frozen_view, inspection_of
from exchange.parts import Parts

WHOLE, DAMAGED = "whole", "damaged"

FINDINGS = {
    "altered": "An entry was altered",
    "unreadable": "An entry cannot be read",
    "missing": "An entry is missing",
    "reordered": "Entries have changed places",
    "truncated": "The end of the log was cut off",
    "copy": "What an entry is searched by was altered",
    "node": "A stored hash was altered or is missing",
    "stray": "There are rows that no entry of the log is",
    "checkpoint": "A signed checkpoint was altered or is missing",
    "forged": "A checkpoint was not signed by this log",
    "cosignature": "A witness’s signature was altered or is missing",
    "rolled-back": "The log was put back to an older state",
}


@dataclass(frozen=True)
class Verification:
    """The result of one check: the report, the newest checkpoint (None: none was ever signed), the log's public key.

    The report counts the checkpoints from before; the newest may have been signed after the check, for the same log.
    """

    report: FsckReport
    checkpoint: StoredCheckpoint | None
    public_key: str
    refusal: str = ""  # why the log's state was not signed

    @property
    def is_whole(self) -> bool:
        """Whether everything that is stored agrees."""
        return not self.report.findings and not self.refusal

    @property
    def first(self) -> Finding | None:
        """The damage with the smallest index."""
        return min(self.report.findings, key=lambda finding: finding.index, default=None)


def verify_log(parts: Parts, log_id: str, *, actor: str) -> Verification:
    """Check, sign, record `trail:verified`, and raise the alarm `log-damaged` when something is wrong."""
    with frozen_view(parts.database) as connection:
        report = check_log(parts.trail.store, connection, log_id, parts.trail.log.public_key)
    refusal = "" if report.findings else _sign(parts, log_id)
    key, checkpoint = _signed_state(parts, log_id)
    result = Verification(report, checkpoint, key, refusal)
    inspection = inspection_of(log_id)
    details: dict[str, trail.DetailValue] = {
        "tree_size": result.report.tree_size,
        "result": WHOLE if result.is_whole else DAMAGED,
    }
    try:
        with parts.database.unit_of_work() as unit:
            trail.record(unit, "trail:verified", actor=actor, inspection=inspection, details=details)
    except AuditError:
        if result.is_whole:
            raise  # no record, no act: what was found to be whole is told only once it is recorded
    if not result.is_whole:
        _raise_alarm(parts, log_id, inspection, actor)
    return result


def _signed_state(parts: Parts, log_id: str) -> tuple[str, StoredCheckpoint | None]:
    """The log's public key and its newest checkpoint, as far as a damaged log still tells them."""
    try:
        with parts.database.read() as session:
            connection = session.connection()
            key = str(parts.trail.log.verifier_key(connection, log_id))
            return key, parts.trail.store.latest_checkpoint(connection, log_id)
    except AuditError:
        return "It cannot be told while the log is damaged.", None


def _sign(parts: Parts, log_id: str) -> str:
    try:
        with parts.database.unit_of_work() as unit:
            parts.trail.log.sign_checkpoint(unit.session.connection(), log_id)
    except AuditError as error:
        return str(error)
    return ""


def _raise_alarm(parts: Parts, log_id: str, inspection: str | None, actor: str) -> None:
    try:
        with parts.database.unit_of_work() as unit:
            raise_alarm(unit, kind="log-damaged", inspection=inspection, subject=log_id, actor=actor)
    except AuditError:  # the service's log is the damaged one: the alarm stands without its entry
        with parts.database.unit_of_work() as unit:
            add_alarm(unit, kind="log-damaged", inspection=inspection, subject=log_id)
