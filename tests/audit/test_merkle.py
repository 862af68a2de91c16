import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import ProofError
from audit.merkle import EMPTY_ROOT, Frontier, NodeAddress, leaf_hash, root_of, waiting_nodes
from audit.proof import prove_consistency, prove_inclusion, root_at, verify_consistency, verify_inclusion
from tests.audit import rfc9162

SIZES = 300
ENTRIES = [f"entry {number}".encode() for number in range(SIZES)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def full_nodes(leaves: list[bytes]) -> dict[NodeAddress, bytes]:
    frontier, nodes = Frontier(), {}
    for index, leaf in enumerate(leaves):
        nodes[NodeAddress(0, index)] = leaf
        nodes.update(frontier.append(leaf))
    return nodes


NODES = full_nodes(LEAVES)


def read(addresses: list[NodeAddress]) -> dict[NodeAddress, bytes]:
    return {address: NODES[address] for address in addresses}


def test_the_empty_tree_hashes_to_the_hash_of_nothing() -> None:
    assert root_of([]) == EMPTY_ROOT == hashlib.sha256().digest()


def test_a_leaf_and_a_node_can_never_be_taken_for_one_another() -> None:
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != root_of(LEAVES[:2])


def test_roots_of_every_size_are_those_of_the_rfc() -> None:
    frontier = Frontier()
    for size in range(SIZES + 1):
        expected = rfc9162.tree_hash(ENTRIES[:size])
        assert frontier.root() == expected
        assert root_at(size, read) == expected
        if size < SIZES:
            frontier.append(LEAVES[size])


@given(st.integers(0, 200), st.integers(1, 60))
def test_a_tree_grows_from_its_waiting_nodes_alone(size: int, added: int) -> None:
    waiting = {address.level: NODES[address] for address in waiting_nodes(size, added)}
    frontier = Frontier(size, waiting)
    for leaf in LEAVES[size : size + added]:
        for address, digest in frontier.append(leaf):
            assert NODES[address] == digest


def test_inclusion_proofs_of_every_size_are_those_of_the_rfc_and_verify() -> None:
    for size in [*range(1, 70), 127, 128, 129, 255, 256, 257, SIZES]:
        root = root_at(size, read)
        for index in range(size) if size < 70 else {0, 1, size // 2, size - 2, size - 1}:
            proof = prove_inclusion(index, size, read)
            assert list(proof) == rfc9162.path(index, ENTRIES[:size])
            verify_inclusion(LEAVES[index], index, size, proof, root)


def test_consistency_proofs_of_every_size_are_those_of_the_rfc_and_verify() -> None:
    for new in [*range(1, 50), 127, 128, 129, 255, 256, 257, SIZES]:
        for old in range(1, new + 1) if new < 50 else {1, 2, new // 2, 64, 100, new - 1, new}:
            proof = prove_consistency(old, new, read)
            assert list(proof) == rfc9162.consistency(old, ENTRIES[:new])
            verify_consistency(old, new, root_at(old, read), root_at(new, read), proof)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=40), st.lists(st.binary(max_size=40), max_size=40))
def test_a_log_of_a_and_b_extends_a_log_of_a(first: list[bytes], second: list[bytes]) -> None:
    leaves = [leaf_hash(entry) for entry in first + second]
    nodes = full_nodes(leaves)
    proof = prove_consistency(len(first), len(leaves), lambda addresses: {one: nodes[one] for one in addresses})
    verify_consistency(len(first), len(leaves), root_of(leaves[: len(first)]), root_of(leaves), proof)


@given(st.data())
def test_a_flipped_bit_anywhere_in_a_proof_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, SIZES))
    index = data.draw(st.integers(0, size - 1))
    proof = list(prove_inclusion(index, size, read))
    place = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 255))
    proof[place] = (int.from_bytes(proof[place], "big") ^ 1 << bit).to_bytes(32, "big")
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[index], index, size, proof, root_at(size, read))


INDEX, SIZE = 5, 13
INCLUSION_MUTATIONS = {
    "proof-one-hash-shorter": lambda a: {**a, "proof": a["proof"][:-1]},
    "proof-without-first-hash": lambda a: {**a, "proof": a["proof"][1:]},
    "proof-one-hash-longer": lambda a: {**a, "proof": [*a["proof"], LEAVES[0]]},
    "proof-empty": lambda a: {**a, "proof": []},
    "proof-reversed": lambda a: {**a, "proof": a["proof"][::-1]},
    "proof-hash-truncated": lambda a: {**a, "proof": [a["proof"][0][:31], *a["proof"][1:]]},
    "index-one-less": lambda a: {**a, "index": INDEX - 1},
    "index-one-more": lambda a: {**a, "index": INDEX + 1},
    "index-negative": lambda a: {**a, "index": -1},
    "index-beyond-the-tree": lambda a: {**a, "index": SIZE},
    "size-zero": lambda a: {**a, "size": 0},
    "size-doubled": lambda a: {**a, "size": 2 * SIZE},
    "leaf-of-another-entry": lambda a: {**a, "leaf": LEAVES[INDEX + 1]},
    "leaf-empty": lambda a: {**a, "leaf": b""},
    "root-of-another-size": lambda a: {**a, "root": root_at(SIZE + 1, read)},
    "root-of-the-empty-tree": lambda a: {**a, "root": EMPTY_ROOT},
    "root-and-leaf-exchanged": lambda a: {**a, "root": a["leaf"], "leaf": a["root"]},
}


@pytest.mark.parametrize("mutation", INCLUSION_MUTATIONS)
def test_a_mutated_inclusion_proof_is_refused(mutation: str) -> None:
    whole = {
        "leaf": LEAVES[INDEX],
        "index": INDEX,
        "size": SIZE,
        "proof": list(prove_inclusion(INDEX, SIZE, read)),
        "root": root_at(SIZE, read),
    }
    verify_inclusion(**whole)
    with pytest.raises(ProofError):
        verify_inclusion(**INCLUSION_MUTATIONS[mutation](whole))


OLD, NEW = 6, 13
CONSISTENCY_MUTATIONS = {
    "proof-one-hash-shorter": lambda a: {**a, "proof": a["proof"][:-1]},
    "proof-without-first-hash": lambda a: {**a, "proof": a["proof"][1:]},
    "proof-one-hash-longer": lambda a: {**a, "proof": [*a["proof"], LEAVES[0]]},
    "proof-empty": lambda a: {**a, "proof": []},
    "proof-reversed": lambda a: {**a, "proof": a["proof"][::-1]},
    "old-size-one-less": lambda a: {**a, "old_size": OLD - 1},
    "old-size-zero": lambda a: {**a, "old_size": 0, "old_root": EMPTY_ROOT},
    "old-size-zero-without-proof": lambda a: {**a, "old_size": 0, "old_root": EMPTY_ROOT, "proof": []},
    "both-sizes-zero": lambda _: {
        "old_size": 0,
        "new_size": 0,
        "old_root": EMPTY_ROOT,
        "new_root": EMPTY_ROOT,
        "proof": [],
    },
    "old-size-above-new": lambda a: {**a, "old_size": NEW + 1},
    "sizes-equal-with-other-roots": lambda a: {**a, "old_size": NEW, "proof": []},
    "sizes-equal-with-a-proof": lambda a: {**a, "old_size": NEW, "old_root": a["new_root"]},
    "new-size-doubled": lambda a: {**a, "new_size": 2 * NEW},
    "old-root-of-another-size": lambda a: {**a, "old_root": root_at(OLD - 1, read)},
    "new-root-of-another-size": lambda a: {**a, "new_root": root_at(NEW - 1, read)},
    "roots-exchanged": lambda a: {**a, "old_root": a["new_root"], "new_root": a["old_root"]},
    "root-truncated": lambda a: {**a, "new_root": a["new_root"][:-1]},
    "old-size-a-power-of-two-without-its-root": lambda a: {**a, "old_size": 8, "proof": []},
}


@pytest.mark.parametrize("mutation", CONSISTENCY_MUTATIONS)
def test_a_mutated_consistency_proof_is_refused(mutation: str) -> None:
    whole = {
        "old_size": OLD,
        "new_size": NEW,
        "old_root": root_at(OLD, read),
        "new_root": root_at(NEW, read),
        "proof": list(prove_consistency(OLD, NEW, read)),
    }
    verify_consistency(**whole)
    with pytest.raises(ProofError):
        verify_consistency(**CONSISTENCY_MUTATIONS[mutation](whole))


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (6, 5)])
def test_no_consistency_proof_is_made_from_nothing_or_backwards(old: int, new: int) -> None:
    with pytest.raises(ProofError):
        prove_consistency(old, new, read)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_no_inclusion_proof_is_made_for_an_entry_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        prove_inclusion(index, size, read)
