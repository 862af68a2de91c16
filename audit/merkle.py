"""RFC 9162 Merkle tree hashes over SHA-256 (section 2.1), pure.

A full subtree of 2^level leaves has the address (level, position): it covers the leaves from position * 2^level. Its
hash never changes once its last leaf is there, so a log stores each full subtree once and computes everything else.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


class NodeAddress(NamedTuple):
    """Where a full subtree stands: level 0 is a leaf, `position` counts subtrees of that level from the left."""

    level: int
    position: int


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split_size(size: int) -> int:
    """The largest power of two below `size` (which is at least 2): where RFC 9162 divides a tree."""
    return 1 << (size - 1).bit_length() - 1


def full_subtrees(start: int, stop: int) -> list[NodeAddress]:
    """The full subtrees, left to right, that make up leaves start..stop, a range that RFC 9162's division yields."""
    addresses = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        addresses.append(NodeAddress(level, start >> level))
        start += 1 << level
    return addresses


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash of the tree with these full subtrees, left to right, largest first; of the empty tree if none."""
    if not hashes:
        return EMPTY_ROOT
    folded = hashes[-1]
    for left in reversed(hashes[:-1]):
        folded = node_hash(left, folded)
    return folded


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root hash over these leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


class Frontier:
    """The right edge of a growing tree: the full subtrees that wait for a right neighbour, one a level at most.

    To append to a stored tree, give its size and the hashes (by level) that `waiting_nodes` lists.
    """

    def __init__(self, size: int = 0, waiting: Mapping[int, bytes] | None = None) -> None:
        self.size = size
        self._waiting = dict(waiting or {})

    def append(self, leaf: bytes) -> list[tuple[NodeAddress, bytes]]:
        """Add one leaf hash; the subtrees above the leaf that it completes, lowest first."""
        level, index, current = 0, self.size, leaf
        completed = []
        while index & 1:
            current = node_hash(self._waiting.pop(level), current)
            level, index = level + 1, index >> 1
            completed.append((NodeAddress(level, index), current))
        self._waiting[level] = current
        self.size += 1
        return completed

    def root(self) -> bytes:
        """The root hash of the tree as it stands; needs every waiting subtree."""
        return fold([self._waiting[level] for level in sorted(self._waiting, reverse=True)])


def waiting_nodes(size: int, added: int) -> list[NodeAddress]:
    """The stored subtrees that appending `added` leaves to a tree of `size` merges with new ones."""
    grown = size + added
    return [
        NodeAddress(level, (size >> level) - 1)
        for level in range(size.bit_length())
        if size >> level & 1 and ((size >> level + 1) + 1) << level + 1 <= grown
    ]
