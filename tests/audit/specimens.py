"""Evidence made without a database, the same in every run: a log of thirteen entries, a document, three witnesses.

Proofs come from the slow tree written from the RFC, not from the code under test.
"""

import hashlib
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.cosignature import COSIGNER, cosign
from audit.entry import Entry
from audit.evidence import BundleWriter, checkpoint_name
from audit.fields import commit_to
from audit.merkle import leaf_hash
from audit.note import VerifierKey
from audit.tlog_proof import TlogProof
from tests.audit import rfc9162
from tests.audit.example_log import INSPECTION, ORIGIN, PERSON, START, document, entry_number


class DerivedSigner:
    """A signing key that follows from its label, so that everything it signs is the same in every run."""

    def __init__(self, label: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"test key: {label}".encode()).digest())
        self.public_key_bytes = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


SIZE = 13
INDEX = 5
TIME = 1_772_442_000
LOG, OTHER_LOG, STRANGER = DerivedSigner("log"), DerivedSigner("other log"), DerivedSigner("stranger")
KEY = VerifierKey(ORIGIN, LOG.public_key_bytes)
OTHER_ORIGIN = "elsewhere.example.org/log/service"
WITNESSES = {name: DerivedSigner(name) for name in ("w1", "w2", "w3")}
WITNESS_KEYS = {
    name: VerifierKey(f"witness.example.org/{name}", signer.public_key_bytes, COSIGNER)
    for name, signer in WITNESSES.items()
}
POLICY = (
    f"log {KEY}\n"
    + "".join(f"witness {name} {key}\n" for name, key in WITNESS_KEYS.items())
    + "group most 2 w1 w2 w3\nquorum most\n"
).encode()
POLICY_WITHOUT_LOG = POLICY.partition(b"\n")[2]

DOCUMENT = b"Item 1.1: this is an example.\n"
NAME, TITLE = "example list.csv", "Übersicht \u2013 example"
NAME_SALT, TITLE_SALT = bytes(range(32)), bytes(range(32, 64))
SUBMITTED = Entry(
    "submission:accepted",
    START + timedelta(seconds=INDEX),
    PERSON,
    INSPECTION,
    None,
    {
        "document": document(INDEX),
        "items": ["1.1"],
        "size": len(DOCUMENT),
        "sha256": hashlib.sha256(DOCUMENT).hexdigest(),
        "kind": "csv",
        "data_date": "as-at:2026-02-27",
        "name_commitment": commit_to(NAME, NAME_SALT),
        "title_commitment": commit_to(TITLE, TITLE_SALT),
    },
)
ENTRIES = [SUBMITTED.encode() if number == INDEX else entry_number(number).encode() for number in range(SIZE)]
OPENED = {
    "name_commitment": {"salt": NAME_SALT.hex(), "value": NAME},
    "title_commitment": {"salt": TITLE_SALT.hex(), "value": TITLE},
}


def checkpoint_text(size: int = SIZE, entries: list[bytes] | None = None, origin: str = ORIGIN) -> str:
    """The text of the note for the first `size` of these entries."""
    return Checkpoint(origin, size, rfc9162.tree_hash((entries or ENTRIES)[:size])).text()


def cosignature(name: str, text: str | None = None, time: int = TIME) -> str:
    """A witness's line under this text."""
    return cosign(text or checkpoint_text(), WITNESS_KEYS[name].name, WITNESSES[name], time)


def signed(size: int = SIZE, *witnesses: str, entries: list[bytes] | None = None, signer: DerivedSigner = LOG) -> str:
    """The signed checkpoint of the first `size` of these entries, cosigned by these witnesses."""
    root = rfc9162.tree_hash((entries or ENTRIES)[:size])
    text = Checkpoint(ORIGIN, size, root).text()
    note = sign_checkpoint(Checkpoint(ORIGIN, size, root), signer)
    return note + "".join(cosignature(name, text) for name in witnesses)


def canonical(fields: object) -> bytes:
    """JSON as RFC 8785 has it."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def extra(**changed: Any) -> bytes:
    """What a receipt carries beside its proof, with some of it changed."""
    whole = {"entry": ENTRIES[INDEX].decode(), "opened": OPENED, "version": 1, "words": "You sent a file."}
    return canonical(whole | changed)


def receipt(
    index: int = INDEX,
    size: int = SIZE,
    *,
    note: str | None = None,
    hashes: list[bytes] | None = None,
    beside: bytes | None = None,
    entries: list[bytes] | None = None,
) -> bytes:
    """The receipt for an entry, with any part exchanged for another."""
    entries = entries or ENTRIES
    path = rfc9162.path(index, entries[:size]) if hashes is None else hashes
    opened = OPENED if entries[index] == ENTRIES[INDEX] else {}
    return TlogProof(
        index,
        tuple(path),
        signed(size, "w1", "w2", entries=entries) if note is None else note,
        extra(entry=entries[index].decode(), opened=opened) if beside is None else beside,
    ).encode()


def members(sizes: tuple[int, ...] = (4, SIZE), entries: list[bytes] | None = None) -> dict[str, bytes]:
    """The members of the log's bundle, in order."""
    entries = ENTRIES[: max(sizes)] if entries is None else entries
    return {
        "README.txt": b"Read me\n",
        "log.vkey": f"{KEY}\n".encode(),
        "entries.jsonl": b"".join(entry + b"\n" for entry in entries),
        "leaf-hashes.txt": b"".join(leaf_hash(entry).hex().encode() + b"\n" for entry in entries),
        **{checkpoint_name(size): signed(size, "w1", "w2", entries=entries).encode() for size in sizes},
    }


def pack(content: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of these members, laid out as the service writes it."""
    out = io.BytesIO()
    if method != zipfile.ZIP_STORED:
        with zipfile.ZipFile(out, "w", method) as archive:
            for name, data in content.items():
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, method)
        return out.getvalue()
    with BundleWriter(out) as bundle:
        for name, data in content.items():
            with bundle.open_member(name) as member:
                member.write(data)
    return out.getvalue()
