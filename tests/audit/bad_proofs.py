"""Mutations of proofs: bare ones, the file that carries one, and receipts."""

import base64
import json
from collections.abc import Callable
from typing import Any

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.merkle import EMPTY_ROOT, leaf_hash
from audit.note import COSIGNER, VerifierKey, sign_note, signature_line
from audit.tlog_proof import TlogProof
from tests.audit import rfc9162
from tests.audit.example_log import ORIGIN, entry_number
from tests.audit.mutations import Lines, Vector, Vectors, encoded, flip, refused, with_bytes
from tests.audit.specimens import (
    ENTRIES,
    INDEX,
    LOG,
    NAME,
    NAME_SALT,
    OPENED,
    OTHER_LOG,
    OTHER_ORIGIN,
    SIZE,
    STRANGER,
    TIME,
    TITLE,
    WITNESSES,
    canonical,
    checkpoint_text,
    cosignature,
    extra,
    receipt,
    signed,
)

Change = Callable[[dict[str, Any]], dict[str, Any]]
PATH = rfc9162.path(INDEX, ENTRIES)
ROOT = rfc9162.tree_hash(ENTRIES)
OLD = 6
OLD_ROOT = rfc9162.tree_hash(ENTRIES[:OLD])
BETWEEN = rfc9162.consistency(OLD, ENTRIES)


def inclusions() -> Vectors:
    """Inclusion proofs: the leaf hash, its index, the size, the root and the path, as JSON."""
    whole = {"leaf": leaf_hash(ENTRIES[INDEX]), "index": INDEX, "size": SIZE, "root": ROOT, "proof": PATH}
    changes: dict[str, dict[str, Any]] = {
        "index-one-less": {"index": INDEX - 1},
        "index-one-more": {"index": INDEX + 1},
        "index-negative": {"index": -1},
        "index-of-the-size": {"index": SIZE},
        "index-and-size-swapped": {"index": SIZE, "size": INDEX},
        "size-zero": {"size": 0},
        "size-of-the-index": {"size": INDEX},
        "size-halved": {"size": SIZE // 2},
        "size-doubled": {"size": 2 * SIZE},
        "leaf-of-the-entry-before": {"leaf": leaf_hash(ENTRIES[INDEX - 1])},
        "leaf-hashed-as-a-node": {"leaf": rfc9162.sha256(b"\x01" + ENTRIES[INDEX]).digest()},
        "leaf-hashed-without-prefix": {"leaf": rfc9162.sha256(ENTRIES[INDEX]).digest()},
        "leaf-bit-flipped": {"leaf": flip(leaf_hash(ENTRIES[INDEX]), 7)},
        "leaf-empty": {"leaf": b""},
        "leaf-and-root-swapped": {"leaf": ROOT, "root": leaf_hash(ENTRIES[INDEX])},
        "root-bit-flipped": {"root": flip(ROOT, 31)},
        "root-of-a-smaller-tree": {"root": rfc9162.tree_hash(ENTRIES[:-1])},
        "root-of-the-empty-tree": {"root": EMPTY_ROOT},
        "root-truncated": {"root": ROOT[:-1]},
        "root-empty": {"root": b""},
        "proof-of-a-smaller-tree": {"proof": rfc9162.path(INDEX, ENTRIES[:7])},
        "proof-of-another-index": {"proof": rfc9162.path(INDEX + 1, ENTRIES)},
        **_hash_lists("proof", PATH),
    }
    return _proofs(whole, changes)


def consistencies() -> Vectors:
    """Consistency proofs: both sizes, both roots and the path, as JSON."""
    whole = {"old_size": OLD, "new_size": SIZE, "old_root": OLD_ROOT, "new_root": ROOT, "proof": BETWEEN}
    changes: dict[str, dict[str, Any]] = {
        "old-size-one-less": {"old_size": OLD - 1},
        "old-size-one-more": {"old_size": OLD + 1},
        "old-size-zero": {"old_size": 0, "old_root": EMPTY_ROOT, "proof": []},
        "old-size-negative": {"old_size": -1},
        "old-size-a-power-of-two": {"old_size": 8},
        "old-size-beyond-the-new": {"old_size": SIZE + 1},
        "old-size-of-the-new": {"old_size": SIZE},
        "new-size-one-less": {"new_size": SIZE - 1, "new_root": rfc9162.tree_hash(ENTRIES[:-1])},
        "new-size-doubled": {"new_size": 2 * SIZE},
        "new-size-of-the-old": {"new_size": OLD},
        "sizes-swapped": {"old_size": SIZE, "new_size": OLD},
        "roots-swapped": {"old_root": ROOT, "new_root": OLD_ROOT},
        "old-root-bit-flipped": {"old_root": flip(OLD_ROOT, 0)},
        "old-root-of-a-smaller-tree": {"old_root": rfc9162.tree_hash(ENTRIES[: OLD - 1])},
        "old-root-of-the-empty-tree": {"old_root": EMPTY_ROOT},
        "old-root-truncated": {"old_root": OLD_ROOT[:-1]},
        "new-root-bit-flipped": {"new_root": flip(ROOT, 0)},
        "new-root-of-a-smaller-tree": {"new_root": rfc9162.tree_hash(ENTRIES[:-1])},
        "new-root-of-the-old": {"new_root": OLD_ROOT},
        "new-root-of-another-log": {"new_root": rfc9162.tree_hash(ENTRIES[::-1])},
        "equal-sizes-and-a-proof": {"old_size": SIZE, "old_root": ROOT},
        "equal-sizes-and-other-roots": {"old_size": SIZE, "proof": []},
        "proof-of-another-old-size": {"proof": rfc9162.consistency(OLD + 1, ENTRIES)},
        "proof-of-inclusion": {"proof": PATH},
        **_hash_lists("proof", BETWEEN),
    }
    vectors = _proofs(whole, changes)
    vectors["good-equal-sizes"] = Vector(_json(whole | {"old_size": SIZE, "old_root": ROOT, "proof": []}))
    power = {"old_size": 8, "old_root": rfc9162.tree_hash(ENTRIES[:8]), "proof": rfc9162.consistency(8, ENTRIES)}
    vectors["good-from-a-power-of-two"] = Vector(_json(whole | power))
    return vectors


def _hash_lists(name: str, hashes: list[bytes]) -> dict[str, dict[str, Any]]:
    """A list of hashes with one of them, or their number or order, changed."""
    lists = {
        "empty": [],
        "reversed": hashes[::-1],
        "one-hash-longer": [*hashes, EMPTY_ROOT],
        "one-hash-longer-in-front": [EMPTY_ROOT, *hashes],
        "hash-truncated": [hashes[0][:-1], *hashes[1:]],
        "hash-extended": [hashes[0] + b"\0", *hashes[1:]],
        "hash-empty": [b"", *hashes[1:]],
    }
    for place, value in enumerate(hashes):
        lists[f"hash-{place}-dropped"] = [*hashes[:place], *hashes[place + 1 :]]
        lists[f"hash-{place}-duplicated"] = [*hashes[:place], value, *hashes[place:]]
        lists[f"hash-{place}-bit-flipped"] = [*hashes[:place], flip(value, place), *hashes[place + 1 :]]
        lists[f"hash-{place}-of-nothing"] = [*hashes[:place], bytes(32), *hashes[place + 1 :]]
    return {f"{name}-{called}": {name: changed} for called, changed in lists.items()}


def _json(fields: dict[str, Any]) -> bytes:
    def shown(value: Any) -> Any:
        if isinstance(value, list):
            return [each.hex() for each in value]
        return value.hex() if isinstance(value, bytes) else value

    return (json.dumps({name: shown(value) for name, value in fields.items()}, indent=1) + "\n").encode()


def _proofs(whole: dict[str, Any], changes: dict[str, dict[str, Any]]) -> Vectors:
    vectors = {name: Vector(_json(whole | change), "ProofError") for name, change in changes.items()}
    return vectors | {"good": Vector(_json(whole))}


HASHES = tuple(f"hash-{place}" for place in range(len(PATH)))
PROOF_LINES = ("first-line", "index", *HASHES, "empty-line", "origin", "size", "root", "second-empty-line", "signature")


def tlog_proofs() -> Vectors:
    """Files of a proof without extra data, for the entry at INDEX, read with the log's key."""
    whole = TlogProof(INDEX, tuple(PATH), signed()).encode()
    lines = Lines(whole.decode(), PROOF_LINES)
    malformed = {
        **_malformed(lines),
        "extra-empty": lines.replaced("index", "extra ", f"index {INDEX}"),
        "extra-twice": lines.replaced("index", "extra AAAA", "extra AAAA", f"index {INDEX}"),
        "extra-after-the-index": lines.replaced("index", f"index {INDEX}", "extra AAAA"),
    }
    proofs = {f"hash-{place}-after-hash-{place + 1}": "ProofError" for place in range(len(PATH) - 1)}
    vectors = refused(malformed, "ReceiptError")
    vectors |= {name: Vector(lines.swapped()[name], error) for name, error in proofs.items()}
    vectors |= {f"{name}-dropped": Vector(lines.dropped()[f"{name}-dropped"], "ProofError") for name in HASHES}
    vectors |= {f"{name}-duplicated": Vector(lines.duplicated()[f"{name}-duplicated"], "ProofError") for name in HASHES}
    vectors |= {name: Vector(content, "ProofError") for name, content in lines.flipped(*HASHES).items()}
    vectors |= {name: Vector(content, "NoteError") for name, content in lines.flipped("root", "signature").items()}
    vectors |= {
        f"index-{index}": Vector(lines.replaced("index", f"index {index}"), "ProofError")
        for index in (0, INDEX - 1, INDEX + 1, SIZE - 1, SIZE, 2**63)
    }
    vectors |= {
        "checkpoint-of-a-smaller-tree": Vector(TlogProof(INDEX, tuple(PATH), signed(12)).encode(), "ProofError"),
        "checkpoint-of-another-key": Vector(
            TlogProof(INDEX, tuple(PATH), signed(signer=STRANGER)).encode(), "NoteError"
        ),
        "good": Vector(whole),
        "good-with-extra": Vector(TlogProof(INDEX, tuple(PATH), signed(), b"{}").encode()),
        "good-with-cosignatures": Vector(TlogProof(INDEX, tuple(PATH), signed(SIZE, "w1", "w2", "w3")).encode()),
    }
    return vectors


def _malformed(lines: Lines) -> dict[str, bytes]:
    """What no proof looks like, whatever it proves: beside an index, hashes and signatures that are only wrong."""
    places = ("first-line", "index", "empty-line", "origin", "size", "root", "second-empty-line")
    dropped = {f"{name}-dropped" for name in places}
    doubled = {f"{name}-duplicated" for name in places} - {"root-duplicated"}
    text = b"\n".join(line.encode() for line in lines.lines) + b"\n"
    return {
        **{name: content for name, content in lines.dropped().items() if name in dropped},
        **{name: content for name, content in lines.duplicated().items() if name in doubled},
        **{name: content for name, content in lines.swapped().items() if not _stays_well_formed(name)},
        **lines.ended(" ", "trailing-space"),
        **lines.ended("\r", "carriage-return"),
        **lines.respelled(*HASHES, "root"),
        **lines.unpadded(*HASHES, "root"),
        "first-line-of-another-version": lines.replaced("first-line", "c2sp.org/tlog-proof@v2"),
        "first-line-in-capitals": lines.replaced("first-line", "C2SP.ORG/TLOG-PROOF@V1"),
        "byte-order-mark": b"\xef\xbb\xbf" + text,
        "index-with-leading-zero": lines.replaced("index", f"index 0{INDEX}"),
        "index-negative": lines.replaced("index", f"index -{INDEX}"),
        "index-with-plus": lines.replaced("index", f"index +{INDEX}"),
        "index-with-two-spaces": lines.replaced("index", f"index  {INDEX}"),
        "index-in-other-digits": lines.replaced("index", "index \u0665"),
        "index-in-hexadecimal": lines.replaced("index", "index 0x5"),
        "index-of-twenty-digits": lines.replaced("index", "index " + "1" * 20),
        "index-without-number": lines.replaced("index", "index"),
        "hash-short": lines.replaced("hash-0", encoded(PATH[0][:-1])),
        "hash-long": lines.replaced("hash-0", encoded(PATH[0] + b"\0")),
        "hash-in-hexadecimal": lines.replaced("hash-0", PATH[0].hex()),
        "hash-in-url-alphabet": lines.replaced("hash-0", "-_" * 21 + "-="),
        "hash-empty": lines.replaced("hash-0", ""),
        "sixty-four-hashes": lines.replaced("hash-0", *[encoded(PATH[0])] * 61),
        "size-with-leading-zero": lines.replaced("size", "013"),
        "root-short": lines.replaced("root", encoded(ROOT[:-1])),
        "final-newline-missing": text[:-1],
        "trailing-newline": text + b"\n",
        "trailing-bytes": text + b"more\n",
        "cut-in-half": text[: len(text) // 2],
        "first-line-alone": b"c2sp.org/tlog-proof@v1\n",
    }


def _stays_well_formed(swapped: str) -> bool:
    """Whether the two lines that changed places are of one kind, so that only what they prove is wrong."""
    lines = swapped.split("-after-")
    return all(line.startswith("hash-") for line in lines) or all("signature" in line for line in lines)


RECEIPT_LINES = (*PROOF_LINES[:1], "extra", *PROOF_LINES[1:], "cosignature-w1", "cosignature-w2")


def receipts() -> Vectors:
    """Receipts, read under the policy of the specimens."""
    lines = Lines(receipt().decode(), RECEIPT_LINES)
    malformed = lines.respelled("extra", "root", "signature", "cosignature-w1", "cosignature-w2")
    malformed |= {
        "extra-dropped": lines.replaced("extra"),
        "extra-duplicated": lines.duplicated()["extra-duplicated"],
        "extra-after-index": lines.swapped()["extra-after-index"],
        "extra-empty": lines.replaced("extra", "extra "),
        "extra-in-url-alphabet": lines.replaced("extra", "extra " + base64.urlsafe_b64encode(b"\xff" * 9).decode()),
    }
    vectors = refused(malformed, "ReceiptError")
    vectors |= refused(_unproved_lines(lines), "EvidenceError")
    vectors |= refused(_resigned(), "EvidenceError")
    vectors |= refused(_signatures(lines), "EvidenceError")
    vectors |= _beside()
    return vectors | _good_receipts(lines)


def malformed_receipts() -> Vectors:
    """Receipts that are malformed as any proof can be; the vectors of `tlog_proofs` without extra data are as many."""
    return refused(
        _malformed(Lines(receipt().decode(), RECEIPT_LINES)),
        "ReceiptError",
        second_empty_line_after_signature="EvidenceError",
    )


def _unproved_lines(lines: Lines) -> dict[str, bytes]:
    """Well-formed receipts with one line that is not what was signed."""
    signatures = ("signature", "cosignature-w1", "cosignature-w2")
    return {
        **{f"{name}-dropped": lines.replaced(name) for name in (*HASHES, *signatures)},
        **{f"{name}-duplicated": lines.duplicated()[f"{name}-duplicated"] for name in (*HASHES, "root")},
        **{
            name: content
            for name, content in lines.swapped().items()
            if name.startswith("hash-") and "hash" in name[7:]
        },
        **lines.flipped(*HASHES, "root", *signatures),
        **{
            f"{name}-key-id-bit-flipped": lines.replaced(name, with_bytes(lines.line(name), lambda raw: flip(raw, 0)))
            for name in signatures
        },
        "index-one-less": lines.replaced("index", f"index {INDEX - 1}"),
        "index-one-more": lines.replaced("index", f"index {INDEX + 1}"),
        "index-of-the-size": lines.replaced("index", f"index {SIZE}"),
        "index-zero": lines.replaced("index", "index 0"),
        "index-of-63-bits": lines.replaced("index", f"index {2**63 - 1}"),
        "size-one-less": lines.replaced("size", f"{SIZE - 1}"),
        "size-one-more": lines.replaced("size", f"{SIZE + 1}"),
        "size-of-the-index": lines.replaced("size", f"{INDEX}"),
        "index-and-size-swapped": lines.replaced("size", f"{INDEX}").replace(b"\nindex 5\n", b"\nindex 13\n"),
        "root-of-a-smaller-tree": lines.replaced("root", encoded(rfc9162.tree_hash(ENTRIES[:-1]))),
        "origin-of-another-log": lines.replaced("origin", OTHER_ORIGIN),
        "extension-line-added": lines.replaced("root", lines.line("root"), "more"),
    }


def _resigned() -> dict[str, bytes]:
    """Receipts whose checkpoint was signed and cosigned as it stands, and is not the one that the proof leads to."""

    def note(size: int, root: bytes) -> str:
        text = Checkpoint(ORIGIN, size, root).text()
        return sign_checkpoint(Checkpoint(ORIGIN, size, root), LOG) + cosignature("w1", text) + cosignature("w2", text)

    fork = [*ENTRIES[:INDEX], entry_number(500).encode(), *ENTRIES[INDEX + 1 :]]
    return {
        "checkpoint-with-the-root-of-a-smaller-tree": receipt(note=note(SIZE, rfc9162.tree_hash(ENTRIES[:-1]))),
        "checkpoint-with-the-size-of-a-smaller-tree": receipt(note=note(8, ROOT)),
        "checkpoint-of-a-smaller-tree": receipt(note=signed(8, "w1", "w2")),
        "checkpoint-from-before-the-entry": receipt(note=signed(INDEX, "w1", "w2")),
        "checkpoint-of-the-empty-tree": receipt(note=signed(0, "w1", "w2")),
        "checkpoint-of-a-fork": receipt(note=signed(SIZE, "w1", "w2", entries=fork)),
        "proof-of-a-smaller-tree": receipt(hashes=rfc9162.path(INDEX, ENTRIES[:7])),
        "proof-of-another-index": receipt(hashes=rfc9162.path(INDEX + 1, ENTRIES)),
        "proof-empty": receipt(hashes=[]),
        "proof-reversed": receipt(hashes=PATH[::-1]),
        "entry-of-another-index": receipt(beside=extra(entry=ENTRIES[INDEX + 1].decode(), opened={})),
        "entry-altered": receipt(beside=extra(entry=ENTRIES[INDEX].decode().replace('"size":30', '"size":31'))),
        "entry-empty": receipt(beside=extra(entry="", opened={})),
        "entry-with-trailing-newline": receipt(beside=extra(entry=ENTRIES[INDEX].decode() + "\n")),
        "entry-with-a-space": receipt(beside=extra(entry=ENTRIES[INDEX].decode().replace(":", ": ", 1))),
        "entry-a-node": receipt(hashes=PATH[1:], beside=extra(entry="\x01", opened={})),
        "logged-but-no-entry": receipt(entries=[*ENTRIES[:INDEX], b"words"], size=INDEX + 1),
        "logged-but-not-canonical": receipt(entries=[*ENTRIES[:INDEX], ENTRIES[0] + b" "], size=INDEX + 1),
    }


def _signatures(lines: Lines) -> dict[str, bytes]:
    """Receipts whose signatures are by somebody else, of something else or of another time."""
    text, line = checkpoint_text(), lines.line("cosignature-w1")
    message = f"cosignature/v1\ntime {TIME}\n{text}".encode()
    other = VerifierKey(OTHER_ORIGIN, WITNESSES["w1"].public_key_bytes, COSIGNER)
    log_typed = VerifierKey("witness.example.org/w1", WITNESSES["w1"].public_key_bytes)

    def timed(time: int) -> str:
        return with_bytes(line, lambda raw: raw[:4] + time.to_bytes(8, "big") + raw[12:])

    return {
        "signature-of-another-log": lines.replaced(
            "signature", sign_note(text, OTHER_ORIGIN, OTHER_LOG).split("\n")[4]
        ),
        "signature-of-another-key-of-the-name": lines.replaced(
            "signature", sign_note(text, ORIGIN, STRANGER).split("\n")[4]
        ),
        "signature-of-another-text": lines.replaced("signature", signed(12).split("\n")[4]),
        "signature-of-a-cosigner": lines.replaced(
            "signature",
            signature_line(VerifierKey(ORIGIN, LOG.public_key_bytes, COSIGNER), LOG.sign(text.encode()))[:-1],
        ),
        "log-of-another-origin": receipt(note=sign_note(checkpoint_text(origin=OTHER_ORIGIN), OTHER_ORIGIN, LOG)),
        "log-of-another-origin-under-this-name": receipt(
            note=sign_note(checkpoint_text(origin=OTHER_ORIGIN), ORIGIN, LOG)
        ),
        "cosignature-of-an-older-time": lines.replaced("cosignature-w1", timed(TIME - 3600)),
        "cosignature-of-a-newer-time": lines.replaced("cosignature-w1", timed(TIME + 3600)),
        "cosignature-of-time-zero": lines.replaced("cosignature-w1", timed(0)),
        "cosignature-of-a-time-beyond-63-bits": lines.replaced("cosignature-w1", timed(2**63)),
        "cosignature-of-another-text": lines.replaced("cosignature-w1", cosignature("w1", checkpoint_text(12))[:-1]),
        "cosignature-of-another-log": lines.replaced(
            "cosignature-w1", cosignature("w1", checkpoint_text(origin=OTHER_ORIGIN))[:-1]
        ),
        "cosignature-truncated": lines.replaced("cosignature-w1", with_bytes(line, lambda raw: raw[:-1])),
        "cosignature-extended": lines.replaced("cosignature-w1", with_bytes(line, lambda raw: raw + b"\0")),
        "cosignature-without-time": lines.replaced("cosignature-w1", with_bytes(line, lambda raw: raw[:4] + raw[12:])),
        "cosignature-of-one-witness-twice": lines.replaced("cosignature-w2", line),
        "cosignature-under-another-name": lines.replaced(
            "cosignature-w1", signature_line(other, TIME.to_bytes(8, "big") + WITNESSES["w1"].sign(message))[:-1]
        ),
        "cosignature-by-a-key-of-a-log": lines.replaced(
            "cosignature-w1", signature_line(log_typed, WITNESSES["w1"].sign(text.encode()))[:-1]
        ),
        "cosignatures-exchanged": lines.replaced(
            "cosignature-w1", line.split(" ")[0] + " witness.example.org/w2 " + line.split(" ")[2]
        ),
        "false-cosignature-beside-the-true": lines.replaced("cosignature-w1", line, timed(TIME - 3600)),
    }


def _beside() -> Vectors:
    """Receipts with something else beside their proof."""
    whole = json.loads(extra())
    opening, entry = OPENED["name_commitment"], ENTRIES[INDEX].decode()

    def opened(**changed: object) -> bytes:
        return extra(opened={"name_commitment": opening | changed})

    malformed = {
        "not-json": b"words",
        "not-utf-8": extra().replace("\u00dc".encode(), b"\xdc"),
        "byte-order-mark": b"\xef\xbb\xbf" + extra(),
        "a-list": canonical([whole]),
        "a-text": canonical("words"),
        "null": b"null",
        "nested-deeply": b"[" * 3000 + b"]" * 3000,
        "trailing-newline": extra() + b"\n",
        "with-spaces": json.dumps(whole, sort_keys=True, ensure_ascii=False).encode(),
        "escaped": json.dumps(whole, sort_keys=True, separators=(",", ":")).encode(),
        "slash-escaped": extra(words="a/b").replace(b"a/b", b"a\\/b"),
        "half-a-character": extra(words="?").replace(b"?", b"\\ud800"),
        "members-unsorted": json.dumps(
            dict(reversed(whole.items())), separators=(",", ":"), ensure_ascii=False
        ).encode(),
        "member-twice": extra().replace(b'"version":1', b'"version":1,"version":1'),
        "member-added": canonical(whole | {"more": 1}),
        **{f"{name}-missing": canonical({k: v for k, v in whole.items() if k != name}) for name in whole},
        "version-two": extra(version=2),
        "version-zero": extra(version=0),
        "version-a-text": extra(version="1"),
        "version-true": extra(version=True),
        "version-a-fraction": extra().replace(b'"version":1', b'"version":1.0'),
        "version-an-exponent": extra().replace(b'"version":1', b'"version":1e0'),
        "version-null": extra(version=None),
        "version-not-a-number": extra().replace(b'"version":1', b'"version":NaN'),
        "entry-a-number": extra(entry=1),
        "entry-an-object": extra(entry=json.loads(entry)),
        "words-null": extra(words=None),
        "words-a-list": extra(words=["a"]),
        "opened-a-list": extra(opened=[]),
        "opened-null": extra(opened=None),
        "opening-a-text": extra(opened={"name_commitment": NAME}),
        "opening-with-a-member-too-many": opened(more=1),
        "opening-without-value": extra(opened={"name_commitment": {"salt": NAME_SALT.hex()}}),
        "opening-without-salt": extra(opened={"name_commitment": {"value": NAME}}),
        "opening-of-a-field-in-capitals": extra(opened={"Name": opening}),
        "opening-of-a-field-without-name": extra(opened={"": opening}),
        "opening-of-a-field-with-a-newline": extra(opened={"name_commitment\n": opening}),
        "salt-of-15-bytes": opened(salt=NAME_SALT.hex()[:30]),
        "salt-of-65-bytes": opened(salt="00" * 65),
        "salt-of-half-a-byte": opened(salt=NAME_SALT.hex()[:-1]),
        "salt-in-capitals": opened(salt=NAME_SALT.hex().upper()),
        "salt-in-base64": opened(salt=encoded(NAME_SALT)),
        "salt-empty": opened(salt=""),
        "salt-null": opened(salt=None),
        "value-a-number": opened(value=1),
        "value-null": opened(value=None),
    }
    unproved = {
        "value-altered": opened(value=NAME + "x"),
        "value-empty": opened(value=""),
        "value-in-capitals": opened(value=NAME.upper()),
        "value-of-another-field": opened(value=TITLE),
        "value-composed-otherwise": extra(
            opened={"title_commitment": OPENED["title_commitment"] | {"value": TITLE.replace("\u00dc", "U\u0308")}}
        ),
        "salt-bit-flipped": opened(salt=flip(NAME_SALT, 0).hex()),
        "salt-truncated": opened(salt=NAME_SALT[:31].hex()),
        "salt-extended": opened(salt=NAME_SALT.hex() + "01"),
        "salt-of-another-field": opened(salt=OPENED["title_commitment"]["salt"]),
        "openings-exchanged": extra(
            opened={"name_commitment": OPENED["title_commitment"], "title_commitment": opening}
        ),
        "opening-of-a-field-that-is-not-there": extra(opened={"reason_commitment": opening}),
        "opening-of-a-field-that-commits-to-nothing": extra(opened={"kind": {"salt": "00" * 16, "value": "csv"}}),
    }
    vectors = {f"extra-{name}": Vector(receipt(beside=each), "ReceiptError") for name, each in malformed.items()}
    return vectors | {name: Vector(receipt(beside=each), "EvidenceError") for name, each in unproved.items()}


def _good_receipts(lines: Lines) -> Vectors:
    line = lines.line("cosignature-w1")
    good = {
        "good": receipt(),
        "good-first-entry": receipt(0),
        "good-last-entry": receipt(SIZE - 1),
        "good-tree-of-one": receipt(0, 1),
        "good-tree-of-eight": receipt(INDEX, 8),
        "good-all-three-witnesses": receipt(note=signed(SIZE, "w1", "w2", "w3")),
        "good-witnesses-in-another-order": receipt(note=signed(SIZE, "w2", "w1")),
        "good-signature-twice": lines.duplicated()["signature-duplicated"],
        "good-cosignature-twice": lines.duplicated()["cosignature-w1-duplicated"],
        "good-cosignature-before-the-signature": lines.swapped()["signature-after-cosignature-w1"],
        "good-cosignature-of-a-later-time-too": lines.replaced(
            "cosignature-w1", line, cosignature("w1", None, TIME + 60)[:-1]
        ),
        "good-signature-of-nobody-known-beside": lines.replaced(
            "cosignature-w1", line, sign_note(checkpoint_text(), OTHER_ORIGIN, OTHER_LOG).split("\n")[4]
        ),
        "good-without-openings": receipt(beside=extra(opened={})),
        "good-with-one-opening": receipt(beside=extra(opened={"name_commitment": OPENED["name_commitment"]})),
        "good-with-other-words": receipt(beside=extra(words="\u202eWords\nin two lines.")),
        "good-without-words": receipt(beside=extra(words="")),
    }
    return {name: Vector(content) for name, content in good.items()}
