"""What was found of a kept checkpoint, a witness, the folder or a check, in words for pages and the command."""

from __future__ import annotations

from exchange.publishing import judging
from exchange.publishing.judging import Verdict

_VERDICTS = {
    judging.CONSISTENT: "consistent: the log as it is now ({now} entries) follows from this checkpoint of {size}",
    judging.AHEAD: "mismatch: signed by the log’s key for {size} entries, but the log has only {now} now",
    judging.DIFFERS: "mismatch: signed by the log’s key for {size} entries, but the log does not follow from it",
    judging.GIVEN_UP: "of an origin that was given up: of its {size} entries the log kept the first {now}",
    judging.NOT_SIGNED: "not signed by the log’s key, or by a witness that it names: it says nothing about the log",
    judging.OTHER_LOG: "of no log of this service",
    judging.DISPOSED: "of a log that was disposed of; its tombstone is in the service’s log",
    judging.UNREADABLE: "cannot be read as a checkpoint",
}

REASONS = {
    "no-answer": "It did not answer.",
    "no-proof": "The log could not prove its growth to it. See the last check.",
    "ahead": "It cosigned more entries than the log has: the log was set back, or somebody else signs with its key.",
    "fork": "It has cosigned another history of the same size.",
    "inconsistent": "What it cosigned before is not the beginning of this log.",
    "unknown-log": "It does not follow this log, or its address is wrong.",
    "unknown-key": "It does not trust the key that signs this log.",
    "wrong-cosignature": "What it sent is not its cosignature of this checkpoint.",
    "wrong-key": "It answered without a cosignature by the key in the policy.",
    "wrong-time": "Its cosignature bears a time that is not now.",
    "unexpected-answer": "It answered what no witness should.",
}


def say_verdict(verdict: Verdict) -> str:
    """A verdict in one line."""
    return _VERDICTS[verdict.code].format(size=f"{verdict.size:,}", now=f"{verdict.log_size:,}")


def say_reason(code: str) -> str:
    """Why a witness is absent or refuses, in a sentence; an empty text for none."""
    return REASONS.get(code, f"{code.replace('-', ' ').capitalize()}." if code else "")
