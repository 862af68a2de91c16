"""Receipts: one entry of the log, proved to stand under a signed checkpoint, with what its commitments hide.

A receipt is a c2sp.org/tlog-proof whose extra data carry the entry, the salts and values that open its commitments, and
words for a person. Nothing in the extra data is believed: the entry counts because the proof leads from its hash to
what was signed, a value because its commitment is in that entry, and the words not at all.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.cosignature import with_signatures
from audit.entry import Entry, decode
from audit.errors import AuditError, EvidenceError, NoteError, ProofError, ReceiptError, VocabularyError
from audit.events import SERVICE_LOG
from audit.fields import MIN_SALT_BYTES, commit_to
from audit.merkle import leaf_hash
from audit.note import Note, VerifierKey, parse_note, signatures_of, verify_note
from audit.policy import Policy
from audit.proof import verify_inclusion
from audit.store import LogStore, StoredCheckpoint
from audit.tlog_proof import TlogProof, parse_tlog_proof
from audit.vocabulary import describe, verify_entry

ConnectionT = TypeVar("ConnectionT")

VERSION: Final = 1
_MAX_SALT_BYTES: Final = 64
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_KEYS: Final = frozenset({"entry", "opened", "version", "words"})
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SALT = re.compile(rf"(?:[0-9a-f]{{2}}){{{MIN_SALT_BYTES},{_MAX_SALT_BYTES}}}")
_PIECE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a commitment: its salt (16 to 64 bytes) and the value that was committed to."""

    salt: bytes
    value: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt says; nothing of it is verified. `encoded` are the entry's bytes, `opened` goes by field."""

    proof: TlogProof
    encoded: bytes
    opened: Mapping[str, Opening]
    words: str

    @property
    def note(self) -> Note:
        """The checkpoint's note, with the signatures on it."""
        return parse_note(self.proof.note)

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint that the receipt's proof leads to."""
        return parse_checkpoint(self.note.text)


@dataclass(frozen=True, slots=True)
class ReceiptReport:
    """What a verified receipt proves: `entry` stands at `index` among the `tree_size` entries that `key` signed for.

    `sentence` says what the entry says. `opened` gives the values it commits to, `cosigned` each witness of the policy
    that saw this checkpoint and its POSIX time (s), `document` the file given, whose SHA-256 the entry names.
    """

    key: VerifierKey
    index: int
    tree_size: int
    root_hash: bytes
    entry: Entry
    sentence: str
    opened: Mapping[str, str]
    cosigned: Mapping[str, int]
    document: Path | None


def make_receipt(  # noqa: PLR0913  a receipt is joined from the log, its checkpoint and what is kept beside them
    store: LogStore[ConnectionT],
    connection: ConnectionT,
    log_id: str,
    index: int,
    *,
    words: str,
    opened: Mapping[str, Opening],
    checkpoint: StoredCheckpoint,
    cosignatures: Sequence[str] = (),
) -> bytes:
    """The receipt for an entry under a checkpoint that counts it, with the witnesses' signature lines so far.

    Raises UnknownLogError or ProofError when there is no such entry under the checkpoint, LogDamagedError or
    EvidenceError when log, checkpoint and openings do not belong together: a receipt that proves nothing is not made.
    """
    encoded = store.entry(connection, log_id, index).encoded
    hashes = store.inclusion_proof(connection, log_id, index, checkpoint.tree_size)
    note = with_signatures(checkpoint.note, cosignatures)
    fields = {
        "entry": encoded.decode("ascii"),
        "opened": {
            name: {"salt": opening.salt.hex(), "value": opening.value} for name, opening in sorted(opened.items())
        },
        "version": VERSION,
        "words": words,
    }
    made = TlogProof(index, hashes, note, _ENCODER.encode(fields).encode()).encode()
    receipt = parse_receipt(made)
    _verify_inclusion(receipt)
    _verify_openings(receipt, _decoded(receipt.encoded))
    return made


def parse_receipt(content: bytes) -> Receipt:
    """What the receipt says. Raises ReceiptError unless it is one, to the byte; nothing is verified yet."""
    proof = parse_tlog_proof(content)
    if not proof.extra:
        raise ReceiptError("The file is a proof of inclusion, but it carries no entry: it is no receipt.")
    fields = _parse_extra(proof.extra)
    opened = {
        name: Opening(bytes.fromhex(opening["salt"]), opening["value"]) for name, opening in fields["opened"].items()
    }
    return Receipt(proof, fields["entry"].encode(), opened, fields["words"])


def verify_receipt(
    content: bytes, key: VerifierKey | None, policy: Policy | None = None, document: Path | None = None
) -> ReceiptReport:
    """Verify a receipt against the log's key, or the key that a policy names for its log; and the policy's quorum.

    Raises ReceiptError when there is nothing to judge, or no key to judge it by, or the document cannot be read;
    EvidenceError when the receipt does not prove itself, or the document is not the one that its entry names.
    """
    receipt = parse_receipt(content)
    digest = None if document is None else _sha256(document)
    key, cosigned = _verify_checkpoint(receipt, key, policy)
    _verify_inclusion(receipt)
    entry = _decoded(receipt.encoded)
    _verify_openings(receipt, entry)
    if digest is not None:
        _verify_document(entry, digest)
    checkpoint = receipt.checkpoint
    return ReceiptReport(
        key,
        receipt.proof.index,
        checkpoint.size,
        checkpoint.root,
        entry,
        _told(entry),
        {name: opening.value for name, opening in receipt.opened.items()},
        cosigned,
        document,
    )


def _parse_extra(extra: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(extra.decode("utf-8"))
        canonical = _ENCODER.encode(fields).encode()
    except (ValueError, RecursionError) as error:
        raise ReceiptError("What the receipt carries beside its proof is not JSON in UTF-8.") from error
    if canonical != extra or not isinstance(fields, dict) or fields.keys() != _KEYS:
        raise ReceiptError("What the receipt carries beside its proof is not in its one valid form.")
    if type(fields["version"]) is not int or fields["version"] != VERSION:
        raise ReceiptError(f"This software reads receipts of version {VERSION} only.")
    texts = isinstance(fields["entry"], str) and isinstance(fields["words"], str)
    if not texts or not isinstance(fields["opened"], dict):
        raise ReceiptError("The receipt does not hold an entry, openings and words.")
    if not all(_is_opening(name, opening) for name, opening in fields["opened"].items()):
        raise ReceiptError("An opening of a commitment is a field's name, a salt in hexadecimal and a value.")
    return fields


def _is_opening(name: str, opening: object) -> bool:
    return (
        _FIELD.fullmatch(name) is not None
        and isinstance(opening, dict)
        and opening.keys() == {"salt", "value"}
        and all(isinstance(text, str) for text in opening.values())
        and _SALT.fullmatch(opening["salt"]) is not None
    )


def _verify_checkpoint(
    receipt: Receipt, key: VerifierKey | None, policy: Policy | None
) -> tuple[VerifierKey, Mapping[str, int]]:
    """The key of the log that signed, and who cosigned; the key given and the policy must both agree."""
    note, origin = receipt.note, receipt.checkpoint.origin
    keys = [key] if key is not None else policy.log_keys(origin) if policy is not None else []
    if not keys and (policy is None or not policy.logs):
        raise ReceiptError("A receipt does not hold the log's key. Take it from where the service publishes it.")
    try:
        verify_note(note, keys)
        cosigned = {} if policy is None else policy.verify(note)
    except NoteError as error:
        raise EvidenceError(f"The checkpoint proves nothing: {error}") from error
    (_, signed_by), *_ = signatures_of(note, keys)
    if signed_by.name != origin:
        raise EvidenceError(f"The checkpoint is of the log {origin}, the key of {signed_by.name}.")
    return signed_by, cosigned


def _verify_inclusion(receipt: Receipt) -> None:
    proof, checkpoint = receipt.proof, receipt.checkpoint
    try:
        verify_inclusion(leaf_hash(receipt.encoded), proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    except ProofError as error:
        raise EvidenceError(f"The entry is not the one that was signed for at index {proof.index}: {error}") from error


def _decoded(encoded: bytes) -> Entry:
    try:
        return decode(encoded)
    except AuditError as error:
        raise EvidenceError(f"The entry was logged as it stands here, but cannot be read: {error}") from error


def _verify_openings(receipt: Receipt, entry: Entry) -> None:
    for name, opening in receipt.opened.items():
        if entry.details.get(name) != commit_to(opening.value, opening.salt):
            raise EvidenceError(f"The entry does not commit to the value that the receipt gives for {name}.")


def _verify_document(entry: Entry, digest: str) -> None:
    named = entry.details.get("sha256")
    if not isinstance(named, str):
        raise EvidenceError("The entry names no SHA-256, so that it says nothing about any document.")
    if named != digest:
        raise EvidenceError(f"The document is not the one of the entry: its SHA-256 is {digest}, not {named}.")


def _sha256(document: Path) -> str:
    digest = hashlib.sha256()
    try:
        with document.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except OSError as error:
        raise ReceiptError(f"{document} cannot be opened: {error.strerror}.") from error
    return digest.hexdigest()


def _told(entry: Entry) -> str:
    """The entry in words; an event of a later vocabulary is proved all the same, only the words are missing."""
    try:
        verify_entry(entry, entry.inspection or SERVICE_LOG)
    except VocabularyError:
        return f"An act that this version of the software has no words for: {entry.encode().decode()}"
    return describe(entry)
