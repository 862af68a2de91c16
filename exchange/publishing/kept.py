"""Checking checkpoints that somebody kept and brings back: each compared, recorded, and a mismatch raised as an alarm.

Promises: what is told was recorded first, unless it is damage that keeps the log from taking the entry; a note that the
log's key did not sign says nothing about the log and raises nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from audit.cosignature import cosigned_at
from audit.errors import AuditError, NoteError
from audit.note import parse_note
from exchange import trail
from exchange.errors import InvalidError
from exchange.oversight.service import Told, frozen_view, inspection_of
from exchange.parts import Parts
from exchange.publishing.alarming import surely_raise_alarm
from exchange.publishing.found_notes import notes_in
from exchange.publishing.judging import NOT_SIGNED, OTHER_LOG, UNREADABLE, Verdict, judge
from exchange.publishing.policy_file import name_of

SOURCE = "brought-back"
Cosigners = tuple[tuple[str, datetime], ...]


@dataclass(frozen=True)
class KeptNote:
    """One checkpoint that was brought back: the log it was compared with, what was found, and who cosigned it when."""

    log_id: str
    verdict: Verdict
    cosigned: Cosigners = ()


def check_kept(parts: Parts, log_id: str, content: str | bytes, *, actor: str) -> list[KeptNote]:
    """Check every checkpoint of this log in a note, a mail or a file.

    Raises:
        InvalidError: there is no checkpoint in it, or none of this log; nothing was recorded.
    """
    notes = notes_in(content)
    if not notes:
        raise InvalidError(
            "There is no signed checkpoint in it. Paste the whole mail, or the whole note",
            field="note",
        )
    with frozen_view(parts.database) as connection:
        judged = [_judge(parts, connection, log_id, note) for note in notes]
    found = [kept for kept in judged if kept.verdict.code != OTHER_LOG]
    if not found:
        raise InvalidError(
            f"It holds the checkpoint of another log, {judged[0].verdict.origin}. Check it on the page of that log",
            field="note",
        )
    _record(parts, found, actor)
    return found


def check_file(parts: Parts, content: bytes, *, actor: str) -> list[KeptNote]:
    """Check every checkpoint in a file, of whatever log of this service; one of no log has an empty `log_id`."""
    with frozen_view(parts.database) as connection:
        logs = _logs_by_origin(parts, connection)
        found = [_judge(parts, connection, logs.get(note.partition("\n")[0], ""), note) for note in notes_in(content)]
    _record(parts, [kept for kept in found if kept.log_id], actor)
    return found


def _logs_by_origin(parts: Parts, connection: Connection) -> dict[str, str]:
    store = parts.trail.store
    logs = [record.log_id for record in store.logs(connection)]
    logs += [tombstone.log_id for tombstone in store.tombstones(connection)]
    return {one.origin: log_id for log_id in logs for one in store.origins(connection, log_id)}


def _judge(parts: Parts, connection: Connection, log_id: str, note: str) -> KeptNote:
    if not log_id:
        return KeptNote("", Verdict(OTHER_LOG, origin=note.partition("\n")[0]))
    verdict = judge(parts.trail.store, connection, log_id, parts.trail.log.public_key, note)
    if verdict.code in {OTHER_LOG, UNREADABLE, NOT_SIGNED}:
        return KeptNote(log_id, verdict)
    try:
        return KeptNote(log_id, verdict, _cosigners(parts, note))
    except NoteError as error:
        return KeptNote(log_id, Verdict(NOT_SIGNED, verdict.size, verdict.origin, detail=str(error)))


def _cosigners(parts: Parts, note: str) -> Cosigners:
    """The configured witnesses that cosigned, with their times. Raises NoteError for a false cosignature of one."""
    if parts.witness_policy is None:
        return ()
    names = {witness.key: name_of(witness) for witness in parts.witness_policy.witnesses}
    times = cosigned_at(parse_note(note), list(names))
    return tuple((names[key], datetime.fromtimestamp(min(seconds, 2**37), UTC)) for key, seconds in times.items())


def _record(parts: Parts, found: Sequence[KeptNote], actor: str) -> None:
    try:
        with parts.database.unit_of_work() as unit:
            for kept in found:
                details: dict[str, trail.DetailValue] = {"tree_size": kept.verdict.size, "result": kept.verdict.code}
                inspection = inspection_of(kept.log_id)
                trail.record(unit, "checkpoint:checked", actor=actor, inspection=inspection, details=details)
    except AuditError:
        if not any(kept.verdict.is_mismatch for kept in found):
            raise
    for kept in found:
        if kept.verdict.is_mismatch:
            detail = (
                f"A checkpoint of {kept.verdict.size} entries was brought back, signed by the log’s key; the log "
                f"has {kept.verdict.log_size} entries now and does not follow from it."
            )
            surely_raise_alarm(
                parts, kept.log_id, kind="kept-checkpoint-differs", told=Told(SOURCE, detail), actor=actor
            )
