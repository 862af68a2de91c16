"""A workbook: a first sheet that says what it is, a second with the entries, all of it made in memory.

Promises: no temporary file is written, since it would hold names in the clear; no cell is a formula, a link or a
number that was not one; what does not fit is refused with what to do instead, never cut.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import xlsxwriter

from exchange.errors import InvalidError
from exchange.exports.rows import HEADER, ExportRow

MOST_ROWS: Final = 20_000
"""Entries in one workbook: some 80 MB of memory while it is made, as measured on CPython 3.11."""
MARKUP: Final = "<r>"
MOST_CHARACTERS: Final = 32_767
"""What one cell of a workbook can hold."""

CONTENT_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_WIDTHS: Final = (8, 28, 24, 26, 10, 80, 34, 26, 34, 14, 40, 66)
_OPTIONS: Final = {
    "in_memory": True,  # constant_memory would put every row into a temporary file
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def too_many() -> InvalidError:
    """The refusal of an export that is longer than a workbook may be."""
    return InvalidError(
        f"More than {MOST_ROWS:,} entries match, which is more than a workbook is made for. Nothing was exported. "
        "Choose dates or another filter and take it in parts, or take CSV or JSON lines, which have no limit."
    )


def workbook(about: Sequence[tuple[str, str]], rows: Sequence[ExportRow]) -> bytes:
    """The whole workbook.

    Raises:
        InvalidError: there are more than MOST_ROWS entries, or one has a text that no cell can hold.
    """
    if len(rows) > MOST_ROWS:
        raise too_many()
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, _OPTIONS) as book:
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
        _about(book.add_worksheet("About this export"), about, bold, wrapped)
        _entries(book.add_worksheet("Entries"), rows, bold)
    return out.getvalue()


def _about(
    sheet: xlsxwriter.worksheet.Worksheet, about: Sequence[tuple[str, str]], bold: object, wrapped: object
) -> None:
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 100)
    for place, (name, value) in enumerate(about):
        sheet.write_string(place, 0, name, bold)
        _write_text(sheet, place, 1, value, wrapped)


def _entries(sheet: xlsxwriter.worksheet.Worksheet, rows: Sequence[ExportRow], bold: object) -> None:
    for column, (name, width) in enumerate(zip(HEADER, _WIDTHS, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, name, bold)
    sheet.freeze_panes(1, 0)
    for place, row in enumerate(rows, 1):
        for column, cell in enumerate(row.cells):
            if isinstance(cell, int):
                sheet.write_number(place, column, cell)
            else:
                _write_text(sheet, place, column, cell)
    if rows:
        sheet.autofilter(0, 0, len(rows), len(HEADER) - 1)


def _write_text(
    sheet: xlsxwriter.worksheet.Worksheet, row: int, column: int, text: str, form: object | None = None
) -> None:
    """Write a text as text, whatever it holds.

    XlsxWriter takes a text of the form <r>...</r> for mark-up of its own and writes it raw, so that a name could put
    other texts into other cells: such a one is written in runs, which are escaped, and which every reader joins.
    """
    fitting = _fitting(text)
    if fitting.startswith(MARKUP):
        sheet.write_rich_string(row, column, "<", "r", fitting[2:], *(() if form is None else (form,)))
    else:
        sheet.write_string(row, column, fitting, form)


def _fitting(text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise InvalidError(
            "An entry is longer than a cell of a workbook can hold. Nothing was exported. Take CSV or JSON lines."
        )
    return text
