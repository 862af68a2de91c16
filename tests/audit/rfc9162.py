"""RFC 9162 section 2.1 as its recursive definitions read, for comparison: slow, and obviously the same as the text."""

from bisect import bisect_left
from hashlib import sha256


def split(size: int) -> int:
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def tree_hash(entries: list[bytes]) -> bytes:
    """MTH(D[n])."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return sha256(b"\x01" + tree_hash(entries[:k]) + tree_hash(entries[k:])).digest()


def path(index: int, entries: list[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if index < k:
        return [*path(index, entries[:k]), tree_hash(entries[k:])]
    return [*path(index - k, entries[k:]), tree_hash(entries[:k])]


def consistency(old_size: int, entries: list[bytes]) -> list[bytes]:
    """PROOF(m, D[n])."""
    return sub_proof(old_size, entries, known=True)


def sub_proof(old_size: int, entries: list[bytes], *, known: bool) -> list[bytes]:
    if old_size == len(entries):
        return [] if known else [tree_hash(entries)]
    k = split(len(entries))
    if old_size <= k:
        return [*sub_proof(old_size, entries[:k], known=known), tree_hash(entries[k:])]
    return [*sub_proof(old_size - k, entries[k:], known=False), tree_hash(entries[:k])]


class Ranges:
    """The same definitions over ranges of indices, each range hashed once: for many proofs, or for a log of a million.

    The entries are all the usual one but for the exceptions; a range without any is told by its size alone.
    """

    def __init__(self, usual: bytes, exceptions: dict[int, bytes]) -> None:
        self.usual = usual
        self.exceptions = exceptions
        self.places = sorted(exceptions)
        self.hashed: dict[tuple[int, int], bytes] = {}

    def tree_hash(self, start: int, stop: int) -> bytes:
        """MTH(D[start:stop])."""
        has_exception = bisect_left(self.places, start) < bisect_left(self.places, stop)
        key = (start, stop) if has_exception else (-1, stop - start)
        if key not in self.hashed:
            self.hashed[key] = self.computed(start, stop)
        return self.hashed[key]

    def computed(self, start: int, stop: int) -> bytes:
        if stop - start == 1:
            return tree_hash([self.exceptions.get(start, self.usual)])
        middle = start + split(stop - start)
        return sha256(b"\x01" + self.tree_hash(start, middle) + self.tree_hash(middle, stop)).digest()

    def path(self, index: int, start: int, stop: int) -> list[bytes]:
        """PATH(index - start, D[start:stop])."""
        if stop - start == 1:
            return []
        middle = start + split(stop - start)
        if index < middle:
            return [*self.path(index, start, middle), self.tree_hash(middle, stop)]
        return [*self.path(index, middle, stop), self.tree_hash(start, middle)]

    def sub_proof(self, old: int, start: int, stop: int, *, known: bool = True) -> list[bytes]:
        """SUBPROOF(old - start, D[start:stop], known)."""
        if old == stop:
            return [] if known else [self.tree_hash(start, stop)]
        middle = start + split(stop - start)
        if old <= middle:
            return [*self.sub_proof(old, start, middle, known=known), self.tree_hash(middle, stop)]
        return [*self.sub_proof(old, middle, stop, known=False), self.tree_hash(start, middle)]
