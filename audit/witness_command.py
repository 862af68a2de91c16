"""`python -m audit witness init|trust|serve|status FOLDER`: running a witness for somebody else's log.

Exit codes: 0 done; 2 not done, with a sentence that says why and what to do.
"""

import argparse
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final

from audit.command import UNUSABLE, Command, plain
from audit.errors import NoteError
from audit.note import VerifierKey, parse_verifier_key
from audit.witness.answer import CLOCK_TOLERANCE, Witness
from audit.witness.errors import WitnessFolderError
from audit.witness.folder import WitnessFolder, create_folder, open_folder
from audit.witness.server import PATH, WitnessServer
from audit.witness.state import RefusedState, TrustedLog

DONE: Final = 0
DEFAULT_BIND: Final = "127.0.0.1:8700"
_LAST_PORT: Final = 65535
_PURPOSE: Final = "run a witness: it cosigns a log's states, so that the log cannot show some people another history"
_EVIDENCE: Final = {
    "fork": "the log signed TWO ROOT HASHES OF ONE SIZE; both notes, which --notes prints, prove it to anybody",
    "unproved": "signed, but sent without a proof that it extends what was cosigned; ask the log for one",
}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(required=True, metavar="ACT")
    init = _act(acts, "init", "make the key and the empty state of a new witness, and print its verifier key", _init)
    init.add_argument("--name", required=True, help="the witness's name, such as witness.example/w1: no space, no plus")
    trust = _act(acts, "trust", "follow a log", _trust)
    trust.add_argument("key", metavar="VKEY", help="the log's verifier key, from where the log publishes it")
    trust.add_argument(
        "--below",
        nargs="?",
        const="",
        metavar="PREFIX",
        help="also follow every log PREFIX/... that this key signs for; PREFIX is the key's name or its beginning",
    )
    serve = _act(acts, "serve", "answer logs that ask for cosignatures", _serve)
    serve.add_argument("--bind", default=DEFAULT_BIND, metavar="HOST:PORT", help=f"default {DEFAULT_BIND}")
    status = _act(acts, "status", "say what is followed, how far, and what was refused", _status)
    status.add_argument("--notes", action="store_true", help="print the refused notes and what was held then")


def _act(
    acts: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    purpose: str,
    do: Callable[[argparse.Namespace], None],
) -> argparse.ArgumentParser:
    parser = acts.add_parser(name, help=purpose, description=purpose)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the witness's folder")
    parser.set_defaults(act=do)
    return parser


def _run(options: argparse.Namespace) -> int:
    try:
        options.act(options)
    except (WitnessFolderError, NoteError, OSError, ValueError) as error:
        print(plain(str(error)), file=sys.stderr)
        return UNUSABLE
    except sqlite3.Error as error:
        print(f"The witness's state cannot be used: {plain(str(error))}.", file=sys.stderr)
        return UNUSABLE
    return DONE


COMMAND: Final = Command("witness", _PURPOSE, _add_arguments, _run)


def _init(options: argparse.Namespace) -> None:
    print(create_folder(options.folder, options.name))


def _trust(options: argparse.Namespace) -> None:
    key, below = parse_verifier_key(options.key), options.below is not None
    if options.below:
        key = _above(key, options.below)
    open_folder(options.folder).state.trust(TrustedLog(key, below))
    print(f"Follows {plain(key.name)}" + (f" and every log {plain(key.name)}/..." if below else ""))


def _above(key: VerifierKey, prefix: str) -> VerifierKey:
    """The same public key under a prefix of its name. Raises ValueError for a name that is none."""
    prefix = prefix.rstrip("/")
    if key.name != prefix and not key.name.startswith(prefix + "/"):
        raise ValueError(f"The key is of the log {key.name}, which is not below {prefix}.")
    return VerifierKey(prefix, key.public_key)


def _serve(options: argparse.Namespace) -> None:
    opened = open_folder(options.folder)
    witness = Witness(opened.key.name, opened.signer, opened.state, _now)
    with WitnessServer(_address(options.bind), witness, _journal) as server:
        signal.signal(signal.SIGTERM, _stop)
        host, port = server.server_name, server.server_port
        shown = f"[{host}]" if ":" in host else host
        _journal(f"{plain(opened.key.name)} answers on http://{shown}:{port}{PATH}")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            _journal("Stopped.")


def _status(options: argparse.Namespace) -> None:
    opened = open_folder(options.folder)
    state = opened.state
    print(plain(str(opened.key)))
    print("\nTrusted:")
    for log in state.trusted():
        print(f"  {plain(str(log.key))}{'  and every log below' if log.below else ''}")
    print("\nCosigned:")
    for each in state.latest():
        ahead = "  AHEAD OF THE CLOCK" if each.time > _now() + CLOCK_TOLERANCE else ""
        print(f"  {_date(each.time)}  {each.size:>12}  {plain(each.origin)}{ahead}")
    _print_refused(opened, with_notes=options.notes)


def _print_refused(opened: WitnessFolder, *, with_notes: bool) -> None:
    refused = opened.state.refused()
    print("\nRefused, though signed by the log:" if refused else "\nNothing refused that the log had signed.")
    for each in refused:
        print(f"  {_date(each.time)}  {each.size:>12}  {plain(each.origin)}  {_EVIDENCE[each.kind]}")
        if with_notes:
            _print_notes(each)


def _print_notes(refused: RefusedState) -> None:
    for title, note in (("Refused:", refused.note), ("Cosigned before:", refused.held)):
        print(f"\n{title}\n" + "\n".join(plain(line) for line in note.split("\n")))


def _address(text: str) -> tuple[str, int]:
    """HOST:PORT, an IPv6 address in brackets. Raises ValueError."""
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > _LAST_PORT:
        raise ValueError(f"{text} is no address to answer on; give HOST:PORT, such as {DEFAULT_BIND}.")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _date(time_: int) -> str:
    try:
        return f"{datetime.fromtimestamp(time_, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return f"{time_} s"


def _now() -> int:
    return int(time.time())


def _journal(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
