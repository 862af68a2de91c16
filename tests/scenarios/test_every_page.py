"""Every page for every role, wide and narrow: axe finds nothing, nothing scrolls sideways, no error, a heading."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from exchange.app import create_app
from exchange.example import PASSWORD
from tests.scenarios.browser import Visitor
from tests.scenarios.conftest import Visit
from tests.scenarios.pages import ELSEWHERE, PAGES, pages_for
from tests.scenarios.service import ROOT, Service
from tests.scenarios.surroundings import FACTOR_EMAIL, FACTOR_SECRET

DESKTOP, PHONE, ZOOMED = 1280, 390, 320  # 320 CSS pixels: 1280 at 400 %, WCAG 2.2 criterion 1.4.10
AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
# Two choices of the design system: its back link stands between the landmarks, where the skip link passes it, and its
# file button reads out its visible words with commas between them.
ACCEPTED = [["region", ".govuk-back-link"], ["label-content-name-mismatch", "#files"]]
LOOK = """axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations.flatMap(
  ({id, help, nodes}) => {
  const where = nodes.map(node => node.target.join(' ')).filter(it => !ACCEPTED.some(([a, b]) => a === id && b === it))
  return where.length ? [`${id} (${help}): ${where.join(', ')}`] : [] }))""".replace("ACCEPTED", json.dumps(ACCEPTED))
PICTURES = os.environ.get("EXCHANGE_TEST_PICTURES", "")


def evaluate(page: Page, expression: str) -> Any:
    """Evaluate in the page as a debugger does, since the page's policy forbids strangers' scripts."""
    session = page.context.new_cdp_session(page)
    answer = session.send("Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True})
    session.detach()
    assert "exceptionDetails" not in answer, answer
    return answer["result"].get("value")


def faults_of(visitor: Visitor, name: str) -> list[str]:
    """Look at the page as it stands, at each width; the faults, each with the width it was found at."""
    page, faults = visitor.page, []
    if not re.search(r".+ – Area SEND Exchange$", page.title()):
        faults.append(f"the title is {page.title()!r}")
    if page.locator("h1").count() != 1:
        faults.append(f"{page.locator('h1').count()} level-one headings")
    evaluate(page, AXE + ";0")
    for width in (DESKTOP, PHONE, ZOOMED):
        page.set_viewport_size({"width": width, "height": 900})
        if PICTURES and width != ZOOMED:
            page.screenshot(path=Path(PICTURES) / f"{name}-{width}.png", full_page=True)
        if width != ZOOMED:
            faults += [f"at {width}: {found}" for found in evaluate(page, LOOK)]
        reach = evaluate(page, "document.documentElement.scrollWidth")
        if reach > width:
            faults.append(f"at {width}: scrolls sideways to {reach}")
    page.set_viewport_size({"width": DESKTOP, "height": 900})
    return faults


def told(faults: dict[str, list[str]]) -> str:
    return "\n".join(f"{page}: {fault}" for page, found in faults.items() for fault in found)


@pytest.mark.parametrize("who", PAGES)
def test_every_page_can_be_used_by_everybody_at_every_width(shared_service: Service, visit: Visit, who: str) -> None:
    assert shared_service.surroundings is not None
    faults: dict[str, list[str]] = {}
    with visit(shared_service) as person:
        if who != "nobody":
            person.sign_in(who)
        for endpoint, path in pages_for(who, shared_service.surroundings).items():
            status = person.go(path)
            found = [] if status == 200 else [f"answered {status}"]
            found += faults_of(person, f"{who}-{endpoint}")
            if found:
                faults[f"{endpoint} {path}"] = found
    assert not faults, told(faults)


def test_pages_that_come_of_an_act_can_be_used_by_everybody(shared_service: Service, visit: Visit) -> None:
    faults: dict[str, list[str]] = {}
    with visit(shared_service) as person:
        person.go("/sign-in")
        person.press("Sign in")
        faults["sign-in refused"] = faults_of(person, "act-sign-in-refused")
        person.page.get_by_label("Email address").fill(FACTOR_EMAIL)
        person.page.get_by_label("Password", exact=True).fill(PASSWORD)
        person.press("Sign in")
        expect(person.page).to_have_url(re.compile("/sign-in/code"))
        faults["code"] = faults_of(person, "act-code")
        person.page.get_by_label("Security code").fill(pyotp.TOTP(FACTOR_SECRET).now())
        person.press("Continue")
        expect(person.page.get_by_text("Signed in as Example Careful")).to_be_visible()
        faults["no inspection"] = faults_of(person, "act-no-inspection")
        person.go("/inspections/ins_00000000000000000000000000")
        faults["not found"] = faults_of(person, "act-not-found")
        person.page.get_by_role("button", name="Sign out").first.click()
        person.sign_in("dpo")
        person.go(f"/inspections/{shared_service.inspection}/trail?since-day=40&since-month=1&since-year=2026")
        faults["filter refused"] = faults_of(person, "act-filter-refused")
        person.go(f"/inspections/{shared_service.inspection}/trail")
        person.press("Verify the log now")
        faults["log whole"] = faults_of(person, "act-log-whole")
    assert not any(faults.values()), told(faults)


def test_no_page_is_left_out(shared_service: Service) -> None:
    looked_at = {endpoint for pages in PAGES.values() for endpoint in pages}
    app = create_app(shared_service.settings)
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    app.extensions["exchange"].type_probe.close()
    app.extensions["exchange"].database.dispose()
    assert {rule.endpoint for rule in rules} == looked_at | set(ELSEWHERE)
