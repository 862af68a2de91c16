"""Where wrapped keys live: a folder per inspection, a file per key, each durable before `put` returns.

    root/<inspection_id>/inspection.json       the inspection key, wrapped by the provider
    root/<inspection_id>/<document_id>.json    a document's data key, wrapped by the inspection key

Forgetting is the point of this store: it belongs in a backup of its own, with a shorter life than the content's.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from keys.errors import KeyExistsError, KeyUnavailableError
from keys.identifiers import is_identifier, require_identifier
from keys.protected_file import (
    is_spare,
    locked_folder,
    make_folder,
    overwrite_and_remove,
    replace,
    spare_prefix,
    write_new,
)
from keys.wrapping import WrappedKey

INSPECTION = "inspection"

_SUFFIX = ".json"
_GONE = "The key is not in the key store: it was destroyed, or never made."


class WrappedKeyStore(Protocol):
    """Keeps wrapped keys under an inspection's identifier and a name: `inspection`, or a document's identifier."""

    def put(self, inspection_id: str, name: str, wrapped: WrappedKey) -> None:
        """Keep a key, durable on return.

        Raises KeyExistsError when the name is taken, and KeyUnavailableError when a document's key comes without its
        inspection's.
        """

    def get(self, inspection_id: str, name: str) -> WrappedKey:
        """Give a key; raise KeyUnavailableError when it is not there, WrappedKeyError when its file is damaged."""

    def has(self, inspection_id: str, name: str) -> bool:
        """Tell whether a key is there."""

    def replace(self, inspection_id: str, name: str, wrapped: WrappedKey) -> None:
        """Exchange a key for the same one wrapped anew, durably; raise KeyUnavailableError when it is not there."""

    def destroy(self, inspection_id: str, name: str) -> None:
        """Forget a key for good, durably. With the inspection's own key go all below it. Absence is no error."""

    def list(self, inspection_id: str) -> tuple[str, ...]:
        """Give the identifiers of the documents that have a key, sorted."""

    def inspections(self) -> tuple[str, ...]:
        """Give the identifiers of the inspections that have a key, sorted."""

    def sweep_unfinished(self) -> int:
        """Remove what writes left that were killed before they were complete; return how many. No writer is touched."""


class FolderKeyStore:
    """The WrappedKeyStore in a folder of the host, safe among threads and processes."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, inspection_id: str, name: str, wrapped: WrappedKey) -> None:
        """See WrappedKeyStore.put."""
        file = _file_name(name)
        if name == INSPECTION:
            make_folder(self._folder(inspection_id))
        with self._locked(inspection_id) as folder:
            if name != INSPECTION and not _is_there(folder, _file_name(INSPECTION)):
                raise KeyUnavailableError(_GONE)
            try:
                write_new(folder, file, wrapped.to_json().encode("ascii"))
            except FileExistsError as error:
                raise KeyExistsError("There is a key under this name already. It stays as it is.") from error

    def get(self, inspection_id: str, name: str) -> WrappedKey:
        """See WrappedKeyStore.get."""
        try:
            content = (self._folder(inspection_id) / _file_name(name)).read_bytes()
        except FileNotFoundError as error:
            raise KeyUnavailableError(_GONE) from error
        return WrappedKey.from_json(content.decode("ascii", "replace"))

    def has(self, inspection_id: str, name: str) -> bool:
        """See WrappedKeyStore.has."""
        return (self._folder(inspection_id) / _file_name(name)).is_file()

    def replace(self, inspection_id: str, name: str, wrapped: WrappedKey) -> None:
        """See WrappedKeyStore.replace."""
        file = _file_name(name)
        with self._locked(inspection_id) as folder:
            # Under the lock: a key destroyed meanwhile must not come back.
            if not _is_there(folder, file):
                raise KeyUnavailableError(_GONE)
            replace(folder, file, wrapped.to_json().encode("ascii"))

    def destroy(self, inspection_id: str, name: str) -> None:
        """See WrappedKeyStore.destroy."""
        file = _file_name(name)
        path = self._folder(inspection_id)
        if not path.is_dir():
            return
        with self._locked(inspection_id) as folder:
            overwrite_and_remove(folder, file)
            for found in [entry.name for entry in path.iterdir()]:
                if name == INSPECTION or found.startswith(spare_prefix(file)):
                    overwrite_and_remove(folder, found)
            if name == INSPECTION:
                self._remove(path)

    def list(self, inspection_id: str) -> tuple[str, ...]:
        """See WrappedKeyStore.list."""
        return _names(self._folder(inspection_id), _SUFFIX)

    def inspections(self) -> tuple[str, ...]:
        """See WrappedKeyStore.inspections."""
        return tuple(name for name in _names(self._root, "") if self.has(name, INSPECTION))

    def sweep_unfinished(self) -> int:
        """See WrappedKeyStore.sweep_unfinished."""
        return sum(self._sweep(inspection_id) for inspection_id in _names(self._root, ""))

    def _sweep(self, inspection_id: str) -> int:
        path = self._folder(inspection_id)
        # Whoever writes holds the folder, so under the lock every unfinished file is one that nobody finishes.
        with suppress(KeyUnavailableError), self._locked(inspection_id) as folder:
            left = [entry.name for entry in path.iterdir() if is_spare(entry.name)]
            for name in left:
                overwrite_and_remove(folder, name)
            return len(left)
        return 0

    def _folder(self, inspection_id: str) -> Path:
        return self._root / require_identifier(inspection_id)

    @contextmanager
    def _locked(self, inspection_id: str) -> Iterator[int]:
        with ExitStack() as stack:
            try:
                folder = stack.enter_context(locked_folder(self._folder(inspection_id)))
            except FileNotFoundError as error:
                raise KeyUnavailableError(_GONE) from error
            yield folder

    def _remove(self, path: Path) -> None:
        with suppress(FileNotFoundError):  # another process finished the same destruction
            path.rmdir()
        descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _file_name(name: str) -> str:
    return (name if name == INSPECTION else require_identifier(name)) + _SUFFIX


def _is_there(folder: int, file: str) -> bool:
    try:
        os.stat(file, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _names(folder: Path, suffix: str) -> tuple[str, ...]:
    """Give the identifiers that entries are named after; whatever else lies there is not ours."""
    found = (path.name.removesuffix(suffix) for path in folder.glob(f"*{suffix}"))
    return tuple(sorted(filter(is_identifier, found)))
