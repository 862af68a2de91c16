"""Small office files for the worked example, which Excel and Word open, with content that says it is invented."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
TYPES = "application/vnd.openxmlformats-officedocument"


def make_workbook(rows: Sequence[Sequence[str]]) -> bytes:
    """Return an Excel workbook (ECMA-376) with one sheet that holds `rows` as text."""
    sheet_rows = "".join(f"<row>{''.join(_cell(text) for text in row)}</row>" for row in rows)
    return _package(
        {"xl/workbook.xml": f"{TYPES}.spreadsheetml.sheet.main+xml"}
        | {"xl/worksheets/sheet1.xml": f"{TYPES}.spreadsheetml.worksheet+xml"},
        {
            "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>'
            '<sheet name="Example" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": _relationships("worksheet", "worksheets/sheet1.xml"),
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{SHEET}"><sheetData>{sheet_rows}</sheetData></worksheet>',
        },
    )


def make_text_document(paragraphs: Sequence[str]) -> bytes:
    """Return a Word document (ECMA-376) of plain paragraphs."""
    body = "".join(f'<w:p><w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>' for text in paragraphs)
    return _package(
        {"word/document.xml": f"{TYPES}.wordprocessingml.document.main+xml"},
        {"word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'},
    )


def _cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def _package(types: dict[str, str], parts: dict[str, str]) -> bytes:
    """Pack the parts in the order that programs which tell kinds of file by their first bytes expect."""
    main = next(iter(types))
    overrides = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in types.items())
    content_types = (
        f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )
    ordered = {"[Content_Types].xml": content_types, "_rels/.rels": _relationships("officeDocument", main), **parts}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in ordered.items():
            package.writestr(name, HEAD + text)
    return packed.getvalue()


def _relationships(kind: str, target: str) -> str:
    return (
        f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/{kind}" Target="{target}"/></Relationships>'
    )
