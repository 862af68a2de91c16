"""Commands that do what the worker does, now: worker, retention run, sweep."""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from config.settings import load_settings
from exchange import trail
from exchange.cli_reasons import add_reason, record_reason
from exchange.clock import in_london
from exchange.errors import InvalidError
from exchange.installation import installed_parts

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]  # noqa: SLF001  the one name argparse has for it


def add_commands(commands: Commands) -> None:
    """Add this room's commands to the parser."""
    text = "do the background duties until stopped"
    worker = commands.add_parser("worker", help=text, description=text)
    worker.add_argument("--once", action="store_true", help="do every duty once, then end")
    worker.set_defaults(run=work)
    text = "commands about retention"
    acts = commands.add_parser("retention", help=text, description=text).add_subparsers(
        title="commands", metavar="COMMAND", required=True
    )
    text = "dispose of what is due"
    run = acts.add_parser("run", help=text, description=text)
    run.add_argument("--as-of", metavar="DATE", help="as if it were this day, like 2026-03-31; today unless given")
    run.add_argument(
        "--before-its-day",
        action="store_true",
        help="needed with a later day: what is not due yet is destroyed too, for good",
    )
    add_reason(run)
    run.set_defaults(run=run_retention)
    text = "remove what abandoned uploads left behind; only while the web server is stopped"
    commands.add_parser("sweep", help=text, description=text).set_defaults(run=sweep_now)


def work(options: argparse.Namespace) -> int:
    """Do the duties, for ever or once."""
    from exchange.worker import Worker  # noqa: PLC0415  a command loads what it does and no more

    with installed_parts(load_settings()) as parts:
        worker = Worker(parts)
        return worker.run_once() if options.once else worker.run_until_stopped()


def run_retention(options: argparse.Namespace) -> int:
    """Dispose of what is due and say how much that was."""
    from exchange.retention.service import early, run_disposal, verify_as_of  # noqa: PLC0415  loaded when it is done

    with installed_parts(load_settings()) as parts:
        today = in_london(parts.clock()).date()
        as_of = parse_day(options.as_of) if options.as_of else today
        if as_of > today and not (parts.settings.example or options.before_its_day):
            raise InvalidError(
                f"{as_of} has not come. Nothing was disposed of. This is no rehearsal: what is due by then would be "
                "destroyed now, for good. If that is what you want, add --before-its-day."
            )
        if as_of > today:
            verify_as_of(parts, as_of)
            with parts.database.unit_of_work() as unit:
                touched = early(unit.session, parts.schedule, today, as_of)
                record_reason(unit, act="disposal-before-its-day", inspections=touched, reason=options.reason)
        report = run_disposal(parts, as_of, trail.HOST)
    print(report)
    return 1 if report.failed else 0


def sweep_now(_options: argparse.Namespace) -> int:
    """Remove orphans at once."""
    from exchange.submissions.sweep import sweep  # noqa: PLC0415  a command loads what it does and no more

    with installed_parts(load_settings()) as parts:
        report = sweep(parts, timedelta(0))
    print(
        f"Removed {report.unfinished} unfinished files, {report.files} sealed files and {report.keys} keys of nobody."
    )
    if report.unrecorded:
        print(
            f"{report.unrecorded} files were left: people hold receipts for them and no record tells of them, as after "
            "restoring an older database. An alarm was raised for each. Restore a newer backup, or ask for them again."
        )
    return 0


def parse_day(text: str) -> date:
    """Return a day written like 2026-03-31. Raises InvalidError for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidError(f"“{text}” is not a date. Nothing was done. Write it like 2026-03-31.") from error
