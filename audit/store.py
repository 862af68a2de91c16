"""What the log needs of a place to keep it: reading and appending. There is no update and no delete to call."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, NewType, Protocol, TypeVar

from audit.entry import Entry, decode
from audit.proof import Proof

LeafIndex = NewType("LeafIndex", int)
"""The place of an entry in its log, from 0."""

ConnectionT_contra = TypeVar("ConnectionT_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A log that exists: its id (`service` or an inspection's), its origin, and when it was created (UTC)."""

    log_id: str
    origin: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it is stored: `encoded` are its canonical bytes, `leaf_hash` the 32 bytes kept for it."""

    log_id: str
    index: LeafIndex
    encoded: bytes
    leaf_hash: bytes

    @property
    def entry(self) -> Entry:
        """The decoded entry. Raises EntryError when what is stored is not one, as only tampering can bring about."""
        return decode(self.encoded)


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed checkpoint: the size and root hash it states, the note itself, and when it was signed (UTC)."""

    log_id: str
    tree_size: int
    root_hash: bytes
    note: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class StoredCosignature:
    """A witness's signature line (with its newline) under the checkpoint of `tree_size`, and when it came (UTC)."""

    log_id: str
    tree_size: int
    witness: str
    line: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class LogOrigin:
    """One of the origins of a log: it signs for the sizes above `from_size`, up to where the next one begins."""

    origin: str
    from_size: int


@dataclass(frozen=True, slots=True)
class LogContinuation:
    """A log goes on under a new origin after `from_size` entries, as a person decided (UTC)."""

    log_id: str
    generation: int
    origin: str
    from_size: int
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class LogTombstone:
    """What is left of a log that was disposed of whole: its last size, root hash and checkpoint, and when (UTC)."""

    log_id: str
    tree_size: int
    root_hash: bytes
    note: str
    disposed_at: datetime


class SearchCopies(NamedTuple):
    """What is kept beside an entry to find it by; `time` as in the entry, `items` as `|1.1|1.4|`, empty when none."""

    time: str
    event: str
    actor: str
    inspection: str | None
    subject: str | None
    items: str


@dataclass(frozen=True, slots=True)
class SearchFilters:
    """What an entry must match, everything given at once; nothing given matches all.

    `events`: any of these names. `actor`: who did it. `subject`: what it is about. `person`: actor or subject.
    `item`: an item number it names. `reference`: an identifier that stands anywhere in it, whole or by its last
    characters. `since` (inclusive) and `until` (exclusive): aware times in UTC.
    """

    events: tuple[str, ...] = ()
    actor: str | None = None
    subject: str | None = None
    person: str | None = None
    item: str | None = None
    reference: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class LogStore(Protocol[ConnectionT_contra]):
    """Every call joins the transaction of the connection it is given; nothing here commits.

    Durable is what the caller has committed. A call that raises has left the transaction unfit to commit. A log that
    does not exist raises UnknownLogError.
    """

    def create_log(self, connection: ConnectionT_contra, record: LogRecord) -> None:
        """Create an empty log. Raises LogExistsError when its id or origin is taken, or was ever."""

    def logs(self, connection: ConnectionT_contra) -> list[LogRecord]:
        """Every log that was not disposed of, by id, under its present origin."""

    def log(self, connection: ConnectionT_contra, log_id: str) -> LogRecord:
        """One log under its present origin. Raises LogDisposedError, an UnknownLogError, once it was disposed of."""

    def origins(self, connection: ConnectionT_contra, log_id: str) -> list[LogOrigin]:
        """The log's origins, oldest first; a disposed log's too."""

    def continue_log(self, connection: ConnectionT_contra, continuation: LogContinuation) -> None:
        """Let a log go on under a new origin. Raises LogExistsError when origin or generation was there before."""

    def dispose_log(self, connection: ConnectionT_contra, tombstone: LogTombstone) -> None:
        """Remove a closed log's entries, nodes, checkpoints and cosignatures, and leave its tombstone.

        Raises LogClosedError when it was not closed, LogDamagedError when the tombstone is not its latest checkpoint.
        """

    def tombstone(self, connection: ConnectionT_contra, log_id: str) -> LogTombstone:
        """What is left of a disposed log. Raises UnknownLogError when it was not disposed of."""

    def tombstones(self, connection: ConnectionT_contra) -> list[LogTombstone]:
        """What is left of every disposed log, by id."""

    def lock_head(self, connection: ConnectionT_contra, log_id: str) -> None:
        """Take the lock on the log's head until the transaction ends. Raises TransactionError when there is none."""

    def append(self, connection: ConnectionT_contra, log_id: str, entries: Sequence[Entry]) -> LeafIndex:
        """Lock the head, add one or more entries and the subtrees they complete; the index of the first.

        Raises LogClosedError when the last entry says that the log was closed, or an entry follows one that says so.
        """

    def tree_size(self, connection: ConnectionT_contra, log_id: str) -> int:
        """The number of entries."""

    def root(self, connection: ConnectionT_contra, log_id: str, size: int | None = None) -> bytes:
        """The root hash at `size`, or of all entries."""

    def inclusion_proof(self, connection: ConnectionT_contra, log_id: str, index: int, size: int) -> Proof:
        """Raises ProofError when there is no such entry or size."""

    def consistency_proof(self, connection: ConnectionT_contra, log_id: str, old: int, new: int) -> Proof:
        """Raises ProofError when there are no such sizes, or `old` is 0."""

    def entry(self, connection: ConnectionT_contra, log_id: str, index: int) -> StoredEntry:
        """One entry. Raises UnknownLogError when there is none at that index."""

    def entries(self, connection: ConnectionT_contra, log_id: str, start: int, stop: int) -> Iterator[StoredEntry]:
        """Entries start..stop in order, read page by page."""

    def present_entries(self, connection: ConnectionT_contra, log_id: str, start: int, stop: int) -> list[StoredEntry]:
        """Those of the entries start..stop that are there, in order, at once; gaps are for the log check to name."""

    def search(
        self, connection: ConnectionT_contra, log_id: str, filters: SearchFilters, before: int | None, limit: int
    ) -> list[StoredEntry]:
        """The newest `limit` matching entries with an index below `before`, newest first."""

    def add_checkpoint(self, connection: ConnectionT_contra, checkpoint: StoredCheckpoint) -> None:
        """Keep a signed checkpoint; one for each size."""

    def latest_checkpoint(self, connection: ConnectionT_contra, log_id: str) -> StoredCheckpoint | None:
        """The checkpoint of the greatest size, or None when nothing was signed yet."""

    def checkpoint_at(self, connection: ConnectionT_contra, log_id: str, tree_size: int) -> StoredCheckpoint | None:
        """The checkpoint of exactly this size, or None."""

    def checkpoints(self, connection: ConnectionT_contra, log_id: str, above: int = -1) -> list[StoredCheckpoint]:
        """Every checkpoint of a size greater than `above`, smallest first."""

    def add_cosignature(self, connection: ConnectionT_contra, cosignature: StoredCosignature) -> None:
        """Keep a witness's line under a checkpoint; one that is there already stays as it is."""

    def cosignatures(self, connection: ConnectionT_contra, log_id: str, tree_size: int) -> list[StoredCosignature]:
        """The witnesses' lines under the checkpoint of this size, by witness."""

    def latest_cosigned(self, connection: ConnectionT_contra, log_id: str) -> dict[str, int]:
        """For each witness that ever cosigned, the greatest size it did so."""
