"""Commands about the log: what was signed against what is there, and how the logs go on after a loss."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.errors import AuditError
from config.settings import load_settings
from exchange import trail
from exchange.cli_feed import add_feed
from exchange.errors import ConflictError
from exchange.installation import installed_parts, remember_signed
from exchange.publishing.judging import CONSISTENT

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]  # noqa: SLF001  the one name argparse has for it


def add_commands(commands: Commands) -> None:
    """Add this room's commands to the parser."""
    text = "commands about the log"
    acts = commands.add_parser("log", help=text, description=text).add_subparsers(
        title="commands", metavar="COMMAND", required=True
    )
    text = "compare every log with what was signed of it; exit code 1 when something is lost"
    acts.add_parser("status", help=text, description=text).set_defaults(run=status)
    text = "after the database went back: let the logs go on without what was lost, for good"
    go_on = acts.add_parser("continue", help=text, description=text)
    go_on.add_argument("--reason", required=True, help="why the newer state cannot be restored; kept with the logs")
    go_on.set_defaults(run=continue_logs)
    add_feed(acts)
    text = (
        "check checkpoints that were kept: notes, mails or files of the folder; exit code 1 unless all are consistent"
    )
    check_kept = acts.add_parser("check-kept", help=text, description=text)
    check_kept.add_argument("files", metavar="FILE", nargs="+", type=Path)
    check_kept.set_defaults(run=check_kept_files)
    text = "make the file of signed sizes anew from the database, when every copy of it is lost"
    acts.add_parser("remember", help=text, description=text).set_defaults(run=remember)


def status(_options: argparse.Namespace) -> int:
    """Print one line for each loss, or that there is none."""
    from exchange.rollback import find_losses  # noqa: PLC0415  a command loads what it does and no more

    with installed_parts(load_settings()) as parts, parts.database.read() as session:
        losses = find_losses(parts.trail, parts.signed_sizes, session.connection())
        remembered = len(parts.signed_sizes.states())
    for loss in losses:
        print(loss)
    if losses:
        print(
            "The database was put back to an older state, or exchanged. The service records and does nothing until you "
            "restore a newer backup, or decide that the logs go on without what was lost: exchange log continue --help"
        )
        return 1
    print(f"The database holds all that was signed. Logs remembered: {remembered}.")
    return 0


def continue_logs(options: argparse.Namespace) -> int:
    """Record the decision and say what was given up."""
    from exchange.going_on import go_on  # noqa: PLC0415  a command loads what it does and no more

    with installed_parts(load_settings()) as parts:
        losses = go_on(parts, options.reason)
    for loss in losses:
        print(f"Given up: {loss}.")
    print(
        "The logs go on under new origins, each with an entry that says so. Tell the data protection officers and "
        "those who run witnesses: checkpoints that they kept of the old origins will not fit any more."
    )
    return 0


def remember(_options: argparse.Namespace) -> int:
    """Make the file and say how many logs it knows."""
    settings = load_settings()
    try:
        count = remember_signed(settings)
    except AuditError as error:
        raise ConflictError(f"{error} Nothing was made. Run the log check first: exchange doctor") from error
    print(f"Made {settings.signed_sizes_file} from the database's own checkpoints. Logs remembered: {count}.")
    print("What the database had lost before now is not noticed by it. Compare with checkpoints kept elsewhere.")
    return 0


def check_kept_files(options: argparse.Namespace) -> int:
    """Print a line for each checkpoint in each file."""
    from exchange.publishing.found_notes import LONGEST_TEXT  # noqa: PLC0415  a command loads what it does and no more
    from exchange.publishing.kept import check_file  # noqa: PLC0415  the same
    from exchange.publishing.words import say_verdict  # noqa: PLC0415  the same

    all_true = True
    with installed_parts(load_settings()) as parts:
        for file in options.files:
            with file.open("rb") as source:
                found = check_file(parts, source.read(LONGEST_TEXT), actor=trail.HOST)
            for kept in found:
                print(f"{file}: {kept.verdict.origin}: {say_verdict(kept.verdict)}")
            if not found:
                print(f"{file}: there is no signed checkpoint in it")
            all_true = all_true and bool(found) and all(kept.verdict.code == CONSISTENT for kept in found)
    return 0 if all_true else 1
