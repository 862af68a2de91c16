"""Is a checkpoint that somebody kept still true of the log? Decided from signed bytes and proofs; nothing is changed.

What is said of the log is said of its stored hashes; that the entries are what these hashes were made of is what the
log check says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from audit.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from audit.errors import AuditError, LogDisposedError, NoteError, ProofError
from audit.merkle import EMPTY_ROOT
from audit.note import VerifierKey, parse_note
from audit.proof import verify_consistency
from audit.store import LogOrigin, LogStore

ConnectionT = TypeVar("ConnectionT")

CONSISTENT = "consistent"
AHEAD = "ahead"
DIFFERS = "differs"
GIVEN_UP = "given-up"
NOT_SIGNED = "not-signed"
OTHER_LOG = "other-log"
DISPOSED = "log-disposed"
UNREADABLE = "unreadable"

MISMATCHES = frozenset({AHEAD, DIFFERS})
"""What cannot be while log and key are what they should be: signed by the log's key, and no state of the log."""


@dataclass(frozen=True)
class Verdict:
    """What was found: a code of this module, what the checkpoint says, and the size of the log it was compared with."""

    code: str
    size: int = 0
    origin: str = ""
    log_size: int = 0
    detail: str = ""

    @property
    def is_mismatch(self) -> bool:
        """Whether this is a matter for an alarm."""
        return self.code in MISMATCHES


def judge(
    store: LogStore[ConnectionT], connection: ConnectionT, log_id: str, public_key: bytes, note: str | bytes
) -> Verdict:
    """Compare a kept checkpoint with the log as this connection sees it."""
    try:
        checkpoint = parse_checkpoint(parse_note(note).text)
    except NoteError as error:
        return Verdict(UNREADABLE, detail=str(error))
    found = Verdict(OTHER_LOG, checkpoint.size, checkpoint.origin)
    origins = store.origins(connection, log_id)
    place = next((place for place, known in enumerate(origins) if known.origin == checkpoint.origin), None)
    if place is None:
        return found
    try:
        open_checkpoint(note, VerifierKey(checkpoint.origin, public_key))
    except NoteError as error:
        return Verdict(NOT_SIGNED, checkpoint.size, checkpoint.origin, detail=str(error))
    return _compare(store, connection, log_id, checkpoint, origins[place + 1 :])


def _compare(
    store: LogStore[ConnectionT], connection: ConnectionT, log_id: str, signed: Checkpoint, later: list[LogOrigin]
) -> Verdict:
    if later and signed.size > later[0].from_size:
        return Verdict(GIVEN_UP, signed.size, signed.origin, later[0].from_size)
    try:
        size = store.tree_size(connection, log_id)
        code = AHEAD if signed.size > size else _code_of(store, connection, log_id, signed, size)
    except LogDisposedError:
        return Verdict(DISPOSED, signed.size, signed.origin)
    return Verdict(code, signed.size, signed.origin, size)


def _code_of(store: LogStore[ConnectionT], connection: ConnectionT, log_id: str, signed: Checkpoint, size: int) -> str:
    if signed.size == 0:
        return CONSISTENT if signed.root == EMPTY_ROOT else DIFFERS
    try:
        root = store.root(connection, log_id, size)
        proof = store.consistency_proof(connection, log_id, signed.size, size)
        verify_consistency(signed.size, size, signed.root, root, proof)
    except LogDisposedError:
        raise
    except (ProofError, AuditError):  # another tree, or one whose stored hashes are not all there
        return DIFFERS
    return CONSISTENT
