"""Cuts entries, one after another, into the tiles and entry bundles of c2sp.org/tlog-tiles, pure.

Memory holds one unfinished entry bundle and one unfinished tile a level, however long the log.
"""

from collections.abc import Iterator
from typing import Final

from audit.errors import EvidenceError
from audit.merkle import fold, full_subtrees, leaf_hash, root_of
from audit.tile_paths import TILE_WIDTH, TilePath

Part = tuple[TilePath, bytes]
"""A tile or an entry bundle, and its bytes."""

_LENGTH_BYTES: Final = 2


class TileBuilder:
    """Takes entries in order and gives each part of the log as soon as it is full."""

    def __init__(self) -> None:
        self.size = 0
        self._bundle: list[bytes] = []
        self._levels: list[list[bytes]] = []

    def append(self, entry: bytes) -> Iterator[Part]:
        """Add one entry; the full parts that it completes, the entry bundle first, then tiles from level 0 up."""
        self._bundle.append(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry)
        if len(self._bundle) == TILE_WIDTH:
            yield TilePath(None, self.size // TILE_WIDTH), b"".join(self._bundle)
            self._bundle = []
        yield from self.append_leaf(leaf_hash(entry))

    def append_leaf(self, leaf: bytes) -> Iterator[Part]:
        """Add the leaf hash of an entry that is not at hand; the full tiles that it completes."""
        self.size += 1
        count, added = self.size, leaf
        for level in range(len(self._levels) + 1):
            if level == len(self._levels):
                self._levels.append([])
            tile = self._levels[level]
            tile.append(added)
            if len(tile) < TILE_WIDTH:
                return
            count //= TILE_WIDTH
            yield TilePath(level, count - 1), b"".join(tile)
            self._levels[level], added = [], root_of(tile)

    def rest(self) -> Iterator[Part]:
        """The partial parts of the log as it stands; more entries may follow."""
        if self._bundle:
            yield TilePath(None, self.size // TILE_WIDTH, len(self._bundle)), b"".join(self._bundle)
        for level, tile in enumerate(self._levels):
            if tile:
                yield TilePath(level, self.size // TILE_WIDTH ** (level + 1), len(tile)), b"".join(tile)

    def root(self) -> bytes:
        """The root hash of the log as it stands."""
        subtrees = []
        for tile in reversed(self._levels):
            for level, position in full_subtrees(0, len(tile)):
                subtrees.append(root_of(tile[position << level : (position + 1) << level]))
        return fold(subtrees)


def split_bundle(path: TilePath, content: bytes) -> list[bytes]:
    """The entries of an entry bundle. Raises EvidenceError, naming the first bad one, unless it holds its width."""
    entries, place = [], 0
    for index in range(path.start, path.end):
        start = place + _LENGTH_BYTES
        stop = start + int.from_bytes(content[place:start], "big")
        if stop > len(content) or start > len(content):
            raise EvidenceError(f"Entry {index} is not whole: {path} ends too soon.")
        entries.append(content[start:stop])
        place = stop
    if place != len(content):
        raise EvidenceError(f"After entry {path.end - 1}, {path} goes on: the export is damaged there.")
    return entries
