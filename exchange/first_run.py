"""`make run`: the service on this machine, with the worked example made on the first run and kept on every later one.

Promises: the example is there whole or not at all, so a first run that was broken off is simply begun again; web server
and worker end with this process; what a person needs to go on is printed last.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from config.settings import Settings, load_settings
from exchange.cli import refuse_in_one_sentence
from exchange.cli_host import require_free_port, server_command
from exchange.errors import ConflictError
from exchange.example import LOCAL_AREA, PASSWORD, PEOPLE, make_example
from exchange.installation import existing_database, install, installed_parts, remember_if_new
from exchange.migrations import schema
from exchange.side_by_side import run_side_by_side

DATA_FOLDER = "EXCHANGE_DATA_FOLDER"
HEALTH_PAGE = "/healthz"
HEALTH_SECONDS = 5
DRAFT_SUFFIX = ".being-made"


def main() -> int:
    """Prepare, start, say where, and wait."""
    return refuse_in_one_sentence(lambda: start(os.environ))


def start(environ: Mapping[str, str]) -> int:
    """Run the example until stopped; return 0, or 1 when web server or worker ended by itself.

    Raises:
        ConflictError: the port is taken, or the settings are not those of an example kept in one folder.
    """
    settings = load_settings(environ)
    require_free_port(settings)
    prepare(settings, environ)
    hold_alone(settings.data_folder)
    commands = {
        "web server": server_command(),
        "worker": [sys.executable, "-m", "exchange", "worker"],
    }
    # The web server says only what goes wrong; the address and the accounts below should be the last lines.
    quiet = {**environ, "GUNICORN_CMD_ARGS": "--log-level warning --graceful-timeout 3"}
    ended = run_side_by_side(commands, quiet, lambda: _answers(settings), lambda: _say(welcome(settings)))
    if ended:
        _say(f"The {ended} ended by itself, so everything was stopped. Its last words stand above.")
        return 1
    _say("\nStopped. The data is kept for the next run.")
    return 0


def hold_alone(folder: Path) -> None:
    """Keep a second run off the same data for as long as this process lives.

    Raises:
        ConflictError: another run has it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # held, not closed: its lock is the claim
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise ConflictError(
            f"This worked example is running already, on the data in {folder}. Nothing was started. Use that one, stop "
            "it with Ctrl-C, or give this one a folder of its own: make run RUN_FOLDER=/tmp/another PORT=8001"
        ) from error


def prepare(settings: Settings, environ: Mapping[str, str]) -> None:
    """See that the example is there and its schema is the newest."""
    folder = settings.data_folder
    if not settings.example or settings.sqlite_path is None or not settings.sqlite_path.is_relative_to(folder):
        raise ConflictError(
            "This starts the worked example, which lives in one folder with a SQLite database. Nothing was started. "
            "For a service of your own use: exchange init, exchange serve, exchange worker."
        )
    if not folder.exists():
        _say(f"First run: making keys, database, log and a worked example in {folder}.")
        _make_whole(folder, environ)
    with existing_database(settings) as engine:
        with engine.connect() as connection:
            before = schema.revision_of(connection)
        schema.upgrade(engine)
    remember_if_new(settings, before)


def _make_whole(folder: Path, environ: Mapping[str, str]) -> None:
    """Make the example beside its place and move it there when it is complete."""
    draft = folder.with_name(folder.name + DRAFT_SUFFIX)
    shutil.rmtree(draft, ignore_errors=True)
    settings = load_settings({**environ, DATA_FOLDER: str(draft)})
    install(settings)
    with installed_parts(settings) as parts:
        make_example(parts)
    draft.rename(folder)


def welcome(settings: Settings) -> str:
    """The address, and who may sign in with which password."""
    width = max(len(person.email) for person in PEOPLE)
    accounts = "\n".join(f"  {person.email:<{width}}  {person.role.label}" for person in PEOPLE)
    return (
        f"\nThe exchange is running with a worked example, the inspection of {LOCAL_AREA}:\n\n"
        f"  {settings.public_url}\n\nSign in as one of these, each with the password {PASSWORD}\n\n{accounts}\n\n"
        "Nothing in it is real. Press Ctrl-C to stop."
    )


def _answers(settings: Settings) -> bool:
    """Whether the web server answers its health page."""
    connection = HTTPConnection(settings.public_host, timeout=HEALTH_SECONDS)
    try:
        connection.request("GET", HEALTH_PAGE)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
