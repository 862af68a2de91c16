"""Where c2sp.org/tlog-tiles puts the parts of a log, pure: each path has one spelling, and every other is refused.

A tile is 256 hashes of one level, an entry bundle 256 entries; the last of each may be narrower (`.p/<width>`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from audit.errors import BundleError

TILE_WIDTH: Final = 256
CHECKPOINT: Final = "checkpoint"
ENTRIES: Final = "entries"

_BITS: Final = 8
_MAX_LEVEL: Final = 63
_PATH: Final = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,4}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class TilePath:
    """One tile, or one entry bundle where `level` is None; `width` is how many hashes or entries it holds."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    @property
    def start(self) -> int:
        """The index of the first entry that it covers."""
        return self.index * TILE_WIDTH << _BITS * (self.level or 0)

    @property
    def end(self) -> int:
        """One more than the index of the last entry that it covers."""
        return (self.index * TILE_WIDTH + self.width) << _BITS * (self.level or 0)

    def __str__(self) -> str:
        thousands, groups = self.index // 1000, [f"{self.index % 1000:03d}"]
        while thousands:
            groups.insert(0, f"x{thousands % 1000:03d}")
            thousands //= 1000
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{ENTRIES if self.level is None else self.level}/{'/'.join(groups)}{partial}"


def parse_tile_path(text: str) -> TilePath:
    """The tile or entry bundle at this path. Raises BundleError unless it is spelled in the one valid way."""
    match = _PATH.fullmatch(text)
    if match:
        level = None if match["level"] == ENTRIES else int(match["level"])
        index = int(match["index"].replace("x", "").replace("/", ""))
        path = TilePath(level, index, TILE_WIDTH if match["width"] is None else int(match["width"]))
        if str(path) == text and (level or 0) <= _MAX_LEVEL and path.width <= TILE_WIDTH:
            return path
    raise BundleError(f"An export of a log has no file {text!r:.200}.")


def tiles_of(size: int) -> Iterator[TilePath]:
    """What a log of `size` entries consists of: its entry bundles, then its tiles, level by level."""
    levels: list[int | None] = [None]
    levels += [level for level in range(_MAX_LEVEL + 1) if size >> _BITS * level]
    for level in levels:
        full, partial = divmod(size >> _BITS * (level or 0), TILE_WIDTH)
        yield from (TilePath(level, index) for index in range(full))
        if partial:
            yield TilePath(level, full, partial)
