"""RFC 9162 section 2.1 as its recursive definitions read, for comparison: slow, and obviously the same as the text."""

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
