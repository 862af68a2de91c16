"""Exports of the trail: recorded first, the same entries in every form, broken off where the log is damaged."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import threading
from collections.abc import Generator
from typing import Any

import openpyxl
import pytest

from audit.entry import decode
from audit.errors import AuditError
from audit.merkle import leaf_hash
from audit.store import SearchFilters
from exchange import trail
from exchange.access.roles import Role
from exchange.accounts.models import Person
from exchange.errors import BusyError, ConflictError, InvalidError, NotFoundError
from exchange.exports import reading, rows, xlsx_export
from exchange.exports.csv_export import BOM, csv_text, neutralise, restore
from exchange.exports.reading import matching_entries
from exchange.exports.service import export_trail
from exchange.exports.stream import ExportBrokenOffError, ExportStream
from exchange.oversight.service import EvidenceStream, TrailFilters
from tests.exchange.exports.conftest import Take
from tests.exchange.inspection_case import Case, tamper

FORMULAS = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "   +1", '"=1', "'=1", "''=1", "＝1", "＋1", "－1",
    "＠x",
    "\u00a0=1", "\u200b=1", "\ufeff=1", "\u3000＝1", "“=1", "−1", ",=1", ";=1", "|=1", "\x00=1", "﹣1", "\u202e=1",
    "\u2066=1", "\u061c=1", "\u180e=1", "\u3164=1", "\ufe0f=1", "\U000e0020=1", "\x85=1", "\x7f=1",
    '=HYPERLINK("http://example.org")', "=cmd|' /C calc'!A1", "\t", "\r", "'",
)  # fmt: skip
HARMLESS = ("Example Area", "1.4", "", "a=1", "2026-11-23", "x@example.org", "Area – North", "é=1", "(=1)", "5-1")


def read_csv(content: bytes) -> list[list[str]]:
    text = content.decode()
    assert text.startswith(BOM)
    assert "\n" not in text.replace("\r\n", "")
    return list(csv.reader(io.StringIO(text.removeprefix(BOM), newline="")))


@pytest.mark.parametrize("cell", FORMULAS, ids=ascii)
def test_no_cell_can_begin_a_formula_and_each_can_be_had_back(cell: str) -> None:
    written = neutralise(cell)
    assert written == "'" + cell
    assert restore(written) == cell
    assert next(csv.reader(io.StringIO(csv_text([[cell, "next"]]), newline=""))) == [written, "next"]


@pytest.mark.parametrize("cell", HARMLESS)
def test_other_cells_are_written_as_they_are(cell: str) -> None:
    assert neutralise(cell) == cell == restore(cell)


def test_csv_holds_every_entry_up_to_the_signed_state_in_order(case: Case, take: Take) -> None:
    case.send("1.1")
    header, *found = read_csv(take("csv"))
    entries = case.entries()
    assert entries[-1].event == "trail:exported"
    assert header == list(rows.HEADER)
    assert [row[0] for row in found] == [str(index) for index in range(len(entries) - 1)]
    assert [row[3] for row in found] == [entry.event for entry in entries[:-1]]
    assert any("Nominated officer Example submitted document" in row[5] for row in found)
    assert [row[11] for row in found] == [leaf_hash(entry.encode()).hex() for entry in entries[:-1]]


def test_the_export_is_an_entry_with_its_form_and_the_names_of_its_filters(case: Case, take: Take) -> None:
    document = case.send("1.1")
    size = len(case.entries())
    take("jsonl", document=document, item="1.1")
    assert case.entries()[-1].event == "trail:exported"
    assert case.entries()[-1].details == {"form": "jsonl", "filters": ("document", "item"), "tree_size": size}


def test_the_record_stands_before_the_first_byte(case: Case) -> None:
    made = export_trail(case.parts, case.inspection, TrailFilters(), "csv", actor=case.officer)
    assert case.events()[-1] == "trail:exported"
    made.stream.close()


def test_json_lines_hold_the_exact_bytes_that_were_logged(case: Case, take: Take) -> None:
    case.send("1.1")
    first, *lines, last = take("jsonl").splitlines()
    entries = case.entries()[:-1]
    about = json.loads(first)["about"]
    assert about["Origin"] == case.parts.trail.origin_of(case.inspection)
    assert f"\n{len(entries)}\n" in about["Checkpoint"]
    assert json.loads(last) == {"end": {"entries": len(entries)}}
    for index, (line, entry) in enumerate(zip(lines, entries, strict=True)):
        found = json.loads(line)
        assert found["index"] == index
        assert found["sentence"][0].isupper()
        encoded = line[len(b'{"entry":') : line.index(b',"index":')]
        assert decode(encoded) == entry
        assert leaf_hash(encoded).hex() == found["leaf_hash"]


def test_a_workbook_says_what_it_is_and_holds_no_formula_link_or_number(
    case: Case, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NamedTemporaryFile", "TemporaryFile", "mkstemp", "mkdtemp", "SpooledTemporaryFile"):
        monkeypatch.setattr(tempfile, name, lambda *_a, **_k: pytest.fail("a temporary file would hold names"))
    person = case.people[Role.NOMINATED_OFFICER]
    with case.parts.database.unit_of_work() as unit:
        unit.session.get_one(Person, person).name = '=HYPERLINK("https://example.org")'
    case.send("1.1")
    size = len(case.entries())
    book = openpyxl.load_workbook(io.BytesIO(take("xlsx", person=person)))
    about = {str(row[0].value): str(row[1].value) for row in book["About this export"].iter_rows()}
    assert about["Log"] == case.inspection
    assert about["Entries in the log"] == f"{size:,}"
    assert about["Filters"] == 'person: =HYPERLINK("https://example.org")'
    assert about["Exported by"].endswith(f"({case.officer})")
    assert len(about["Root hash"]) == 64
    cells = [cell for row in book["Entries"].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert all(cell.hyperlink is None for cell in cells)
    assert '=HYPERLINK("https://example.org")' in [cell.value for cell in cells]
    assert int(about["Entries in this file"]) == book["Entries"].max_row - 1


def test_a_workbook_that_would_be_too_long_is_refused_before_anything_is_recorded(
    case: Case, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx_export, "MOST_ROWS", 3)
    before = case.events()
    with pytest.raises(InvalidError, match=r"More than 3 entries match.*take CSV or JSON lines"):
        take("xlsx")
    assert case.events() == before
    take("csv")


def test_an_unknown_form_is_not_found_and_not_recorded(case: Case, take: Take) -> None:
    before = case.events()
    with pytest.raises(NotFoundError):
        take("ods")
    assert case.events() == before


FILTERS = ("person", "document", "item", "event", "refusals")


@pytest.mark.parametrize("by", FILTERS)
def test_an_export_holds_just_what_the_page_finds(case: Case, take: Take, by: str, parts: Any) -> None:
    document, _ = case.send("1.1"), case.send("1.4", content=b"others\n")
    given: dict[str, Any] = {
        "person": {"person": case.people[Role.NOMINATED_OFFICER]},
        "document": {"document": document},
        "item": {"item": "1.4"},
        "event": {"event": "submission:accepted"},
        "refusals": {"event": "every-refusal"},
    }[by]
    found = [int(row[0]) for row in read_csv(take("csv", **given))[1:]]
    with parts.database.read() as session:
        shown = parts.trail.store.search(
            session.connection(), case.inspection, TrailFilters(**given).search(), None, 1000
        )
    size = len(case.entries()) - 1
    assert found == sorted(int(stored.index) for stored in shown if stored.index < size)
    assert found or by == "refusals"


def test_days_are_london_days_and_both_are_included(case: Case, take: Take, clock: Any) -> None:
    case.send("1.1")
    clock.move(days=1)
    today = clock().date()
    case.send("1.4", content=b"the day after\n")
    found = read_csv(take("csv", since=today, until=today))[1:]
    assert {row[1][:10] for row in found} == {today.isoformat()}
    assert "submission:accepted" in {row[3] for row in found}


def test_a_filter_that_the_reader_does_not_know_is_an_error_and_never_an_export_of_everything() -> None:
    known = set(SearchFilters.__dataclass_fields__)
    assert known == reading._KNOWN_FILTERS, "teach exchange/exports/reading.py the new filter"


TAMPERED = {
    "altered": "UPDATE audit_entry SET entry = :bytes WHERE log_id = :log AND leaf_index = 2",
    "altered-with-its-hash": (
        "UPDATE audit_entry SET entry = :bytes, leaf_hash = :hash WHERE log_id = :log AND leaf_index = 2"
    ),
    "missing": "DELETE FROM audit_entry WHERE log_id = :log AND leaf_index = 2",
    "cut-off": "DELETE FROM audit_entry WHERE log_id = :log AND leaf_index >= 5",
}


@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx"])
@pytest.mark.parametrize("kind", TAMPERED)
def test_no_export_of_a_damaged_log_passes_for_a_whole(case: Case, take: Take, kind: str, form: str) -> None:
    other = case.entries()[3].encode()
    case.send("1.1")
    take("csv")  # signs the state that the damage is measured against
    statement = TAMPERED[kind]
    values = {"bytes": other, "hash": leaf_hash(other)}
    tamper(case, statement, **{name: value for name, value in values.items() if f":{name}" in statement})
    with pytest.raises((ConflictError, AuditError)):
        take(form, person=case.officer)
    take_again = case.parts.turns.take("download", case.officer)
    take_again()


def test_damage_far_into_the_log_breaks_the_download_off(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "TOGETHER", 2)
    monkeypatch.setattr("exchange.exports.csv_export.ROWS_TOGETHER", 2)
    with case.parts.database.unit_of_work() as unit:
        for _ in range(10):
            trail.record(unit, "access-list:viewed", actor=case.officer, inspection=case.inspection)
    last = len(case.entries()) - 1
    tamper(case, "UPDATE audit_entry SET entry = :bytes WHERE log_id = :log AND leaf_index = :at", bytes=b"{}", at=last)
    made = export_trail(case.parts, case.inspection, TrailFilters(), "csv", actor=case.officer)
    sent = []
    with pytest.raises(ExportBrokenOffError):
        sent.extend(made.stream)
    made.stream.close()
    assert b"".join(sent).count(b"\r\n") < last


def test_a_turn_is_held_until_the_stream_is_closed(case: Case) -> None:
    most = case.parts.settings.max_open_downloads_per_person
    open_now = [
        export_trail(case.parts, case.inspection, TrailFilters(), "csv", actor=case.officer) for _ in range(most)
    ]
    with pytest.raises(BusyError):
        export_trail(case.parts, case.inspection, TrailFilters(), "csv", actor=case.officer)
    open_now.pop().stream.close()
    open_now.append(export_trail(case.parts, case.inspection, TrailFilters(), "csv", actor=case.officer))
    for made in open_now:
        made.stream.close()


def test_pieces_come_as_the_log_is_read_and_not_all_at_once(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded: the first piece is there before the last entry was asked for."""
    monkeypatch.setattr(rows, "TOGETHER", 3)
    monkeypatch.setattr("exchange.exports.csv_export.ROWS_TOGETHER", 3)
    with case.parts.database.unit_of_work() as unit:
        for _ in range(30):
            trail.record(unit, "access-list:viewed", actor=case.officer, inspection=case.inspection)
    read: list[int] = []
    whole = matching_entries

    def counted(*arguments: Any) -> Any:
        for found in whole(*arguments):
            read.append(int(found[0].index))
            yield found

    monkeypatch.setattr("exchange.exports.service.matching_entries", counted)
    made = export_trail(case.parts, case.inspection, TrailFilters(), "csv", actor=case.officer)
    next(iter(made.stream))
    assert 0 < len(read) <= 6 < len(case.entries())
    made.stream.close()


def test_entries_that_come_while_an_export_runs_are_not_in_it(case: Case) -> None:
    made = export_trail(case.parts, case.inspection, TrailFilters(), "jsonl", actor=case.officer)
    before = len(case.entries())
    writer = threading.Thread(target=lambda: case.send("1.1", content=b"in the middle\n"))
    writer.start()
    writer.join()
    content = b"".join(made.stream)
    made.stream.close()
    assert json.loads(content.splitlines()[-1]) == {"end": {"entries": before - 1}}
    assert len(case.entries()) > before


@pytest.fixture
def officer(app: Any, area: Any, sign_in: Any) -> Any:
    return sign_in(app.test_client(), area.people[Role.DATA_PROTECTION_OFFICER])


@pytest.mark.parametrize(
    ("form", "media"),
    [("csv", "text/csv; charset=utf-8"), ("xlsx", xlsx_export.CONTENT_TYPE), ("jsonl", "application/jsonl")],
)
def test_the_answer_is_a_file_that_is_never_shown_or_stored(officer: Any, area: Any, form: str, media: str) -> None:
    answer = officer.get(f"{area.path}/trail/export/file?form={form}&event=member:added")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == media
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="trail-{area.inspection}-')
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.data
    answer.close()


def test_the_page_keeps_the_filters_and_says_them_in_words(officer: Any, area: Any, case: Case) -> None:
    page = officer.get(f"{area.path}/trail/export?person={case.officer}&event=member:added")
    assert "Filtered by person: Data protection officer Example; event: member:added" in page.text
    assert f"form=csv&amp;person={case.officer}&amp;event=member:added" in page.text
    assert "Back to the trail" in page.text


def test_a_refused_workbook_is_told_on_the_page(officer: Any, area: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_export, "MOST_ROWS", 1)
    page = officer.get(f"{area.path}/trail/export/file?form=xlsx")
    assert page.status_code == 400
    assert "More than 1 entries match" in page.text
    assert "<title>Error: " in page.text


def test_a_trail_that_takes_no_entry_is_not_exported(officer: Any, area: Any, case: Case) -> None:
    for _ in range(4):
        officer.get(f"{area.path}/trail")
    tamper(case, "DELETE FROM audit_node WHERE log_id = :log")
    tamper(case, "DELETE FROM audit_checkpoint WHERE log_id = :log")
    answer = officer.get(f"{area.path}/trail/export/file")
    assert answer.status_code == 409
    assert "submitted" not in answer.text


FORGERY = "<r><t>A</t></r></si><si><t>FORGED</t></si><si><r><t>B</t></r>"


@pytest.mark.parametrize("name", ["<r>", "<r>x</r>", FORGERY, "<r><t>=1+1</t></r>", "</r><r></r>"])
def test_no_name_is_mark_up_of_the_workbook(case: Case, take: Take, name: str) -> None:
    """XlsxWriter writes <r>...</r> raw: somebody so named could put other words into every other cell."""
    with case.parts.database.unit_of_work() as unit:
        unit.session.get_one(Person, case.people[Role.NOMINATED_OFFICER]).name = name
        unit.session.get_one(Person, case.officer).name = name
    case.send("1.1")
    plain = read_csv(take("csv"))
    book = openpyxl.load_workbook(io.BytesIO(take("xlsx")))
    found = [["" if cell.value is None else str(cell.value) for cell in row] for row in book["Entries"].iter_rows()]
    assert [[restore(cell) for cell in row] for row in plain] == found[: len(plain)]
    assert name in {row[7] for row in found}


def test_no_text_of_the_first_sheet_is_mark_up_of_the_workbook() -> None:
    about = [("Filters", FORGERY), ("Log", "one"), ("Origin", "another")]
    book = openpyxl.load_workbook(io.BytesIO(xlsx_export.workbook(about, [])))
    assert [(row[0].value, row[1].value) for row in book["About this export"].iter_rows()] == about


@pytest.mark.parametrize("kind", [ExportStream, EvidenceStream])
def test_a_turn_is_given_back_also_when_letting_go_of_the_log_fails(kind: Any) -> None:
    given_back: list[bool] = []

    def pieces() -> Generator[bytes, None, None]:
        try:
            yield b"a"
            yield b"b"
        finally:
            raise OSError("the database is gone")

    stream = kind(pieces(), lambda: given_back.append(True))
    next(stream)
    with pytest.raises(OSError, match="gone"):
        stream.close()
    assert given_back == [True]
