"""Exports of a log as tiles, each altered in one thing: what the alteration is called, and how it must be refused.

The export has 300 entries, and beside its tiles the narrower ones of an earlier export of seven.
"""

import zipfile
from collections.abc import Callable, Mapping
from functools import lru_cache

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.merkle import leaf_hash, root_of
from audit.tile_builder import TileBuilder
from tests.audit.example_log import ORIGIN, entry_number
from tests.audit.mutations import Vector, Vectors, flip
from tests.audit.specimens import LOG, OTHER_LOG, STRANGER, DerivedSigner, cosignature, pack

SIZE, EARLIER = 300, 7
ENTRIES = [entry_number(number).encode() for number in range(SIZE)]
BUNDLE, LAST_BUNDLE = "tile/entries/000", "tile/entries/001.p/44"
TILE, LAST_TILE, UPPER = "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"
Members = dict[str, bytes]


def parts(entries: list[bytes]) -> Members:
    """The tiles and entry bundles of a log of these entries."""
    builder, made = TileBuilder(), {}
    for entry in entries:
        made |= {str(path): content for path, content in builder.append(entry)}
    return made | {str(path): content for path, content in builder.rest()}


def note(entries: list[bytes], size: int | None = None, signer: DerivedSigner = LOG) -> bytes:
    """The signed checkpoint of these entries, stating this size."""
    root = root_of([leaf_hash(entry) for entry in entries])
    checkpoint = Checkpoint(ORIGIN, len(entries) if size is None else size, root)
    text = checkpoint.text()
    return (sign_checkpoint(checkpoint, signer) + cosignature("w1", text) + cosignature("w2", text)).encode()


@lru_cache(maxsize=1)
def _whole() -> tuple[tuple[str, bytes], ...]:
    earlier = {name: content for name, content in parts(ENTRIES[:EARLIER]).items() if name.endswith(f".p/{EARLIER}")}
    return tuple({**parts(ENTRIES), **earlier, "checkpoint": note(ENTRIES)}.items())


def whole() -> Members:
    """The export as it should be."""
    return dict(_whole())


def altered(name: str, change: Callable[[bytes], bytes]) -> Members:
    content = whole()
    return {**content, name: change(content[name])}


def without(*names: str) -> Members:
    return {name: content for name, content in whole().items() if name not in names}


def with_entry(index: int, entry: bytes, *, in_tiles: bool) -> Members:
    """The export with another entry, in its bundle only or in its tiles as well."""
    changed = parts([*ENTRIES[:index], entry, *ENTRIES[index + 1 :]])
    kept = {} if in_tiles else {name: data for name, data in whole().items() if not name.startswith("tile/entries/")}
    return {**whole(), **changed, **kept, "checkpoint": whole()["checkpoint"]}


def _contents() -> Mapping[str, tuple[Members, str, str]]:
    other = entry_number(5000).encode()
    spaced = [*ENTRIES[:9], b" " + ENTRIES[9], *ENTRIES[10:]]
    swapped = [*ENTRIES[:2], ENTRIES[3], ENTRIES[2], *ENTRIES[4:]]
    return {
        "good": (whole(), "", ""),
        "good-without-earlier-tiles": (parts(ENTRIES) | {"checkpoint": note(ENTRIES)}, "", ""),
        "good-of-one-entry": (parts(ENTRIES[:1]) | {"checkpoint": note(ENTRIES[:1])}, "", ""),
        "good-of-a-full-tile": (parts(ENTRIES[:256]) | {"checkpoint": note(ENTRIES[:256])}, "", ""),
        "good-of-no-entry": ({"checkpoint": note([])}, "", ""),
        "good-with-a-file-beyond": (whole() | {"tile/0/002": b"no reader looks here"}, "", ""),
        "good-with-a-wider-tile-beyond": (whole() | {"tile/0/001.p/45": b"no reader looks here"}, "", ""),
        "entry-altered": (with_entry(5, other, in_tiles=False), "EvidenceError", "Entry 5 is not the one"),
        "last-entry-altered": (with_entry(299, other, in_tiles=False), "EvidenceError", "Entry 299 is not the one"),
        "entry-altered-with-tiles": (
            with_entry(5, other, in_tiles=True),
            "EvidenceError",
            "not those that were signed",
        ),
        "entries-swapped": (
            whole() | parts(swapped) | {TILE: whole()[TILE], UPPER: whole()[UPPER]},
            "EvidenceError",
            "Entry 2 is not the one",
        ),
        "entry-in-another-spelling": (
            parts(spaced) | {"checkpoint": note(spaced)},
            "EvidenceError",
            "Entry 9 cannot be read",
        ),
        "bundle-cut": (altered(BUNDLE, lambda data: data[:-1]), "EvidenceError", "Entry 255 is not whole"),
        "bundle-longer": (altered(BUNDLE, lambda data: data + b"\0"), "EvidenceError", "After entry 255"),
        "bundle-with-an-entry-more": (
            altered(LAST_BUNDLE, lambda data: data + b"\0\1x"),
            "EvidenceError",
            "After entry 299",
        ),
        "bundle-empty": (altered(LAST_BUNDLE, lambda _: b""), "EvidenceError", "Entry 256 is not whole"),
        "bundle-missing": (without(BUNDLE), "EvidenceError", "the entries 0 to 255"),
        "last-bundle-missing": (without(LAST_BUNDLE), "EvidenceError", "the entries 256 to 299"),
        "length-altered": (altered(BUNDLE, lambda data: flip(data, 1)), "EvidenceError", "Entry"),
        "tile-altered": (
            altered(TILE, lambda data: flip(data, 32 * 17)),
            "EvidenceError",
            "000 is wrong at its hash 17",
        ),
        "last-tile-altered": (
            altered(LAST_TILE, lambda data: flip(data, 0)),
            "EvidenceError",
            "44 is wrong at its hash 0",
        ),
        "upper-tile-altered": (
            altered(UPPER, lambda data: flip(data, 31)),
            "EvidenceError",
            "1 is wrong at its hash 0",
        ),
        "tile-cut": (altered(TILE, lambda data: data[:-1]), "EvidenceError", "wrong at its hash 255"),
        "tile-longer": (altered(TILE, lambda data: data + b"\0"), "EvidenceError", "wrong at its hash 256"),
        "tile-empty": (altered(UPPER, lambda _: b""), "EvidenceError", "wrong at its hash 0"),
        "tile-missing": (without(TILE), "EvidenceError", "tile/0/000 is missing"),
        "upper-tile-missing": (without(UPPER), "EvidenceError", "tile/1/000.p/1 is missing"),
        "hashes-swapped": (
            altered(TILE, lambda data: data[32:64] + data[:32] + data[64:]),
            "EvidenceError",
            "wrong at its hash 0",
        ),
        "earlier-tile-altered": (
            altered("tile/0/000.p/7", lambda data: flip(data, 3)),
            "EvidenceError",
            "how tile/0/000",
        ),
        "earlier-tile-cut": (altered("tile/0/000.p/7", lambda data: data[:-32]), "EvidenceError", "how tile/0/000"),
        "earlier-bundle-altered": (
            altered("tile/entries/000.p/7", lambda data: flip(data, 9)),
            "EvidenceError",
            "how tile/entries/000",
        ),
        "earlier-bundle-cut": (
            altered("tile/entries/000.p/7", lambda data: data[:-1]),
            "EvidenceError",
            "Entry 6 is not whole",
        ),
        "checkpoint-missing": (without("checkpoint"), "BundleError", "no checkpoint"),
        "checkpoint-empty": (altered("checkpoint", lambda _: b""), "EvidenceError", "proves nothing"),
        "checkpoint-too-long": (altered("checkpoint", lambda data: data + bytes(300_000)), "BundleError", "too large"),
        "checkpoint-text-altered": (
            altered("checkpoint", lambda data: flip(data, 2)),
            "EvidenceError",
            "does not belong to this note",
        ),
        "checkpoint-signature-altered": (
            altered("checkpoint", lambda data: data.replace(b"\n\xe2\x80\x94 exchange", b"\n\xe2\x80\x94 exchanga")),
            "EvidenceError",
            "No known key",
        ),
        "checkpoint-of-another-log": (
            {**whole(), "checkpoint": note(ENTRIES, signer=OTHER_LOG)},
            "EvidenceError",
            "No known key",
        ),
        "checkpoint-of-a-stranger": (
            {**whole(), "checkpoint": note(ENTRIES, signer=STRANGER)},
            "EvidenceError",
            "No known key",
        ),
        "checkpoint-not-cosigned": (
            altered("checkpoint", lambda data: b"\n".join(data.split(b"\n")[:5]) + b"\n"),
            "EvidenceError",
            "quorum",
        ),
        "checkpoint-of-a-larger-size": ({**whole(), "checkpoint": note(ENTRIES, 301)}, "EvidenceError", "is missing"),
        "checkpoint-of-a-smaller-size": ({**whole(), "checkpoint": note(ENTRIES, 256)}, "EvidenceError", "not those"),
        "checkpoint-of-size-zero": ({**whole(), "checkpoint": note(ENTRIES, 0)}, "EvidenceError", "not those"),
        "checkpoint-of-an-immense-size": (
            {**whole(), "checkpoint": note(ENTRIES, 10**18)},
            "EvidenceError",
            "is missing",
        ),
        "checkpoint-of-fewer-entries": (
            {**whole(), "checkpoint": note(ENTRIES[:299], 300)},
            "EvidenceError",
            "not those that were signed",
        ),
        "path-with-leading-zeros": (whole() | {"tile/0/x000/000": b""}, "BundleError", "has no file"),
        "path-of-no-width": (whole() | {"tile/0/001.p/0": b""}, "BundleError", "has no file"),
        "path-of-full-width": (whole() | {"tile/0/000.p/256": whole()[TILE]}, "BundleError", "has no file"),
        "path-of-a-level-too-high": (whole() | {"tile/64/000": b""}, "BundleError", "has no file"),
        "path-outside": (whole() | {"../evil": b""}, "BundleError", "has no file"),
        "unknown-member": (whole() | {"log.vkey": b""}, "BundleError", "has no file"),
        "name-that-moves-a-cursor": (whole() | {"\x1b[2K\rPROVED.": b""}, "BundleError", "has no file"),
    }


def exports() -> Vectors:
    """Every export as a zip."""
    vectors = {name: Vector(pack(content), error, says) for name, (content, error, says) in _contents().items()}
    vectors["compressed"] = Vector(pack(whole(), zipfile.ZIP_DEFLATED), "BundleError", "neither compressed")
    return vectors
