"""The pages about the service, and what it tells machines about its health."""

import re

import pytest
from sqlalchemy import text

from exchange.parts import Parts
from tests.exchange.visiting import Browser, heading, words_of

PAGES = {
    "/help": "Help",
    "/privacy": "Privacy",
    "/accessibility": "Accessibility statement",
    "/cookies": "Cookies",
}


@pytest.mark.parametrize(("path", "title"), PAGES.items())
def test_a_stranger_may_read_the_pages_about_the_service(client: Browser, path: str, title: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    assert heading(page) == title
    assert f"<title>{title} – Area SEND Exchange</title>" in page.text
    assert "help@exchange.example.org" in page.text


@pytest.mark.parametrize("path", PAGES)
def test_reading_them_sets_no_cookie(client: Browser, path: str) -> None:
    assert "Set-Cookie" not in client.get(path).headers


@pytest.mark.parametrize("path", [*PAGES, "/sign-in"])
def test_no_page_has_anything_inline_or_from_another_site(client: Browser, path: str) -> None:
    page = client.get(path).text
    assert "style=" not in page
    assert not re.search(r"<script(?![^>]*src=\"/assets/)", page)
    assert not re.search(r"\son\w+=", page)
    sources = re.findall(r'<(?:script|img|link)[^>]*(?:src|href)="([^"]+)"', page)
    assert sources
    assert all(source.startswith("/assets/") for source in sources)


def test_the_privacy_page_says_how_second_factors_are_held_and_no_more(client: Browser) -> None:
    said = words_of(client.get("/privacy"))
    assert "second factor, sealed with a key that is kept outside the database" in said
    assert "nobody can read" not in said


def test_the_cookies_page_names_the_cookie_that_is_set(client: Browser) -> None:
    client.get("/sign-in")
    cookie = client.get_cookie("session", domain="127.0.0.1")
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    assert cookie.max_age is None
    assert cookie.key in words_of(client.get("/cookies"))


def test_the_process_says_that_it_lives(client: Browser) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert "Set-Cookie" not in answer.headers


def test_the_process_says_that_it_can_work(client: Browser) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (200, "database: ok\nstore: ok\nkeys: ok\nlog: ok\n")


def test_without_its_log_it_is_not_ready(client: Browser, parts: Parts) -> None:
    with parts.database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit_log RENAME TO gone"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.text == "database: not reachable\nstore: ok\nkeys: ok\nlog: ok\n"
    assert client.get("/healthz").status_code == 200


def test_without_its_store_it_is_not_ready(client: Browser, parts: Parts) -> None:
    parts.settings.store_folder.rmdir()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "store: not reachable" in answer.text


@pytest.mark.parametrize("lost", ["provider_key_file", "key_store_folder"])
def test_without_its_keys_it_is_not_ready_and_says_nothing_about_where_they_are(
    client: Browser, parts: Parts, lost: str
) -> None:
    path = getattr(parts.settings, lost)
    path.rename(path.with_name("gone"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.text == "database: ok\nstore: ok\nkeys: not reachable\nlog: ok\n"
