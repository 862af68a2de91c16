"""The receipt as a PDF: everybody can read it, its proof is inside, and no word of it touches the disk."""

import io
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from audit.receipt import parse_receipt
from exchange.access.roles import Role
from exchange.receipts import pdf
from exchange.retention.service import run_disposal
from tests.exchange.inspection_case import Case
from tests.exchange.receipts.outside import published_key, verify
from tests.exchange.retention.test_disposal import LONG_AFTER

CONTENT = b"minutes of the board, in an invented area\n"
NAME = "Minutes & <invented> board – Ünited.txt"


@pytest.fixture
def document(case: Case) -> str:
    return case.send("1.1", "1.4", content=CONTENT, name=NAME)


def take(visitor: Any, path: str) -> PdfReader:
    answer = visitor.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/pdf"
    return PdfReader(io.BytesIO(answer.get_data()))


def text_of(reader: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def test_the_proof_inside_is_checked_with_the_service_gone(
    case: Case, area: Any, browser: Callable[[Role], Any], document: str, tmp_path: Path
) -> None:
    reader = take(browser(Role.NOMINATED_OFFICER), f"{area.path}/documents/{document}/receipt.pdf")
    ((name, contents),) = reader.attachments.items()
    assert name == f"{document[-6:].upper()}.tlog-proof"
    proof, original = tmp_path / name, tmp_path / "original"
    proof.write_bytes(contents[0])
    original.write_bytes(CONTENT)
    said = verify(proof, "--key", published_key(case), "--document", original)
    assert said.returncode == 0, said.stdout + said.stderr
    assert NAME in said.stdout
    printed = text_of(reader).replace(" ", "")
    assert contents[0].decode().replace("\n", "").replace(" ", "") in printed
    entry = case.entries()[-1]
    assert (entry.event, entry.details["form"]) == ("receipt:exported", "pdf")


def test_it_is_tagged_and_says_its_language_and_title(area: Any, browser: Callable[[Role], Any], document: str) -> None:
    reader = take(browser(Role.NOMINATED_OFFICER), f"{area.path}/documents/{document}/receipt.pdf")
    root = reader.root_object
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en-GB"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata is not None
    assert str(reader.metadata.title).startswith(f"Receipt {document[-6:].upper()} – ")
    assert "pdfuaid" in root["/Metadata"].get_data().decode()
    tags = tags_of(root["/StructTreeRoot"])
    assert {"/Document", "/H1", "/H2", "/P", "/Table", "/TR", "/TH", "/TD"} <= tags
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]
    assert all("/ToUnicode" in font for font in fonts)


def tags_of(node: Any) -> set[str]:
    found = {node["/S"]} if "/S" in node else set()
    children = node.get("/K", [])
    for child in children if isinstance(children, list) else [children]:
        below = child.get_object() if hasattr(child, "get_object") else child
        if hasattr(below, "get"):
            found |= tags_of(below)
    return found


def test_it_says_what_happened_what_it_proves_and_what_not(
    case: Case, area: Any, browser: Callable[[Role], Any], document: str
) -> None:
    text = text_of(take(browser(Role.NOMINATED_OFFICER), f"{area.path}/documents/{document}/receipt.pdf"))
    row = case.document(document)
    assert row.sha256 in text.replace(" ", "")
    for words in (NAME, "A title to be erased", "Example Area", "Entry number", "It does not prove", "No witness had"):
        assert words in text


def test_a_disposal_and_any_entry_have_one_too_without_names(
    case: Case, area: Any, browser: Callable[[Role], Any], document: str
) -> None:
    officer = browser(Role.DATA_PROTECTION_OFFICER)
    index = next(place for place, entry in enumerate(case.entries()) if entry.event == "submission:accepted")
    entry = take(officer, f"{area.path}/trail/entries/{index}/receipt.pdf")
    run_disposal(case.parts, LONG_AFTER)
    disposal = take(officer, f"{area.path}/documents/{document}/certificate.pdf")
    assert "Certificate of disposal" in text_of(disposal)
    for reader in (entry, disposal):
        assert "invented" not in text_of(reader)
        ((_, contents),) = reader.attachments.items()
        assert parse_receipt(contents[0]).opened == {}


def test_without_pango_the_page_says_why_and_offers_the_other_form(
    area: Any, browser: Callable[[Role], Any], document: str, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    officer = browser(Role.NOMINATED_OFFICER)
    path = f"{area.path}/documents/{document}"
    assert f"{path}/receipt.pdf" in officer.get(path).text
    monkeypatch.setattr(pdf, "PANGO", ("libpango-of-nowhere.so",))
    pdf.can_render.cache_clear()
    try:
        page = officer.get(path).text
        answer = officer.get(f"{path}/receipt.pdf")
    finally:
        pdf.can_render.cache_clear()
    assert f"{path}/receipt.pdf" not in page
    assert f"{path}/receipt.tlog-proof" in page
    assert "Pango is not installed" in page
    assert answer.status_code == 409
    assert "Pango is not installed" in answer.text
    assert case.events()[-1] != "receipt:exported"


def test_a_library_that_does_not_load_after_all_is_said_in_words(
    area: Any, browser: Callable[[Role], Any], document: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    answer = browser(Role.NOMINATED_OFFICER).get(f"{area.path}/documents/{document}/receipt.pdf")
    assert answer.status_code == 409
    assert "Pango is not installed" in answer.text


def test_no_more_are_made_at_once_than_the_bound(
    area: Any, browser: Callable[[Role], Any], document: str, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "_turns", threading.BoundedSemaphore(1))
    officer, path = browser(Role.NOMINATED_OFFICER), f"{area.path}/documents/{document}/receipt.pdf"
    assert pdf._turns.acquire(blocking=False)
    answer = officer.get(path)
    assert answer.status_code == 503
    assert "Several PDFs are being made" in answer.text
    assert case.events()[-1] != "receipt:exported"
    pdf._turns.release()
    assert officer.get(path).status_code == 200
    assert officer.get(path).status_code == 200  # each gave its turn back


def test_nothing_is_fetched_for_it_and_no_file_written(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[Any, ...]] = []
    attached = pdf.Attached("a.tlog-proof", "a proof", b"c2sp.org/tlog-proof@v1\n", case.parts.clock())
    pdf.render("<!DOCTYPE html><html lang='en-GB'><title>Once</title><h1>Once</h1></html>", attached)  # loads its parts

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event in {"open", "socket.connect", "os.mkdir"}:
            opened.append((event, *arguments))

    watching = True
    sys.addaudithook(watch)
    page = (
        "<!DOCTYPE html><html lang='en-GB'><title>A receipt</title><link rel=stylesheet href='file:///etc/hostname'>"
        "<h1>A receipt</h1><img src='file:///etc/hostname' alt='x'><img src='http://127.0.0.1:9/x' alt='y'></html>"
    )
    made = pdf.render(page, attached)
    watching = False
    assert made.startswith(b"%PDF")
    writing = [one for one in opened if one[0] != "open" or (isinstance(one[2], str) and set(one[2]) & set("wax+"))]
    assert writing == []
    assert not [one for one in opened if "hostname" in str(one)]
