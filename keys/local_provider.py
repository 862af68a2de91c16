"""Key-encryption keys in one protected file: the provider that needs nothing but the host.

The file is the root of the chain: whoever has it and the key store can open every sealed file, and without it nothing
opens. It holds every version that is still needed. Processes that have it open notice a change by themselves.
"""

import json
import os
import threading
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Self

from keys.encoding import from_base64url, to_base64url
from keys.errors import IdentifierError, KeyFileError, KeyNeededError, KeyUnavailableError
from keys.identifiers import new_identifier, require_identifier
from keys.protected_file import (
    create_protected,
    locked_folder,
    overwrite,
    read_protected,
    spare_prefix,
)
from keys.protected_file import replace as replace_file
from keys.wrapping import KEY_SIZE, WrappedKey, unwrap_key, wrap_key

_FORMAT = "local-key-provider/1"


@dataclass(frozen=True, repr=False)
class _KeyFile:
    """What the file holds: its identifier, and the key of every version kept."""

    key_id: str
    keys: MappingProxyType[int, bytes]

    @property
    def current(self) -> int:
        return max(self.keys)

    def encode(self) -> bytes:
        keys = {str(version): to_base64url(key) for version, key in sorted(self.keys.items())}
        return json.dumps({"format": _FORMAT, "key_id": self.key_id, "keys": keys}, indent=1).encode("ascii") + b"\n"

    @classmethod
    def decode(cls, content: bytes) -> Self:
        fields = json.loads(content)
        keys = {int(version): from_base64url(key) for version, key in fields["keys"].items()}
        file = cls(require_identifier(fields["key_id"]), MappingProxyType(keys))
        if not keys or min(keys) < 1 or {len(key) for key in keys.values()} != {KEY_SIZE} or file.encode() != content:
            raise ValueError("not the one valid encoding")
        return file


class LocalKeyProvider:
    """The KeyProvider whose keys are in a file. Safe in several threads and processes."""

    def __init__(self, path: Path) -> None:
        """Open an existing file; `open` is the name to call."""
        self._path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._file: _KeyFile
        self._load()

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make the file with its first version.

        Raises KeyExistsError when there is one, KeyFileError for unsafe rights.
        """
        first = _KeyFile(new_identifier("kek"), MappingProxyType({1: os.urandom(KEY_SIZE)}))
        create_protected(path, first.encode())
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file; raise KeyFileError when it is missing, unsafe, another user's or not a provider's."""
        return cls(path)

    @property
    def key_id(self) -> str:
        """The identifier of this provider's keys, which every WrappedKey of its making carries."""
        return self._file.key_id

    def current_version(self) -> int:
        """The version that `wrap` uses now, from 1."""
        return self._load().current

    def versions(self) -> tuple[int, ...]:
        """Every version kept, oldest first."""
        return tuple(sorted(self._load().keys))

    def wrap(self, key: bytes, context: bytes) -> WrappedKey:
        """Wrap a 32-byte key for a context under the current version; raise KeyFileError when the file has gone."""
        file = self._load()
        return wrap_key(file.keys[file.current], key, context, key_id=file.key_id, key_version=file.current)

    def unwrap(self, wrapped: WrappedKey, context: bytes) -> bytes:
        """Open a wrapped key.

        Raises KeyUnavailableError for another provider's key or a version not kept, WrongContextError when it does not
        open.
        """
        file = self._load()
        if wrapped.key_id != file.key_id:
            raise KeyUnavailableError(
                "The key was wrapped by another provider key. Restore the key file that belongs here."
            )
        if wrapped.key_version not in file.keys:
            raise KeyUnavailableError(f"Version {wrapped.key_version} of the provider key is not kept here any more.")
        return unwrap_key(file.keys[wrapped.key_version], wrapped, context)

    def rotate(self) -> int:
        """Add a version, which `wrap` uses from now on, and give its number.

        A kill leaves the old file or the new one, whole.
        """
        with locked_folder(self._path.parent) as folder:
            file = self._load()
            keys = MappingProxyType({**file.keys, file.current + 1: os.urandom(KEY_SIZE)})
            self._write(folder, replace(file, keys=keys))
        return self.current_version()

    def retire(self, version: int, used_versions: Collection[int]) -> None:
        """Forget a version for good; `used_versions` are those that something is still wrapped under.

        Raises KeyNeededError for the current version or one in use, KeyUnavailableError for one that is not kept.
        """
        with locked_folder(self._path.parent) as folder:
            file = self._load()
            if version not in file.keys:
                raise KeyUnavailableError(f"Version {version} of the provider key is not kept here.")
            if version == file.current or version in used_versions:
                raise KeyNeededError(f"Version {version} of the provider key is still needed. Rotate and rewrap first.")
            keys = MappingProxyType({kept: key for kept, key in file.keys.items() if kept != version})
            old = os.open(self._path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                self._write(folder, replace(file, keys=keys))
                overwrite(old)
            finally:
                os.close(old)

    def _write(self, folder: int, file: _KeyFile) -> None:
        """Exchange the file, and remove what a killed exchange left behind; the folder is locked."""
        for name in os.listdir(folder):
            if name.startswith(spare_prefix(self._path.name)):
                os.unlink(name, dir_fd=folder)
        replace_file(folder, self._path.name, file.encode())

    def _load(self) -> _KeyFile:
        """Give the file as it is now; it is read again only when it, or its rights, changed."""
        try:
            status = self._path.lstat()
        except OSError as error:
            raise KeyFileError(f"The key file {self._path} cannot be found. Restore it.") from error
        stamp = (status.st_ino, status.st_ctime_ns, status.st_size)
        with self._lock:
            if stamp != self._stamp:
                self._file = _decode(self._path)
                self._stamp = stamp
            return self._file


def _decode(path: Path) -> _KeyFile:
    content = read_protected(path)
    try:
        return _KeyFile.decode(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, IdentifierError):
        # The cause is not chained: a parser's message can quote what it read.
        raise KeyFileError(f"The key file {path} is damaged or not a provider's key file. Restore it.") from None
