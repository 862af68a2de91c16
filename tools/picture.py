"""Draw docs/checklist.png: the nominated officer's checklist of a fresh worked example, in a real browser.

Needs the environment of the tests (Playwright) and a Chromium, like the browser tests; run it when the page changes.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "checklist.png"
SIZE = {"width": 1280, "height": 1000}
MOST_BYTES = 200_000
NAMES = ("chromium", "chromium-browser", "google-chrome")
READY = "Press Ctrl-C"
sys.path.insert(0, str(ROOT))

from exchange.example import LOCAL_AREA, PASSWORD  # noqa: E402  found only once the root is on the path


@contextmanager
def worked_example() -> Iterator[str]:
    """A fresh worked example, served as `make run` serves it; gives its address."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{probe.getsockname()[1]}"
        probe.close()
        environ = {
            **os.environ,
            "EXCHANGE_EXAMPLE": "1",
            "EXCHANGE_DATA_FOLDER": f"{folder}/example",
            "EXCHANGE_BIND": place,
            "EXCHANGE_PUBLIC_URL": f"http://{place}",
        }
        command = [sys.executable, "-m", "exchange.first_run"]
        with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as service:
            try:
                if not any(READY in line for line in service.stdout or ()):
                    sys.exit("The worked example did not start. No picture was drawn.")
                yield f"http://{place}"
            finally:
                service.terminate()


def main() -> None:
    """Draw the picture and refuse one that is too large for a page that people load."""
    browser = next((path for path in map(shutil.which, NAMES) if path), None)
    if browser is None:
        sys.exit("The picture is drawn by Chromium: install it. No picture was drawn.")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with worked_example() as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=arguments)
        page = chromium.new_page(viewport=SIZE)
        page.goto(f"{address}/sign-in")
        page.get_by_label("Email address").fill("officer@example.org")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name=LOCAL_AREA).click()
        page.get_by_role("heading", name=LOCAL_AREA, level=1).wait_for()
        drawn = page.screenshot(path=PICTURE)
        chromium.close()
    if len(drawn) > MOST_BYTES:
        sys.exit(f"{PICTURE} has {len(drawn):,} bytes, more than {MOST_BYTES:,}.")
    print(f"{PICTURE.relative_to(ROOT)}: {len(drawn):,} bytes")


if __name__ == "__main__":
    main()
