"""A clock that can be moved, people with known passwords, and a browser that keeps cookies and sends form tokens."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pyotp
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSWORD = "lantern orchard pebble"
STEP = 30  # seconds, RFC 6238


class MovableClock:
    """Says the moment it was set to."""

    def __init__(self, moment: datetime = MONDAY) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **duration: float) -> None:
        self.moment += timedelta(**duration)


@dataclass
class MadePerson:
    """Somebody with an account whose password and second factor a test knows; `secret` is empty without one."""

    id: str
    email: str
    name: str
    password: str
    secret: str
    last_step: int = 0

    def next_code(self, clock: MovableClock) -> str:
        """A code that was not used before; the clock moves on when there is none yet."""
        if self.last_step > int(clock().timestamp()) // STEP:
            clock.advance(seconds=STEP)
        self.last_step = max(self.last_step + 1, int(clock().timestamp()) // STEP)
        return pyotp.TOTP(self.secret).at(self.last_step * STEP)


class Browser(FlaskClient):
    """Flask's own client at the public address; `send` posts a form with the token that its page carries."""

    public_url = "http://127.0.0.1:8000"

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs.setdefault("base_url", self.public_url)
        return super().open(*args, **kwargs)

    def send(self, path: str, data: dict[str, Any] | None = None, *, page: str = "", **kwargs: Any) -> TestResponse:
        """Open `page` (the form's own path unless named), take its token, and post to `path`."""
        shown = self.get(page or path)
        return self.post(path, data={"csrf_token": token_in(shown), **(data or {})}, **kwargs)


def token_in(response: TestResponse) -> str:
    """The form token of a page."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', response.text)
    assert found, f"no form on the page (status {response.status_code}): {heading(response)}"
    return found[1]


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.place = ""
        self.heading = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  HTMLParser's signature
        self.place = tag

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  HTMLParser's signature
        self.place = ""

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.place == "h1" and not self.heading:
            self.heading = data.strip()


def _read(response: TestResponse) -> _Words:
    words = _Words()
    words.feed(response.text)
    return words


def words_of(response: TestResponse) -> str:
    """Everything a page says, without mark-up, in one line."""
    return " ".join(" ".join(_read(response).words).split())


def heading(response: TestResponse) -> str:
    """The first heading of a page."""
    return _read(response).heading
