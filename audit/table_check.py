"""Looks across all logs: rows of logs that there are not, and logs that went without the tombstone they should have."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from audit.checkpoint import open_checkpoint
from audit.entry import Entry, decode, parse_time
from audit.errors import AuditError, NoteError
from audit.events import SERVICE_LOG
from audit.findings import Finding, Findings
from audit.note import VerifierKey
from audit.raw_log import RawTables, RawTombstone
from audit.signed_rows import SLACK
from audit.triggers import DISPOSABLE

ConnectionT = TypeVar("ConnectionT")


class TableCheck(Generic[ConnectionT]):
    """One look; see `audit.fsck.check_tables`."""

    def __init__(
        self,
        store: RawTables[ConnectionT],
        connection: ConnectionT,
        public_key: bytes | None,
        signed_origins: Sequence[str],
    ) -> None:
        self._store, self._connection = store, connection
        self._public_key, self._signed_origins = public_key, signed_origins
        self._findings = Findings()

    def run(self) -> list[Finding]:
        """Everything found, by index."""
        found = self._store.raw_log_ids(self._connection)
        known = found["audit_log"]
        tombstones = {str(row.log_id): row for row in self._store.raw_tombstones(self._connection)}
        for table, log_ids in found.items():
            for log_id in log_ids:
                if not isinstance(log_id, str) or log_id not in known:
                    detail = f"{table} holds rows of {log_id!r:.60}, and there is no such log."
                    self._findings.add("unknown-log", 0, detail)
                elif log_id in tombstones and table in DISPOSABLE:
                    detail = f"The log {log_id} was disposed of, and {table} holds rows of it."
                    self._findings.add("stray", 0, detail)
        for log_id, row in tombstones.items():
            if log_id in known:
                self._judge_tombstone(log_id, row)
        self._judge_disposals(tombstones)
        self._judge_origins([one for one in known if isinstance(one, str)])
        return list(self._findings.sorted())

    def _judge_tombstone(self, log_id: str, row: RawTombstone) -> None:
        try:
            parse_time(row.disposed_at)
            if self._public_key is None:
                return
            origins = self._origins(log_id)
            signed = open_checkpoint(row.note, VerifierKey(origins[-1], self._public_key))
        except (AuditError, TypeError, AttributeError, UnicodeError) as error:
            self._findings.add("forged", _size(row), f"The tombstone of the log {log_id} proves nothing: {error}")
            return
        if (signed.size, signed.root) != (row.tree_size, row.root_hash):
            detail = f"The tombstone of the log {log_id} does not say what its checkpoint states."
            self._findings.add("checkpoint", _size(row), detail)

    def _judge_disposals(self, tombstones: dict[str, RawTombstone]) -> None:
        """The service's log tells of each disposal, and of no other."""
        told: dict[str, Entry] = {}
        for index, encoded in self._store.raw_events(self._connection, SERVICE_LOG, "log:disposed"):
            entry = _entry(encoded)
            if entry is None or entry.subject is None or type(index) is not int:
                continue  # found when the service's log is checked
            told[entry.subject] = entry
            if entry.subject not in tombstones:
                detail = f"The log {entry.subject} was disposed of, as entry {index} of the service's log says, and its"
                self._findings.add("missing", index, f"{detail} tombstone is missing.")
        for log_id, row in tombstones.items():
            root = row.root_hash.hex() if isinstance(row.root_hash, bytes) else ""
            entry = told.get(log_id)
            said = None if entry is None else (entry.details.get("tree_size"), entry.details.get("root"))
            if said != (row.tree_size, root) or (entry is not None and not _is_of(row.disposed_at, entry)):
                detail = f"The tombstone of the log {log_id} is not what an entry of the service's log tells of."
                self._findings.add("stray", _size(row), detail)

    def _judge_origins(self, log_ids: Sequence[str]) -> None:
        """No log that was signed for may have gone without a trace."""
        if not self._signed_origins:
            return
        borne = [self._origins(log_id) for log_id in log_ids]
        present, earlier = {each[-1] for each in borne}, {origin for each in borne for origin in each[:-1]}
        for origin in self._signed_origins:
            if origin not in present:
                detail = f"The log {origin} was signed for, and there is no such log."
                if origin in earlier:
                    detail = (
                        f"The log {origin} was signed for and not given up; its rows say that it bears another name."
                    )
                self._findings.add("missing", 0, detail)

    def _origins(self, log_id: str) -> list[str]:
        later = self._store.raw_continuations(self._connection, log_id)
        return [self._store.raw_log(self._connection, log_id)[0], *(row.origin for row in later)]


def _size(row: RawTombstone) -> int:
    return row.tree_size if isinstance(row.tree_size, int) and row.tree_size >= 0 else 0


def _is_of(disposed_at: object, entry: Entry) -> bool:
    """Whether the time beside a tombstone was taken in the act that its entry tells of."""
    try:
        return abs(parse_time(disposed_at) - entry.time) <= SLACK
    except AuditError:
        return True  # found to be no time already


def _entry(encoded: object) -> Entry | None:
    try:
        return decode(encoded) if isinstance(encoded, bytes) else None
    except (AuditError, NoteError):
        return None
