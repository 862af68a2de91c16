"""Reads about where an entry stands and who signed for it; each returns frozen values, none changes anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from audit.checkpoint import parse_checkpoint
from audit.note import parse_note
from audit.receipt import Opening
from audit.sql_store import SqlLogStore
from audit.store import StoredCheckpoint, StoredCosignature
from audit.vocabulary import commit_to
from exchange.submissions.models import Document
from exchange.trail import Trail

Openings = Callable[[str, str], Opening | None]
"""What opens a commitment, by its field and the commitment itself."""


@dataclass(frozen=True)
class SignedState:
    """A signed checkpoint that counts an entry, and the witnesses' lines under it so far."""

    checkpoint: StoredCheckpoint
    cosignatures: tuple[StoredCosignature, ...]

    @property
    def origin(self) -> str:
        """The log's name as it stands in what was signed."""
        return parse_checkpoint(parse_note(self.checkpoint.note).text).origin

    @property
    def tree_size(self) -> int:
        """How many entries were signed for."""
        return self.checkpoint.tree_size

    @property
    def signed_at(self) -> datetime:
        """When the log's key signed."""
        return self.checkpoint.signed_at

    @property
    def lines(self) -> list[str]:
        """The witnesses' signature lines."""
        return [cosignature.line for cosignature in self.cosignatures]


@dataclass(frozen=True)
class Evidence:
    """What a page says of an entry's place: its index, the state that counts it (None: not signed yet), and the key."""

    log_id: str
    leaf_index: int
    state: SignedState | None
    key: str


def find_evidence(session: Session, trail: Trail, log_id: str, leaf_index: int) -> Evidence:
    """Where an entry stands, under the best signed state there is, and the public key that signs for it."""
    connection = session.connection()
    state = best_state(connection, trail.store, log_id, leaf_index)
    size = leaf_index + 1 if state is None else state.tree_size
    return Evidence(log_id, leaf_index, state, str(trail.log.key_at(connection, log_id, size)))


def best_state(connection: Connection, store: SqlLogStore, log_id: str, leaf_index: int) -> SignedState | None:
    """Of the signed states that count an entry, the one that most witnesses cosigned, and of these the newest."""
    sizes = set(store.latest_cosigned(connection, log_id).values())
    latest = store.latest_checkpoint(connection, log_id)
    found = [latest, *(store.checkpoint_at(connection, log_id, size) for size in sizes)]
    states = [
        SignedState(checkpoint, tuple(store.cosignatures(connection, log_id, checkpoint.tree_size)))
        for checkpoint in found
        if checkpoint is not None and checkpoint.tree_size > leaf_index
    ]
    return max(states, key=lambda state: (len(state.cosignatures), state.tree_size), default=None)


def openings_of(document: Document) -> Openings:
    """What opens the commitments to a document's names: a function of a field and its commitment.

    Only for those who may see the names; a disposed document has nothing left to open them with.
    """
    values = {"name_commitment": f"name:{document.file_name}", "title_commitment": f"title:{document.title}"}
    salt = document.salt

    def opening(field: str, commitment: str) -> Opening | None:
        value = values.get(field)
        return Opening(salt, value) if value and salt and commit_to(value, salt) == commitment else None

    return opening
