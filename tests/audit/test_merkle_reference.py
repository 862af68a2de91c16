"""The tree against the RFC's own recursion, at every size to 300 and at random ones to 2^20, and against pymerkle."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from pymerkle import verify_consistency as pymerkle_verifies_consistency
from pymerkle import verify_inclusion as pymerkle_verifies_inclusion

from audit.errors import ProofError
from audit.merkle import Frontier, NodeAddress, leaf_hash
from audit.proof import prove_consistency, prove_inclusion, root_at, verify_consistency, verify_inclusion
from tests.audit import rfc9162

SIZES = 300
ENTRIES = [f"entry {number}".encode() for number in range(SIZES)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
PAIRS = SIZES * (SIZES + 1) // 2
MILLION = 2**20


def stored() -> dict[NodeAddress, bytes]:
    """Every full subtree of the 300 entries, as a log stores them."""
    frontier, nodes = Frontier(), {}
    for index, leaf in enumerate(LEAVES):
        nodes[NodeAddress(0, index)] = leaf
        nodes.update(frontier.append(leaf))
    return nodes


NODES = stored()


def read(addresses: Sequence[NodeAddress]) -> dict[NodeAddress, bytes]:
    return {address: NODES[address] for address in addresses}


@pytest.fixture
def reference() -> rfc9162.Ranges:
    return rfc9162.Ranges(b"", dict(enumerate(ENTRIES)))


def test_the_reference_over_ranges_is_the_reference_over_lists(reference: rfc9162.Ranges) -> None:
    for size in (1, 2, 3, 7, 8, 9, 64, 65, 299, 300):
        assert reference.tree_hash(0, size) == rfc9162.tree_hash(ENTRIES[:size])
        for index in {0, size // 3, size - 1}:
            assert reference.path(index, 0, size) == rfc9162.path(index, ENTRIES[:size])
            assert reference.sub_proof(index + 1, 0, size) == rfc9162.consistency(index + 1, ENTRIES[:size])


def test_every_inclusion_proof_of_every_size_to_300_is_the_one_of_the_rfc(reference: rfc9162.Ranges) -> None:
    proved = 0
    for size in range(1, SIZES + 1):
        root = reference.tree_hash(0, size)
        assert root_at(size, read) == root
        for index in range(size):
            proof = prove_inclusion(index, size, read)
            assert list(proof) == reference.path(index, 0, size)
            verify_inclusion(LEAVES[index], index, size, proof, root)
            proved += 1
    assert proved == PAIRS


def test_every_consistency_proof_between_two_sizes_to_300_is_the_one_of_the_rfc(reference: rfc9162.Ranges) -> None:
    proved = 0
    for new in range(1, SIZES + 1):
        for old in range(1, new + 1):
            proof = prove_consistency(old, new, read)
            assert list(proof) == reference.sub_proof(old, 0, new)
            verify_consistency(old, new, reference.tree_hash(0, old), reference.tree_hash(0, new), proof)
            proved += 1
    assert proved == PAIRS


@st.composite
def long_logs(draw: st.DrawFn) -> tuple[rfc9162.Ranges, int, int, int]:
    """A log of up to 2^20 entries, a few of which differ; one of these; and an earlier size."""
    size = draw(st.integers(1, MILLION))
    index = draw(st.integers(0, size - 1))
    others = draw(st.lists(st.integers(0, size - 1), max_size=4))
    log = rfc9162.Ranges(b"usual", {place: f"entry {place}".encode() for place in [index, *others]})
    return log, size, index, draw(st.integers(1, size))


@settings(max_examples=400)
@given(long_logs())
def test_proofs_at_random_sizes_to_a_million_are_those_of_the_rfc(log: tuple[rfc9162.Ranges, int, int, int]) -> None:
    reference, size, index, old = log

    def nodes(addresses: Sequence[NodeAddress]) -> dict[NodeAddress, bytes]:
        """Any full subtree of the log, by the RFC's recursion."""
        return {(level, place): reference.tree_hash(place << level, (place + 1) << level) for level, place in addresses}

    root = reference.tree_hash(0, size)
    assert root_at(size, nodes) == root
    inclusion = prove_inclusion(index, size, nodes)
    assert list(inclusion) == reference.path(index, 0, size)
    leaf = leaf_hash(f"entry {index}".encode())
    verify_inclusion(leaf, index, size, inclusion, root)
    consistency = prove_consistency(old, size, nodes)
    assert list(consistency) == reference.sub_proof(old, 0, size)
    verify_consistency(old, size, reference.tree_hash(0, old), root, consistency)
    with pytest.raises(ProofError):
        verify_inclusion(leaf, index, size, inclusion, reference.tree_hash(0, size + 1))


@pytest.mark.parametrize("size", [MILLION - 1, MILLION, MILLION - 255])
def test_a_tree_that_grew_to_a_million_has_the_root_of_the_rfc(size: int) -> None:
    reference = rfc9162.Ranges(b"usual", {})
    frontier, leaf = Frontier(), leaf_hash(b"usual")
    for _ in range(size):
        frontier.append(leaf)
    assert frontier.root() == reference.tree_hash(0, size)


def test_pymerkle_has_the_same_roots_and_inclusion_hashes_and_proves_one_to_extend_the_other(
    reference: rfc9162.Ranges,
) -> None:
    tree = InmemoryTree(algorithm="sha256")
    for size, entry in enumerate(ENTRIES, 1):
        tree.append_entry(entry)
        assert tree.get_root(size) == root_at(size, read)
    for size in [*range(1, 66), 127, 128, 129, 255, 256, 257, SIZES]:
        for index in {0, size // 3, size // 2, size - 1}:
            theirs = tree.prove_inclusion(index + 1, size)  # it counts from one
            ours = prove_inclusion(index, size, read)
            pymerkle_verifies_inclusion(LEAVES[index], root_at(size, read), theirs)
            assert {bytes.fromhex(each) for each in theirs.serialize()["path"]} == {LEAVES[index], *ours}
            between = tree.prove_consistency(index + 1, size)  # in a form of its own
            pymerkle_verifies_consistency(root_at(index + 1, read), root_at(size, read), between)
