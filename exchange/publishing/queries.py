"""Reads for the page of a log and its witnesses; frozen values, nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from audit.cosignature import with_signatures
from audit.errors import AuditError, LogDisposedError
from audit.note import VerifierKey, parse_note
from audit.policy import Policy, PolicyWitness
from audit.store import LogTombstone, StoredCheckpoint, StoredCosignature
from exchange.inspections.queries import names_of
from exchange.notifications.models import OutgoingMail
from exchange.notifications.service import say_failure
from exchange.parts import Parts
from exchange.publishing.models import KeptState, LogCheck, MailedCheckpoint, WitnessState
from exchange.publishing.policy_file import identify, name_of
from exchange.publishing.witness_rows import ABSENT, REFUSED
from exchange.publishing.words import say_reason

LOOKED_BACK = 2000  # entries behind the newest cosignature in which a quorum is looked for
MAILS_SHOWN = 6


@dataclass(frozen=True)
class WitnessRow:
    """One witness of the policy: its state in a word, how far it followed and when, and why it does not."""

    name: str
    state: str  # "Following", "Behind", "Absent", "Refused" or "Not asked yet"
    size: int
    followed_at: datetime | None
    asked_at: datetime | None
    reason: str


@dataclass(frozen=True)
class MailRow:
    """The newest mail with a checkpoint of this log to one officer."""

    name: str
    size: int
    state: str
    at: datetime
    failure: str


@dataclass(frozen=True)
class LogPage:
    """Everything that the page says of one log; `tombstone` alone when it was disposed of."""

    tombstone: LogTombstone | None = None
    size: int = 0
    checkpoint: StoredCheckpoint | None = None
    origin: str = ""
    earlier_origins: tuple[str, ...] = ()
    key: str = ""
    witnesses: tuple[WitnessRow, ...] = ()
    quorum: str | None = None
    quorum_size: int | None = None
    kept: KeptState | None = None
    mails: tuple[MailRow, ...] = ()
    checks: Mapping[str, LogCheck] | None = None


def read_log_page(parts: Parts, session: Session, log_id: str) -> LogPage:
    """What the page says. Raises UnknownLogError for a log that there is not."""
    connection, store = session.connection(), parts.trail.store
    try:
        origins = [one.origin for one in store.origins(connection, log_id)]
        size, checkpoint = store.tree_size(connection, log_id), store.latest_checkpoint(connection, log_id)
    except LogDisposedError:
        return LogPage(tombstone=store.tombstone(connection, log_id))
    checks = session.scalars(select(LogCheck).where(LogCheck.log_id == log_id))
    policy = parts.witness_policy
    return LogPage(
        size=size,
        checkpoint=checkpoint,
        origin=origins[-1],
        earlier_origins=tuple(origins[:-1]),
        key=str(VerifierKey(origins[-1], parts.trail.log.public_key)),
        witnesses=tuple(_witnesses(parts, session, policy, checkpoint)) if policy and checkpoint else (),
        quorum=policy.quorum if policy else None,
        quorum_size=_quorum_size(parts, connection, policy, log_id) if policy else None,
        kept=session.get(KeptState, log_id),
        mails=tuple(_mails(session, log_id)),
        checks={check.extent: check for check in checks},
    )


def cosigned_note(parts: Parts, connection: Connection, checkpoint: StoredCheckpoint) -> str:
    """The checkpoint's note with the cosignatures that came for it."""
    lines = parts.trail.store.cosignatures(connection, checkpoint.log_id, checkpoint.tree_size)
    return _cosigned(checkpoint, lines)


def _witnesses(parts: Parts, session: Session, policy: Policy, checkpoint: StoredCheckpoint) -> list[WitnessRow]:
    log_id = checkpoint.log_id
    sizes = parts.trail.store.latest_cosigned(session.connection(), log_id)
    rows = {row.witness: row for row in session.scalars(select(WitnessState).where(WitnessState.log_id == log_id))}
    return [
        _witness_row(witness, rows.get(identify(witness.key)), sizes.get(witness.key.name, 0), checkpoint.tree_size)
        for witness in policy.witnesses
    ]


def _witness_row(witness: PolicyWitness, row: WitnessState | None, size: int, signed: int) -> WitnessRow:
    if row is None:
        return WitnessRow(name_of(witness), "Not asked yet", size, None, None, "")
    state = {ABSENT: "Absent", REFUSED: "Refused"}.get(row.state, "Following" if size >= signed else "Behind")
    return WitnessRow(name_of(witness), state, size, row.followed_at, row.asked_at, say_reason(row.reason))


def _quorum_size(parts: Parts, connection: Connection, policy: Policy, log_id: str) -> int | None:
    """The largest size at which the policy's quorum cosigned the same checkpoint, looking back a bounded way."""
    store = parts.trail.store
    newest = max(store.latest_cosigned(connection, log_id).values(), default=0)
    found: dict[int, list[StoredCosignature]] = {}
    for line in store.all_cosignatures(connection, log_id, newest - LOOKED_BACK):
        found.setdefault(line.tree_size, []).append(line)
    for size in sorted(found, reverse=True):
        checkpoint = store.checkpoint_at(connection, log_id, size)
        if checkpoint is not None and _has_quorum(policy, _cosigned(checkpoint, found[size])):
            return size
    return None


def _has_quorum(policy: Policy, note: str) -> bool:
    try:
        policy.verify(parse_note(note))
    except AuditError:
        return False
    return True


def _cosigned(checkpoint: StoredCheckpoint, lines: list[StoredCosignature]) -> str:
    try:
        return with_signatures(checkpoint.note, [line.line for line in lines])
    except AuditError:  # a damaged line, which the log check names
        return checkpoint.note


def _mails(session: Session, log_id: str) -> list[MailRow]:
    rows = session.execute(
        select(MailedCheckpoint, OutgoingMail)
        .join(OutgoingMail, OutgoingMail.id == MailedCheckpoint.mail_id)
        .where(MailedCheckpoint.log_id == log_id)
        .order_by(OutgoingMail.queued_at.desc(), MailedCheckpoint.person_id)
        .limit(MAILS_SHOWN)
    ).all()
    names = names_of(session, {held.person_id for held, _ in rows})
    return [
        MailRow(
            names.get(held.person_id, "somebody whose name is erased"),
            held.size,
            mail.state,
            mail.ended_at or mail.queued_at,
            say_failure(mail.failure),
        )
        for held, mail in rows
    ]
