"""The log check: rebuilds a log's tree from the bytes of its entries and compares everything that is stored.

It reads raw rows and trusts none of them: not the leaf hashes, not the nodes, not the columns beside an entry, not the
columns beside a checkpoint. What it cannot see is a log cut back to an earlier checkpoint with every trace removed;
for that it takes checkpoints that somebody kept elsewhere. Memory stays bounded, however long the log.

Kinds of finding, each with the first index it concerns:

    altered     an entry's bytes, or the leaf hash kept for them, are not what the tree was built from
    unreadable  an entry is no canonical entry of the vocabulary, though the tree was built from these very bytes
    missing     there is no row at this index
    reordered   the entry at this index stands in another's place
    truncated   something signed or stored reaches beyond the last entry; the index is that of the first lost entry
    copy        the columns that an entry is found by are not what the entry says
    node        a stored subtree hash is wrong or missing, while the entries below it are whole; the first of these
    stray       there are rows in places that no entry of a log has, which a search would show; the index is 0
    checkpoint  a stored checkpoint is not signed by the log's key, or not what the columns beside it say; its size
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from audit.checkpoint import Checkpoint, open_checkpoint
from audit.entry import decode
from audit.errors import AuditError, NoteError, UnknownLogError
from audit.merkle import EMPTY_ROOT, Frontier, NodeAddress, leaf_hash, node_hash
from audit.note import VerifierKey
from audit.recognition import Recogniser
from audit.search import copies_of
from audit.store import RawLog, SearchCopies, StoredEntry
from audit.vocabulary import verify_entry

ConnectionT = TypeVar("ConnectionT")

MAX_FINDINGS: Final = 100
"""Enough to see what happened; a log with more damage than that is compared with a backup, not read line by line."""

_CHUNK: Final = 1024
_NO_LEAF: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of damage: its kind (see the module's text), the first index it concerns, and a sentence."""

    kind: str
    index: int
    detail: str


@dataclass(frozen=True, slots=True)
class FsckReport:
    """What the check of one log found; `root_hash` is rebuilt from the entries. No findings: the log is whole."""

    log_id: str
    tree_size: int
    root_hash: bytes
    checkpoints: int
    findings: tuple[Finding, ...]

    @property
    def first_bad_index(self) -> int | None:
        """The smallest index that any finding names, or None when the log is whole."""
        return min((finding.index for finding in self.findings), default=None)


def check_log(
    store: RawLog[ConnectionT],
    connection: ConnectionT,
    log_id: str,
    public_key: bytes,
    kept_notes: Sequence[str | bytes] = (),
) -> FsckReport:
    """Check one log against its public key (32 bytes) and against checkpoints kept elsewhere (signed notes).

    Raises UnknownLogError when there is no such log; all damage is in the report.
    """
    try:
        return _Check(store, connection, log_id, public_key).run(kept_notes)
    except UnknownLogError:
        raise
    except (AuditError, TypeError, ValueError) as error:  # a row that is not even of its columns' types
        damage = Finding("unreadable", 0, f"The log's rows cannot be read: {error}")
        return FsckReport(log_id, 0, EMPTY_ROOT, 0, (damage,))


@dataclass(slots=True)
class _Pair:
    """Two neighbouring leaves whose stored parent is not their hash."""

    left: bytes
    right: bytes
    parent: bytes


class _Check(Generic[ConnectionT]):
    def __init__(self, store: RawLog[ConnectionT], connection: ConnectionT, log_id: str, public_key: bytes) -> None:
        self._store, self._connection, self._log_id = store, connection, log_id
        self._key = VerifierKey(store.log(connection, log_id).origin, public_key)
        self._size = store.raw_extent(connection, log_id)
        self._recogniser = Recogniser(log_id)
        self._findings: list[Finding] = []
        self._bad_leaves: list[int] = []
        self._swapped_hashes: dict[int, tuple[bytes, bytes]] = {}
        self._pairs: dict[int, _Pair] = {}
        self._wrong_nodes: set[NodeAddress] = set()
        self._signed: list[Checkpoint] = []
        self._roots: dict[int, bytes] = {}
        self._last_leaf = _NO_LEAF
        self._rows_read = 0

    def run(self, kept_notes: Sequence[str | bytes]) -> FsckReport:
        stored = self._store.checkpoints(self._connection, self._log_id)
        for row in stored:
            self._open(row.note, row.tree_size, (row.tree_size, row.root_hash))
        for note in kept_notes:
            self._open(note, self._size, None)
        frontier = self._rebuild({checkpoint.size for checkpoint in self._signed})
        self._judge_altered()
        self._judge_nodes()
        if frontier.size == self._size:
            self._judge_strays()
            self._judge_beyond()
            self._judge_checkpoints()
        findings = sorted(set(self._findings), key=lambda finding: (finding.index, finding.kind, finding.detail))
        return FsckReport(self._log_id, self._size, frontier.root(), len(stored), tuple(findings[:MAX_FINDINGS]))

    def _find(self, kind: str, index: int, detail: str) -> None:
        self._findings.append(Finding(kind, index, detail))

    def _bad_leaf(self, kind: str, index: int, detail: str) -> None:
        insort(self._bad_leaves, index)
        self._find(kind, index, detail)

    # Reading

    def _open(self, note: str | bytes, index: int, columns: tuple[int, bytes] | None) -> None:
        try:
            signed = open_checkpoint(note, self._key)
        except NoteError as error:
            self._find("checkpoint", index, str(error))
            return
        self._signed.append(signed)
        if columns is not None and columns != (signed.size, signed.root):
            self._find("checkpoint", index, "The size or root hash beside the checkpoint is not the one it states.")

    def _rebuild(self, sizes: set[int]) -> Frontier:
        frontier = Frontier()
        self._roots[0] = frontier.root()
        for start in range(0, self._size, _CHUNK):
            if len(self._findings) + len(self._wrong_nodes) > MAX_FINDINGS:
                self._find("altered", start, "There is more damage from here on; the check stopped at this entry.")
                break
            self._rebuild_chunk(frontier, start, min(start + _CHUNK, self._size), sizes)
        return frontier

    def _rebuild_chunk(self, frontier: Frontier, start: int, stop: int, sizes: set[int]) -> None:
        rows: dict[int, tuple[StoredEntry, SearchCopies]] = {
            found[0].index: found for found in self._entry_rows(start, stop)
        }
        nodes = self._node_rows(start, stop)
        for index in range(start, stop):
            leaf = self._leaf(index, rows.get(index))
            for address, digest in frontier.append(leaf):
                self._compare_node(address, digest, nodes.get(address), leaf)
            self._last_leaf = leaf
            if index + 1 in sizes:
                self._roots[index + 1] = frontier.root()

    def _entry_rows(self, start: int, stop: int) -> list[tuple[StoredEntry, SearchCopies]]:
        return self._store.raw_entries(self._connection, self._log_id, start, stop)

    def _node_rows(self, start: int, stop: int) -> dict[NodeAddress, bytes]:
        """The stored nodes whose last leaf lies in start..stop."""
        nodes: dict[NodeAddress, bytes] = {}
        for level in range(1, stop.bit_length()):
            first, last = start >> level, stop >> level
            if last > first:
                nodes.update(self._store.raw_nodes(self._connection, self._log_id, level, first, last))
        return nodes

    def _leaf(self, index: int, row: tuple[StoredEntry, SearchCopies] | None) -> bytes:
        if row is None:
            self._bad_leaf("missing", index, f"Entry {index} is missing.")
            return _NO_LEAF
        self._rows_read += 1
        stored, copies = row
        leaf = leaf_hash(stored.encoded)
        if leaf != stored.leaf_hash:
            self._swapped_hashes[index] = (leaf, stored.leaf_hash)
            insort(self._bad_leaves, index)
            return leaf
        self._compare_copies(index, stored, copies)
        return leaf

    def _compare_copies(self, index: int, stored: StoredEntry, copies: SearchCopies) -> None:
        if self._recogniser.fits(stored.encoded, *copies):
            return
        try:
            entry = decode(stored.encoded)
            verify_entry(entry, self._log_id)
        except AuditError as error:
            self._find("unreadable", index, f"Entry {index} cannot be read: {error}")
            return
        if copies != copies_of(entry):
            self._find("copy", index, f"What entry {index} is searched by is not what the entry says.")

    def _compare_node(self, address: NodeAddress, digest: bytes, stored: bytes | None, leaf: bytes) -> None:
        if stored == digest:
            return
        self._wrong_nodes.add(address)
        if address.level == 1 and stored is not None:
            self._pairs[address.position] = _Pair(self._last_leaf, leaf, stored)

    # Judging

    def _judge_altered(self) -> None:
        """Entries whose leaf hash is another's changed places; any other mismatch is an alteration."""
        kept = {stored: index for index, (_, stored) in self._swapped_hashes.items()}
        for index, (rebuilt, _) in self._swapped_hashes.items():
            home = kept.get(rebuilt)
            if home is None:
                self._find("altered", index, f"Entry {index} and the leaf hash kept for it do not belong together.")
            else:
                self._find("reordered", index, f"The entry at {index} belongs at {home}.")

    def _judge_nodes(self) -> None:
        for address in sorted(self._wrong_nodes):
            first = address.position << address.level
            if self._explained(first, first + (1 << address.level)):
                continue
            if address.level == 1 and address.position in self._pairs and not self._stands_alone(address):
                self._judge_pair(address.position)
            else:
                self._find(
                    "node", first, f"The stored hash over entries from {first}, level {address.level}, is wrong."
                )

    def _explained(self, start: int, stop: int) -> bool:
        place = bisect_left(self._bad_leaves, start)
        return place < len(self._bad_leaves) and self._bad_leaves[place] < stop

    def _stands_alone(self, address: NodeAddress) -> bool:
        """Whether what is stored above agrees with the entries, so that only the node itself can be wrong."""
        parent = NodeAddress(address.level + 1, address.position >> 1)
        if (parent.position + 1) << parent.level <= self._size:
            return parent not in self._wrong_nodes
        last = (address.position + 1) << address.level
        return any(signed.root == self._roots.get(signed.size) for signed in self._signed if signed.size >= last)

    def _judge_pair(self, position: int) -> None:
        pair, index = self._pairs[position], 2 * position
        if node_hash(pair.right, pair.left) == pair.parent:
            self._bad_leaf("reordered", index, f"The entries at {index} and {index + 1} have changed places.")
            return
        exchange = self._exchange(pair, position)
        if exchange is not None:
            here, there = exchange
            self._bad_leaf("reordered", here, f"The entries at {here} and {there} have changed places.")
            insort(self._bad_leaves, there)
            return
        self._bad_leaf("altered", index, f"Entry {index} or {index + 1} was replaced, together with its leaf hash.")

    def _exchange(self, pair: _Pair, position: int) -> tuple[int, int] | None:
        """The places, here and there, of two suspect leaves that would make this pair whole by changing places."""
        suspects = [(2 * other, self._pairs[other].left) for other in self._pairs if other != position]
        suspects += [(2 * other + 1, self._pairs[other].right) for other in self._pairs if other != position]
        if self._size % 2:
            suspects.append((self._size - 1, self._last_leaf))  # it has no neighbour that could make it suspect
        for there, leaf in suspects:
            if node_hash(leaf, pair.right) == pair.parent:
                return 2 * position, there
            if node_hash(pair.left, leaf) == pair.parent:
                return 2 * position + 1, there
        return None

    def _judge_strays(self) -> None:
        """Rows below the first index, or between two: the tree has no place for them, and a search finds them."""
        strays = self._store.raw_count(self._connection, self._log_id) - self._rows_read
        if strays:
            self._find("stray", 0, f"Rows that stand where no entry can stand: {strays}. They are not of this log.")

    def _judge_beyond(self) -> None:
        """Nodes over leaves that are not there: the end of the log was cut off."""
        for level, extent in self._store.raw_levels(self._connection, self._log_id).items():
            if extent << level > self._size:
                detail = f"The stored hashes of level {level} reach to entry {(extent << level) - 1}."
                self._find("truncated", self._size, detail)

    def _judge_checkpoints(self) -> None:
        good = 0
        for signed in sorted(self._signed, key=lambda checkpoint: checkpoint.size):
            if signed.size > self._size:
                detail = f"A signed checkpoint counts {signed.size} entries; {self._size} are there."
                self._find("truncated", self._size, detail)
            elif self._roots[signed.size] == signed.root:
                good = signed.size
            elif not self._explained(0, signed.size):
                detail = f"An entry from {good} up to {signed.size - 1} is not the one that was signed for."
                self._bad_leaf("altered", good, detail)
