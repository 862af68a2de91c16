"""Fixtures of the rooms that test signing in and pages as strangers and people meet them.

Outside the worked example, so a second factor is required; people sign in through the pages; hashing is light.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask

import exchange.app
import exchange.parts
from audit.entry import Entry
from audit.sql_store import install
from config.secret_files import create_secret_file
from config.settings import Settings
from exchange import trail
from exchange.access.roles import Role
from exchange.accounts.models import Person
from exchange.accounts.passwords import Passwords
from exchange.accounts.service import create_account
from exchange.app import create_app
from exchange.database import Model
from exchange.parts import Parts, join_parts
from keys.local_provider import LocalKeyProvider
from keys.secret_box import seal_secret
from keys.signed_sizes import SignedSizes
from keys.signing import LogSigner
from tests.exchange.visiting import PASSWORD, Browser, MadePerson, MovableClock

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

MakePerson = Callable[..., MadePerson]
SignInAs = Callable[[Browser, MadePerson], None]
ServiceEntries = Callable[[], list[Entry]]


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def chosen_settings() -> dict[str, object]:
    """Settings that a test or a room changes: override this fixture."""
    return {}


@pytest.fixture
def settings(tmp_path: Path, database_url: str, chosen_settings: dict[str, object]) -> Settings:
    """Settings as in the field, with their keys made."""
    made = Settings(
        **{
            "data_folder": tmp_path / "data",
            "database_url": database_url,
            "log_origin": "exchange.example.org/log",
            "contact_email": "help@exchange.example.org",
            **chosen_settings,
        }
    )
    for folder in (made.data_folder, made.provider_key_file.parent, made.key_store_folder):
        folder.mkdir(mode=0o700)
    create_secret_file(made.secret_key_file)
    LocalKeyProvider.create(made.provider_key_file)
    LogSigner.create(made.signing_key_file)
    SignedSizes.create(made.signed_sizes_file)
    return made


@pytest.fixture
def parts(settings: Settings, clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    """The parts of the service over an empty database that has its tables and its own log."""
    light = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(exchange.parts, "Passwords", lambda at_once: Passwords(at_once, light))
    joined = join_parts(settings, clock)
    with joined.database.engine.execution_options(write=True).begin() as connection:
        Model.metadata.create_all(connection)
        install(connection)
    with joined.database.unit_of_work() as unit:
        joined.trail.create(unit, trail.SERVICE_LOG)
        trail.record(unit, "log:opened", actor=trail.HOST, subject=trail.SERVICE_LOG)
    yield joined
    joined.type_probe.close()
    joined.database.dispose()


@pytest.fixture
def served_app(parts: Parts, settings: Settings, clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application exactly as it is served: an unexpected error becomes its page."""
    monkeypatch.setattr(exchange.app, "join_parts", lambda _settings, _clock: parts)
    made = create_app(settings, clock)
    made.test_client_class = Browser
    return made


@pytest.fixture
def app(served_app: Flask) -> Flask:
    """The application, but an unexpected error reaches the test that caused it."""
    served_app.error_handler_spec[None][None].pop(Exception)
    served_app.config["PROPAGATE_EXCEPTIONS"] = True
    return served_app


@pytest.fixture
def client(app: Flask) -> Browser:
    """A browser in which nobody is signed in."""
    return another_browser(app)


def another_browser(app: Flask) -> Browser:
    browser = app.test_client()
    assert isinstance(browser, Browser)
    return browser


@pytest.fixture
def make_person(parts: Parts) -> MakePerson:
    """Make somebody with an account, a password and a second factor; `roles` are those in the whole service."""
    made = 0

    def make(*roles: Role, name: str = "", email: str = "", secret: str = SECRET) -> MadePerson:
        nonlocal made
        made += 1
        address, called = email or f"person{made}@example.org", name or f"Person {made}"
        with parts.database.unit_of_work() as unit:
            person, token = create_account(
                unit, actor=trail.HOST, email=address, name=called, organisation="", roles=frozenset(roles)
            )
            person_id = person.id
        parts.credentials.take_up_invitation(token, PASSWORD, parts.clock())
        if secret:
            with parts.database.unit_of_work() as unit:
                sealed = seal_secret(parts.small_secrets_key, f"second-factor:{person_id}", secret.encode())
                unit.session.get_one(Person, person_id).totp_sealed = sealed
        return MadePerson(person_id, address, called, PASSWORD, secret)

    return make


@pytest.fixture
def sign_in(clock: MovableClock) -> SignInAs:
    """Sign somebody in through the pages; the clock may move on by half a minute for a fresh code."""

    def sign_in_as(browser: Browser, person: MadePerson) -> None:
        answer = browser.send("/sign-in", {"email": person.email, "password": person.password})
        assert answer.status_code == 303, answer.text
        if person.secret:
            answer = browser.send("/sign-in/code", {"code": person.next_code(clock)})
            assert answer.status_code == 303, answer.text

    return sign_in_as


@pytest.fixture
def service_entries(parts: Parts) -> ServiceEntries:
    """Every entry of the service's log, the oldest first."""

    def read() -> list[Entry]:
        with parts.database.read() as session:
            connection = session.connection()
            size = parts.trail.store.tree_size(connection, trail.SERVICE_LOG)
            return [row.entry for row in parts.trail.store.entries(connection, trail.SERVICE_LOG, 0, size)]

    return read
