"""Every page for every role, wide and narrow: axe finds nothing, nothing scrolls sideways, no error, a heading."""

import re

import pyotp
import pytest
from playwright.sync_api import expect

from exchange.app import create_app
from exchange.example import PASSWORD
from tests.scenarios.conftest import Visit
from tests.scenarios.looking import faults_of
from tests.scenarios.pages import ELSEWHERE, PAGES, pages_for
from tests.scenarios.service import Service
from tests.scenarios.surroundings import FACTOR_EMAIL, FACTOR_SECRET


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
        person.sign_in("officer")
        person.go(f"/inspections/{shared_service.inspection}/upload")
        person.press("Send")
        faults["upload refused"] = faults_of(person, "act-upload-refused")
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
