"""The log: verified entries in, signed checkpoints out, everything in the caller's transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import IO, Generic, TypeVar

from audit.bundle import BundleSummary, write_bundle
from audit.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from audit.entry import Entry
from audit.errors import LogDamagedError, NoteError, ProofError
from audit.note import NoteSigner, VerifierKey
from audit.proof import verify_consistency
from audit.store import LeafIndex, LogRecord, LogStore, StoredCheckpoint
from audit.vocabulary import verify_entry

ConnectionT = TypeVar("ConnectionT")


class AuditLog(Generic[ConnectionT]):
    """Appends to and signs the logs of one store with one key; `clock` gives aware UTC times."""

    def __init__(self, store: LogStore[ConnectionT], signer: NoteSigner, clock: Callable[[], datetime]) -> None:
        self.store = store
        self._signer = signer
        self._clock = clock

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
        return self.store.append(connection, log_id, entries)

    def verifier_key(self, connection: ConnectionT, log_id: str) -> VerifierKey:
        """The public key under the log's origin: what a reader needs to check its checkpoints."""
        return VerifierKey(self.store.log(connection, log_id).origin, self._signer.public_key_bytes)

    def sign_checkpoint(self, connection: ConnectionT, log_id: str) -> StoredCheckpoint:
        """Sign the log's present state and keep it; the latest checkpoint when nothing was added since.

        Raises LogDamagedError, signing nothing, unless the log extends the checkpoint signed before.
        """
        self.store.lock_head(connection, log_id)
        key = self.verifier_key(connection, log_id)
        size = self.store.tree_size(connection, log_id)
        root = self.store.root(connection, log_id, size)
        latest = self.store.latest_checkpoint(connection, log_id)
        if latest is not None:
            self._verify_extends(connection, latest, size, root, key)
            if latest.tree_size == size:
                return latest
        note = sign_checkpoint(Checkpoint(key.name, size, root), self._signer)
        signed = StoredCheckpoint(log_id, size, root, note, self._clock())
        self.store.add_checkpoint(connection, signed)
        return signed

    def write_bundle(self, connection: ConnectionT, log_id: str, out: IO[bytes]) -> BundleSummary:
        """Write the log up to its latest checkpoint as evidence; see `audit.bundle.write_bundle`."""
        return write_bundle(self.store, self._signer.public_key_bytes, connection, log_id, out)

    def _verify_extends(
        self, connection: ConnectionT, latest: StoredCheckpoint, size: int, root: bytes, key: VerifierKey
    ) -> None:
        """What was signed is read from the signed note, never from the columns beside it."""
        try:
            signed = open_checkpoint(latest.note, key)
            if signed.size == 0 and latest.tree_size == 0:
                return  # every log extends the empty one
            proof = self.store.consistency_proof(connection, latest.log_id, signed.size, size)
            verify_consistency(signed.size, size, signed.root, root, proof)
        except (NoteError, ProofError) as error:
            raise LogDamagedError(
                f"The log {latest.log_id} does not extend its checkpoint of {latest.tree_size} entries: {error} "
                "Nothing was signed. Run the log check, and compare with a backup."
            ) from error
