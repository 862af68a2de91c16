"""One entry as a SIEM reads it: one flat record in one schema, with a severity; identifiers only, never a name.

The schema is documented in docs/siem.md. A field is never renamed nor given another meaning within a version of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from audit.entry import Entry, time_text
from audit.store import StoredEntry
from audit.vocabulary import items_of, subject_of

SCHEMA: Final = "1"

CRITICAL, ERROR, WARNING, NOTICE, INFORMATIONAL = 2, 3, 4, 5, 6
"""Severities of RFC 5424, section 6.2.1, as far as they are used."""

SEVERITY_NAMES: Final = {
    CRITICAL: "critical",
    ERROR: "error",
    WARNING: "warning",
    NOTICE: "notice",
    INFORMATIONAL: "informational",
}

# How an act ended, told by the last word of its event: a new event falls under these without being listed.
_BY_ENDING: Final[Mapping[str, int]] = {
    "refused": WARNING,
    "throttled": WARNING,
    "check-failed": ERROR,
    "failed": ERROR,
    "broken-off": NOTICE,
}
_FAILURES: Final = frozenset(_BY_ENDING)

BY_EVENT: Final[Mapping[str, int]] = {
    "alarm:raised": CRITICAL,
    "log:given-up": CRITICAL,
    "log:continued": CRITICAL,
    "breach:recorded": WARNING,
    "alarm:cleared": NOTICE,
    "breach:changed": NOTICE,
    "breach:reported": NOTICE,
    "breach:closed": NOTICE,
    "breach:exported": NOTICE,
    "trail:exported": NOTICE,
    "evidence:exported": NOTICE,
    "subject-access:prepared": NOTICE,
    "feed:started": NOTICE,
    "key:rotated": NOTICE,
    "inspection-key:destroyed": NOTICE,
    "account:created": NOTICE,
    "account:disabled": NOTICE,
    "account:enabled": NOTICE,
    "account:reset-agreed": NOTICE,
    "second-factor:reset": NOTICE,
    "role:granted-service": NOTICE,
    "member:added": NOTICE,
    "member:removed": NOTICE,
    "hold:placed": NOTICE,
    "hold:lifted": NOTICE,
    "disposal:done": NOTICE,
    "legal-note:waived": NOTICE,
}

Record = dict[str, object]


def severity_of(event: str) -> int:
    """The severity of an event: its own, that of its last word, or informational."""
    return BY_EVENT.get(event, _BY_ENDING.get(event.partition(":")[2], INFORMATIONAL))


def outcome_of(event: str) -> str:
    """'failure' for what was refused, failed or broke off; otherwise 'success'."""
    return "failure" if event.partition(":")[2] in _FAILURES else "success"


def record_of(stored: StoredEntry, entry: Entry) -> Record:
    """The record of one entry, in the order in which its fields are documented."""
    severity = severity_of(entry.event)
    return {
        "schema": SCHEMA,
        "cursor": f"{stored.log_id}:{stored.index}",
        "log": stored.log_id,
        "index": int(stored.index),
        "leaf_hash": stored.leaf_hash.hex(),
        "time": time_text(entry.time),
        "event": entry.event,
        "outcome": outcome_of(entry.event),
        "severity": severity,
        "severity_name": SEVERITY_NAMES[severity],
        "actor": entry.actor,
        "subject": subject_of(entry),
        "inspection": entry.inspection,
        "items": list(items_of(entry)),
        "details": {name: list(value) if isinstance(value, tuple) else value for name, value in entry.details.items()},
    }


def json_line(record: Record) -> bytes:
    """A record as one line of JSON in ASCII, without the line's end."""
    return json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode("ascii")
