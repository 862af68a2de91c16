"""A PostgreSQL of the tests' own: a throw-away cluster in a temporary folder, gone when the tests end.

EXCHANGE_TEST_POSTGRES_URL names a server to use instead; its user must be allowed to create databases. Without
either a server or the programs to start one the tests fail and say so: a promise for two databases is tested on two.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

ATTEMPTS = 5


class PostgresMissingError(Exception):
    """PostgreSQL cannot be started here; the message says what to install or set."""


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a server on which databases can be created; a private one is stopped and removed at the end."""
    given = os.environ.get("EXCHANGE_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="exchange-postgres-"))
    account = _account()
    try:
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
        _run(account, programs / "initdb", "-D", folder / "data", "-U", "exchange", "--auth=trust", "-E", "UTF8", "-N")
        port = _start(account, programs, folder)
        try:
            yield f"postgresql+psycopg://exchange@127.0.0.1:{port}/postgres"
        finally:
            _run(account, programs / "pg_ctl", "stop", "-D", folder / "data", "-m", "immediate")
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def postgres_database(server_url: str) -> Iterator[str]:
    """The URL of a fresh, empty database on that server; dropped at the end, whoever is still connected."""
    name = f"test_{secrets.token_hex(8)}"
    _administer(server_url, f'CREATE DATABASE "{name}" TEMPLATE template0')
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(server_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def _administer(server_url: str, statement: str) -> None:
    engine = create_engine(server_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(statement))


def _programs() -> Path:
    """The folder that holds initdb and pg_ctl: that of PATH, or the newest that Debian's packages installed."""
    on_path = shutil.which("initdb")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    candidates = [Path(on_path).resolve()] if on_path else []
    for initdb in [*candidates, *reversed(installed)]:
        if (initdb.parent / "pg_ctl").exists():
            return initdb.parent
    raise PostgresMissingError(
        "The tests need PostgreSQL: install it (Debian: apt-get install postgresql), put initdb and pg_ctl on PATH, "
        "or set EXCHANGE_TEST_POSTGRES_URL to a server on which databases may be created."
    )


def _version(initdb: Path) -> int:
    number = initdb.parent.parent.name
    return int(number) if number.isdigit() else 0


def _account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root; then an unprivileged account runs it."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresMissingError("PostgreSQL does not run as root, and there is no account postgres or nobody.")


def _start(account: pwd.struct_passwd | None, programs: Path, folder: Path) -> int:
    """Start the server on a free loopback port, and return the port; another process may take one in between."""
    for attempt in range(ATTEMPTS):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
        options += " -c max_connections=100 -c shared_buffers=32MB -c autovacuum=off -c log_min_messages=fatal"
        options += " -c fsync=off -c full_page_writes=off"  # tests kill the service, never the machine
        try:
            arguments = ("start", "-w", "-D", folder / "data", "-l", folder / "log", "-o", options)
            _run(account, programs / "pg_ctl", *arguments)
        except PostgresMissingError:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return port
    raise AssertionError


def _run(account: pwd.struct_passwd | None, *arguments: str | Path) -> None:
    identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    done = subprocess.run(  # noqa: PLW1510 - the return code is looked at below, with what was said
        [str(argument) for argument in arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
        **identity,
    )
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").strip()
        raise PostgresMissingError(f"{Path(arguments[0]).name} failed, so the tests have no PostgreSQL: {said}")
