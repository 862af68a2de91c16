"""Whether this process can do its work now: can it reach database, store and keys, and is its log whole?"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from audit.errors import AuditError
from exchange import trail
from exchange.parts import Parts
from keys.errors import KeysError
from keys.local_provider import LocalKeyProvider

FAILURES = (SQLAlchemyError, AuditError, KeysError, OSError)


def readiness(parts: Parts) -> dict[str, bool]:
    """Return for each part the service stands on whether it answers. Changes nothing and never raises for a part."""
    checks: dict[str, Callable[[Parts], None]] = {
        "database": _verify_database,
        "store": _verify_store,
        "keys": _verify_keys,
        "log": _verify_log,
    }
    return {name: _holds(check, parts) for name, check in checks.items()}


def _holds(check: Callable[[Parts], None], parts: Parts) -> bool:
    try:
        check(parts)
    except FAILURES:
        return False
    return True


def _verify_database(parts: Parts) -> None:
    """The service's own log is there: without it nothing may be done, so nothing can be."""
    with parts.database.read() as session:
        parts.trail.store.log(session.connection(), trail.SERVICE_LOG)


def _verify_store(parts: Parts) -> None:
    _verify_folder(parts.settings.store_folder)


def _verify_keys(parts: Parts) -> None:
    LocalKeyProvider.open(parts.settings.provider_key_file).current_version()
    _verify_folder(parts.settings.key_store_folder)


def _verify_log(parts: Parts) -> None:
    """No log was put back behind what was signed; otherwise nothing may be done until somebody decides."""
    with parts.database.read() as session:
        parts.trail.require_settled(session.connection())


def _verify_folder(folder: Path) -> None:
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise NotADirectoryError(folder)
