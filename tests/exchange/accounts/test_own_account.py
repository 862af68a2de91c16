"""The pages on which a person looks after their own account."""

import pytest
from flask import Flask

from exchange.accounts.browsers import say_browser
from tests.exchange.visiting import PASSWORD, Browser, MovableClock, words_of
from tests.exchange.visiting_fixtures import MakePerson, ServiceEntries, SignInAs, another_browser

NEW = "kettle meadow sunrise"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def test_the_account_page_lists_where_the_person_is_signed_in(
    client: Browser, app: Flask, make_person: MakePerson, sign_in: SignInAs, clock: MovableClock
) -> None:
    person = make_person()
    other = another_browser(app)
    other.environ_base.update(REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT=FIREFOX)
    sign_in(other, person)
    clock.advance(minutes=5)
    sign_in(client, person)
    page = words_of(client.get("/account"))
    assert "Firefox on Windows" in page
    assert "192.0.2.7" in page
    assert "Monday 2 March 2026 at 9:05am" in page
    assert page.count("This one") == 1
    clock.advance(minutes=26)
    assert "Firefox on Windows" not in words_of(client.get("/account"))  # idle for 31 minutes


def test_a_page_shows_nothing_of_another_person(
    client: Browser, app: Flask, make_person: MakePerson, sign_in: SignInAs
) -> None:
    person, stranger = make_person(), make_person()
    other = another_browser(app)
    other.environ_base.update(REMOTE_ADDR="192.0.2.7")
    sign_in(other, stranger)
    sign_in(client, person)
    assert "192.0.2.7" not in words_of(client.get("/account"))


def test_a_new_password_works_the_old_one_does_not_and_other_browsers_are_out(
    client: Browser, app: Flask, make_person: MakePerson, sign_in: SignInAs, service_entries: ServiceEntries
) -> None:
    person = make_person()
    other = another_browser(app)
    sign_in(other, person)
    sign_in(client, person)
    assert client.send("/account/password", {"present": PASSWORD, "password": NEW}).status_code == 303
    assert service_entries()[-1].event == "password:changed"
    assert "Every other browser was signed out" in words_of(client.get("/account"))
    assert other.get("/account").status_code == 302
    assert other.send("/sign-in", {"email": person.email, "password": PASSWORD}).status_code == 400
    assert other.send("/sign-in", {"email": person.email, "password": NEW}).status_code == 303


@pytest.mark.parametrize(
    ("present", "new", "sentence"),
    [
        ("wrong", NEW, "Present password is not right"),
        ("", NEW, "Enter your present password"),
        (PASSWORD, "", "Enter a new password"),
        (PASSWORD, "short", "Password must be 12 characters or more"),
        (PASSWORD, "a" * 300, "Password must be 256 characters or fewer"),
        (PASSWORD, "aaaabbbbaaaabbbb", "must not repeat the same few characters"),
        (PASSWORD, "my password is long", "must not contain “password”"),
        (PASSWORD, "margaret is my name", "must not contain “margaret”"),
        (PASSWORD, PASSWORD, "must be different from your present one"),
    ],
)
def test_a_password_that_cannot_be_taken_is_refused_in_words(
    client: Browser, make_person: MakePerson, sign_in: SignInAs, present: str, new: str, sentence: str
) -> None:
    sign_in(client, make_person(name="Margaret Example"))
    answer = client.send("/account/password", {"present": present, "password": new})
    assert answer.status_code == 400
    assert sentence in words_of(answer)
    assert "Error: Change your password" in answer.text


def test_no_password_comes_back_in_a_page(client: Browser, make_person: MakePerson, sign_in: SignInAs) -> None:
    sign_in(client, make_person())
    answer = client.send("/account/password", {"present": "wrong and secret", "password": NEW})
    assert "wrong and secret" not in answer.text
    assert NEW not in answer.text


def test_guessing_the_present_password_is_throttled_like_signing_in(
    client: Browser, make_person: MakePerson, sign_in: SignInAs, service_entries: ServiceEntries
) -> None:
    sign_in(client, make_person())
    for _ in range(10):
        client.send("/account/password", {"present": "wrong", "password": NEW})
    answer = client.send("/account/password", {"present": PASSWORD, "password": NEW})
    assert answer.status_code == 429
    assert "password:changed" not in {entry.event for entry in service_entries()}


def test_a_person_with_a_second_factor_is_told_how_to_replace_it(
    client: Browser, make_person: MakePerson, sign_in: SignInAs
) -> None:
    sign_in(client, make_person())
    page = words_of(client.get("/account/second-factor"))
    assert "ask an administrator for a new sign-in link" in page
    assert "Secret key" not in page


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) SamsungBrowser/27 Chrome/125 Safari/537.36", "Samsung Internet on Android"),
        ("curl/8", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_named_in_words(header: str, words: str) -> None:
    assert say_browser(header) == words
