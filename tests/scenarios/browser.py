"""A person at a browser: headless Chromium, driven through what stands on the page.

A missing Chromium fails the tests and says what to install. Whatever a page writes to the console as an error, a broken
content security policy among it, is kept, and fails the test that visited the page.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Download, Error, Locator, Page, Playwright, expect

from exchange.example import PASSWORD
from tests.scenarios.service import Service

NAMES = ("chromium", "chromium-browser", "google-chrome")
DESKTOP = {"width": 1280, "height": 900}
# Chromium reports the status of a refused page as an error of the console; the tests look at the status themselves.
STATUS_REPORT = "Failed to load resource: the server responded with a status of 4"


expect.set_options(timeout=30_000)  # a busy machine is slow, not wrong


class BrowserMissingError(Exception):
    """There is no browser to test with; the message says what to install."""


def chromium_path() -> str:
    """Where Chromium is: EXCHANGE_TEST_CHROMIUM, or the first of the usual names on PATH."""
    given = os.environ.get("EXCHANGE_TEST_CHROMIUM")
    for name in [given] if given else NAMES:
        if path := shutil.which(name):
            return path
    raise BrowserMissingError(
        "The browser tests need Chromium: install it (Debian: apt-get install chromium fonts-liberation), "
        "or set EXCHANGE_TEST_CHROMIUM to one."
    )


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One headless browser, ended when the tests end."""
    arguments = ["--disable-background-networking"] + (["--no-sandbox"] if os.geteuid() == 0 else [])
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=arguments)
    try:
        yield browser
    finally:
        browser.close()


@dataclass
class Visitor:
    """One person's browser window on the service."""

    service: Service
    page: Page
    complaints: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("console", self._note)
        self.page.on("pageerror", self._complain)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(STATUS_REPORT):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _complain(self, error: Error) -> None:
        self.complaints.append(f"{self.page.url}: {error}")

    def go(self, path: str) -> int:
        """Load a page of the service and return its status."""
        answer = self.page.goto(self.service.address(path))
        assert answer is not None
        return answer.status

    def sign_in(self, role: str) -> "Visitor":
        """Sign in as one of the example's people: `officer`, `lead`, `inspector`, `dpo`, `contributor` or `admin`."""
        self.go("/sign-in")
        self.page.get_by_label("Email address").fill(f"{role}@example.org")
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.press("Sign in")
        expect(self.page.get_by_text("Signed in as Example")).to_be_visible()
        return self

    def press(self, button: str) -> None:
        self.main.get_by_role("button", name=button, exact=True).click()

    def follow(self, link: str) -> None:
        self.main.get_by_role("link", name=link, exact=True).click()

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    @property
    def path(self) -> str:
        return self.page.url.removeprefix(self.service.url)

    def heading(self) -> str:
        return self.page.locator("h1").inner_text()

    def text(self) -> str:
        return self.main.inner_text()

    def day(self, question: str, day: str, month: str, year: str) -> None:
        """Type a date into the three boxes under a question."""
        group = self.page.get_by_role("group", name=question)
        for label, typed in (("Day", day), ("Month", month), ("Year", year)):
            group.get_by_label(label).fill(typed)

    def choose_files(self, *paths: Path) -> None:
        self.page.locator("input[type=file]").set_input_files([str(path) for path in paths])

    def download(self, link: Locator, to: Path) -> Path:
        """Follow a link that answers with a file, and keep the file."""
        with self.page.expect_download(timeout=120_000) as waiting:
            link.click()
        kept: Download = waiting.value
        kept.save_as(to)
        return to


@contextmanager
def visitor(browser: Browser, service: Service, **options: Any) -> Iterator[Visitor]:
    """A fresh window without anybody's cookies; on leaving, what its pages complained of fails the test."""
    context = browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **options})
    context.set_default_timeout(30_000)
    someone = Visitor(service, context.new_page())
    someone.listen()
    try:
        yield someone
    finally:
        context.close()
    assert someone.complaints == []
