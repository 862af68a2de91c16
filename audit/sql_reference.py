"""Finding entries by an identifier that stands anywhere in them, whole or by its last characters, in SQL.

The entry's own bytes are looked at: no copy beside it holds every identifier that it names.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import ColumnElement, Text, cast, func

from audit.sql_tables import audit_entry

_CHARACTERS: Final = 26
"""Of an identifier, after its prefix and underscore."""

_PREFIX: Final = r"___\_"
"""Three letters and an underscore, as a pattern of LIKE."""


def reference_conditions(reference: str | None, dialect: str) -> Iterator[ColumnElement[bool]]:
    """What an entry must meet to name `reference`: letters, digits and an underscore only, so no pattern of its own."""
    if reference is None:
        return
    entry = audit_entry.c.entry
    pattern = f'%"{_pattern(reference)}"%'
    if dialect == "postgresql":
        yield entry.bool_op("LIKE")(pattern.encode())  # PostgreSQL compares bytes as they are
        return
    yield func.instr(entry, f'{reference}"'.encode()) > 0  # soon tells most entries apart
    yield cast(entry, Text).like(pattern, escape="\\")


def _pattern(reference: str) -> str:
    if "_" in reference:
        return reference.replace("_", r"\_")
    return _PREFIX + "_" * (_CHARACTERS - len(reference)) + reference  # a hash that ends alike has no such beginning
