"""Somebody at the offline page, opened from a file: what they choose and read, and whatever the page tries to load."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from audit.offline_page import offline_page

WORDS = {"proved": "PROVED", "not-proved": "NOT PROVED", "unusable": "CANNOT VERIFY"}


@dataclass
class Reader:
    """One window on the page; `asked` lists every address that it asked for, `complaints` its console's errors."""

    page: Page
    address: str
    asked: list[str] = field(default_factory=list)
    given: tuple[str, Path | None] = ("", None)
    complaints: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def choose(self, *files: Path) -> None:
        self.page.set_input_files("#evidence", [str(file) for file in files])

    def give(self, key: str = "", policy: Path | None = None) -> None:
        """Paste the key and choose the policy; what is there already is left there."""
        if (key, policy) != self.given:
            self.page.fill("#key", key)
            self.page.set_input_files("#policy-file", [] if policy is None else [str(policy)])
            self.given = (key, policy)

    def check(self) -> str:
        """Press the button and wait; the verdict."""
        self.page.get_by_role("button", name="Check", exact=True).click()
        return self.verdict()

    def verdict(self) -> str:
        result = self.page.locator("#result[data-verdict]")
        result.wait_for()
        verdict = result.get_attribute("data-verdict") or ""
        assert result.locator("h2").inner_text().endswith(f" {WORDS[verdict]}")
        return verdict

    def said(self) -> str:
        return self.page.locator("#result > p").first.inner_text()

    def rows(self) -> list[tuple[str, str]]:
        """The details that stand under the verdict."""
        names, values = self.page.locator("dt").all_inner_texts(), self.page.locator("dd").all_inner_texts()
        return list(zip(names, values, strict=True))

    def still_open(self) -> Sequence[str]:
        return self.page.locator("#result li").all_inner_texts()


@contextmanager
def reader(browser: Browser, folder: Path, *, before: str = "", **options: Any) -> Iterator[Reader]:
    """A window on the page as a file in this folder, after the script `before`; it must have loaded nothing else."""
    place = folder / "verify.html"
    place.write_bytes(offline_page())
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **options})
    context.set_default_timeout(60_000)
    if before:
        context.add_init_script(before)
    someone = Reader(context.new_page(), place.as_uri())
    someone.listen()
    try:
        someone.page.goto(someone.address)
        yield someone
    finally:
        context.close()
    assert someone.asked == [someone.address]
    assert someone.complaints == []
