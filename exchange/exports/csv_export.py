"""CSV (RFC 4180) in UTF-8 with a byte order mark, in which no cell is a formula to a spreadsheet program.

A cell that a spreadsheet program could take for a formula gets one apostrophe in front. So does a cell that begins
with an apostrophe: a reader who takes one apostrophe off each cell that has one gets back exactly what was there.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

BOM: Final = "\ufeff"
MARK: Final = "'"
ROWS_TOGETHER: Final = 500

# What a spreadsheet program begins a formula with, in its plain, full-width and small forms, also where white space,
# quotation marks, invisible characters or a separator that another locale splits at stand before it.
_BEFORE = (
    r"[\s\x00-\x1f\x7f-\x9f\"'`\u2018-\u201f\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uff02\uff07\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff\u3000,;|]*"
)
_FORMULA = re.compile(rf"{_BEFORE}[=+\-@\u2212\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b]|[\t\r\n']")

Cell = str | int


def neutralise(text: str) -> str:
    """The cell as it is written: with an apostrophe in front where it could be taken for a formula, or has one."""
    return f"{MARK}{text}" if _FORMULA.match(text) else text


def restore(cell: str) -> str:
    """What `neutralise` was given: one apostrophe less where there is one."""
    return cell.removeprefix(MARK)


def csv_text(rows: Iterable[Sequence[Cell]]) -> str:
    """Rows as CSV lines that end with CR LF; numbers are written as they are."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        writer.writerow([cell if isinstance(cell, int) else neutralise(cell) for cell in row])
    return out.getvalue()


def csv_pieces(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """A whole CSV file, some hundred rows at a time."""
    yield (BOM + csv_text([header])).encode()
    source = iter(rows)
    while together := list(islice(source, ROWS_TOGETHER)):
        yield csv_text(together).encode()
