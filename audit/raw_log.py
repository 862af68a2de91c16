"""What the log check reads: the stored rows just as they are, for a reader that trusts none of them.

Values come as the database gives them. SQLite keeps whatever was put into a column, so every value may be of any type;
the aliases below say what it ought to be.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from audit.store import LogRecord

ConnectionT_contra = TypeVar("ConnectionT_contra", contravariant=True)

RawEntry = tuple[Any, ...]
"""leaf_index, entry, leaf_hash, time, event, actor, inspection, subject, items."""
RawNode = tuple[Any, ...]
"""node_index, hash."""


class RawCheckpoint(NamedTuple):
    """A row of `audit_checkpoint` without its log."""

    tree_size: Any
    root_hash: Any
    note: Any
    signed_at: Any


class RawCosignature(NamedTuple):
    """A row of `audit_cosignature` without its log."""

    tree_size: Any
    witness: Any
    line: Any
    received_at: Any


class RawContinuation(NamedTuple):
    """A row of `audit_continuation` without its log."""

    generation: Any
    origin: Any
    from_size: Any
    begun_at: Any


class RawTombstone(NamedTuple):
    """A row of `audit_disposal`."""

    log_id: Any
    tree_size: Any
    root_hash: Any
    note: Any
    disposed_at: Any


class RawLog(Protocol[ConnectionT_contra]):
    """Reading, in pages, of everything that is stored about one log."""

    def log(self, connection: ConnectionT_contra, log_id: str) -> LogRecord:
        """One log. Raises UnknownLogError when there is none."""

    def raw_log(self, connection: ConnectionT_contra, log_id: str) -> tuple[Any, Any]:
        """Its first origin and the time of its creation."""

    def raw_continuations(self, connection: ConnectionT_contra, log_id: str) -> list[RawContinuation]:
        """Its continuations by generation."""

    def raw_entries(self, connection: ConnectionT_contra, log_id: str, start: int, stop: int) -> Sequence[RawEntry]:
        """The entry rows with start <= index < stop, in order."""

    def raw_nodes(
        self, connection: ConnectionT_contra, log_id: str, level: int, start: int, stop: int
    ) -> Sequence[RawNode]:
        """The node rows of one level with start <= index < stop, in order."""

    def raw_extent(self, connection: ConnectionT_contra, log_id: str, below: int) -> int:
        """One more than the greatest entry index below `below`; 0 when there is none. Fractions count upwards."""

    def raw_count(self, connection: ConnectionT_contra, log_id: str) -> tuple[int, int]:
        """How many entry rows and how many node rows there are, wherever they stand."""

    def raw_levels(self, connection: ConnectionT_contra, log_id: str) -> dict[int, int]:
        """For each level from 1 to 62 that has node rows, one more than the last index there."""

    def raw_strays(
        self, connection: ConnectionT_contra, log_id: str, size: int, limit: int
    ) -> tuple[list[Any], list[tuple[Any, Any]]]:
        """Keys of entry rows, and of node rows (level, index), that no log of `size` entries has; at most `limit`."""

    def raw_checkpoints(self, connection: ConnectionT_contra, log_id: str, above: int) -> list[RawCheckpoint]:
        """The checkpoint rows of a size greater than `above`, smallest first."""

    def raw_cosignatures(self, connection: ConnectionT_contra, log_id: str, since: str) -> list[RawCosignature]:
        """The cosignature rows that were received at `since` or later, by size and witness."""

    def raw_events(self, connection: ConnectionT_contra, log_id: str, event: str) -> list[tuple[int, bytes]]:
        """Index and bytes of the entries that the column beside them calls `event`, in order."""


class RawTables(RawLog[ConnectionT_contra], Protocol[ConnectionT_contra]):
    """Reading across logs: which logs there are, and which every table speaks of."""

    def raw_log_ids(self, connection: ConnectionT_contra) -> dict[str, list[Any]]:
        """For each table, every value of its log column once, in the database's order; `audit_log` gives its ids."""

    def raw_tombstones(self, connection: ConnectionT_contra) -> list[RawTombstone]:
        """What is left of every disposed log, by id."""
