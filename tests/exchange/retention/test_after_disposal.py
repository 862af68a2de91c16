"""What people still see of a document when it is disposed of: that it came, when it went, and the evidence."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from exchange.access.roles import Role
from exchange.clock import say_moment
from exchange.retention.disposal import DisposalOrder, dispose_of
from exchange.retention.service import run_disposal
from keys.errors import KeysError
from tests.exchange.inspection_case import Case

LONG_AFTER = date(2027, 10, 4)
TODAY = "23 November 2026"  # the day on which the run is, whatever day it acts for


@pytest.fixture
def sender(app: Any, area: Any, sign_in: Callable[..., Any]) -> Callable[[], Any]:
    return lambda: sign_in(app.test_client(), area.people[Role.NOMINATED_OFFICER])


def said(page: Any) -> str:
    """A page's words in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.text.replace("<wbr>", "")).split())


def row_of(page: Any, number: str) -> str:
    found = re.search(rf'id="item-{number.replace(".", "-")}">(.*?)</tr>', page.text, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


def test_an_item_whose_document_is_disposed_of_counts_as_answered(
    case: Case, area: Any, clock: Any, sender: Callable[[], Any]
) -> None:
    before = said(sender().get(area.path))
    document = case.send("1.6")
    run_disposal(case.parts, LONG_AFTER)
    clock.move(days=60)
    page = sender().get(area.path)
    assert f"Received, and disposed of on {TODAY}" in row_of(page, "1.6")
    assert "Overdue" not in row_of(page, "1.6")
    assert "Overdue" in row_of(page, "1.4")
    assert re.search(r"\b0 of \d+ items answered", before)
    assert re.search(r"\b1 of \d+ items answered", said(page))
    assert case.document(document).is_gone


def test_what_came_again_counts_beside_what_is_disposed_of(case: Case, area: Any, sender: Callable[[], Any]) -> None:
    case.send("1.6")
    run_disposal(case.parts, LONG_AFTER)
    case.send("1.6", content=b"the second edition", name="second.txt")
    row = row_of(sender().get(area.path), "1.6")
    assert "1 file, newest" in row
    assert "1 more disposed of" in row
    page = said(sender().get(f"{area.path}/items/1.6"))
    assert "second.txt" in page
    assert f"Disposed of on {TODAY}" in page


def test_the_item_lists_what_is_disposed_of_by_its_number(case: Case, area: Any, sender: Callable[[], Any]) -> None:
    document = case.send("1.6", name="Child A minutes.txt")
    run_disposal(case.parts, LONG_AFTER)
    page = sender().get(f"{area.path}/items/1.6")
    assert f"Received, and disposed of on {TODAY}" in said(page)
    assert f"Disposed of on {TODAY}" in said(page)
    assert document in said(page)
    assert f'{area.path}/documents/{document}"' in page.text
    assert "Nothing has come for this item yet" not in page.text
    assert f"{document}/content" not in page.text
    for erased in ("Child A", "A title to be erased"):
        assert erased not in page.text


def test_the_receipt_stays_with_its_evidence_and_without_the_erased_names(
    case: Case, area: Any, sender: Callable[[], Any]
) -> None:
    document = case.send("1.1", "1.4", name="Child A minutes.txt")
    digest, received = case.document(document).sha256, case.document(document).received_at
    run_disposal(case.parts, LONG_AFTER)
    browser = sender()
    page = browser.get(f"{area.path}/documents/{document}")
    assert page.status_code == 200
    words = said(page)
    assert digest in words.replace(" ", "")
    assert "Size 21 bytes" in words
    for expected in (
        document,
        f"Received {say_moment(received)}",
        f"Disposed of on {TODAY}",
        "Evidence",
        "Entry number",
    ):
        assert expected in words
    certificate = next(entry for entry in case.entries() if entry.event == "disposal:done").details["certificate"]
    assert isinstance(certificate, str)
    assert f"Certificate of disposal {certificate[-6:].upper()}" in words
    for erased in ("Child A", "A title to be erased", "File name", "Kept until"):
        assert erased not in page.text
    receipt = browser.get(f"{area.path}/documents/{document}/receipt.tlog-proof")
    assert receipt.status_code == 200
    assert receipt.data.startswith(b"c2sp.org/tlog-proof@v1")
    assert "receipt:viewed" in case.events()


def test_the_receipts_of_one_form_stay_as_well(case: Case, area: Any, sender: Callable[[], Any]) -> None:
    gone = case.send("1.6", name="Child A minutes.txt")
    run_disposal(case.parts, LONG_AFTER)
    here = case.send("1.6", content=b"the second edition", name="second.txt")
    page = sender().get(f"{area.path}/receipts?document={gone}&document={here}")
    assert f"Receipt {gone}" in said(page)
    assert f"Disposed of on {TODAY}" in said(page)
    assert "Receipt for second.txt" in said(page)
    assert "Child A" not in page.text


def test_a_disposal_that_is_not_finished_is_said_to_be_under_way(
    case: Case, area: Any, clock: Any, sender: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = case.send("1.6", name="Child A minutes.txt")

    def fail(*_: object) -> None:
        raise KeysError("the key cannot be destroyed")

    with monkeypatch.context() as patched:
        patched.setattr(case.parts.vault, "destroy", fail)
        dispose_of(case.parts, case.inspection, document, DisposalOrder(LONG_AFTER, "system:worker"))
    clock.move(days=60)
    browser = sender()
    assert "Received, and being disposed of" in row_of(browser.get(area.path), "1.6")
    assert "Being disposed of" in said(browser.get(f"{area.path}/items/1.6"))
    receipt = browser.get(f"{area.path}/documents/{document}")
    assert "The disposal has begun" in said(receipt)
    assert "Child A" not in receipt.text


def test_the_content_of_what_is_disposed_of_is_not_found(
    case: Case, app: Any, area: Any, sign_in: Callable[..., Any]
) -> None:
    document = case.send("1.6")
    run_disposal(case.parts, LONG_AFTER)
    inspector = sign_in(app.test_client(), area.people[Role.INSPECTOR])
    assert inspector.get(f"{area.path}/documents/{document}/content").status_code == 404
    assert inspector.get(f"{area.path}/documents/{document}").status_code == 200
