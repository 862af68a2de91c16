"""What `exchange doctor` looks at: settings, rights of files, keys, database, store, clock, each told in one sentence.

Promises: nothing is changed; one bad finding does not hide the next; no sentence carries a secret.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from audit.errors import AuditError
from audit.log import AuditLog
from audit.sql_store import SqlLogStore
from config.secret_files import SecretFileError, verify_private
from config.settings import Settings, SettingsError, load_settings
from exchange import trail
from exchange.clock import utc_now
from exchange.errors import ExchangeError
from exchange.installation import existing_database
from exchange.migrations import schema
from exchange.rollback import require_whole
from keys.errors import KeysError
from keys.key_store import INSPECTION, FolderKeyStore
from keys.local_provider import LocalKeyProvider
from keys.signed_sizes import SignedSizes
from keys.signing import LogSigner

T = TypeVar("T")

LEAST_FREE_BYTES = 20 * 10**9
CLOCK_SLIP = timedelta(minutes=2)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    is_well: bool
    sentence: str


def diagnose(environ: Mapping[str, str]) -> list[Finding]:
    """Look at everything; without usable settings there is nothing more to look at."""
    try:
        settings = load_settings(environ)
    except SettingsError as error:
        return [Finding("settings", is_well=False, sentence=problem) for problem in error.problems]
    checks: list[tuple[str, Callable[[Settings], str]]] = [
        ("rights", _rights),
        ("provider key", _provider_key),
        ("signing key", _signing_key),
        ("signed sizes", _signed_sizes),
        ("database", _database),
        ("store", _store),
        ("clock", _clock),
    ]
    return [
        Finding("settings", is_well=True, sentence="complete and safe together."),
        *(_look(settings, *check) for check in checks),
    ]


def _look(settings: Settings, subject: str, check: Callable[[Settings], str]) -> Finding:
    try:
        return Finding(subject, is_well=True, sentence=check(settings))
    except (ExchangeError, KeysError, SecretFileError, AuditError) as error:
        return Finding(subject, is_well=False, sentence=str(error))
    except SQLAlchemyError as error:
        return Finding(subject, is_well=False, sentence=f"the database does not answer ({type(error).__name__}).")
    except (OSError, ZoneInfoNotFoundError) as error:
        return Finding(subject, is_well=False, sentence=str(error))


def _rights(settings: Settings) -> str:
    paths = [settings.data_folder, settings.key_store_folder, settings.store_folder, settings.secret_key_file]
    paths += [settings.provider_key_file, settings.signing_key_file, settings.signed_sizes_file]
    if settings.sqlite_path is not None:
        paths.append(settings.sqlite_path)
    for path in paths:
        verify_private(path)
    return "folders and key files are closed to other users."


def _provider_key(settings: Settings) -> str:
    provider, store = LocalKeyProvider.open(settings.provider_key_file), FolderKeyStore(settings.key_store_folder)
    versions = provider.versions()
    inspections = store.inspections()
    for inspection in inspections:
        version = store.get(inspection, INSPECTION).key_version
        if version not in versions:
            raise ExchangeError(
                f"version {version} is missing; the inspection {inspection} cannot be opened without it."
            )
    return f"version {max(versions)} in use, {len(inspections)} inspection keys can be reached."


def _signing_key(settings: Settings) -> str:
    LogSigner.open(settings.signing_key_file)
    return "opens."


def _signed_sizes(settings: Settings) -> str:
    sizes, store = SignedSizes.open(settings.signed_sizes_file), SqlLogStore()
    log = AuditLog(store, LogSigner.open(settings.signing_key_file), utc_now, sizes)

    def look(connection: Connection) -> None:
        require_whole(trail.Trail(log, store, settings.log_origin), sizes, connection)

    _with_database(settings, look)
    return f"{len(sizes.states())} logs are remembered, and the database holds all that was signed of them."


def _database(settings: Settings) -> str:
    def look(connection: Connection) -> str:
        schema.verify_current(connection)
        log = SqlLogStore()
        log.log(connection, trail.SERVICE_LOG)
        return f"at revision {schema.newest_revision()}, {len(log.logs(connection))} logs."

    return _with_database(settings, look)


def _store(settings: Settings) -> str:
    folder = settings.store_folder
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise ExchangeError(f"{folder} cannot be read and written by this user.")
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise ExchangeError(f"only {free / 10**9:.1f} GB are free; make room before the next upload.")
    sealed = sum(1 for _ in Path(folder).glob("*/*.floe"))
    return f"{sealed} sealed files, {free / 10**9:.0f} GB free."


def _clock(settings: Settings) -> str:
    ZoneInfo("Europe/London")
    now = utc_now()

    def newest_entry(connection: Connection) -> datetime:
        store = SqlLogStore()
        size = store.tree_size(connection, trail.SERVICE_LOG)
        return store.entry(connection, trail.SERVICE_LOG, size - 1).entry.time

    newest = _with_database(settings, newest_entry)
    if newest > now + CLOCK_SLIP:
        raise ExchangeError("this machine's clock is behind the newest entry of the log; set it by a time server.")
    return f"{now:%Y-%m-%d %H:%M:%S} UTC, not behind the log."


def _with_database(settings: Settings, look: Callable[[Connection], T]) -> T:
    with existing_database(settings) as engine, engine.connect() as connection:
        return look(connection)
