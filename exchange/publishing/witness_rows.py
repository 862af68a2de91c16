"""What one witness answered about one log, written down: how long to wait, and when it is a matter for an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.errors import WitnessRefusedError
from audit.note import VerifierKey
from audit.store import StoredCheckpoint, StoredCosignature
from audit.witness_client import Cosigned
from exchange import trail
from exchange.clock import say_moment
from exchange.database import UnitOfWork
from exchange.oversight.service import Told
from exchange.parts import Parts
from exchange.publishing.alarming import surely_raise_alarm
from exchange.publishing.models import WitnessState
from exchange.publishing.policy_file import identify

FOLLOWING, ABSENT, REFUSED = "following", "absent", "refused"
FIRST_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(hours=1)
ALARM_AGAIN = timedelta(days=1)  # how long after an alarm the same refusal raises the next, if that one was cleared


@dataclass(frozen=True)
class Question:
    """One checkpoint for one witness: its key and shown name, and the size it is known to have cosigned."""

    key: VerifierKey
    name: str
    checkpoint: StoredCheckpoint
    known_size: int

    @property
    def log_id(self) -> str:
        """The log it is about."""
        return self.checkpoint.log_id


def delay_after(failures: int) -> timedelta:
    """How long to leave a witness alone: half a minute, doubled with each failure, an hour at most."""
    return min(FIRST_DELAY * (1 << min(failures - 1, 16)), LONGEST_DELAY)


def is_due(row: WitnessState, now: datetime) -> bool:
    """Whether a witness may be asked now; a later time than any delay gives is no reason to leave it alone for ever."""
    return not now < row.next_at <= now + LONGEST_DELAY


def keep_cosignature(parts: Parts, question: Question, answer: Cosigned) -> None:
    """Keep a verified cosignature; a witness that knows less than it cosigned before is an alarm."""
    with parts.database.unit_of_work() as unit:
        found = StoredCosignature(question.log_id, answer.size, question.key.name, answer.line, unit.now)
        parts.trail.store.add_cosignature(unit.session.connection(), found)
        row = _row(unit, question)
        row.state, row.reason, row.failures = FOLLOWING, "", 0
        row.size, row.asked_at, row.next_at, row.followed_at = answer.size, unit.now, unit.now, unit.now
        row.behind_since = None
    if answer.forgot_from is not None:
        detail = f"It had cosigned {answer.forgot_from} entries and knew less when it was asked about {answer.size}."
        surely_raise_alarm(parts, question.log_id, kind="witness-forgot", told=_told(question, detail))


def note_absence(parts: Parts, question: Question, reason: str = "no-answer") -> None:
    """Write down that a witness did not answer, or could not be asked, and leave it alone for a while."""
    with parts.database.unit_of_work() as unit:
        _fail(_row(unit, question), question, unit.now, ABSENT, reason)


def note_refusal(parts: Parts, question: Question, error: WitnessRefusedError) -> None:
    """Write down that a witness refused, and raise the alarm that names witness and log."""
    with parts.database.unit_of_work() as unit:
        row = _row(unit, question)
        is_new = (row.state, row.reason) != (REFUSED, error.kind)
        _fail(row, question, unit.now, REFUSED, error.kind)
        is_told = row.alarmed_at is not None and timedelta() <= unit.now - row.alarmed_at < ALARM_AGAIN
        if is_new or not is_told:
            row.alarmed_at = unit.now
    if is_new or not is_told:
        witness = identify(question.key)[:16]
        details: dict[str, trail.DetailValue] = {
            "witness": witness,
            "tree_size": question.checkpoint.tree_size,
            "reason": error.kind,
        }
        surely_raise_alarm(
            parts,
            question.log_id,
            kind="witness-refused",
            told=_told(question, str(error)),
            entries={"witness:refused": details},
        )


def raise_if_behind(parts: Parts, row: WitnessState, name: str) -> None:
    """Raise the alarm of a witness that has not followed for longer than the settings allow, once in each such time.

    One that refuses has an alarm of its own.
    """
    if row.state == REFUSED:
        return
    allowed = timedelta(hours=parts.settings.witness_behind_hours)
    now = parts.clock()
    told = row.alarmed_at if row.alarmed_at and row.alarmed_at <= now else None
    last = max(moment for moment in (row.behind_since, told) if moment) if row.behind_since else None
    if last is None or now - last < allowed:
        return
    with parts.database.unit_of_work() as unit:
        kept = unit.session.get_one(WitnessState, (row.log_id, row.witness), with_for_update=True)
        kept.alarmed_at = unit.now
    since = say_moment(row.behind_since or now)
    detail = f"Witness {name}: it has not followed since {since}; it stands at {row.size} entries."
    surely_raise_alarm(parts, row.log_id, kind="witness-behind", told=Told(name, detail))


def _row(unit: UnitOfWork, question: Question) -> WitnessState:
    key = (question.log_id, identify(question.key))
    row = unit.session.get(WitnessState, key, with_for_update=True)
    if row is None:
        row = WitnessState(
            log_id=key[0], witness=key[1], size=question.known_size, state=ABSENT, reason="", failures=0,
            asked_at=unit.now, next_at=unit.now, followed_at=None, behind_since=None, alarmed_at=None,
        )  # fmt: skip
        unit.session.add(row)
    return row


def _fail(row: WitnessState, question: Question, now: datetime, state: str, reason: str) -> None:
    row.state, row.reason, row.failures = state, reason, row.failures + 1
    row.asked_at, row.next_at = now, now + delay_after(row.failures)
    if row.behind_since is None:
        row.behind_since = question.checkpoint.signed_at


def _told(question: Question, detail: str) -> Told:
    return Told(question.name, f"Witness {question.name}: {detail}")
