"""What a witness answers to a request: the rules of c2sp.org/tlog-witness, in their order, over the durable state.

1. The form is right (400), the origin is one that is trusted (404), a trusted key signed (403), old <= new (400).
2. In one transaction: the old size is the one cosigned last (409), the proof leads from its root to the new one (422;
   at equal sizes 409), the clock has not run back (503). Then the new state is committed.
3. Only then the cosignature is made. Whatever fails before, no cosignature exists; whatever fails after, none is lost:
   the log is told the size it stands at, and asks again.
"""

import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from audit.cosignature import cosign
from audit.errors import NoteError, ProofError
from audit.note import COSIGNER, NoteSigner, VerifierKey, verify_note
from audit.proof import verify_consistency
from audit.witness.errors import RequestRefusedError
from audit.witness.request import AddCheckpoint, parse_request
from audit.witness.state import (
    CosignedState,
    RefusedState,
    TrustedLog,
    WitnessState,
    advance,
    has_room_for,
    keep_refused,
    state_of,
)

CLOCK_TOLERANCE: Final = 60
"""Seconds by which a clock may be set back and the witness still answers, with the time of its last cosignature."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """One cosignature line, and what it was given for."""

    line: str
    origin: str
    old_size: int
    size: int


class Witness:
    """Cosigns under one name and key; `clock` gives POSIX seconds. Safe for threads, and processes on one state."""

    def __init__(self, name: str, signer: NoteSigner, state: WitnessState, clock: Callable[[], int]) -> None:
        self.key = VerifierKey(name, signer.public_key_bytes, COSIGNER)
        self._signer = signer
        self._state = state
        self._clock = clock
        self._one_at_a_time = threading.Lock()  # fairer among threads than SQLite's waiting

    def add_checkpoint(self, body: bytes) -> Cosigned:
        """The cosignature for the checkpoint in this request. Raises RequestRefusedError, sqlite3.Error."""
        request = parse_request(body)
        origin, size = request.checkpoint.origin, request.checkpoint.size
        try:
            self._verify_signed(request)
            time = self._remember(request)
        except RequestRefusedError as refused:
            refused.origin = origin
            raise
        line = cosign(request.note.text, self.key.name, self._signer, time)
        return Cosigned(line, origin, request.old_size, size)

    def _verify_signed(self, request: AddCheckpoint) -> None:
        origin = request.checkpoint.origin
        keys = keys_for(origin, self._state.trusted())
        if not keys:
            raise RequestRefusedError(HTTPStatus.NOT_FOUND, "This witness does not follow a log of that origin.")
        try:
            verify_note(request.note, keys)
        except NoteError as error:
            raise RequestRefusedError(
                HTTPStatus.FORBIDDEN, "No key that this witness trusts for that log signed the checkpoint."
            ) from error
        if request.old_size > request.checkpoint.size:
            raise RequestRefusedError(HTTPStatus.BAD_REQUEST, "The old size is larger than that of the checkpoint.")

    def _remember(self, request: AddCheckpoint) -> int:
        """Commit the new state, and give the time to cosign it with."""
        refusal = None
        with self._one_at_a_time, self._state.turn() as turn:
            held, now = state_of(turn, request.checkpoint.origin), self._clock()
            try:
                _verify_extends(held, request)
            except RequestRefusedError as error:
                refusal = error
                for refused in _evidence(held, request, error, now):
                    keep_refused(turn, refused)
            else:
                time = _time_after(held, now)
                if not has_room_for(turn, held.origin):
                    raise RequestRefusedError(HTTPStatus.INSUFFICIENT_STORAGE, "This witness can follow no more logs.")
                signed = request.checkpoint
                advance(turn, CosignedState(held.origin, signed.size, signed.root, request.signed, time))
        if refusal is not None:
            raise refusal
        return time


def keys_for(origin: str, trusted: list[TrustedLog]) -> list[VerifierKey]:
    """The keys that may sign for this origin, each under the origin's name, as a log's key is."""
    return [
        VerifierKey(origin, log.key.public_key)
        for log in trusted
        if origin == log.key.name or (log.below and origin.startswith(log.key.name + "/"))
    ]


def _verify_extends(held: CosignedState, request: AddCheckpoint) -> None:
    signed, old_size = request.checkpoint, request.old_size
    if old_size != held.size:
        raise RequestRefusedError(HTTPStatus.CONFLICT, "The old size is not the one cosigned last.", held.size)
    if old_size == signed.size and not hmac.compare_digest(held.root, signed.root):
        raise RequestRefusedError(HTTPStatus.CONFLICT, "Another root hash was cosigned at this size.", held.size)
    if old_size == 0 and not request.proof:
        return  # every tree extends the empty one, and no proof can say so
    try:
        verify_consistency(old_size, signed.size, held.root, signed.root, request.proof)
    except ProofError as error:
        raise RequestRefusedError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "The proof does not show that the log extends what was cosigned."
        ) from error


def _evidence(
    held: CosignedState, request: AddCheckpoint, refusal: RequestRefusedError, now: int
) -> list[RefusedState]:
    """What is worth keeping of a refused request: two signed roots of one size, or a state that was not proved."""
    signed = request.checkpoint
    if signed.size == held.size and signed.root != held.root:
        kind = "fork"
    elif refusal.status == HTTPStatus.UNPROCESSABLE_ENTITY and signed.size != held.size:
        kind = "unproved"
    else:
        return []
    return [RefusedState(held.origin, signed.size, signed.root, kind, request.signed, held.note, now)]


def _time_after(held: CosignedState, now: int) -> int:
    """The time of the next cosignature: never before the last of this log, or a smaller tree would seem the later."""
    if now + CLOCK_TOLERANCE < held.time:
        raise RequestRefusedError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The clock of this witness stands before its last cosignature; its keeper has to set it right.",
        )
    return max(now, held.time)
