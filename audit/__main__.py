"""`python -m audit COMMAND`: the log's tools, which need neither the service nor its database.

`verify FILE` judges evidence with nothing but this package, `page` writes a page that does it in a browser, `witness`
cosigns another party's log. Each subcommand is one row of COMMANDS.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from audit import page_command, verify_command, witness_command
from audit.command import Command

COMMANDS: Final[tuple[Command, ...]] = (verify_command.COMMAND, page_command.COMMAND, witness_command.COMMAND)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m audit", description="Tools for the log as evidence.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        row = commands.add_parser(command.name, help=command.purpose, description=command.purpose)
        command.add_arguments(row)
        row.set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    code: int = options.run(options)
    return code


if __name__ == "__main__":
    sys.exit(main())
