"""`python -m audit verify FILE [--key VKEY] [--policy FILE] [--checkpoint FILE] [--document FILE | --receipt FILE]`.

FILE is an evidence bundle, a receipt, or an export of the log as tiles in a zip or a folder, told apart by content; or
with --receipt the document that the receipt is for. A bundle or export is held against each checkpoint that the reader
kept and gives with --checkpoint. Exit codes: 0 proved; 1 it is evidence and does not prove itself;
2 there is nothing to judge: no such file, none of these, a key or a policy that cannot be read or is missing.
"""

import argparse
import base64
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from audit.bundle import BundleReport, verify_bundle
from audit.command import NOT_PROVED, PROVED, UNUSABLE, Command, plain
from audit.entry import time_text
from audit.errors import AuditError, BundleError, EvidenceError, ReceiptError
from audit.kept import KeptCheckpoint, parse_kept
from audit.note import MAX_NOTE_BYTES, VerifierKey, parse_verifier_key
from audit.policy import MAX_POLICY_BYTES, Policy, parse_policy
from audit.receipt import ReceiptReport, verify_receipt
from audit.tiles_check import TilesReport, is_export, verify_tiles
from audit.tlog_proof import MAGIC, MAX_PROOF_BYTES

_KEY_OPEN: Final = "that the key is the service's: compare it with the published one, or give that with --key"
_ALWAYS_OPEN: Final = "that what an entry says is true, or that everything that happened was logged"


@dataclass(frozen=True, slots=True)
class _Trust:
    """What the reader brings along: the log's key, the policy, or neither."""

    key: VerifierKey | None
    policy: Policy | None

    def names(self, key: VerifierKey) -> bool:
        """Whether this key is one that the reader brought, not one that the evidence brought itself."""
        return key == self.key or (self.policy is not None and key in self.policy.log_keys(key.name))


def _run(options: argparse.Namespace) -> int:
    try:
        verdict = _verdict(options)
    except EvidenceError as error:
        print(f"NOT PROVED. {plain(str(error))}")
        return NOT_PROVED
    except AuditError as error:
        print(f"Cannot verify. {plain(str(error))}", file=sys.stderr)
        return UNUSABLE
    print(verdict)
    return PROVED


def _verdict(options: argparse.Namespace) -> str:
    """What is printed when the evidence is proved. Raises EvidenceError, or any AuditError when there is none."""
    trust = _Trust(
        None if options.key is None else parse_verifier_key(options.key),
        None if options.policy is None else parse_policy(_read(options.policy, MAX_POLICY_BYTES)),
    )
    receipt, document = options.file, options.document
    if options.receipt is not None:
        receipt, document = options.receipt, options.file
        if options.document is not None:
            raise ReceiptError("Give the document as FILE with --receipt, or the receipt as FILE with --document.")
    export = options.receipt is None and is_export(receipt)
    if export or (options.receipt is None and not _is_receipt(receipt)):
        if document is not None:
            raise ReceiptError(f"{receipt} is no receipt, so there is nothing to compare the document with.")
        kept = [_kept(path) for path in options.checkpoint]
        if export:
            return _tell_tiles(verify_tiles(receipt, trust.key, trust.policy, kept), trust)
        return _verified_bundle(receipt, trust, kept)
    if options.checkpoint:
        raise ReceiptError(
            f"{receipt} is a receipt, of one entry alone. Give the log's evidence to compare it with your checkpoint."
        )
    content = _read(receipt, MAX_PROOF_BYTES)
    return _tell_receipt(verify_receipt(content, trust.key, trust.policy, document), trust)


def _verified_bundle(path: Path, trust: _Trust, kept: Sequence[KeptCheckpoint]) -> str:
    try:
        return _tell_bundle(verify_bundle(path, trust.key, trust.policy, kept), trust)
    except BundleError as error:
        raise BundleError(f"{error} If this is a document, give its receipt with --receipt.") from error


def _kept(path: Path) -> KeptCheckpoint:
    return parse_kept(str(path), _read(path, MAX_NOTE_BYTES))


def _is_receipt(path: Path) -> bool:
    return _read(path, MAX_PROOF_BYTES, beginning=len(MAGIC)) == MAGIC


def _read(path: Path, longest: int, beginning: int | None = None) -> bytes:
    """The file, or only its beginning. Raises ReceiptError when it cannot be read or is longer than `longest`."""
    try:
        with path.open("rb") as file:
            content = file.read(longest + 1 if beginning is None else beginning)
    except OSError as error:
        raise ReceiptError(f"{path} cannot be opened: {error.strerror}.") from error
    if len(content) > longest:
        raise ReceiptError(f"{path} has more than {longest} bytes: it is not what it is given as.")
    return content


def _tell_bundle(report: BundleReport, trust: _Trust) -> str:
    size, signed = report.tree_size, len(report.checkpoint_sizes)
    proved = (
        f"these {size} entries, in this order, are what the key's owner signed for, and the log agrees with each of "
        f"its {signed} signed checkpoints: nothing was changed, removed or put between"
    )
    if report.went_on:
        proved += " since the first of them"
    return _told(
        [("Log", report.key.name), ("Entries", str(size)), *_state(report.root_hash, report.key, report.cosigned)],
        proved + _seen(report.cosigned) + _agreed(report.kept),
        _open(report.key, trust, "that nothing was logged after the last checkpoint", *_unwitnessed(report.cosigned)),
        report.went_on,
    )


def _tell_tiles(report: TilesReport, trust: _Trust) -> str:
    size = report.tree_size
    proved = (
        f"these {size} entries, in this order, are what the key's owner signed for, and each of the {report.parts} "
        "tiles and entry bundles is what they give"
    )
    still_open = ["that nothing was logged after the checkpoint"]
    if report.beyond:
        still_open.append(f"anything about {report.beyond} files past the checkpoint, which no reader looks at")
    return _told(
        [
            *(("Log", report.key.name), ("Entries", str(size)), ("Tiles", str(report.parts))),
            *_state(report.root_hash, report.key, report.cosigned),
        ],
        proved + _seen(report.cosigned) + _agreed(report.kept),
        _open(report.key, trust, *still_open, *_unwitnessed(report.cosigned)),
        report.went_on,
    )


def _tell_receipt(report: ReceiptReport, trust: _Trust) -> str:
    rows = [
        ("Log", report.key.name),
        ("Entry", f"{report.index}, among {report.tree_size}"),
        ("Time", time_text(report.entry.time)),
        ("It says", report.sentence),
        *(("Opened", f"{name}: {value}") for name, value in report.opened.items()),
        *_state(report.root_hash, report.key, report.cosigned),
    ]
    proved = (
        f"this entry stands at index {report.index} of the log, among the {report.tree_size} entries that the key's "
        "owner signed for"
    )
    if report.opened:
        proved += ", and each value opened above is the one that it commits to"
    if report.document is not None:
        rows.append(("Document", str(report.document)))
        proved += ", and the document given is, to the last bit, the one whose SHA-256 it names"
    still_open = _unwitnessed(report.cosigned)
    if report.document is None and "sha256" in report.entry.details:
        still_open.append("that any file is the document: give it with --document")
    return _told(rows, proved + _seen(report.cosigned), _open(report.key, trust, *still_open))


def _state(root: bytes, key: VerifierKey, cosigned: Mapping[str, int]) -> list[tuple[str, str]]:
    return [
        ("Root hash", base64.b64encode(root).decode()),
        ("In hex", root.hex()),
        ("Key", str(key)),
        *(("Seen by", f"{name}, {_when(time)}") for name, time in sorted(cosigned.items())),
    ]


def _seen(cosigned: Mapping[str, int]) -> str:
    if not cosigned:
        return ""
    return f"; of the policy's witnesses {len(cosigned)} saw that same checkpoint, as many as the policy asks for"


def _agreed(kept: Sequence[int]) -> str:
    if not kept:
        return ""
    *others, last = map(str, kept)
    sizes = f"{', '.join(others)} and {last}" if others else last
    return f"; it agrees with the checkpoint{'s' if others else ''} that you kept, of {sizes} entries"


def _unwitnessed(cosigned: Mapping[str, int]) -> list[str]:
    return [] if cosigned else ["that no other log was shown to somebody else: no policy was given that asks a witness"]


def _open(key: VerifierKey, trust: _Trust, *still_open: str) -> list[str]:
    return [*([] if trust.names(key) else [_KEY_OPEN]), *still_open, _ALWAYS_OPEN]


def _when(time: int) -> str:
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{time} s after 1970, beyond any calendar"


def _told(rows: Sequence[tuple[str, str]], proved: str, still_open: Sequence[str], went_on: Sequence[str] = ()) -> str:
    table = [f"  {name:<9}  {plain(value)}" for name, value in rows]
    said = " ".join([f"Proved: {proved}.", *went_on])
    return "\n".join(["PROVED.", *table, "", said, f"Not proved by this: {'; '.join(still_open)}."])


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="an evidence bundle, a receipt, an export of tiles, or a document"
    )
    parser.add_argument("--key", metavar="VKEY", help="the log's public key, from where the service publishes it")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="the logs, witnesses and quorum you rely on")
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        action="append",
        default=[],
        help="a signed checkpoint that you kept, to hold the log's evidence against; may be given again",
    )
    parser.add_argument("--document", type=Path, metavar="FILE", help="the document that the receipt is for")
    parser.add_argument("--receipt", type=Path, metavar="FILE", help="the receipt, when FILE is the document")


COMMAND: Final = Command(
    "verify", "verify a bundle, an export, a receipt, or a document with its receipt", _add_arguments, _run
)
