"""What goes wrong on the upload page is said at the top, leads to its field, and leaves nothing behind."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import expect

from exchange.example_files import make_text_document, make_workbook
from tests.scenarios.browser import Visitor
from tests.scenarios.conftest import Visit
from tests.scenarios.service import Service

TOMORROW = datetime.now(UTC) + timedelta(days=2)
DOCUMENT = make_text_document(["An invented assessment of needs."])
WORKBOOK = make_workbook([["Reference"], ["EXAMPLE-0001"]])


@dataclass(frozen=True)
class Case:
    """What is sent, the sentence that answers it, and the field that the sentence leads to."""

    says: str
    leads_to: str
    item: str = "2.2"
    date_kind: str = "No date"
    day: datetime | None = None
    name: str = "document.docx"
    content: bytes = DOCUMENT


CASES = {
    "no item": Case("Choose at least one item that the files answer", "#numbers", item=""),
    "no answer about the date": Case("Choose what date the data represents", "#date_kind", date_kind=""),
    "no date for a list": Case(
        "Say what date the data represents: List 1 needs it",
        "#date_kind",
        item="L1",
        name="list.xlsx",
        content=WORKBOOK,
    ),
    "day missing": Case("Enter the date the data represents", "#start-day", date_kind="One day"),
    "future date": Case("in the future", "#start-day", date_kind="One day", day=TOMORROW),
    "no file": Case("Choose at least one file", "#files", name=""),
    "empty file": Case("is empty (0 bytes)", "#files", content=b""),
    "other content than its name says": Case("“scan.pdf” was not taken", "#files", name="scan.pdf"),
    "not a workbook for a list": Case(
        "cannot answer List 1", "#files", item="L1", date_kind="One day", day=datetime(2025, 10, 1, tzinfo=UTC)
    ),
}


def send(officer: Visitor, case: Case, folder: Path) -> None:
    """Fill in the page for several items and send it."""
    officer.go(f"/inspections/{officer.service.inspection}/upload")
    if case.item:
        officer.page.locator(f"input[name=numbers][value='{case.item}']").check()
    if case.date_kind:
        officer.page.get_by_label(case.date_kind, exact=True).check()
    if case.day:
        officer.day(
            "Date, or first day of the period", *(str(x) for x in (case.day.day, case.day.month, case.day.year))
        )
    if case.name:
        path = folder / case.name
        path.write_bytes(case.content)
        officer.choose_files(path)
    officer.press("Send")


def verify_told(officer: Visitor, case: Case) -> None:
    """The summary has the focus; its sentence is a link to a field that says the same and takes the focus."""
    summary = officer.page.locator(".govuk-error-summary")
    expect(summary).to_be_focused()
    assert officer.page.title().startswith("Error: ")
    link = summary.get_by_role("link", name=case.says)
    expect(link).to_have_count(1)
    expect(link).to_have_attribute("href", case.leads_to)
    link.click()
    field = officer.page.locator(case.leads_to)
    expect(field).to_be_focused()
    group = officer.page.locator(".govuk-form-group--error").filter(has=field).last
    expect(group.locator(".govuk-error-message")).to_contain_text(case.says)


def documents_in(service: Service) -> set[str]:
    return {path.name for path in service.settings.store_folder.rglob("*")}


def test_each_fault_is_told_where_it_is_mended_and_nothing_is_kept(
    shared_service: Service, visit: Visit, tmp_path: Path
) -> None:
    before = documents_in(shared_service)
    with visit(shared_service) as officer:
        officer.sign_in("officer")
        for case in CASES.values():
            send(officer, case, tmp_path)
            verify_told(officer, case)
    assert documents_in(shared_service) == before


def test_the_same_bytes_for_the_same_item_are_told_as_received_before(
    shared_service: Service, visit: Visit, tmp_path: Path
) -> None:
    once = Case("was already received for 2.8", "#files", item="2.8", content=make_text_document(["Sent twice."]))
    with visit(shared_service) as officer:
        officer.sign_in("officer")
        send(officer, once, tmp_path)
        expect(officer.page.get_by_role("heading", level=1)).to_have_text("Receipt")
        before = documents_in(shared_service)
        send(officer, once, tmp_path)
        verify_told(officer, once)
    assert documents_in(shared_service) == before


def test_of_several_files_the_good_ones_are_received_and_the_bad_one_is_told(
    shared_service: Service, visit: Visit, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.docx", tmp_path / "bad.docx"
    good.write_bytes(make_text_document(["One of two."]))
    bad.write_bytes(b"")
    with visit(shared_service) as officer:
        officer.sign_in("officer")
        officer.go(f"/inspections/{shared_service.inspection}/items/3.1/upload")
        officer.page.get_by_label("No date", exact=True).check()
        officer.choose_files(good, bad)
        officer.press("Send")
        verify_told(officer, Case("“bad.docx” is empty (0 bytes)", "#files"))
        expect(officer.page.locator(".govuk-notification-banner")).to_contain_text("1 file was received and recorded")
        officer.follow("Receipt for good.docx")
        expect(officer.page.get_by_role("heading", level=1)).to_have_text("Receipt")
