"""Real files of the kinds that people send, with invented content."""

import random
from datetime import date, timedelta
from pathlib import Path

from docx import Document
from openpyxl import Workbook

# The columns of List 1 in the person-level template, as councils' own tools read them.
LIST_1_COLUMNS = (
    "Unique ID", "UPN", "ULN", "Date of birth", "Gender", "Ethnicity", "Date initial EHC plan issued",
    "Date updated EHC plan issued", "Date EHC plan last reviewed", "SEN primary need",
    "Main education establishment – URN", "Main education establishment – phase",
    "Subsidiary education establishment – phase (dual registration)", "Elective home education", "Suspensions",
    "Permanent exclusions", "Absence", "Pupil Premium", "Known to children’s social care?",
    "Which children’s social care team?", "Does the child or young person have a disability?",
)  # fmt: skip
NEEDS = ("a) SPLD", "b) MLD", "e) SEMH", "f) SLCN", "k) ASD", "l) OTH")
YES = ("a) Yes", "b) No")
MIB = 1 << 20


def write_list_1(path: Path, children: int = 300) -> Path:
    """An Excel workbook as a council's system writes it: a sheet List_1, a row for each child with a plan."""
    dice = random.Random(195)  # noqa: S311  the same invented children every time
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "List_1"
    sheet.append(LIST_1_COLUMNS)
    for number in range(1, children + 1):
        born = date(2010, 1, 1) + timedelta(days=dice.randrange(4000))
        issued = born + timedelta(days=2000)
        sheet.append(
            (
                f"EXAMPLE-{number:05d}", f"X999{number:09d}", 9_000_000_000 + number, born, dice.choice("FMU"), "WBRI",
                issued, None, issued + timedelta(days=365), dice.choice(NEEDS), 100_000 + number, "Primary", None,
                "b) No", dice.randrange(3), 0, round(dice.random() * 20, 1), dice.choice(YES), dice.choice(YES), None,
                dice.choice(YES),
            )
        )  # fmt: skip
    book.save(path)
    return path


def write_document(path: Path, words: str = "How the partnership works together, in an invented area.") -> Path:
    """A Word document of a heading and a few paragraphs."""
    document = Document()
    document.add_heading("Self-evaluation", level=1)
    for number in range(1, 6):
        document.add_paragraph(f"{number}. {words}")
    document.save(str(path))
    return path


def write_scan(path: Path, size: int, marker: bytes = b"") -> Path:
    """A large file that is told as a PDF: its header, then bytes that nothing can compress."""
    dice = random.Random(size)  # noqa: S311  the same bytes every time
    with path.open("wb") as out:
        written = out.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + marker)
        while written < size:
            written += out.write(dice.randbytes(min(MIB, size - written)))
    return path
