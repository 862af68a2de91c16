"""Reads the policy tables (TOML) that stand beside this package and says plainly which row is wrong.

Each table becomes frozen values in its own module; this one only knows rows, columns and their types.
"""

import datetime as dt
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

FOLDER = Path(__file__).parent

_Value = TypeVar("_Value", str, int, bool, dt.time, list[Any], dict[str, Any])


class TableError(Exception):
    """A policy table is missing, malformed or contradicts itself; the message names file, row and column."""


def read_table(path: Path) -> Mapping[str, Any]:
    """The parsed TOML file.

    Raises:
        TableError: the file cannot be read or is not TOML.
    """
    try:
        with path.open("rb") as source:
            return tomllib.load(source)
    except (OSError, tomllib.TOMLDecodeError) as refused:
        raise TableError(f"{path.name}: {refused}") from refused


class Row:
    """One row: every column is asked for by name and type, and `verify_all_read` refuses columns nobody asked for."""

    def __init__(self, columns: Mapping[str, Any], where: str) -> None:
        self._columns = columns
        self._where = where
        self._read: set[str] = set()

    def get(self, column: str, kind: type[_Value], default: _Value | None = None) -> _Value:
        """The value of a column, which must be of exactly this type.

        Raises:
            TableError: it is missing without a default, or of another type.
        """
        self._read.add(column)
        value = self._columns.get(column, default)
        if type(value) is not kind:
            raise TableError(f"{self._where}: {column} must be given as {kind.__name__}")
        return value

    def texts(self, column: str) -> tuple[str, ...]:
        """The texts of a list column; empty when the column is absent."""
        values: list[Any] = self.get(column, list, [])
        if not all(isinstance(value, str) and value for value in values) or len(set(values)) != len(values):
            raise TableError(f"{self._where}: {column} must be a list of different, non-empty texts")
        return tuple(values)

    def one_of(self, column: str, choices: Iterable[str], default: str | None = None) -> str:
        """The text of a column that has a fixed set of answers."""
        value, allowed = self.get(column, str, default), sorted(choices)
        if value not in allowed:
            raise TableError(f"{self._where}: {column} must be one of {', '.join(allowed)}")
        return value

    def verify_all_read(self) -> None:
        """Refuse a column that nothing reads: a slip in its name would otherwise silently mean the default.

        Raises:
            TableError: there is such a column.
        """
        strange = sorted(set(self._columns) - self._read)
        if strange:
            raise TableError(f"{self._where}: there is no column named {', '.join(strange)}")


_Made = TypeVar("_Made")


def rows(table: Mapping[str, Any], name: str, make: Callable[[Row], _Made], file_name: str) -> tuple[_Made, ...]:
    """One value for each `[[name]]` row, in the order of the file; at least one.

    Raises:
        TableError: there is no such row, or `make` refuses one.
    """
    found = table.get(name)
    if not isinstance(found, list) or not found:
        raise TableError(f"{file_name}: there is no [[{name}]] row")
    made = []
    for place, columns in enumerate(found, start=1):
        row = Row(columns, f"{file_name}: [[{name}]] row {place}")
        made.append(make(row))
        row.verify_all_read()
    return tuple(made)


def verify_only(table: Mapping[str, Any], names: Iterable[str], file_name: str) -> None:
    """Refuse a part of the file that nothing reads.

    Raises:
        TableError: there is such a part.
    """
    strange = sorted(set(table) - set(names))
    if strange:
        raise TableError(f"{file_name}: nothing reads {', '.join(strange)}")


def verify_unique(values: Iterable[str], what: str) -> None:
    """Refuse a code that stands twice.

    Raises:
        TableError: a value repeats.
    """
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise TableError(f"{what}: {value} stands twice")
        seen.add(value)
