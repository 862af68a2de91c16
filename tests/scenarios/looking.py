"""Looking at one page as it stands, wide and narrow, as everybody has to be able to use it."""

import json
import os
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.scenarios.browser import Visitor
from tests.scenarios.service import ROOT

DESKTOP, PHONE, ZOOMED = 1280, 390, 320  # 320 CSS pixels: 1280 at 400 %, WCAG 2.2 criterion 1.4.10
AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
# Two choices of the design system: its back link stands between the landmarks, where the skip link passes it, and its
# file button reads out its visible words with commas between them.
ACCEPTED = [["region", ".govuk-back-link"], ["label-content-name-mismatch", "#files"]]
LOOK = """axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations.flatMap(
  ({id, help, nodes}) => {
  const where = nodes.map(node => node.target.join(' ')).filter(it => !ACCEPTED.some(([a, b]) => a === id && b === it))
  return where.length ? [`${id} (${help}): ${where.join(', ')}`] : [] }))""".replace("ACCEPTED", json.dumps(ACCEPTED))
# EXCHANGE_TEST_PICTURES=FOLDER keeps a picture of every page that is looked at, for people to look at too.
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
