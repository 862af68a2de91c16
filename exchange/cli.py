"""The `exchange` command: what is done on the host itself, by somebody who may.

Promises: a command that is run wrongly ends with one clear sentence and exit code 2, never with a trace; one that
finds something wrong ends with 1; files made by any of them are closed to other users.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from sqlalchemy.exc import SQLAlchemyError

from audit.errors import LogRolledBackError
from config.secret_files import SecretFileError
from config.settings import SettingsError
from exchange import cli_duties, cli_host, cli_keys, cli_log
from exchange.errors import ExchangeError
from exchange.journal import start_journal
from exchange.storage.contract import StoreError
from keys.errors import KeysError

RUN_WRONGLY = 2
INTERRUPTED = 130
OWNER_ONLY = 0o077


class _Parser(argparse.ArgumentParser):
    """A parser whose refusals are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is, and end with exit code 2."""
        self.exit(RUN_WRONGLY, f"{message[:1].upper()}{message[1:]}. Help: {self.prog} --help\n")


def make_parser() -> argparse.ArgumentParser:
    """The commands and their help."""
    parser = _Parser(prog="exchange", description="Runs and looks after the Area SEND Exchange on this host.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for room in (cli_host, cli_duties, cli_keys, cli_log):
        room.add_commands(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = make_parser().parse_args(arguments)
    return refuse_in_one_sentence(lambda: options.run(options))


def refuse_in_one_sentence(act: Callable[[], int]) -> int:
    """Do `act` and return its exit code; what it refuses becomes a sentence and exit code 2."""
    os.umask(OWNER_ONLY)
    start_journal()
    try:
        return act()
    except (ExchangeError, SettingsError, KeysError, SecretFileError, StoreError, LogRolledBackError) as error:
        return _refuse(str(error))
    except SQLAlchemyError as error:
        # The driver's text may quote rows, so it is not shown.
        return _refuse(f"The database refused ({type(error).__name__}). See `exchange doctor` for what is wrong.")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _refuse(f"{error.filename or 'The system'}: {error.strerror or type(error).__name__}.")
    except KeyboardInterrupt:
        return INTERRUPTED


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return RUN_WRONGLY


if __name__ == "__main__":
    sys.exit(main())
