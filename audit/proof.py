"""RFC 9162 inclusion and consistency proofs: made from stored full subtrees, verified from nothing.

A proof is a sequence of 32-byte hashes in the order of RFC 9162 sections 2.1.3 and 2.1.4. A consistency proof from
size 0 is refused on both sides, even to size 0: every tree extends the empty one, so such a proof would assure a
reader of nothing while looking as if it did.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence

from audit.errors import ProofError
from audit.merkle import HASH_BYTES, NodeAddress, fold, full_subtrees, node_hash, split_size

Proof = tuple[bytes, ...]
NodeReader = Callable[[Sequence[NodeAddress]], Mapping[NodeAddress, bytes]]
"""Fetches the hashes of full subtrees, all of them in one call."""

_Range = tuple[int, int]


def root_at(size: int, read: NodeReader) -> bytes:
    """The root hash of the first `size` leaves."""
    return _hashes([(0, size)], read)[0]


def prove_inclusion(index: int, size: int, read: NodeReader) -> Proof:
    """The path from leaf `index` to the root at `size`. Raises ProofError when there is no such leaf."""
    if not 0 <= index < size:
        raise ProofError(f"There is no entry {index} in a tree of {size}.")
    start, stop, beside = 0, size, []
    while stop - start > 1:
        split = start + split_size(stop - start)
        if index < split:
            beside.append((split, stop))
            stop = split
        else:
            beside.append((start, split))
            start = split
    return _hashes(beside[::-1], read)


def prove_consistency(old_size: int, new_size: int, read: NodeReader) -> Proof:
    """The proof that the tree at `new_size` extends the tree at `old_size`.

    Raises ProofError when old_size is 0 or larger than new_size.
    """
    _require_sizes(old_size, new_size)
    start, stop, beside = 0, new_size, []
    while stop != old_size:
        split = start + split_size(stop - start)
        if old_size <= split:
            beside.append((split, stop))
            stop = split
        else:
            beside.append((start, split))
            start = split
    if start > 0:  # otherwise the remaining subtree is the whole old tree, whose root the verifier has
        beside.append((start, stop))
    return _hashes(beside[::-1], read)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise ProofError unless `proof` leads from the leaf hash at `index` to `root` at `size` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofError(f"There is no entry {index} in a tree of {size}.")
    _require_hashes([leaf, root, *proof])
    position, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError("The inclusion proof is too long.")
        if position & 1 or position == last:
            current = node_hash(sibling, current)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise ProofError("The inclusion proof is too short.")
    if not hmac.compare_digest(current, root):
        raise ProofError("The inclusion proof leads to another root hash.")


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise ProofError unless the tree with `new_root` extends the one with `old_root` (RFC 9162, 2.1.4.2)."""
    _require_sizes(old_size, new_size)
    _require_hashes([old_root, new_root, *proof])
    if old_size == new_size:
        if proof or not hmac.compare_digest(old_root, new_root):
            raise ProofError("Two trees of one size are consistent only when their root hashes are equal.")
        return
    old, new = _climb(old_size, new_size, old_root, proof)
    if not hmac.compare_digest(old, old_root):
        raise ProofError("The consistency proof does not start from the old root hash.")
    if not hmac.compare_digest(new, new_root):
        raise ProofError("The consistency proof does not lead to the new root hash.")


def _climb(old_size: int, new_size: int, old_root: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Both roots, recomputed from the proof; raises ProofError when its length is wrong."""
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    if not path:
        raise ProofError("The consistency proof is too short.")
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError("The consistency proof is too long.")
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise ProofError("The consistency proof is too short.")
    return old, new


def _hashes(ranges: Sequence[_Range], read: NodeReader) -> Proof:
    parts = [full_subtrees(start, stop) for start, stop in ranges]
    nodes = read([address for part in parts for address in part])
    return tuple(fold([nodes[address] for address in part]) for part in parts)


def _require_sizes(old_size: int, new_size: int) -> None:
    if old_size <= 0:
        raise ProofError(
            "A consistency proof from the empty tree would prove nothing; start from a size of at least 1."
        )
    if old_size > new_size:
        raise ProofError(f"A tree of {new_size} cannot extend a tree of {old_size}.")


def _require_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise ProofError("Every hash of a proof has 32 bytes.")
