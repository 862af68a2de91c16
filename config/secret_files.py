"""Secrets are files with rights: made once, readable by their owner only, refused when anybody else could read them."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

_SECRET_BYTES = 48
_LEAST_SECRET_BYTES = 32
_MOST_SECRET_BYTES = 4096


class SecretFileError(Exception):
    """A secret file is missing, too short, or can be read by others; the message says which and what to do."""


def verify_private(path: Path) -> None:
    """Check that `path` belongs to the user who runs the service and is closed to everybody else.

    Raises:
        SecretFileError: it is missing, somebody else's, or open to the group or the world.
    """
    try:
        found = path.stat()
    except OSError as refused:
        raise SecretFileError(f"{path} cannot be read ({refused.strerror}); create it, or name another") from None
    if found.st_uid != os.geteuid():
        raise SecretFileError(f"{path} belongs to another user; give it to the user who runs the service")
    if stat.S_IMODE(found.st_mode) & 0o077:
        rights = "700" if stat.S_ISDIR(found.st_mode) else "600"
        raise SecretFileError(f"{path} is open to other users; close it with: chmod {rights} {path}")


def read_secret_file(path: Path, least: int = _LEAST_SECRET_BYTES) -> bytes:
    """The bytes of a private file of `least` to 4096 bytes.

    Raises:
        SecretFileError: `verify_private` refuses it, or its length is out of bounds.
    """
    verify_private(path)
    try:
        with path.open("rb") as source:
            secret = source.read(_MOST_SECRET_BYTES + 1)
    except OSError as refused:
        raise SecretFileError(f"{path} cannot be read ({refused.strerror})") from None
    if not least <= len(secret) <= _MOST_SECRET_BYTES:
        raise SecretFileError(f"{path} must hold {least} to {_MOST_SECRET_BYTES} bytes; write a longer random secret")
    return secret


def create_secret_file(path: Path, *, tolerate_existing: bool = False) -> None:
    """Write 48 random bytes to a new file, rights 0600, durable on return; an existing file is never touched.

    Two processes may start at once: the file appears whole under its name or not at all.

    Raises:
        SecretFileError: the file exists already (unless that is tolerated) or cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as target:
            target.write(secrets.token_bytes(_SECRET_BYTES))
            target.flush()
            os.fsync(target.fileno())
        os.link(draft, path)
        _sync_folder(path.parent)
    except FileExistsError:
        if not tolerate_existing:
            raise SecretFileError(
                f"{path} exists already and stays as it is; remove it first to make another"
            ) from None
    except OSError as refused:
        raise SecretFileError(f"{path} cannot be written ({refused.strerror})") from None
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
