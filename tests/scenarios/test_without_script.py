"""Everything works with JavaScript switched off: sending, the receipt, the download."""

import hashlib
from pathlib import Path

from playwright.sync_api import expect

from tests.scenarios.conftest import Visit
from tests.scenarios.papers import write_document
from tests.scenarios.service import Service


def test_files_are_sent_and_opened_without_javascript(shared_service: Service, visit: Visit, tmp_path: Path) -> None:
    papers = [write_document(tmp_path / f"plain-{number}.docx", f"Paper {number}.") for number in (1, 2)]
    with visit(shared_service, java_script_enabled=False) as officer:
        officer.sign_in("officer")
        officer.go(f"/inspections/{shared_service.inspection}/items/2.6/upload")
        officer.page.get_by_label("No date", exact=True).check()
        officer.choose_files(*papers)
        officer.press("Send")
        expect(officer.page.get_by_role("heading", level=1)).to_have_text("Files received")
        officer.follow("Receipt for plain-1.docx")
        digest = hashlib.sha256(papers[0].read_bytes()).hexdigest()
        assert digest in "".join(officer.text().split())
    with visit(shared_service, java_script_enabled=False) as inspector:
        inspector.sign_in("inspector")
        inspector.go(f"/inspections/{shared_service.inspection}/items/2.6")
        for paper in papers:
            row = inspector.page.get_by_role("row").filter(has_text=paper.name)
            got = inspector.download(row.get_by_role("link", name="Download"), tmp_path / f"got-{paper.name}")
            assert got.read_bytes() == paper.read_bytes()


def test_what_is_wrong_is_told_without_javascript(shared_service: Service, visit: Visit) -> None:
    with visit(shared_service, java_script_enabled=False) as officer:
        officer.sign_in("officer")
        officer.go(f"/inspections/{shared_service.inspection}/items/2.6/upload")
        officer.press("Send")
        summary = officer.page.locator(".govuk-error-summary")
        summary.get_by_role("link", name="Choose what date the data represents").click()
        expect(officer.page.locator("#date_kind")).to_be_focused()
