"""The first act on a host: folders, keys, secret, tables and the service's own log, made once.

Promises: it refuses to run where anything of an installation is, and names what is there; whatever it makes is
readable by the user who runs the service and by nobody else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from audit.checkpoint import open_checkpoint
from audit.log import AuditLog
from audit.note import VerifierKey
from audit.sql_store import SqlLogStore
from config.secret_files import create_secret_file
from config.settings import Settings
from exchange import trail
from exchange.clock import Clock, utc_now
from exchange.database import Database, make_engine
from exchange.errors import ConflictError
from exchange.migrations import schema
from exchange.parts import Parts, join_parts
from exchange.trail import Trail
from keys.local_provider import LocalKeyProvider
from keys.signed_sizes import SignedSize, SignedSizes
from keys.signing import LogSigner

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
BEFORE_SIGNED_SIZES = "0001"


def install(settings: Settings, clock: Clock = utc_now) -> None:
    """Make everything that the service needs before it can start.

    Raises:
        ConflictError: something is there already; nothing was changed.
        keys.errors.KeysError, config.secret_files.SecretFileError, OSError: a file cannot be made as it must be.
    """
    found = what_exists(settings)
    if found:
        raise ConflictError(
            f"There is an installation here already: {', '.join(found)}. Nothing was changed. To bring its database "
            "up to date, run: exchange upgrade"
        )
    _make_folders(settings)
    create_secret_file(settings.secret_key_file)
    LocalKeyProvider.create(settings.provider_key_file)
    signer = LogSigner.create(settings.signing_key_file)
    sizes = SignedSizes.create(settings.signed_sizes_file)
    engine = make_engine(settings.connection_url())
    try:
        schema.upgrade(engine)
    finally:
        engine.dispose()
    _open_service_log(settings, signer, sizes, clock)


def what_exists(settings: Settings) -> list[str]:
    """Name what of an installation is there: files, folders that hold something, and the database's tables."""
    files = {
        "provider key": settings.provider_key_file,
        "signing key": settings.signing_key_file,
        "signed sizes": settings.signed_sizes_file,
        "secret key": settings.secret_key_file,
    }
    folders = {"wrapped keys": settings.key_store_folder, "sealed files": settings.store_folder}
    found = [f"{name} {path}" for name, path in files.items() if path.exists()]
    found += [f"{name} in {path}" for name, path in folders.items() if path.is_dir() and any(path.iterdir())]
    return found + _existing_tables(settings)


@contextmanager
def existing_database(settings: Settings) -> Iterator[Engine]:
    """The engine of a database that is there; connecting to a SQLite file that is missing would make an empty one.

    Raises:
        ConflictError: there is no installation, or its database file is missing.
    """
    if not what_exists(settings):
        raise ConflictError("There is no installation here yet. Run: exchange init")
    if settings.sqlite_path is not None and not settings.sqlite_path.exists():
        raise ConflictError(f"The database {settings.sqlite_path} is missing. Restore it from a backup.")
    engine = make_engine(settings.connection_url())
    try:
        yield engine
    finally:
        engine.dispose()


def require_installation(settings: Settings) -> None:
    """Raise ConflictError unless there is an installation whose tables are at the revision this version works with."""
    with existing_database(settings) as engine, engine.connect() as connection:
        schema.verify_current(connection)


@contextmanager
def installed_parts(settings: Settings) -> Iterator[Parts]:
    """The parts of an installation; its database is closed on leaving. Raises as `require_installation` does."""
    require_installation(settings)
    parts = join_parts(settings)
    try:
        yield parts
    finally:
        parts.database.dispose()


def remember_signed(settings: Settings) -> int:
    """Make the file of signed sizes anew from the checkpoints in the database; return how many logs it knows then.

    For a database that is older than the file, or where every copy of it is lost: what the database has lost by then
    is not noticed any more.

    Raises:
        keys.errors.KeyExistsError: the file is there; it was not touched.
        audit.errors.NoteError: a stored checkpoint is not the log's own.
    """
    store, public_key = SqlLogStore(), LogSigner.open(settings.signing_key_file).public_key_bytes
    states = {}
    with existing_database(settings) as engine, engine.connect() as connection:
        for record in store.logs(connection):
            latest = store.latest_checkpoint(connection, record.log_id)
            if latest is not None:
                signed = open_checkpoint(latest.note, VerifierKey(record.origin, public_key))
                states[record.origin] = SignedSize(signed.size, signed.root)
    SignedSizes.create(settings.signed_sizes_file, states)
    return len(states)


def remember_if_new(settings: Settings, revision: str | None) -> None:
    """Make the file of signed sizes after an upgrade from the revision before it existed; later, its loss is told."""
    if revision == BEFORE_SIGNED_SIZES and not settings.signed_sizes_file.exists():
        remember_signed(settings)


def _existing_tables(settings: Settings) -> list[str]:
    if settings.sqlite_path is not None:
        return [f"database {settings.sqlite_path}"] if settings.sqlite_path.exists() else []
    engine = make_engine(settings.connection_url())
    try:
        with engine.connect() as connection:
            return ["tables in the database"] if schema.revision_of(connection) else []
    except SQLAlchemyError as error:
        raise ConflictError(
            "The database cannot be reached. Nothing was changed. Check EXCHANGE_DATABASE_URL and that it is running."
        ) from error
    finally:
        engine.dispose()


def _make_folders(settings: Settings) -> None:
    folders = [settings.data_folder, settings.key_store_folder, settings.store_folder]
    files = (
        settings.provider_key_file,
        settings.signing_key_file,
        settings.signed_sizes_file,
        settings.secret_key_file,
    )
    folders += [path.parent for path in files]
    if settings.sqlite_path is not None:
        folders.append(settings.sqlite_path.parent)
    for folder in folders:
        _make_private(folder)
    if settings.sqlite_path is not None:
        # SQLite gives its journal files the rights of the database file.
        os.close(os.open(settings.sqlite_path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, PRIVATE_FILE))


def _make_private(folder: Path) -> None:
    """Make a folder and those above it that are missing; `mkdir(parents=True)` would leave the upper ones open."""
    if folder.exists():
        return
    if not folder.parent.exists():
        _make_private(folder.parent)
    folder.mkdir(mode=PRIVATE_FOLDER)


def _open_service_log(settings: Settings, signer: LogSigner, sizes: SignedSizes, clock: Clock) -> None:
    store = SqlLogStore()
    log = AuditLog(store, signer, clock, sizes)
    service_trail = Trail(log, store, settings.log_origin)
    database = Database(settings.connection_url(), clock, service_trail.append)
    try:
        with database.unit_of_work() as unit:
            service_trail.create(unit, trail.SERVICE_LOG)
            trail.record(unit, "log:opened", actor=trail.HOST, subject=trail.SERVICE_LOG)
        with database.unit_of_work() as unit:
            log.sign_checkpoint(unit.session.connection(), trail.SERVICE_LOG)
    finally:
        database.dispose()
