"""A browser and services for the scenarios: one service shared by those that leave it as it is, or one of their own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.postgres import postgres_database
from tests.scenarios.browser import Visitor, chromium, visitor
from tests.scenarios.service import Service, running_service
from tests.scenarios.surroundings import surround

Visit = Callable[..., AbstractContextManager[Visitor]]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, chromium(playwright) as browser:
        yield browser


@pytest.fixture(scope="session")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The worked example with something of everything in it, on SQLite."""
    with running_service(tmp_path_factory.mktemp("shared") / "data", prepare=surround) as service:
        yield service


@pytest.fixture(params=["sqlite", "postgresql"])
def own_service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """The worked example on each kind of database, for a story that changes it for good."""
    if request.param == "sqlite":
        with running_service(tmp_path / "data") as service:
            yield service
        return
    with (
        postgres_database(request.getfixturevalue("postgres_server_url")) as url,
        running_service(tmp_path / "data", url) as service,
    ):
        yield service


@pytest.fixture
def visit(browser: Browser) -> Visit:
    """Open a window on a service: `with visit(service) as person:`."""

    def open_window(service: Service, **options: object) -> AbstractContextManager[Visitor]:
        return visitor(browser, service, **options)

    return open_window
