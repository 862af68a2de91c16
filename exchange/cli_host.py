"""Commands about the installation on this host: init, upgrade, settings, serve, doctor, accounts made on the host."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from config.settings import Settings, load_settings, settings_table
from exchange import trail
from exchange.access.roles import Role
from exchange.accounts.service import create_account
from exchange.diagnosis import diagnose
from exchange.errors import ConflictError
from exchange.installation import existing_database, install, installed_parts, remember_if_new, require_installation
from exchange.migrations import schema
from exchange.publishing.policy_file import load_policy

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]  # noqa: SLF001  the one name argparse has for it

ROOT = Path(__file__).resolve().parent.parent
SERVER_CONFIGURATION = ROOT / "exchange" / "web" / "gunicorn_conf.py"


def add_commands(commands: Commands) -> None:
    """Add this room's commands to the parser."""
    text = "make keys, secret, folders, tables and the service's log, once"
    commands.add_parser("init", help=text, description=text).set_defaults(run=init)
    text = "bring the database to the schema of this version; take a backup first"
    commands.add_parser("upgrade", help=text, description=text).set_defaults(run=upgrade)
    text = "start the web server in place of this command"
    commands.add_parser("serve", help=text, description=text).set_defaults(run=serve)
    text = "check settings, rights, keys, database, store and clock, one line each"
    commands.add_parser("doctor", help=text, description=text).set_defaults(run=doctor)
    text = "list every setting with its meaning and default"
    settings = commands.add_parser("settings", help=text, description=text)
    settings.add_argument("--check", action="store_true", help="check the values in the environment instead")
    settings.set_defaults(run=show_settings)
    for command, role in (("add-administrator", Role.ADMINISTRATOR), ("add-officer", Role.DATA_PROTECTION_OFFICER)):
        text = f"make an account as {role.label.lower()} of the service and print the one-time link that opens it"
        account = commands.add_parser(command, help=text, description=text)
        account.add_argument("email", metavar="EMAIL")
        account.add_argument("name", metavar="NAME", help="as others will see it; quote a name with spaces")
        account.set_defaults(run=add_account, role=role)


def init(_options: argparse.Namespace) -> int:
    """Make the installation."""
    settings = load_settings()
    install(settings)
    print(f"Made keys, database and log. Back up {settings.provider_key_file} apart from everything else.")
    print("Next: exchange add-administrator EMAIL NAME, then exchange add-officer EMAIL NAME")
    return 0


def upgrade(_options: argparse.Namespace) -> int:
    """Bring the database to the newest revision."""
    settings = load_settings()
    with existing_database(settings) as engine:
        with engine.connect() as connection:
            before = schema.revision_of(connection)
        schema.upgrade(engine)
    remember_if_new(settings, before)
    newest = schema.newest_revision()
    print(f"Already at revision {newest}." if before == newest else f"Now at revision {newest}.")
    return 0


def serve(_options: argparse.Namespace) -> NoReturn:
    """Become the web server."""
    settings = load_settings()
    require_installation(settings)
    require_free_port(settings)
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH")) if part)
    os.execve(sys.executable, server_command(), {**os.environ, "PYTHONPATH": path})  # noqa: S606  no shell is wanted


def server_command() -> list[str]:
    """How the web server is started."""
    return [sys.executable, "-m", "gunicorn", "--config", str(SERVER_CONFIGURATION), "wsgi:app"]


def require_free_port(settings: Settings) -> None:
    """Raise ConflictError when something else listens where the web server would."""
    host, port = settings.bind_host, int(settings.bind.rpartition(":")[2])
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConflictError(
                f"The web server cannot listen on {settings.bind} ({error.strerror}): another program may be using it. "
                "Nothing was started. Stop that program, or choose another port: EXCHANGE_BIND, or make run PORT=8080."
            ) from error


def doctor(_options: argparse.Namespace) -> int:
    """Print one line for each check."""
    findings = diagnose(os.environ)
    for finding in findings:
        print(f"{'ok ' if finding.is_well else 'BAD'} {finding.subject}: {finding.sentence}")
    return 0 if all(finding.is_well for finding in findings) else 1


def show_settings(options: argparse.Namespace) -> int:
    """Print the table of settings, or check the environment."""
    if options.check:
        load_policy(load_settings())
        print("The settings can be used.")
        return 0
    for row in settings_table():
        default = "required" if row.required else f"default {row.default}" if row.default else "default empty"
        print(f"{row.variable} ({default})\n    {row.description}")
    return 0


def add_account(options: argparse.Namespace) -> int:
    """Make the account and print its link."""
    settings = load_settings()
    with installed_parts(settings) as parts, parts.database.unit_of_work() as unit:
        person, token = create_account(
            unit,
            actor=trail.HOST,
            email=options.email,
            name=options.name,
            organisation="",
            roles=frozenset({options.role}),
        )
        email = person.email
    print(f"Made an account as {options.role.label.lower()} for {email}. This link opens it once, within three days:")
    print(f"{settings.public_url}/activate/{token}")
    return 0
