"""Mutations of evidence bundles: of their members, and of the zip around them."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.merkle import leaf_hash
from audit.note import VerifierKey
from tests.audit import rfc9162
from tests.audit.example_log import ORIGIN, entry_number
from tests.audit.mutations import Vector, Vectors, flip, refused
from tests.audit.specimens import (
    ENTRIES,
    KEY,
    LOG,
    OTHER_LOG,
    OTHER_ORIGIN,
    STRANGER,
    TIME,
    WITNESS_KEYS,
    checkpoint_text,
    cosignature,
    members,
    pack,
    signed,
)

SIZES = (2, 4)
EARLIER, LATEST = "checkpoints/00000000000000000002.txt", "checkpoints/00000000000000000004.txt"
LOGGED = ENTRIES[:4]
OTHER = entry_number(500).encode()
Members = dict[str, bytes]


def bundles() -> Vectors:
    """Bundles of four entries signed at two and at four, read with the log's key under the policy of the specimens."""
    vectors = refused({name: pack(content) for name, content in _unproved().items()}, "EvidenceError")
    vectors |= refused({name: pack(content) for name, content in _unusable().items()}, "BundleError")
    vectors |= refused(_zips(), "BundleError")
    vectors |= {
        "zip-entry-bit-flipped": Vector(_in_place(LOGGED[2], lambda raw: flip(raw, 40)), "EvidenceError", "Entry 2 "),
        "good": Vector(pack(_whole())),
        "good-of-one-checkpoint": Vector(pack(members((4,)))),
        "good-of-one-entry": Vector(pack(members((1,)))),
        "good-of-the-empty-log": Vector(pack(members((0,), []))),
        "good-with-another-readme": Vector(pack(_whole() | {"README.txt": b"PROVED.\n"})),
        "good-with-a-later-cosignature": Vector(pack(_whole() | {LATEST: signed(4, "w1", "w2", "w3").encode()})),
        "good-earlier-checkpoint-without-cosignatures": Vector(pack(_whole() | {EARLIER: signed(2).encode()})),
    }
    return vectors


def _whole() -> Members:
    return members(SIZES)


def _lines(name: str, change: Callable[[list[bytes]], list[bytes]]) -> Members:
    whole = _whole()
    return whole | {name: b"".join(change(whole[name].splitlines(keepends=True)))}


def _entry(index: int, *lines: bytes) -> Members:
    return _lines("entries.jsonl", lambda old: [*old[:index], *(line + b"\n" for line in lines), *old[index + 1 :]])


def _hash(index: int, *lines: bytes) -> Members:
    return _lines("leaf-hashes.txt", lambda old: [*old[:index], *lines, *old[index + 1 :]])


def _checkpoint(name: str, note: str) -> Members:
    return _whole() | {name: note.encode()}


def _stated(size: int, root: bytes, origin: str = ORIGIN) -> str:
    """A checkpoint of whatever state, signed and cosigned."""
    checkpoint = Checkpoint(origin, size, root)
    note = sign_checkpoint(checkpoint, LOG)
    return note + cosignature("w1", checkpoint.text()) + cosignature("w2", checkpoint.text())


def _unproved() -> dict[str, Members]:
    root = rfc9162.tree_hash(LOGGED)
    hashed = [leaf_hash(entry).hex().encode() + b"\n" for entry in LOGGED]
    other = leaf_hash(OTHER).hex().encode() + b"\n"
    forged = _entry(3, OTHER)
    text = checkpoint_text(4)
    key_text = str(KEY)
    cosigned = signed(4, "w1", "w2")
    return {
        "entry-altered": _entry(2, OTHER),
        "entry-altered-with-its-leaf-hash": forged | {"leaf-hashes.txt": _hash(3, other)["leaf-hashes.txt"]},
        "entry-bit-flipped": _entry(1, flip(LOGGED[1], 30)),
        "entry-empty": _entry(1, b""),
        "entry-dropped": _entry(1),
        "entry-dropped-with-its-leaf-hash": _entry(3) | {"leaf-hashes.txt": _hash(3)["leaf-hashes.txt"]},
        "entry-duplicated": _entry(1, LOGGED[1], LOGGED[1]),
        "entry-added": _entry(3, LOGGED[3], OTHER),
        "entry-added-with-its-leaf-hash": _entry(3, LOGGED[3], OTHER)
        | {"leaf-hashes.txt": _hash(3, hashed[3], other)["leaf-hashes.txt"]},
        "entries-reordered": _lines("entries.jsonl", lambda old: [old[1], old[0], *old[2:]]),
        "entries-reordered-with-their-leaf-hashes": _lines("entries.jsonl", lambda old: [old[1], old[0], *old[2:]])
        | {"leaf-hashes.txt": b"".join([hashed[1], hashed[0], *hashed[2:]])},
        "entries-empty": _whole() | {"entries.jsonl": b""},
        "entry-with-trailing-space": _entry(0, LOGGED[0] + b" "),
        "entry-with-carriage-return": _entry(0, LOGGED[0] + b"\r"),
        "entry-in-another-spelling": _entry(0, LOGGED[0].replace(b":", b": ", 1)),
        "entries-with-a-byte-order-mark": _entry(0, b"\xef\xbb\xbf" + LOGGED[0]),
        "entry-logged-but-no-entry": members(SIZES, [*LOGGED[:3], b"words"]),
        "entry-logged-but-not-canonical": members(SIZES, [*LOGGED[:3], LOGGED[3] + b" "]),
        "leaf-hash-altered": _hash(1, other),
        "leaf-hash-dropped": _hash(1),
        "leaf-hash-duplicated": _hash(1, hashed[1], hashed[1]),
        "leaf-hashes-reordered": _hash(0, hashed[1], hashed[0]) | {},
        "leaf-hash-in-capitals": _hash(1, hashed[1].upper()),
        "leaf-hash-short": _hash(1, hashed[1][2:]),
        "leaf-hash-no-hexadecimal": _hash(1, b"x" * 64 + b"\n"),
        "leaf-hashes-empty": _whole() | {"leaf-hashes.txt": b""},
        "checkpoint-with-the-root-of-a-smaller-tree": _checkpoint(LATEST, _stated(4, rfc9162.tree_hash(LOGGED[:3]))),
        "checkpoint-of-another-size": _checkpoint(LATEST, _stated(3, rfc9162.tree_hash(LOGGED[:3]))),
        "checkpoints-swapped": _whole() | {LATEST: _whole()[EARLIER], EARLIER: _whole()[LATEST]},
        "checkpoint-beyond-the-entries": _checkpoint("checkpoints/00000000000000000005.txt", _stated(5, root)),
        "checkpoint-of-another-log": _checkpoint(LATEST, _stated(4, root, OTHER_ORIGIN)),
        "checkpoint-of-another-key": _checkpoint(LATEST, signed(4, "w1", "w2", signer=STRANGER)),
        "checkpoint-altered": _checkpoint(LATEST, cosigned.replace("\n4\n", "\n5\n")),
        "checkpoint-signature-dropped": _checkpoint(LATEST, f"{text}\n" + "".join(map(cosignature, ("w1", "w2")))),
        "checkpoint-unsigned": _checkpoint(LATEST, text),
        "checkpoint-no-note": _checkpoint(LATEST, "words"),
        "checkpoint-with-trailing-bytes": _checkpoint(LATEST, cosigned + "more\n"),
        "checkpoint-filed-without-zeroes": {k: v for k, v in _whole().items() if k != LATEST}
        | {"checkpoints/4.txt": cosigned.encode()},
        "checkpoint-filed-twice": _checkpoint("checkpoints/4.txt", cosigned),
        "earlier-checkpoint-with-the-root-of-a-fork": _checkpoint(
            EARLIER, _stated(2, rfc9162.tree_hash([*LOGGED[:1], OTHER]))
        ),
        "earlier-checkpoint-of-another-key": _checkpoint(EARLIER, signed(2, signer=STRANGER)),
        "cosignature-dropped": _checkpoint(LATEST, signed(4, "w1")),
        "cosignature-on-the-earlier-checkpoint-only": _checkpoint(LATEST, signed(4)),
        "cosignature-of-an-older-checkpoint": _checkpoint(
            LATEST, signed(4, "w1") + cosignature("w2", checkpoint_text(2))
        ),
        "cosignature-of-another-time": _checkpoint(
            LATEST, signed(4, "w1", "w2").replace(cosignature("w2", text), _retimed(text))
        ),
        "key-of-another": _whole() | {"log.vkey": f"{VerifierKey(ORIGIN, STRANGER.public_key_bytes)}\n".encode()},
        "key-of-another-log": _whole()
        | {"log.vkey": f"{VerifierKey(OTHER_ORIGIN, OTHER_LOG.public_key_bytes)}\n".encode()},
        "key-of-a-witness": _whole() | {"log.vkey": f"{WITNESS_KEYS['w1']}\n".encode()},
        "key-altered": _whole() | {"log.vkey": f"{key_text.replace('exchange', 'exchanger')}\n".encode()},
        "key-twice": _whole() | {"log.vkey": f"{key_text}\n{key_text}\n".encode()},
        "key-with-trailing-space": _whole() | {"log.vkey": f"{key_text} \n".encode()},
        "key-with-two-newlines": _whole() | {"log.vkey": f"{key_text}\n\n".encode()},
        "key-not-utf-8": _whole() | {"log.vkey": b"\xff\n"},
        "key-empty": _whole() | {"log.vkey": b""},
        "everything-by-another-key": _by_another_key(),
    }


def _retimed(text: str) -> str:
    """A line of w2 that says another time than it signed."""
    later, now = cosignature("w2", text, TIME + 1), cosignature("w2", text)
    return now[:70] + later[70:]


def _by_another_key() -> Members:
    """A bundle that is sound in itself, by somebody who called their log the same."""
    key = VerifierKey(ORIGIN, STRANGER.public_key_bytes)
    checkpoints = {EARLIER: signed(2, "w1", "w2", signer=STRANGER), LATEST: signed(4, "w1", "w2", signer=STRANGER)}
    return _whole() | {"log.vkey": f"{key}\n".encode()} | {name: note.encode() for name, note in checkpoints.items()}


def _unusable() -> dict[str, Members]:
    whole = _whole()
    return {
        **{f"{name}-missing": {k: v for k, v in whole.items() if k != name} for name in list(whole)[:4]},
        "checkpoints-missing": dict(list(whole.items())[:4]),
        "member-added": whole | {"extra.txt": b""},
        "member-outside": whole | {"../evil.txt": b""},
        "member-renamed": {("Entries.jsonl" if k == "entries.jsonl" else k): v for k, v in whole.items()},
        "entries-without-last-newline": whole | {"entries.jsonl": whole["entries.jsonl"][:-1]},
        "leaf-hashes-without-last-newline": whole | {"leaf-hashes.txt": whole["leaf-hashes.txt"][:-1]},
        "leaf-hash-too-long": _hash(1, b"0" * 66 + b"\n"),
    }


def _zips() -> dict[str, bytes]:
    whole = pack(_whole())
    directory = whole.index(b"PK\x01\x02")
    end = whole.index(b"PK\x05\x06")
    name = whole.index(b"entries.jsonl", directory)
    header = whole.rindex(b"PK\x01\x02", 0, name)

    def patched(place: int, data: bytes) -> bytes:
        return whole[:place] + data + whole[place + len(data) :]

    return {
        "zip-empty-file": b"",
        "zip-first-bytes-alone": whole[:4],
        "zip-words": b"words\n",
        "zip-of-nothing": whole[end : end + 4] + bytes(18),
        "zip-cut-before-its-end": whole[:-1],
        "zip-cut-before-its-directory": whole[:directory],
        "zip-cut-in-half": whole[: len(whole) // 2],
        "zip-with-trailing-byte": whole + b"\0",
        "zip-with-trailing-zip": whole + whole,
        "zip-with-leading-byte": b"\0" + whole,
        "zip-with-comment": whole[:-2] + struct.pack("<H", 4) + b"more",
        "zip-end-record-damaged": patched(end, b"PK\x05\x07"),
        "zip-directory-damaged": patched(directory, b"PK\x01\x03"),
        "zip-local-header-damaged": patched(whole.index(b"PK\x03\x04", 1), b"PK\x03\x05"),
        "zip-member-marked-compressed": patched(header + 10, b"\x08\0"),
        "zip-member-marked-encrypted": patched(header + 8, b"\x01\0"),
        "zip-member-beyond-the-file": patched(header + 42, struct.pack("<I", 0x7FFFFFFF)),
        "zip-member-longer-than-the-file": patched(header + 20, struct.pack("<II", 0x7FFFFFFF, 0x7FFFFFFF)),
        "zip-member-named-otherwise-where-it-stands": patched(whole.index(b"leaf-hashes.txt"), b"entries.jsonl\0\0"),
        "zip-members-renamed-by-extra-fields": _renamed("entries.jsonl", "README.txt"),
        "zip-member-with-another-extra-field": _renamed("README.txt"),
        "zip-member-named-twice": patched(
            whole.index(b"checkpoints/00000000000000000004", directory), EARLIER.encode()
        ),
    }


def _renamed(*names: str) -> bytes:
    """A bundle in which some readers, by a field beside them, see each of these members under the next one's name."""
    with zipfile.ZipFile(io.BytesIO(pack(_whole()))) as source, io.BytesIO() as out:
        with zipfile.ZipFile(out, "w") as copy:
            for info in source.infolist():
                if info.filename in names:
                    shown = names[(names.index(info.filename) + 1) % len(names)].encode()
                    field = b"\x01" + struct.pack("<I", zlib.crc32(info.filename.encode())) + shown
                    info.extra = struct.pack("<HH", 0x7075, len(field)) + field
                copy.writestr(info, source.read(info.filename))
        return out.getvalue()


def _in_place(part: bytes, change: Callable[[bytes], bytes]) -> bytes:
    return pack(_whole()).replace(part, change(part))
