"""`python -m audit verify FILE [--key VKEY]`: verifies an evidence bundle with nothing but this package.

Exit codes: 0 the evidence is proved; 1 it is a bundle that does not prove itself; 2 it is no bundle, or no such file,
or a key that cannot be read.
"""

import argparse
import base64
import sys
from collections.abc import Sequence
from pathlib import Path

from audit.bundle import BundleReport, verify_bundle
from audit.errors import BundleError, EvidenceError, NoteError
from audit.note import parse_verifier_key

PROVED, NOT_PROVED, UNUSABLE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        key = None if options.key is None else parse_verifier_key(options.key)
        report = verify_bundle(options.file, key)
    except EvidenceError as error:
        print(f"NOT PROVED. {_plain(str(error))}")
        return NOT_PROVED
    except (BundleError, NoteError) as error:
        print(f"Cannot verify. {_plain(str(error))}", file=sys.stderr)
        return UNUSABLE
    print(_told(report, trusted=key is not None))
    return PROVED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m audit", description="Verify evidence from the log.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    verify = commands.add_parser("verify", help="verify an evidence bundle")
    verify.add_argument("file", type=Path, metavar="FILE", help="the bundle")
    verify.add_argument("--key", metavar="VKEY", help="the log's public key, from where the service publishes it")
    return parser


def _plain(text: str) -> str:
    """Text that may come from the bundle, in one line that moves no cursor: a forger would write over the verdict."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _told(report: BundleReport, *, trusted: bool) -> str:
    size, signed = report.tree_size, len(report.checkpoint_sizes)
    lines = [
        "PROVED.",
        f"  Log        {_plain(report.key.name)}",
        f"  Entries    {size}",
        f"  Root hash  {base64.b64encode(report.root_hash).decode()}",
        f"  In hex     {report.root_hash.hex()}",
        f"  Key        {_plain(str(report.key))}",
        "",
        f"  These {size} entries, in this order, are what the key's owner signed for.",
        f"  The log agrees with each of its {signed} signed checkpoints: nothing was changed, removed or put between.",
        "",
        "NOT PROVED by this file alone:",
    ]
    if not trusted:
        lines.append("  that the key is the service's: compare it with the published one, or give that with --key;")
    lines += [
        "  that nothing was logged after the last checkpoint;",
        "  that what an entry says is true, or that everything that happened was logged.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
