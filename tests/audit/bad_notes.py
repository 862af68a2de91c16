"""Mutations of notes, verifier keys, checkpoints, cosignatures and policies."""

from audit.checkpoint import Checkpoint
from audit.note import COSIGNER, VerifierKey, sign_note, signature_line
from tests.audit import rfc9162
from tests.audit.example_log import ORIGIN
from tests.audit.mutations import Lines, Vector, Vectors, encoded, flip, refused, respelled, with_bytes
from tests.audit.specimens import (
    ENTRIES,
    KEY,
    LOG,
    OTHER_LOG,
    OTHER_ORIGIN,
    POLICY,
    SIZE,
    STRANGER,
    TIME,
    WITNESS_KEYS,
    WITNESSES,
    checkpoint_text,
    cosignature,
    signed,
)

NOTE_LINES = ("origin", "size", "root", "empty-line", "signature")
NOTE = signed()
TEXT = checkpoint_text()
SIGNATURE = NOTE.split("\n")[4] + "\n"


def notes() -> Vectors:
    """Notes, read with the log's key."""
    lines = Lines(NOTE, NOTE_LINES)
    other_text = sign_note(TEXT.replace("\n13\n", "\n14\n"), ORIGIN, LOG).split("\n")[4]
    raw = {
        "signature-key-id-bit-flipped": lines.replaced(
            "signature", with_bytes(lines.line("signature"), lambda data: flip(data, 0))
        ),
        "signature-of-another-text": lines.replaced("signature", other_text),
        "signature-of-another-log": sign_note(TEXT, OTHER_ORIGIN, OTHER_LOG).encode(),
        "signature-of-another-key-of-the-name": sign_note(TEXT, ORIGIN, STRANGER).encode(),
        "signature-of-a-cosigner-of-the-name": (
            TEXT + "\n" + signature_line(VerifierKey(ORIGIN, LOG.public_key_bytes, COSIGNER), LOG.sign(TEXT.encode()))
        ).encode(),
        "signature-under-another-name": NOTE.replace(f"\u2014 {ORIGIN}", f"\u2014 {OTHER_ORIGIN}").encode(),
        "signature-under-no-name": NOTE.replace(f"\u2014 {ORIGIN}", "\u2014 ").encode(),
        "signature-truncated": lines.replaced("signature", with_bytes(SIGNATURE[:-1], lambda data: data[:-1])),
        "signature-extended": lines.replaced("signature", with_bytes(SIGNATURE[:-1], lambda data: data + b"\0")),
        "signature-empty": lines.replaced("signature", f"\u2014 {ORIGIN} "),
        "signature-of-four-bytes": lines.replaced("signature", with_bytes(SIGNATURE[:-1], lambda data: data[:4])),
        "signature-in-url-alphabet": lines.replaced("signature", f"\u2014 {ORIGIN} {'-_' * 46}"),
        "signature-marked-with-a-hyphen": NOTE.replace("\u2014", "-").encode(),
        "signature-marked-with-an-en-dash": NOTE.replace("\u2014", "\u2013").encode(),
        "plus-in-the-name": NOTE.replace(f"\u2014 {ORIGIN}", f"\u2014 {ORIGIN}+").encode(),
        "false-signature-beside-the-true": (NOTE + other_text + "\n").encode(),
        "sixty-five-signatures": (NOTE + SIGNATURE * 64).encode(),
        "final-newline-missing": NOTE[:-1].encode(),
        "trailing-newline": (NOTE + "\n").encode(),
        "trailing-bytes": (NOTE + "more\n").encode(),
        "carriage-returns": NOTE.replace("\n", "\r\n").encode(),
        "tab-in-the-text": NOTE.replace("\n13\n", "\n13\t\n").encode(),
        "null-in-the-text": NOTE.replace("\n13\n", "\n13\0\n").encode(),
        "byte-order-mark": ("\ufeff" + NOTE).encode(),
        "not-utf-8": b"\xff" + NOTE.encode(),
        "text-alone": TEXT.encode(),
        "empty": b"",
    }
    contents = {
        **lines.dropped(),
        **lines.duplicated(),
        **lines.swapped(),
        **lines.ended(" ", "trailing-space"),
        **lines.respelled("root", "signature"),
        **lines.unpadded("root", "signature"),
        **lines.flipped("root", "signature"),
        **raw,
    }
    vectors = refused(contents, "NoteError", signature_duplicated="")
    vectors["good"] = Vector(NOTE.encode())
    vectors["good-with-cosignatures"] = Vector(signed(SIZE, "w1", "w2").encode())
    vectors["good-with-a-signature-of-nobody-known"] = Vector(
        (NOTE + sign_note(TEXT, OTHER_ORIGIN, OTHER_LOG).split("\n")[4] + "\n").encode()
    )
    return vectors


def vkeys() -> Vectors:
    """Verifier keys of a log, as text without a newline."""
    text, other = str(KEY), VerifierKey(ORIGIN, STRANGER.public_key_bytes)
    name, key_id, data = text.split("+", 2)
    contents = {
        "name-changed": text.replace("exchange", "exchanger"),
        "name-empty": f"+{key_id}+{data}",
        "name-missing": f"{key_id}+{data}",
        "name-with-space": text.replace("exchange", "ex change"),
        "name-with-no-break-space": text.replace("exchange", "ex\u00a0change"),
        "name-with-control-character": text.replace("exchange", "ex\x1bchange"),
        "id-bit-flipped": f"{name}+{flip(bytes.fromhex(key_id), 3).hex()}+{data}",
        "id-of-another-key": f"{name}+{other.key_id.hex()}+{data}",
        "id-in-capitals": f"{name}+{key_id.upper()}+{data}",
        "id-short": f"{name}+{key_id[:-1]}+{data}",
        "id-missing": f"{name}+{data}",
        "key-bit-flipped": f"{name}+{key_id}+" + with_bytes(data, lambda raw: flip(raw, -1)),
        "key-of-another": f"{name}+{key_id}+{str(other).split('+', 2)[2]}",
        "key-of-a-cosigner": str(VerifierKey(ORIGIN, LOG.public_key_bytes, COSIGNER)),
        "type-changed": f"{name}+{key_id}+" + encoded(b"\x02" + KEY.public_key),
        "type-missing": f"{name}+{key_id}+" + encoded(KEY.public_key),
        "key-short": f"{name}+{key_id}+" + with_bytes(data, lambda raw: raw[:-1]),
        "key-long": f"{name}+{key_id}+" + with_bytes(data, lambda raw: raw + b"\0"),
        "key-with-padding-too-much": f"{text}====",
        "key-in-url-alphabet": f"{name}+{key_id}+{'-_' * 22}",
        "trailing-newline": f"{text}\n",
        "trailing-space": f"{text} ",
        "leading-space": f" {text}",
        "twice": text + text,
        "empty": "",
    }
    if contents["id-in-capitals"] == text:
        raise ValueError("the id of the test key has no letter")
    vectors = refused({called: content.encode() for called, content in contents.items()}, "NoteError")
    return vectors | {"good": Vector(text.encode()), "good-of-another": Vector(str(other).encode())}


def checkpoints() -> Vectors:
    """Checkpoints that the log's key signed, whatever they say; read with that key."""
    lines = Lines(TEXT, NOTE_LINES[:3])
    size = {
        "size-with-leading-zero": "013",
        "size-negative": "-13",
        "size-with-plus": "+13",
        "size-with-leading-space": " 13",
        "size-with-point": "13.0",
        "size-with-underscore": "1_3",
        "size-in-hexadecimal": "0xd",
        "size-in-other-digits": "\u0661\u0663",
        "size-empty": "",
        "size-of-twenty-digits": "1" * 20,
    }
    contents = {
        **lines.dropped(),
        **lines.duplicated(),
        **lines.swapped(),
        **lines.ended(" ", "trailing-space"),
        **lines.respelled("root"),
        **lines.unpadded("root"),
        **{name: lines.replaced("size", line) for name, line in size.items()},
        "origin-empty": lines.replaced("origin", ""),
        "origin-of-another-log": lines.replaced("origin", OTHER_ORIGIN),
        "origin-with-plus": lines.replaced("origin", ORIGIN + "+"),
        "root-short": lines.replaced("root", with_bytes(lines.line("root"), lambda raw: raw[:-1])),
        "root-long": lines.replaced("root", with_bytes(lines.line("root"), lambda raw: raw + b"\0")),
        "root-in-hexadecimal": lines.replaced("root", rfc9162.tree_hash(ENTRIES).hex()),
        "root-empty": lines.replaced("root", ""),
        "extension-empty": lines.replaced("root", lines.line("root"), "", "more"),
        "words": b"words\n",
    }
    resigned = {name: sign_note(text.decode(), ORIGIN, LOG).encode() for name, text in contents.items()}
    vectors = refused(resigned, "NoteError", root_duplicated="")
    extended = Checkpoint(ORIGIN, SIZE, rfc9162.tree_hash(ENTRIES), ("one", "two"))
    vectors["good"] = Vector(NOTE.encode())
    vectors["good-of-the-empty-tree"] = Vector(signed(0).encode())
    vectors["good-with-extension-lines"] = Vector(sign_note(extended.text(), ORIGIN, LOG).encode())
    return vectors


def cosignatures() -> Vectors:
    """Cosigned checkpoints, read under a policy that asks for the witness w1."""
    line = cosignature("w1").removesuffix("\n")
    key = WITNESS_KEYS["w1"]
    log_typed = VerifierKey(key.name, key.public_key)
    other = VerifierKey(OTHER_ORIGIN, WITNESSES["w1"].public_key_bytes, COSIGNER)

    def timed(time: int) -> str:
        """The same signature, said to be of another time."""
        return with_bytes(line, lambda raw: raw[:4] + time.to_bytes(8, "big") + raw[12:])

    changed = {
        "time-older": timed(TIME - 60),
        "time-newer": timed(TIME + 60),
        "time-zero": timed(0),
        "time-of-64-bits": timed(2**63),
        "time-bit-flipped": with_bytes(line, lambda raw: flip(raw, 11)),
        "time-missing": with_bytes(line, lambda raw: raw[:4] + raw[12:]),
        "time-little-endian": with_bytes(line, lambda raw: raw[:4] + raw[11:3:-1] + raw[12:]),
        "signature-bit-flipped": with_bytes(line, lambda raw: flip(raw, 40)),
        "signature-truncated": with_bytes(line, lambda raw: raw[:-1]),
        "signature-extended": with_bytes(line, lambda raw: raw + b"\0"),
        "signature-without-time-in-the-message": _line(key, TIME, WITNESSES["w1"].sign(TEXT.encode())),
        "signature-over-another-header": _line(
            key, TIME, WITNESSES["w1"].sign(f"cosignature/v2\ntime {TIME}\n{TEXT}".encode())
        ),
        "signature-over-the-text-without-its-newline": _line(
            key, TIME, WITNESSES["w1"].sign(f"cosignature/v1\ntime {TIME}\n{TEXT[:-1]}".encode())
        ),
        "signature-of-another-witness": _line(
            key, TIME, WITNESSES["w2"].sign(f"cosignature/v1\ntime {TIME}\n{TEXT}".encode())
        ),
        "of-a-smaller-tree": cosignature("w1", checkpoint_text(12)).removesuffix("\n"),
        "of-another-log": cosignature("w1", checkpoint_text(origin=OTHER_ORIGIN)).removesuffix("\n"),
        "respelled": respelled(line),
        "without-padding": line.rstrip("="),
        "trailing-space": line + " ",
    }
    unknown = {
        "key-id-bit-flipped": with_bytes(line, lambda raw: flip(raw, 0)),
        "key-id-of-a-log": signature_line(log_typed, WITNESSES["w1"].sign(TEXT.encode())).removesuffix("\n"),
        "name-of-another": line.replace(key.name, OTHER_ORIGIN),
        "of-a-witness-of-another-name": _line(
            other, TIME, WITNESSES["w1"].sign(f"cosignature/v1\ntime {TIME}\n{TEXT}".encode())
        ),
        "of-another-witness-alone": cosignature("w2").removesuffix("\n"),
    }
    vectors = refused({name: f"{NOTE}{each}\n".encode() for name, each in changed.items()}, "NoteError")
    vectors |= refused({name: f"{NOTE}{each}\n".encode() for name, each in unknown.items()}, "QuorumError")
    vectors["dropped"] = Vector(NOTE.encode(), "QuorumError")
    vectors["before-the-empty-line"] = Vector(NOTE.replace("\n\n", f"\n{line}\n\n").encode(), "NoteError")
    vectors["log-signature-dropped"] = Vector(f"{TEXT}\n{line}\n".encode(), "NoteError")
    vectors["text-altered-under-it"] = Vector(
        (sign_note(TEXT.replace("\n13\n", "\n14\n"), ORIGIN, LOG) + line + "\n").encode(), "NoteError"
    )
    vectors["false-beside-the-true"] = Vector(f"{NOTE}{line}\n{timed(TIME - 60)}\n".encode(), "NoteError")
    vectors["good"] = Vector(f"{NOTE}{line}\n".encode())
    vectors["good-before-the-signature-of-the-log"] = Vector(f"{TEXT}\n{line}\n{SIGNATURE}".encode())
    vectors["good-twice"] = Vector(f"{NOTE}{line}\n{line}\n".encode())
    vectors["good-of-two-times"] = Vector(f"{NOTE}{line}\n{cosignature('w1', None, TIME + 60)}".encode())
    vectors["good-beside-another"] = Vector(f"{NOTE}{cosignature('w2')}{line}\n".encode())
    return vectors


def _line(key: VerifierKey, time: int, signature: bytes) -> str:
    return signature_line(key, time.to_bytes(8, "big") + signature).removesuffix("\n")


def policies() -> Vectors:
    """Policies, asked about a checkpoint that w1 and w2 cosigned."""
    lines = Lines(POLICY.decode(), ("log", "w1", "w2", "w3", "group", "quorum"))
    keys = {name: str(key) for name, key in WITNESS_KEYS.items()}
    malformed = {
        "log-key-altered": POLICY.replace(b"log exchange", b"log exchanger"),
        "log-key-of-a-witness": lines.replaced("log", f"log {keys['w1']}"),
        "log-without-key": lines.replaced("log", "log"),
        "log-with-two-urls": lines.replaced("log", f"log {KEY} a b"),
        "log-key-under-two-names": lines.replaced(
            "log", f"log {KEY}", f"log {VerifierKey(OTHER_ORIGIN, LOG.public_key_bytes)}"
        ),
        "witness-key-altered": POLICY.replace(b"org/w1", b"org/w0"),
        "witness-key-of-a-log": lines.replaced("w1", f"witness w1 {KEY}"),
        "witness-without-name": lines.replaced("w1", f"witness {keys['w1']}"),
        "witness-without-key": lines.replaced("w1", "witness w1"),
        "witness-called-none": POLICY.replace(b"witness w3", b"witness none").replace(b" w2 w3\n", b" w2\n"),
        "witness-name-of-another": POLICY.replace(b"witness w2", b"witness w1"),
        "witness-key-under-two-names": lines.replaced("w2", f"witness w2 {keys['w1']}"),
        "group-of-nobody-known": lines.replaced("group", "group most 2 w1 w2 w4"),
        "group-of-itself": lines.replaced("group", "group most 1 most"),
        "group-of-none": lines.replaced("group", "group most 1 none"),
        "group-without-members": lines.replaced("group", "group most 1"),
        "group-called-none": lines.replaced("group", "group none 2 w1 w2 w3"),
        "group-called-like-a-witness": lines.replaced("group", "group w1 2 w1 w2 w3"),
        "member-twice": lines.replaced("group", "group most 2 w1 w1 w2"),
        "member-of-two-groups": lines.replaced("group", "group one any w1", "group most 2 w1 w2 w3"),
        "threshold-zero": lines.replaced("group", "group most 0 w1 w2 w3"),
        "threshold-beyond-the-members": lines.replaced("group", "group most 4 w1 w2 w3"),
        "threshold-with-leading-zero": lines.replaced("group", "group most 02 w1 w2 w3"),
        "threshold-in-other-digits": lines.replaced("group", "group most \u0662 w1 w2 w3"),
        "threshold-with-plus": lines.replaced("group", "group most +2 w1 w2 w3"),
        "threshold-in-capitals": lines.replaced("group", "group most ANY w1 w2 w3"),
        "threshold-missing": lines.replaced("group", "group most w1 w2 w3"),
        "quorum-of-nobody-known": lines.replaced("quorum", "quorum least"),
        "quorum-of-two": lines.replaced("quorum", "quorum w1 w2"),
        "quorum-without-name": lines.replaced("quorum", "quorum"),
        "quorum-in-capitals": lines.replaced("quorum", "QUORUM most"),
        "quorum-twice-none": POLICY + b"quorum none\n",
        "unknown-line": POLICY + b"trust w1\n",
        "final-newline-missing": POLICY[:-1],
        "carriage-returns": POLICY.replace(b"\n", b"\r\n"),
        "vertical-tab-for-a-blank": POLICY.replace(b"quorum most", b"quorum\x0bmost"),
        "null-in-a-comment": b"# \0\n" + POLICY,
        "delete-in-a-comment": b"# \x7f\n" + POLICY,
        "byte-order-mark": b"\xef\xbb\xbf" + POLICY,
        "no-break-space-for-a-blank": POLICY.replace(b"quorum most", b"quorum\xc2\xa0most"),
        "empty": b"",
    }
    order = {
        name: content
        for name, content in {**lines.dropped(), **lines.duplicated(), **lines.swapped()}.items()
        if name in {"group-dropped", "quorum-dropped", "w1-dropped", "w2-dropped", "w3-dropped", "w3-after-group"}
        or name in {"group-after-quorum"} | {f"{each}-duplicated" for each in lines.names}
    }
    vectors = refused(malformed | order, "PolicyError")
    stranger = VerifierKey("witness.example.org/stranger", STRANGER.public_key_bytes, COSIGNER)
    vectors |= {
        "threshold-raised": Vector(lines.replaced("group", "group most 3 w1 w2 w3"), "QuorumError"),
        "threshold-all": Vector(lines.replaced("group", "group most all w1 w2 w3"), "QuorumError"),
        "member-dropped": Vector(lines.replaced("group", "group most 2 w1 w3"), "QuorumError"),
        "quorum-of-the-absent-witness": Vector(lines.replaced("quorum", "quorum w3"), "QuorumError"),
        "witness-exchanged": Vector(lines.replaced("w1", f"witness w1 {stranger}"), "QuorumError"),
        "names-of-two-witnesses-exchanged": Vector(
            POLICY.replace(b"witness w1", b"witness w")
            .replace(b"witness w3", b"witness w1")
            .replace(b"witness w ", b"witness w3 ")
            .replace(b"quorum most", b"quorum w1"),
            "QuorumError",
        ),
        "log-of-another-origin": Vector(
            lines.replaced("log", f"log {VerifierKey(OTHER_ORIGIN, LOG.public_key_bytes)}"), "NoteError"
        ),
        "log-of-another-key": Vector(
            lines.replaced("log", f"log {VerifierKey(ORIGIN, STRANGER.public_key_bytes)}"), "NoteError"
        ),
        "good": Vector(POLICY),
        "good-without-log": Vector(lines.dropped()["log-dropped"]),
        "good-lines-reordered": Vector(lines.swapped()["log-after-w1"]),
        "good-any": Vector(lines.replaced("group", "group most any w1 w2 w3")),
        "good-of-one-witness": Vector(lines.replaced("quorum", "quorum w2")),
        "good-of-nobody": Vector(lines.replaced("quorum", "quorum none")),
        "good-with-comments-blanks-and-addresses": Vector(
            b"# who must agree\n\n \t\n"
            + POLICY.replace(b"quorum most", b" quorum\t most ").replace(
                b"\nwitness w2", b" https://exchange.example.org/log\nwitness w2", 1
            )
        ),
        "good-group-of-groups": Vector(
            lines.replaced("group", "group one any w1", "group two 1 w2 w3", "group most all one two")
        ),
        "good-name-of-no-text": Vector(POLICY.replace(b"most", b"\xff\xfe")),
    }
    return vectors
