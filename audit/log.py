"""The log: verified entries in, signed checkpoints out, everything in the caller's transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import IO, Final, Generic, Protocol, TypeVar

from audit.bundle import BundleSummary, write_bundle
from audit.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from audit.entry import Entry
from audit.errors import LogDamagedError, LogRolledBackError, NoteError, ProofError
from audit.note import NoteSigner, VerifierKey
from audit.proof import verify_consistency
from audit.store import LeafIndex, LogRecord, LogStore, StoredCheckpoint
from audit.vocabulary import verify_entry

ConnectionT = TypeVar("ConnectionT")


class SignedState(Protocol):
    """The newest signed state of one origin: entries counted, root hash, and whether a person gave the origin up."""

    @property
    def size(self) -> int:
        """The tree size."""

    @property
    def root(self) -> bytes:
        """The root hash, 32 bytes."""

    @property
    def is_given_up(self) -> bool:
        """Whether nothing more may be signed under the origin."""


class SignedMemory(Protocol):
    """Where the largest signed state of each origin is remembered, outside the database that holds the log."""

    def latest(self, origin: str, /) -> SignedState | None:
        """The newest signed state of an origin; None when nothing was ever signed."""

    def advance(self, origin: str, size: int, root: bytes, /) -> None:
        """Remember durably that this state is about to be signed; raise for one that does not go forward."""


class AuditLog(Generic[ConnectionT]):
    """Appends to and signs the logs of one store with one key; `clock` gives aware UTC times.

    With a `memory` it notices a database that was put back to an older state, and neither appends nor signs.
    """

    def __init__(
        self,
        store: LogStore[ConnectionT],
        signer: NoteSigner,
        clock: Callable[[], datetime],
        memory: SignedMemory | None = None,
    ) -> None:
        self.store = store
        self._signer = signer
        self._clock = clock
        self._memory = memory
        self._origins: dict[str, str] = {}

    @property
    def public_key(self) -> bytes:
        """The raw public key of the key that signs, whatever a log says of itself."""
        return self._signer.public_key_bytes

    def create(self, connection: ConnectionT, log_id: str, origin: str) -> None:
        """Create an empty log under its origin. Raises LogExistsError: a log is never created twice."""
        VerifierKey(
            origin, self._signer.public_key_bytes
        )  # an origin that no key can bear is refused before it is kept
        self.store.create_log(connection, LogRecord(log_id, origin, self._clock()))

    def append(self, connection: ConnectionT, log_id: str, entry: Entry) -> LeafIndex:
        """Add one entry; it exists once the caller commits.

        The log's head stays locked until then, so this is best the last statement before the commit. Raises
        VocabularyError, UnknownLogError, TransactionError or LogDamagedError; the transaction must then be rolled back.
        """
        return self.append_many(connection, log_id, [entry])

    def append_many(self, connection: ConnectionT, log_id: str, entries: Sequence[Entry]) -> LeafIndex:
        """Add one or more entries in order, hashed and written together; the index of the first."""
        for entry in entries:
            verify_entry(entry, log_id)
        first = self.store.append(connection, log_id, entries)
        self._require_not_rolled_back(connection, log_id, first)
        return first

    def verifier_key(self, connection: ConnectionT, log_id: str) -> VerifierKey:
        """The public key under the log's origin: what a reader needs to check its checkpoints."""
        return VerifierKey(self.store.log(connection, log_id).origin, self._signer.public_key_bytes)

    def key_at(self, connection: ConnectionT, log_id: str, tree_size: int) -> VerifierKey:
        """The public key under the origin that the log signed this size with, which a continuation may have ended."""
        origins = self.store.origins(connection, log_id)
        bearing = [each.origin for each in origins[1:] if each.from_size < tree_size]
        return VerifierKey(bearing[-1] if bearing else origins[0].origin, self._signer.public_key_bytes)

    def sign_checkpoint(self, connection: ConnectionT, log_id: str) -> StoredCheckpoint:
        """Sign the log's present state and keep it; the latest checkpoint when nothing was added since.

        Raises, signing nothing, LogDamagedError unless the log extends the checkpoint signed before, LogRolledBackError
        when less is there than was signed, or under an origin that nobody decided on.
        """
        self.store.lock_head(connection, log_id)
        key = self.verifier_key(connection, log_id)
        size = self.store.tree_size(connection, log_id)
        root = self.store.root(connection, log_id, size)
        state = Checkpoint(key.name, size, root)
        self._require_origins_given_up(connection, log_id, size)
        self._verify_extends_remembered(connection, log_id, state)
        latest = self.store.latest_checkpoint(connection, log_id)
        if latest is not None:
            self._verify_extends(connection, latest, size, root)
        if self._memory is not None:
            self._memory.advance(key.name, size, root)  # durable before the signature exists
        if latest is not None and latest.tree_size == size:
            return latest
        note = sign_checkpoint(state, self._signer)
        signed = StoredCheckpoint(log_id, size, root, note, self._clock())
        self.store.add_checkpoint(connection, signed)
        return signed

    def write_bundle(self, connection: ConnectionT, log_id: str, out: IO[bytes]) -> BundleSummary:
        """Write the log up to its latest checkpoint as evidence; see `audit.bundle.write_bundle`."""
        return write_bundle(self.store, self._signer.public_key_bytes, connection, log_id, out)

    def verify_remembered(self, connection: ConnectionT, log_id: str) -> None:
        """Compare the log with the largest state that was ever signed under its present origin.

        Raises LogRolledBackError when it holds less, or its origin was given up; LogDamagedError when it holds as much
        and something else.
        """
        origin = self.store.log(connection, log_id).origin
        known = None if self._memory is None else self._memory.latest(origin)
        if known is None:
            return
        size = self.store.tree_size(connection, log_id)
        if known.is_given_up or size < known.size:
            raise _rolled_back(log_id, size, known.size)
        if self.store.root(connection, log_id, known.size) != known.root:
            raise _damaged(log_id, known.size)

    def _require_not_rolled_back(self, connection: ConnectionT, log_id: str, size: int) -> None:
        """A look into memory beside each append; the origin is read again only where the kept one does not fit."""
        if self._memory is None:
            return
        if log_id in self._origins:
            known = self._memory.latest(self._origins[log_id])
            if known is None or (known.size <= size and not known.is_given_up):
                return
        self._origins[log_id] = self.store.log(connection, log_id).origin
        known = self._memory.latest(self._origins[log_id])
        if known is not None and (known.is_given_up or size < known.size):
            raise _rolled_back(log_id, size, known.size)

    def _require_origins_given_up(self, connection: ConnectionT, log_id: str, size: int) -> None:
        """A row of the database cannot give an origin up: what was signed under it would be excused."""
        for earlier in self.store.origins(connection, log_id)[:-1]:
            known = None if self._memory is None else self._memory.latest(earlier.origin)
            if known is not None and not known.is_given_up:
                raise _rolled_back(log_id, size, known.size)

    def _verify_extends_remembered(self, connection: ConnectionT, log_id: str, state: Checkpoint) -> None:
        """What is about to be signed must extend what was signed before, whatever the database says of that."""
        known = None if self._memory is None else self._memory.latest(state.origin)
        if known is not None and (known.is_given_up or state.size < known.size):
            raise _rolled_back(log_id, state.size, known.size)
        if known is not None and known.size > 0:
            try:
                proof = self.store.consistency_proof(connection, log_id, known.size, state.size)
                verify_consistency(known.size, state.size, known.root, state.root, proof)
            except ProofError as error:
                raise _damaged(log_id, known.size) from error

    def _verify_extends(self, connection: ConnectionT, latest: StoredCheckpoint, size: int, root: bytes) -> None:
        """What was signed is read from the signed note, never from the columns beside it."""
        try:
            signed = open_checkpoint(latest.note, self.key_at(connection, latest.log_id, latest.tree_size))
            if signed.size == 0 and latest.tree_size == 0:
                return  # every log extends the empty one
            proof = self.store.consistency_proof(connection, latest.log_id, signed.size, size)
            verify_consistency(signed.size, size, signed.root, root, proof)
        except (NoteError, ProofError) as error:
            raise LogDamagedError(
                f"The log {latest.log_id} does not extend its checkpoint of {latest.tree_size} entries: {error} "
                "Nothing was signed. Run the log check, and compare with a backup."
            ) from error


_WHAT_NOW: Final = (
    "The database was put back to an older state, or exchanged. Nothing was added and nothing was signed. "
    "Restore a newer backup, or decide how the log goes on."
)


def _rolled_back(log_id: str, size: int, signed: int) -> LogRolledBackError:
    return LogRolledBackError(f"The log {log_id} has {size} entries; {signed} were signed before. {_WHAT_NOW}")


def _damaged(log_id: str, signed: int) -> LogDamagedError:
    return LogDamagedError(
        f"The first {signed} entries of the log {log_id}, or their stored hashes, are not those that were signed. "
        "Nothing was signed. Run the log check, and compare with a backup."
    )
