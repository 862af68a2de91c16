"""Where an export of tiles is read from: a folder, or a zip; each gives its names, and a file's bytes by its name."""

import os
from pathlib import Path
from typing import NoReturn, Protocol

from audit.errors import BundleError
from audit.tile_sinks import NEW_CHECKPOINT


class TileSource(Protocol):
    """An export as it stands; nothing in it is believed."""

    def names(self) -> set[str]:
        """The path of every file, as tlog-tiles spells it."""

    def read(self, name: str, longest: int) -> bytes | None:
        """A file's bytes, None when it is not there; raises BundleError for one of more than `longest` bytes."""


class FolderSource:
    """An export in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> set[str]:
        """The path of every file, but for a checkpoint whose writing broke off."""
        found = set()
        for folder, _, files in os.walk(self._folder, onerror=_refuse):
            inside = Path(folder).relative_to(self._folder)
            found |= {(inside / name).as_posix() for name in files}
        return found - {NEW_CHECKPOINT}

    def read(self, name: str, longest: int) -> bytes | None:
        """A file's bytes."""
        try:
            with (self._folder / name).open("rb") as file:
                content = file.read(longest + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            _refuse(error)
        if len(content) > longest:
            raise BundleError(f"{name} is too large to be what it is called.")
        return content


def _refuse(error: OSError) -> NoReturn:
    raise BundleError(f"{error.filename} cannot be read: {error.strerror}.") from error
