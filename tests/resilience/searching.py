"""Looking for a marker everywhere that a server could have put what it was sent."""

from __future__ import annotations

import base64
import os
import secrets
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, MetaData, text

SHARED = Path("/dev/shm")  # noqa: S108  a place to be searched
TEMPORARY = (Path(tempfile.gettempdir()), Path("/var/tmp"))  # noqa: S108  the same


@dataclass(frozen=True)
class Marker:
    """32 random bytes and the forms in which they could lie somewhere."""

    raw: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    @property
    def forms(self) -> dict[str, bytes]:
        """Each form by its name."""
        plain, digits = base64.b64encode(self.raw), self.raw.hex()
        return {
            "raw": self.raw,
            "raw reversed": self.raw[::-1],
            "base64": plain,
            "base64 reversed": plain[::-1],
            "hex": digits.encode(),
            "hex in capitals": digits.upper().encode(),
            "hex reversed": digits[::-1].encode(),
            "UTF-16 little": digits.encode("utf-16-le"),
            "UTF-16 big": digits.encode("utf-16-be"),
        }

    @property
    def planted(self) -> bytes:
        """All forms, one after the other."""
        return b"\n".join(self.forms.values())

    def found_in(self, content: bytes) -> list[str]:
        """The names of the forms that are there."""
        return [name for name, form in self.forms.items() if form in content]


@dataclass(frozen=True)
class Search:
    """Folders searched whole, processes whose open files are searched, and the database."""

    folders: tuple[Path, ...]
    processes: tuple[int, ...]
    engine: Engine
    since: float  # files that were last changed before hold nothing that came later

    def find(self, marker: Marker) -> dict[str, list[str]]:
        """Every place that holds a form of the marker, with the forms."""
        found = {}
        for place, content in self._contents():
            if forms := marker.found_in(content):
                found[place] = forms
        return found

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        paths = [path for folder in self.folders for path in folder.rglob("*")]
        paths += [path for folder in (SHARED, *TEMPORARY) for path in folder.glob("*")]
        paths += [path for folder in self._cluster() for path in folder.rglob("*")]
        yield from self._files(paths)
        yield from self._files(path for pid in self.processes for path in Path(f"/proc/{pid}/fd").glob("*"))
        yield from self._rows()

    def _files(self, paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
        for path in paths:
            with suppress(OSError):  # gone since, or closed
                status = path.stat()
                if stat.S_ISREG(status.st_mode) and status.st_mtime >= self.since:
                    yield f"{path} ({os.path.realpath(path)})", path.read_bytes()

    def _cluster(self) -> list[Path]:
        """The folder of a PostgreSQL server on this machine, with everything written out to it."""
        if self.engine.dialect.name != "postgresql":
            return []
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("CHECKPOINT"))
            folder = Path(str(connection.scalar(text("SHOW data_directory"))))
        with suppress(PermissionError):
            return [folder] if folder.is_dir() else []
        return []

    def _rows(self) -> Iterator[tuple[str, bytes]]:
        """Every row of every table, as text and as bytes: what can be seen of a database that is elsewhere."""
        known = MetaData()
        known.reflect(self.engine)
        with self.engine.connect() as connection:
            for name, table in known.tables.items():
                values = [value for row in connection.execute(table.select()) for value in row]
                yield (
                    f"table {name}",
                    b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in values),
                )
