"""Names what a rebuilt tree shows: entries altered, entries that changed places, stored hashes that are wrong alone."""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from audit.findings import Findings
from audit.merkle import NodeAddress
from audit.rebuilding import Rebuilding, is_pair_of

ConnectionT = TypeVar("ConnectionT")


@dataclass(frozen=True, slots=True)
class SignedSize:
    """A state that was signed for: in a checkpoint here, in one kept elsewhere, or in the signer's memory."""

    size: int
    root: bytes
    where: str
    is_stored: bool = False


class Judging(Generic[ConnectionT]):
    """Judges one finished `Rebuilding` against the states that were signed."""

    def __init__(
        self, rebuilt: Rebuilding[ConnectionT], signed: Sequence[SignedSize], size: int, findings: Findings
    ) -> None:
        self._rebuilt, self._findings = rebuilt, findings
        self._signed = sorted(signed, key=lambda one: one.size)
        self._size = size

    def run(self) -> None:
        """Say everything that the tree itself shows."""
        self._judge_altered()
        self._judge_nodes()
        if self._rebuilt.is_complete:
            self._judge_signed()

    def _judge_altered(self) -> None:
        """Entries whose leaf hash is another's changed places; any other mismatch is an alteration."""
        swapped = self._rebuilt.swapped_hashes
        kept = {stored: index for index, (_, stored) in swapped.items()}
        for index, (rebuilt, _) in swapped.items():
            home = kept.get(rebuilt)
            if home is None:
                self._findings.add("altered", index, f"Entry {index} and the leaf hash kept for it do not agree.")
            else:
                self._findings.add("reordered", index, f"The entry at {index} belongs at {home}.")

    def _judge_nodes(self) -> None:
        for address in sorted(self._rebuilt.wrong_nodes):
            first = address.position << address.level
            if self._rebuilt.is_explained(first, first + (1 << address.level)):
                continue
            if address.position in self._rebuilt.pairs and address.level == 1 and not self._stands_alone(address):
                self._judge_pair(address.position)
            else:
                detail = f"The stored hash over entries from {first}, level {address.level}, is wrong or missing."
                self._findings.add("node", first, detail)

    def _stands_alone(self, address: NodeAddress) -> bool:
        """Whether what is stored above agrees with the entries, so that only the node itself can be wrong."""
        parent = NodeAddress(address.level + 1, address.position >> 1)
        if (parent.position + 1) << parent.level <= self._size:
            return parent not in self._rebuilt.wrong_nodes
        last = (address.position + 1) << address.level
        return any(
            one.root == self._rebuilt.roots.get(one.size) for one in self._signed if last <= one.size <= self._size
        )

    def _judge_pair(self, position: int) -> None:
        left, right, parent = self._rebuilt.pairs[position]
        index = 2 * position
        if is_pair_of(right, left, parent):
            detail = f"The entries at {index} and {index + 1} have changed places."
            self._rebuilt.bad_leaf("reordered", index, detail)
            return
        exchange = self._exchange(position)
        if exchange is not None:
            here, there = exchange
            detail = f"The entries at {here} and {there} have changed places."
            self._rebuilt.bad_leaf("reordered", min(here, there), detail)
            insort(self._rebuilt.bad_leaves, max(here, there))
            return
        detail = f"Entry {index} or {index + 1} was replaced, together with its leaf hash."
        self._rebuilt.bad_leaf("altered", index, detail)

    def _exchange(self, position: int) -> tuple[int, int] | None:
        """The places, here and there, of two suspect leaves that would make this pair whole by changing places."""
        left, right, parent = self._rebuilt.pairs[position]
        others = {place: pair for place, pair in self._rebuilt.pairs.items() if place != position}
        suspects = [(2 * place, pair[0]) for place, pair in others.items()]
        suspects += [(2 * place + 1, pair[1]) for place, pair in others.items()]
        if self._size % 2:  # the last leaf has no neighbour that could make it suspect
            suspects.append((self._size - 1, self._rebuilt.tree.waiting[0]))
        for there, leaf in suspects:
            if is_pair_of(leaf, right, parent):
                return 2 * position, there
            if is_pair_of(left, leaf, parent):
                return 2 * position + 1, there
        return None

    def _judge_signed(self) -> None:
        good, roots = self._rebuilt.begun_at, self._rebuilt.roots
        within = [one for one in self._signed if one.size <= self._size and one.size in roots]
        agreeing = [one.size for one in within if roots[one.size] == one.root]
        for one in within:
            if roots[one.size] == one.root:
                good = max(good, one.size)
            elif self._rebuilt.is_explained(0, one.size):
                continue
            elif one.is_stored and agreeing and agreeing[-1] > one.size:
                detail = f"{one.where} of {one.size} entries states another root hash than these entries have."
                self._findings.add("forged", one.size, detail)
            else:
                detail = f"An entry from {good} up to {one.size - 1} is not the one that was signed for ({one.where})."
                self._rebuilt.bad_leaf("altered", good, detail)
