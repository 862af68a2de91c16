"""Rebuilds a log's tree from the bytes of its entries, page by page, and notes every stored hash that differs.

This is a reader of its own: it shares with the writer how two hashes become one, and nothing else. Where a page agrees
with what is stored it is compared as a whole; only a page that does not is looked at row by row.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, Generic, TypeVar

from audit.entry import decode
from audit.errors import AuditError
from audit.findings import MAX_FINDINGS, Findings
from audit.merkle import EMPTY_ROOT, HASH_BYTES, NodeAddress, fold, node_hash
from audit.raw_log import RawEntry, RawLog
from audit.recognition import Recogniser
from audit.search import copies_of
from audit.vocabulary import verify_entry

ConnectionT = TypeVar("ConnectionT")

_PAGE: Final = 1024
NO_LEAF: Final = bytes(HASH_BYTES)


class GrowingTree:
    """The right edge of a tree that many leaves at once are added to."""

    def __init__(self, size: int = 0, waiting: Mapping[int, bytes] | None = None) -> None:
        self.size = size
        self.waiting = dict(waiting or {})

    def extend(self, leaves: list[bytes]) -> list[tuple[int, int, list[bytes], list[bytes]]]:
        """Add leaf hashes; for each level above, its first completed position, the hashes, and those below them."""
        completed = []
        level, position, current = 0, self.size, leaves
        self.size += len(leaves)
        while current:
            if position & 1:
                current = [self.waiting.pop(level), *current]
                position -= 1
            if len(current) & 1:
                self.waiting[level] = current[-1]
            pairs = zip(current[::2], current[1::2], strict=False)
            parents = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
            if parents:
                completed.append((level + 1, position >> 1, parents, current))
            level, position, current = level + 1, position >> 1, parents
        return completed

    def root(self) -> bytes:
        """The root hash of the tree as it stands."""
        return fold([self.waiting[level] for level in sorted(self.waiting, reverse=True)])


class Rebuilding(Generic[ConnectionT]):
    """One pass over the entries from a known right edge on; what it found suspicious is judged by `audit.judging`."""

    def __init__(
        self,
        store: RawLog[ConnectionT],
        connection: ConnectionT,
        log_id: str,
        findings: Findings,
        tree: GrowingTree,
    ) -> None:
        self._store, self._connection, self._log_id = store, connection, log_id
        self._findings = findings
        self._recogniser = Recogniser(log_id)
        self.tree = tree
        self.begun_at = tree.size
        self.roots: dict[int, bytes] = {0: EMPTY_ROOT, tree.size: tree.root()}
        self.times: dict[int, Any] = {}
        self.bad_leaves: list[int] = []
        self.swapped_hashes: dict[int, tuple[bytes, Any]] = {}
        self.pairs: dict[int, tuple[bytes, bytes, bytes]] = {}
        self.wrong_nodes: set[NodeAddress] = set()
        self.entries_read = self.nodes_read = 0
        self.is_complete = True

    def run(self, size: int, wanted: set[int]) -> None:
        """Read up to `size`; keep the roots at the wanted sizes, and the times on either side of each."""
        sizes = sorted(one for one in wanted if self.begun_at < one <= size)
        for start in range(self.begun_at, size, _PAGE):
            if len(self._findings) + len(self.wrong_nodes) + len(self.swapped_hashes) > MAX_FINDINGS:
                self._findings.add("altered", start, "There is more damage from here on; the check stopped here.")
                self.is_complete = False
                return
            stop = min(start + _PAGE, size)
            cuts = sizes[bisect_left(sizes, start + 1) : bisect_left(sizes, stop + 1)]
            self._page(start, stop, cuts)

    def bad_leaf(self, kind: str, index: int, detail: str) -> None:
        """Say that an entry is not what it was; hashes over it that differ are explained by that."""
        insort(self.bad_leaves, index)
        self._findings.add(kind, index, detail)

    def is_explained(self, start: int, stop: int) -> bool:
        """Whether one of these entries is known to be wrong."""
        place = bisect_left(self.bad_leaves, start)
        return place < len(self.bad_leaves) and self.bad_leaves[place] < stop

    def _page(self, start: int, stop: int, cuts: Sequence[int]) -> None:
        rows = self._store.raw_entries(self._connection, self._log_id, start, stop)
        leaves = self._leaves(rows, start, stop)
        for index in {place for cut in cuts for place in (cut - 1, cut)} | {start, stop - 1}:
            if start <= index < start + len(rows) and rows[index - start][0] == index:
                self.times[index] = rows[index - start][3]
        levels: dict[int, tuple[int, list[bytes], list[bytes]]] = {}
        before = start
        for cut in (*cuts, stop):
            for level, first, parents, below in self.tree.extend(leaves[before - start : cut - start]):
                known = levels.setdefault(level, (first, [], []))
                known[1].extend(parents)
                known[2].extend(below[: 2 * len(parents)])
            self.roots[cut] = self.tree.root()
            before = cut
        for level, (first, parents, below) in levels.items():
            self._compare_nodes(level, first, parents, below)

    def _leaves(self, rows: Sequence[RawEntry], start: int, stop: int) -> list[bytes]:
        """The leaf hashes of the page."""
        try:
            indexes, encoded, hashes, *copies = zip(*rows, strict=True)
            leaves = [sha256(b"\x00" + one).digest() for one in encoded]
        except (TypeError, ValueError):
            return self._leaves_one_by_one(rows, start, stop)
        if indexes != tuple(range(start, stop)) or tuple(leaves) != hashes:
            return self._leaves_one_by_one(rows, start, stop)
        self.entries_read += len(rows)
        fits = map(self._recogniser.fits, encoded, *copies)
        for place in [place for place, is_plain in enumerate(fits) if not is_plain]:
            self._compare_copies(start + place, encoded[place], rows[place][3:])
        return leaves

    def _leaves_one_by_one(self, rows: Sequence[RawEntry], start: int, stop: int) -> list[bytes]:
        by_index = {row[0]: row for row in rows if isinstance(row[0], int)}
        self.entries_read += len(by_index)
        return [self._leaf(index, by_index.get(index)) for index in range(start, stop)]

    def _leaf(self, index: int, row: RawEntry | None) -> bytes:
        if row is None:
            self.bad_leaf("missing", index, f"Entry {index} is missing.")
            return NO_LEAF
        encoded, stored = row[1:3]
        if isinstance(encoded, str):  # what a column of SQLite takes, whatever its type says
            encoded = encoded.encode(errors="surrogateescape")
            self._findings.add("unreadable", index, f"Entry {index} is kept as a text, not as bytes.")
        if not isinstance(encoded, bytes):
            self.bad_leaf("altered", index, f"Entry {index} was replaced by something that holds no bytes.")
            return NO_LEAF
        leaf = sha256(b"\x00" + encoded).digest()
        if leaf != stored:
            self.swapped_hashes[index] = (leaf, stored)
            insort(self.bad_leaves, index)
        elif not self._recogniser.fits(encoded, *row[3:]):
            self._compare_copies(index, encoded, row[3:])
        return leaf

    def _compare_copies(self, index: int, encoded: bytes, copies: tuple[Any, ...]) -> None:
        try:
            entry = decode(encoded)
            verify_entry(entry, self._log_id)
        except AuditError as error:
            self._findings.add("unreadable", index, f"Entry {index} cannot be read: {error}")
            return
        if copies != tuple(copies_of(entry)):
            self._findings.add("copy", index, f"What entry {index} is searched by is not what the entry says.")

    def _compare_nodes(self, level: int, first: int, parents: list[bytes], below: list[bytes]) -> None:
        stop = first + len(parents)
        rows = self._store.raw_nodes(self._connection, self._log_id, level, first, stop)
        if list(rows) == list(zip(range(first, stop), parents, strict=True)):
            self.nodes_read += len(rows)
            return
        stored = {row[0]: row[1] for row in rows if isinstance(row[0], int)}
        self.nodes_read += len(stored)
        for place, digest in enumerate(parents):
            found = stored.get(first + place)
            if found == digest:
                continue
            self.wrong_nodes.add(NodeAddress(level, first + place))
            if level == 1 and isinstance(found, bytes):
                self.pairs[first + place] = (below[2 * place], below[2 * place + 1], found)


def is_pair_of(left: bytes, right: bytes, parent: bytes) -> bool:
    """Whether the parent's hash was made of these two."""
    return node_hash(left, right) == parent
