"""Good and bad evidence of every kind, the same in every run, each with the verdict that every checker must give.

A checker is whatever judges a file with a key, a policy and perhaps a document: the command, the page in a browser, the
reader of tiles. `write` lays the corpus out as files for checkers that want files.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.note import VerifierKey
from tests.audit.bad_bundles import bundles
from tests.audit.bad_exports import exports
from tests.audit.bad_notes import policies, vkeys
from tests.audit.bad_proofs import malformed_receipts, receipts
from tests.audit.example_log import ORIGIN
from tests.audit.mutations import Vectors, flip
from tests.audit.specimens import (
    DOCUMENT,
    KEY,
    LOG,
    OTHER_ORIGIN,
    POLICY,
    POLICY_WITHOUT_LOG,
    STRANGER,
    WITNESS_KEYS,
    receipt,
)

PROVED: Final = "proved"
NOT_PROVED: Final = "not-proved"
UNUSABLE: Final = "unusable"

RECEIPT: Final = "receipt"
BUNDLE: Final = "bundle"
EXPORT: Final = "export"
_ENDINGS: Final = {RECEIPT: ".tlog-proof", BUNDLE: ".zip", EXPORT: ".zip"}
_VERDICTS: Final = {"": PROVED, "EvidenceError": NOT_PROVED, "ReceiptError": UNUSABLE, "BundleError": UNUSABLE}

_STRANGER = VerifierKey(ORIGIN, STRANGER.public_key_bytes)
_ELSEWHERE = VerifierKey(OTHER_ORIGIN, LOG.public_key_bytes)
_TRIMMED: Final = {"trailing-newline", "trailing-space", "leading-space", "empty"}
"""Keys that somebody may paste with a blank too much; a page may take the blank away, a command need not."""


@dataclass(frozen=True, slots=True)
class Case:
    """One file to judge, with what the reader brings along, and the verdict; `name` is unique and fits a file name."""

    name: str
    kind: str
    content: bytes
    verdict: str
    key: str | None = None
    policy: bytes | None = None
    document: bytes | None = None


def corpus() -> list[Case]:
    """Every case; the order is the same in every run."""
    return [
        *_vectors(RECEIPT, receipts(), None),
        *_vectors("malformed-receipt", malformed_receipts(), str(KEY)),
        *_vectors(BUNDLE, bundles(), str(KEY)),
        *_vectors(EXPORT, exports(), str(KEY)),
        *_trusted(),
        *_keys(),
        *_policies(),
        *_documents(),
    ]


def write(folder: Path) -> list[tuple[Case, Path, Path | None, Path | None]]:
    """Write every case into the folder; for each its file, its policy's and its document's."""
    written = []
    for case in corpus():
        paths: list[Path | None] = []
        contents = ((_ENDINGS[case.kind], case.content), (".policy", case.policy), (".document", case.document))
        for ending, content in contents:
            path = None if content is None else folder / f"{case.name}{ending}"
            if path is not None and content is not None:
                path.write_bytes(content)
            paths.append(path)
        file, policy, document = paths
        if file is not None:
            written.append((case, file, policy, document))
    return written


def fingerprint(cases: list[Case]) -> str:
    """SHA-256 over every case, to see that two runs made the same corpus."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(repr(case).encode())
    return digest.hexdigest()


def _vectors(called: str, vectors: Vectors, key: str | None) -> Iterator[Case]:
    kind = called if called in _ENDINGS else RECEIPT
    for name, vector in vectors.items():
        yield Case(f"{called}-{name}", kind, vector.content, _VERDICTS[vector.error], key, POLICY)


def _trusted() -> Iterator[Case]:
    """Good evidence of each kind, judged by readers who trust this or that."""
    good = {RECEIPT: receipt(), BUNDLE: bundles()["good"].content, EXPORT: exports()["good"].content}
    other_log = f"log {_ELSEWHERE}\nquorum none\n".encode()
    other_key = f"log {_STRANGER}\nquorum none\n".encode()
    both_keys = f"log {_STRANGER}\nlog {KEY}\nquorum none\n".encode()
    all_three = POLICY.replace(b"most 2", b"most all")
    trusts: list[tuple[str, str | None, bytes | None, str]] = [
        ("key", str(KEY), None, PROVED),
        ("policy", None, POLICY, PROVED),
        ("key-and-policy", str(KEY), POLICY, PROVED),
        ("key-and-policy-without-log", str(KEY), POLICY_WITHOUT_LOG, PROVED),
        ("policy-with-two-keys-of-the-log", None, both_keys, PROVED),
        ("policy-of-nobody", str(KEY), b"quorum none\n", PROVED),
        ("key-of-a-stranger", str(_STRANGER), None, NOT_PROVED),
        ("key-of-a-stranger-and-policy", str(_STRANGER), POLICY, NOT_PROVED),
        ("key-under-another-origin", str(_ELSEWHERE), None, NOT_PROVED),
        ("key-and-policy-of-another-log", str(KEY), other_log, NOT_PROVED),
        ("policy-of-another-log", None, other_log, NOT_PROVED),
        ("policy-of-another-key", None, other_key, NOT_PROVED),
        ("key-and-policy-of-another-key", str(KEY), other_key, NOT_PROVED),
        ("policy-that-asks-for-all", None, all_three, NOT_PROVED),
        ("key-of-a-witness", str(WITNESS_KEYS["w1"]), None, UNUSABLE),
        ("policy-that-is-none", str(KEY), b"words\n", UNUSABLE),
        ("policy-empty", str(KEY), b"", UNUSABLE),
    ]
    for kind, content in good.items():
        for name, key, policy, verdict in trusts:
            yield Case(f"trust-{kind}-{name}", kind, content, verdict, key, policy)
        without = PROVED if kind == BUNDLE else UNUSABLE  # a bundle holds a key, which proves less
        yield Case(f"trust-{kind}-nothing", kind, content, without)
        yield Case(f"trust-{kind}-witnesses-alone", kind, content, without, None, POLICY_WITHOUT_LOG)


def _keys() -> Iterator[Case]:
    for name, vector in vkeys().items():
        if name not in _TRIMMED:
            bad = NOT_PROVED if name == "good-of-another" else PROVED
            verdict = UNUSABLE if vector.error else bad
            yield Case(f"key-{name}", RECEIPT, receipt(), verdict, vector.content.decode())


def _policies() -> Iterator[Case]:
    verdicts = {"": PROVED, "PolicyError": UNUSABLE, "QuorumError": NOT_PROVED, "NoteError": NOT_PROVED}
    for name, vector in policies().items():
        yield Case(f"policy-{name}", RECEIPT, receipt(), verdicts[vector.error], str(KEY), vector.content)


def _documents() -> Iterator[Case]:
    """Receipts with documents, right and wrong."""
    bad = receipts()
    unproved, unusable = bad["index-one-less"].content, bad["extra-version-two"].content
    rows = [
        ("itself", receipt(), DOCUMENT, PROVED),
        ("itself-without-openings", bad["good-without-openings"].content, DOCUMENT, PROVED),
        ("bit-flipped", receipt(), flip(DOCUMENT, 3), NOT_PROVED),
        ("last-byte-missing", receipt(), DOCUMENT[:-1], NOT_PROVED),
        ("byte-added", receipt(), DOCUMENT + b"\n", NOT_PROVED),
        ("carriage-returns", receipt(), DOCUMENT.replace(b"\n", b"\r\n"), NOT_PROVED),
        ("byte-order-mark", receipt(), b"\xef\xbb\xbf" + DOCUMENT, NOT_PROVED),
        ("empty", receipt(), b"", NOT_PROVED),
        ("a-bundle", receipt(), bundles()["good"].content, NOT_PROVED),
        ("of-three-megabytes", receipt(), bytes(3 * 1024 * 1024), NOT_PROVED),
        ("with-a-receipt-of-another-act", receipt(3), DOCUMENT, NOT_PROVED),
        ("with-a-receipt-not-proved", unproved, DOCUMENT, NOT_PROVED),
        ("with-a-receipt-unusable", unusable, DOCUMENT, UNUSABLE),
    ]
    for name, content, document, verdict in rows:
        yield Case(f"document-{name}", RECEIPT, content, verdict, str(KEY), POLICY, document)
    yield Case("document-with-a-bundle", BUNDLE, bundles()["good"].content, UNUSABLE, str(KEY), POLICY, DOCUMENT)
