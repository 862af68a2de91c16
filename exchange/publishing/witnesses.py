"""The worker asks every configured witness to cosign each new checkpoint: all at once, each in a thread of its own.

Promises: neither signing nor another duty waits for a witness; one that does not answer is left alone longer each time,
one that refuses raises an alarm; nothing is kept that its key has not verified; the network is never waited for inside
a transaction. A witness catches up from wherever it stands, with one proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from audit.errors import AuditError, LogDisposedError, WitnessAbsentError, WitnessRefusedError
from audit.note import VerifierKey
from audit.policy import PolicyWitness
from audit.proof import Proof
from audit.store import StoredCheckpoint
from audit.witness_client import Cosigned, ask_witness
from exchange.parts import Parts
from exchange.publishing.alongside import Alongside
from exchange.publishing.models import WitnessState
from exchange.publishing.policy_file import identify, name_of
from exchange.publishing.witness_rows import (
    Question,
    is_due,
    keep_cosignature,
    note_absence,
    note_refusal,
    raise_if_behind,
)

ANSWER_SECONDS = 10.0  # for each of the two exchanges that one question may take


@dataclass(frozen=True)
class LogState:
    """A log as witnesses see it: its newest checkpoint, the size its origin begins at, and who cosigned how far."""

    checkpoint: StoredCheckpoint
    from_size: int
    cosigned: Mapping[str, int]

    def known_size(self, key: VerifierKey) -> int:
        """How many entries this witness has cosigned under the log's present origin."""
        size = self.cosigned.get(key.name, 0)
        return size if size > self.from_size else 0


class Witnesses:
    """The duty; without configured witnesses it does nothing."""

    def __init__(self, parts: Parts) -> None:
        policy = parts.witness_policy
        self._parts = parts
        self._askers = [Asker(parts, witness) for witness in (policy.witnesses if policy else ())]

    def __call__(self) -> None:
        """Begin to ask those whose answer is due and who are not being asked. Raises what asking raised before."""
        if not self._askers:
            return
        states = read_states(self._parts)
        failures = []
        for asker in self._askers:
            try:
                asker.begin(states)
            except Exception as error:  # noqa: BLE001  the next witness is asked whatever this one's thread met
                failures.append(error)
        if failures:
            raise failures[0]

    def finish(self) -> None:
        """Wait for the answers that are under way. Raises what asking raised."""
        for asker in self._askers:
            asker.alongside.finish()


class Asker:
    """Asks one witness about one log after another."""

    def __init__(self, parts: Parts, witness: PolicyWitness) -> None:
        self._parts = parts
        self._witness = witness
        self._states: list[LogState] = []
        self.alongside = Alongside("witness", self._ask_all)

    def begin(self, states: list[LogState]) -> None:
        """Begin to ask about these logs, unless it is still being asked."""
        if not self.alongside.is_under_way:
            self._states = states
        self.alongside()

    def _ask_all(self) -> None:
        questions = self._due_questions()
        while questions:
            question = questions.pop(0)
            try:
                answer = self._ask(question)
            except WitnessAbsentError:
                for unasked in (question, *questions):  # it would be as absent for the next log, each time at length
                    note_absence(self._parts, unasked)
                return
            except WitnessRefusedError as error:
                if not self._has_moved_on(question, error):
                    note_refusal(self._parts, question, error)
            except LogDisposedError:
                continue
            except AuditError:  # our own log does not prove its growth; the log check says what is wrong
                note_absence(self._parts, question, "no-proof")
            else:
                keep_cosignature(self._parts, question, answer)

    def _due_questions(self) -> list[Question]:
        key, name, now = self._witness.key, name_of(self._witness), self._parts.clock()
        with self._parts.database.read() as session:
            found = session.scalars(select(WitnessState).where(WitnessState.witness == identify(key)))
            rows = {row.log_id: row for row in found}
        behind = [state for state in self._states if state.known_size(key) < state.checkpoint.tree_size]
        for state in behind:
            if row := rows.get(state.checkpoint.log_id):
                raise_if_behind(self._parts, row, name)
        return [
            Question(key, name, state.checkpoint, state.known_size(key))
            for state in behind
            if (row := rows.get(state.checkpoint.log_id)) is None or is_due(row, now)
        ]

    def _ask(self, question: Question) -> Cosigned:
        return ask_witness(
            self._witness.url,
            question.key,
            question.checkpoint.note,
            lambda old, new: self._prove(question.log_id, old, new),
            question.known_size,
            ANSWER_SECONDS,
            now=lambda: self._parts.clock().timestamp(),
        )

    def _prove(self, log_id: str, old: int, new: int) -> Proof:
        with self._parts.database.read() as session:
            return self._parts.trail.store.consistency_proof(session.connection(), log_id, old, new)

    def _has_moved_on(self, question: Question, error: WitnessRefusedError) -> bool:
        """Whether another worker had a later checkpoint of ours cosigned, so that it is no refusal."""
        if error.kind != "ahead" or error.size is None:
            return False
        with self._parts.database.read() as session:
            latest = self._parts.trail.store.latest_checkpoint(session.connection(), question.log_id)
        return latest is not None and error.size <= latest.tree_size


def read_states(parts: Parts) -> list[LogState]:
    """Every log that was signed, as far as it can be read."""
    with parts.database.read() as session:
        connection = session.connection()
        states = [_state_of(parts, connection, record.log_id) for record in parts.trail.store.logs(connection)]
    return [state for state in states if state is not None]


def _state_of(parts: Parts, connection: Connection, log_id: str) -> LogState | None:
    store = parts.trail.store
    try:
        checkpoint = store.latest_checkpoint(connection, log_id)
        if checkpoint is None:
            return None
        from_size = store.origins(connection, log_id)[-1].from_size
        return LogState(checkpoint, from_size, store.latest_cosigned(connection, log_id))
    except AuditError:  # disposed of, or damaged, as the log check says
        return None
