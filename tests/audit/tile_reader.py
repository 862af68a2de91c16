"""c2sp.org/tlog-tiles as its text reads, for comparison: slow, and obviously the same as the text.

A file is fetched by its name, as over HTTP; the tree's size comes from the checkpoint and from nowhere else.
"""

import base64
from collections.abc import Callable
from hashlib import sha256

Fetch = Callable[[str], bytes]


def mth(hashes: list[bytes]) -> bytes:
    """The Merkle tree hash over leaf hashes."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def path_of(level: str, number: int) -> str:
    """tile/<L>/<N>: every three digits of N are a path element, all but the last begin with an x."""
    digits = str(number)
    while len(digits) % 3:
        digits = "0" + digits
    elements = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join(["tile", level, *("x" + element for element in elements[:-1]), elements[-1]])


def resources(size: int) -> dict[str, int]:
    """The name and width of every resource that a log of this size consists of, the checkpoint apart."""
    names = {}
    for level in ("entries", *map(str, range(64))):
        tiles = size // 256 ** (0 if level == "entries" else int(level))
        for number in range(tiles // 256):
            names[path_of(level, number)] = 256
        if tiles % 256:
            names[f"{path_of(level, tiles // 256)}.p/{tiles % 256}"] = tiles % 256
    return names


def read_log(fetch: Fetch) -> tuple[list[bytes], bytes]:
    """Every entry, and the root hash of the checkpoint; asserts that every tile is what the specification says."""
    text = fetch("checkpoint").decode().split("\n")
    size, root = int(text[1]), base64.b64decode(text[2])
    entries: list[bytes] = []
    names = resources(size)
    for name, width in names.items():
        if name.startswith("tile/entries/"):
            bundle = fetch(name)
            for _ in range(width):
                length = bundle[0] * 256 + bundle[1]
                assert len(bundle) >= 2 + length
                entries.append(bundle[2 : 2 + length])
                bundle = bundle[2 + length :]
            assert bundle == b""
    leaves = [sha256(b"\x00" + entry).digest() for entry in entries]
    assert len(leaves) == size
    assert mth(leaves) == root
    level, hashes = 0, leaves
    while hashes:
        for number in range(-(-len(hashes) // 256)):
            here = hashes[number * 256 : number * 256 + 256]
            suffix = "" if len(here) == 256 else f".p/{len(here)}"
            assert fetch(path_of(str(level), number) + suffix) == b"".join(here)
        full = len(hashes) // 256
        hashes = [mth(hashes[number * 256 : number * 256 + 256]) for number in range(full)]
        level += 1
    return entries, root
