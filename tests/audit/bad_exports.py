"""Mutations of a log's export as tiles: of its parts, and of the zip around them.

The parts are cut here as c2sp.org/tlog-tiles reads, not by the code under test.
"""

from functools import cache

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.merkle import leaf_hash
from tests.audit import rfc9162
from tests.audit.example_log import ORIGIN, entry_number
from tests.audit.mutations import Vector, Vectors, flip, refused
from tests.audit.specimens import LOG, OTHER_ORIGIN, STRANGER, DerivedSigner, cosignature, pack

SIZE = 260
WIDTH = 256
Parts = dict[str, bytes]
LOGGED = [entry_number(number).encode() for number in range(SIZE)]
OTHER = entry_number(5000).encode()
BUNDLE, LAST_BUNDLE = "tile/entries/000", "tile/entries/001.p/4"
TILE, LAST_TILE, UPPER_TILE = "tile/0/000", "tile/0/001.p/4", "tile/1/000.p/1"


def bundle_of(entries: list[bytes]) -> bytes:
    """An entry bundle: each entry after its length."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def hashes_of(entries: list[bytes]) -> bytes:
    """A tile of level 0."""
    return b"".join(map(leaf_hash, entries))


@cache
def _whole() -> tuple[tuple[str, bytes], ...]:
    return tuple(parts_of(LOGGED).items())


def whole() -> Parts:
    """The parts of the log, the checkpoint last."""
    return dict(_whole())


def parts_of(entries: list[bytes]) -> Parts:
    """The parts of any log of this size."""
    return {
        BUNDLE: bundle_of(entries[:WIDTH]),
        LAST_BUNDLE: bundle_of(entries[WIDTH:]),
        TILE: hashes_of(entries[:WIDTH]),
        LAST_TILE: hashes_of(entries[WIDTH:]),
        UPPER_TILE: rfc9162.tree_hash(entries[:WIDTH]),
        "checkpoint": stated(len(entries), rfc9162.tree_hash(entries)),
    }


def stated(size: int, root: bytes, origin: str = ORIGIN, signer: DerivedSigner = LOG) -> bytes:
    """A checkpoint of whatever state, signed and cosigned."""
    checkpoint = Checkpoint(origin, size, root)
    text = checkpoint.text()
    return (sign_checkpoint(checkpoint, signer) + cosignature("w1", text) + cosignature("w2", text)).encode()


def exports() -> Vectors:
    """Exports of 260 entries, read with the log's key under the policy of the specimens."""
    vectors = refused({name: pack(parts) for name, parts in _unproved().items()}, "EvidenceError")
    vectors |= refused({name: pack(parts) for name, parts in _unusable().items()}, "BundleError")
    zipped = pack(whole())
    vectors |= refused(
        {
            "zip-cut": zipped[:-30],
            "zip-with-trailing-byte": zipped + b"\0",
            "zip-with-leading-byte": b"\0" + zipped,
            "zip-with-comment": zipped[:-2] + b"\x01\0x",
            "zip-after-another": zipped + zipped,
        },
        "BundleError",
    )
    vectors |= {name: Vector(pack(parts)) for name, parts in _good().items()}
    return vectors


def _good() -> dict[str, Parts]:
    one = LOGGED[:1]
    return {
        "good": whole(),
        "good-of-one-entry": {
            "tile/entries/000.p/1": bundle_of(one),
            "tile/0/000.p/1": hashes_of(one),
            "checkpoint": stated(1, leaf_hash(one[0])),
        },
        "good-of-the-empty-log": {"checkpoint": stated(0, rfc9162.tree_hash([]))},
        "good-of-a-full-tile": {
            **{name: content for name, content in whole().items() if name in (BUNDLE, TILE, UPPER_TILE)},
            "checkpoint": stated(WIDTH, rfc9162.tree_hash(LOGGED[:WIDTH])),
        },
        "good-with-parts-of-an-earlier-export": whole()
        | {"tile/entries/000.p/5": bundle_of(LOGGED[:5]), "tile/0/000.p/5": hashes_of(LOGGED[:5])},
        "good-with-parts-beyond-the-checkpoint": whole() | {"tile/0/001.p/5": b"not read"},
        "good-in-another-order": dict(reversed(whole().items())),
    }


def _unproved() -> dict[str, Parts]:
    altered = [*LOGGED[:7], OTHER, *LOGGED[8:]]
    swapped = [LOGGED[1], LOGGED[0], *LOGGED[2:]]
    fork = parts_of(altered)
    raw = whole()[BUNDLE]
    root = rfc9162.tree_hash(LOGGED)
    return {
        "entry-altered": whole() | {BUNDLE: fork[BUNDLE]},
        "entry-altered-with-its-leaf-hash": whole() | {BUNDLE: fork[BUNDLE], TILE: fork[TILE]},
        "entry-altered-with-every-tile": fork | {"checkpoint": whole()["checkpoint"]},
        "entry-bit-flipped": whole() | {BUNDLE: flip(raw, 40)},
        "entry-dropped": whole() | {BUNDLE: bundle_of(LOGGED[1:WIDTH])},
        "entry-duplicated": whole() | {BUNDLE: bundle_of([LOGGED[0], *LOGGED[:WIDTH]])},
        "entries-reordered": whole() | {BUNDLE: bundle_of(swapped[:WIDTH])},
        "entry-longer-than-it-says": whole() | {BUNDLE: flip(raw, 1)},
        "entry-logged-but-no-entry": parts_of([*LOGGED[:-1], b"words"]),
        "entry-logged-but-not-canonical": parts_of([*LOGGED[:-1], LOGGED[-1] + b" "]),
        "entry-bundle-cut": whole() | {BUNDLE: raw[:-1]},
        "entry-bundle-with-trailing-bytes": whole() | {BUNDLE: raw + b"\0"},
        "entry-bundle-empty": whole() | {LAST_BUNDLE: b""},
        "tile-hash-bit-flipped": whole() | {TILE: flip(whole()[TILE], 100)},
        "tile-cut": whole() | {TILE: whole()[TILE][:-1]},
        "tile-with-trailing-bytes": whole() | {TILE: whole()[TILE] + b"\0"},
        "tile-hashes-reordered": whole() | {TILE: hashes_of(swapped[:WIDTH])},
        "last-tile-hash-bit-flipped": whole() | {LAST_TILE: flip(whole()[LAST_TILE], 0)},
        "upper-tile-bit-flipped": whole() | {UPPER_TILE: flip(whole()[UPPER_TILE], 31)},
        "upper-tile-of-a-fork": whole() | {UPPER_TILE: fork[UPPER_TILE]},
        **{
            f"{name.replace('/', '-')}-missing": {path: part for path, part in whole().items() if path != name}
            for name in (BUNDLE, LAST_BUNDLE, TILE, LAST_TILE, UPPER_TILE)
        },
        "earlier-bundle-altered": whole() | {"tile/entries/000.p/5": bundle_of(swapped[:5])},
        "earlier-bundle-too-long": whole() | {"tile/entries/000.p/5": bundle_of(LOGGED[:6])},
        "earlier-tile-altered": whole() | {"tile/0/000.p/5": hashes_of(swapped[:5])},
        "earlier-tile-cut": whole() | {"tile/0/000.p/5": hashes_of(LOGGED[:4])},
        "checkpoint-of-a-fork": whole() | {"checkpoint": fork["checkpoint"]},
        "checkpoint-of-a-smaller-tree": whole() | {"checkpoint": stated(258, rfc9162.tree_hash(LOGGED[:258]))},
        "checkpoint-of-a-larger-tree": whole() | {"checkpoint": stated(261, rfc9162.tree_hash([*LOGGED, OTHER]))},
        "checkpoint-with-the-root-of-a-smaller-tree": whole()
        | {"checkpoint": stated(SIZE, rfc9162.tree_hash(LOGGED[:-1]))},
        "checkpoint-of-another-key": whole() | {"checkpoint": stated(SIZE, root, signer=STRANGER)},
        "checkpoint-of-another-log": whole() | {"checkpoint": stated(SIZE, root, OTHER_ORIGIN)},
        "checkpoint-altered": whole() | {"checkpoint": whole()["checkpoint"].replace(b"\n260\n", b"\n259\n")},
        "checkpoint-no-note": whole() | {"checkpoint": b"words\n"},
        "checkpoint-with-trailing-bytes": whole() | {"checkpoint": whole()["checkpoint"] + b"more\n"},
        "cosignature-dropped": whole() | {"checkpoint": b"".join(whole()["checkpoint"].splitlines(keepends=True)[:-1])},
    }


def _unusable() -> dict[str, Parts]:
    return {
        "checkpoint-missing": {path: part for path, part in whole().items() if path != "checkpoint"},
        "member-added": whole() | {"extra.txt": b""},
        "member-outside": whole() | {"../evil": b""},
        "tile-without-zeroes": whole() | {"tile/0/1": b""},
        "tile-of-width-zero": whole() | {"tile/0/000.p/0": b""},
        "tile-of-full-width-spelled": whole() | {"tile/0/000.p/256": whole()[TILE]},
        "tile-of-level-sixty-four": whole() | {"tile/64/000": b""},
        "tile-spelled-too-long": whole() | {"tile/0/x000/000": whole()[TILE]},
        "checkpoint-too-long": whole() | {"checkpoint": b"x" * 300_000},
    }
