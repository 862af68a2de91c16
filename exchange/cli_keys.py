"""Commands about keys: unseal, which needs only key files and a sealed file, and keys rotate."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.settings import load_settings
from exchange import trail
from exchange.accounts.support import open_inspections
from exchange.cli_reasons import add_reason, record_reason
from exchange.errors import InvalidError
from exchange.installation import installed_parts
from keys.key_store import FolderKeyStore
from keys.local_provider import LocalKeyProvider
from keys.recovery import unseal_file
from keys.rotation import rewrap

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]  # noqa: SLF001  the one name argparse has for it

SEALED_PATH = re.compile(r"(?P<inspection>[a-z]{3}_[0-9a-z]{26})/(?P<document>[a-z]{3}_[0-9a-z]{26})\.floe")


def add_commands(commands: Commands) -> None:
    """Add this room's commands to the parser."""
    text = "open one sealed file with the key files alone: no database, no server"
    unseal_parser = commands.add_parser("unseal", help=text, description=text)
    unseal_parser.add_argument("file", metavar="FILE", type=Path, help="…/<inspection>/<document>.floe")
    unseal_parser.add_argument("--output", metavar="OUT", type=Path, required=True, help="a file that is not there yet")
    unseal_parser.add_argument("--provider-key", metavar="PATH", type=Path, help="the provider key file")
    unseal_parser.add_argument("--key-store", metavar="FOLDER", type=Path, help="the folder of wrapped keys")
    unseal_parser.set_defaults(run=unseal)
    text = "commands about the provider key"
    keys_parser = commands.add_parser("keys", help=text, description=text)
    acts = keys_parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    text = "bring a new version of the provider key into use and wrap every inspection key anew"
    rotation = acts.add_parser("rotate", help=text, description=text)
    add_reason(rotation)
    rotation.set_defaults(run=rotate)


def unseal(options: argparse.Namespace) -> int:
    """Write the content of one sealed file."""
    found = SEALED_PATH.fullmatch("/".join(options.file.absolute().parts[-2:]))
    if found is None:
        raise InvalidError(
            f"{options.file} does not end like a sealed file, <inspection>/<document>.floe; those two names are needed "
            "to find its key. Nothing was written. Put it back under its names."
        )
    provider, store = options.provider_key, options.key_store
    if provider is None or store is None:
        settings = load_settings()
        provider, store = provider or settings.provider_key_file, store or settings.key_store_folder
    content = unseal_file(options.file, found["inspection"], found["document"], provider, store, options.output)
    print(f"Wrote {content.plain_size} bytes to {options.output}. SHA-256 {content.sha256_hex}")
    print("Compare the SHA-256 with the receipt. The output is readable content: keep it as such, then destroy it.")
    return 0


def rotate(options: argparse.Namespace) -> int:
    """Rotate and rewrap; run again after a failure, it goes on where it stopped."""
    settings = load_settings()
    with installed_parts(settings) as parts, parts.database.unit_of_work() as unit:
        parts.trail.require_settled(unit.session.connection())  # the key file does not go back with the transaction
        touched = open_inspections(unit.session)
        record_reason(unit, act="keys-rotated", inspections=touched, reason=options.reason)
        # The new version is in the file when the entry that names it is committed; killed in between, a version that
        # nothing uses is left over, and the next rotation passes it.
        provider = LocalKeyProvider.open(settings.provider_key_file)
        version = provider.rotate()
        trail.record(unit, "key:rotated", actor=trail.HOST, details={"key_version": version})
    report = rewrap(provider, FolderKeyStore(settings.key_store_folder))
    print(f"Version {version} is in use. Inspection keys wrapped anew: {len(report.rewrapped)}.")
    if report.failed:
        print(f"These did not open and stay as they were: {', '.join(report.failed)}")
        return 1
    return 0
