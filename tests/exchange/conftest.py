"""A whole service for each test, on each kind of database: real keys, store, log and pages, with a clock to move."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from config.settings import Settings
from exchange import trail
from exchange.access.roles import Role
from exchange.accounts import passwords
from exchange.accounts.models import Person, ServiceRole
from exchange.accounts.sessions import load_actor
from exchange.app import create_app
from exchange.identifiers import new_identifier
from exchange.inspections import team
from exchange.inspections.models import Inspection
from exchange.inspections.service import Opening, open_inspection
from exchange.installation import install
from exchange.migrations import schema
from exchange.parts import Parts
from tests.exchange.compiled_templates import jinja_options
from tests.quick_schema import quick_schema

PUBLIC_URL = "http://127.0.0.1:8000"
PASSWORD = "correct-horse-battery-staple"
MONDAY = date(2026, 11, 23)
START = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


class MovableClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **amount: float) -> None:
        self.now += timedelta(**amount)


class ServiceClient(FlaskClient):
    """A test client that speaks to the service's one address."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("base_url", PUBLIC_URL)
        return super().open(*args, **kwargs)

    def form_token(self, path: str) -> str:
        """Load a page and return the token of its form."""
        page = self.get(path)
        match = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.get_data(as_text=True))
        assert match, f"{path} answered {page.status_code} without a form"
        return match[1]

    def send(self, path: str, data: dict[str, Any] | None = None, *, form_at: str | None = None) -> Any:
        """Post a form as a browser does: with the token of the page it stands on."""
        return self.post(path, data={"csrf_token": self.form_token(form_at or path), **(data or {})})


@pytest.fixture(autouse=True)
def _light_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    light = functools.partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "PasswordHasher", light)


@pytest.fixture(autouse=True, scope="session")
def _compiled_templates() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Flask, "jinja_options", jinja_options())
        yield


@pytest.fixture(autouse=True)
def _quick_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "upgrade", quick_schema)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(
        example=True,
        data_folder=tmp_path / "data",
        database_url=database_url,
        public_url=PUBLIC_URL,
        max_file_bytes=10**8,
    )


@pytest.fixture
def app(settings: Settings, clock: MovableClock) -> Iterator[Flask]:
    if settings.sqlite_path is not None:
        settings.sqlite_path.unlink(missing_ok=True)
    install(settings, clock)
    app = create_app(settings, clock)
    app.test_client_class = ServiceClient
    yield app
    joined: Parts = app.extensions["exchange"]
    joined.type_probe.close()
    joined.database.dispose()


@pytest.fixture
def parts(app: Flask) -> Parts:
    joined: Parts = app.extensions["exchange"]
    return joined


@pytest.fixture
def client(app: Flask) -> ServiceClient:
    client = app.test_client()
    assert isinstance(client, ServiceClient)
    return client


MakePerson = Callable[..., Person]


@pytest.fixture
def make_person(parts: Parts) -> MakePerson:
    """Make somebody with an active account and, if named, roles in the service."""
    hashed = parts.passwords.hash(PASSWORD)

    def make(*roles: Role, name: str = "Example Person") -> Person:
        with parts.database.unit_of_work() as unit:
            unit.session.expire_on_commit = False
            identifier = new_identifier("per")
            person = Person(
                id=identifier,
                email=f"{identifier}@example.org",
                name=name,
                organisation="Example Council",
                password_hash=hashed,
                totp_sealed="",
                totp_last_step=0,
                created_at=unit.now,
                activated_at=unit.now,
            )
            unit.session.add(person)
            unit.session.flush()
            for role in roles:
                unit.session.add(ServiceRole(person_id=person.id, role=role, granted_at=unit.now))
            return person

    return make


@pytest.fixture
def sign_in() -> Callable[[ServiceClient, Person], ServiceClient]:
    """Sign a person in through the pages; returns the same client."""

    def do(client: ServiceClient, person: Person) -> ServiceClient:
        answer = client.send("/sign-in", {"email": person.email, "password": PASSWORD})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return client

    return do


@dataclass
class Area:
    """An open inspection and its people, one in each role."""

    inspection: str
    people: dict[Role, Person] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/inspections/{self.inspection}"


MakeArea = Callable[..., Area]


@pytest.fixture
def make_area(parts: Parts, make_person: MakePerson) -> MakeArea:
    """Open an inspection of all items with one person in each role; the contributor answers `assigned`."""

    def make(*, assigned: tuple[str, ...] = ("1.1", "1.4"), name: str = "Example Area") -> Area:
        lead = make_person(Role.LEAD_INSPECTOR, name="Lead Example")
        numbers = tuple(str(item.number) for item in parts.catalogue.items if not item.per_child)
        with parts.database.unit_of_work() as unit:
            inspection = open_inspection(
                unit,
                parts.trail,
                parts.vault.keyring.create_inspection_key,
                parts.catalogue,
                parts.schedule.version,
                opening=Opening(name, "full", MONDAY, numbers),
                actor=lead.id,
            )
            area = Area(inspection.id, {Role.LEAD_INSPECTOR: lead})
        for role in (Role.INSPECTOR, Role.NOMINATED_OFFICER, Role.DATA_PROTECTION_OFFICER):
            area.people[role] = make_person(name=f"{role.label} Example")
            _join(parts, area, lead, area.people[role], role)
        contributor = area.people[Role.CONTRIBUTOR] = make_person(name="Contributor Example")
        officer = area.people[Role.NOMINATED_OFFICER]
        _join(parts, area, officer, contributor, Role.CONTRIBUTOR)
        with parts.database.unit_of_work() as unit:
            row = unit.session.get_one(Inspection, area.inspection)
            team.assign_items(unit, row, actor=officer.id, person_id=contributor.id, numbers=assigned)
        return area

    return make


def _join(parts: Parts, area: Area, giver: Person, person: Person, role: Role) -> None:
    with parts.database.unit_of_work() as unit:
        inspection = unit.session.get_one(Inspection, area.inspection)
        actor = load_actor(unit.session, giver.id)
        team.add_member(unit, inspection, actor=actor, email=person.email, role=role)


@pytest.fixture
def events(parts: Parts) -> Callable[[str], list[str]]:
    """The names of the events in a log, oldest first."""

    def read(log_id: str = trail.SERVICE_LOG) -> list[str]:
        with parts.database.read() as session:
            connection = session.connection()
            size = parts.trail.store.tree_size(connection, log_id)
            return [stored.entry.event for stored in parts.trail.store.entries(connection, log_id, 0, size)]

    return read


@pytest.fixture
def rows(parts: Parts) -> Callable[[Any], list[Any]]:
    """Every row of a table."""

    def read(model: Any) -> list[Any]:
        with parts.database.read() as session:
            return list(session.scalars(select(model)))

    return read
