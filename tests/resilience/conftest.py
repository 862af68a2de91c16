"""The whole service of the exchange's tests, and a process of its own that serves requests and can be killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from exchange.access.roles import Role
from exchange.parts import Parts
from tests.exchange.conftest import (
    Area,
    ServiceClient,
    _light_hashes,
    app,
    client,
    clock,
    events,
    make_area,
    make_person,
    parts,
    rows,
    settings,
    sign_in,
)
from tests.resilience.killing import Servant
from tests.resilience.live import Live, serving

__all__ = [
    "_light_hashes",
    "app",
    "client",
    "clock",
    "events",
    "make_area",
    "make_person",
    "parts",
    "rows",
    "settings",
    "sign_in",
]


@pytest.fixture
def area(make_area: Callable[..., Area]) -> Area:
    return make_area()


@pytest.fixture
def servant(settings: Settings, area: Area) -> Iterator[Servant]:
    """A process that has started the application and serves what it is told to."""
    with Servant.started(settings) as running:
        yield running


@pytest.fixture
def officer(client: ServiceClient, area: Area, sign_in: Callable[..., Any]) -> ServiceClient:
    """The nominated officer, signed in."""
    signed_in: ServiceClient = sign_in(client, area.people[Role.NOMINATED_OFFICER])
    return signed_in


@pytest.fixture
def left(parts: Parts) -> Callable[[], list[str]]:
    """Every file of the store and of the wrapped keys, by its path there."""

    def look() -> list[str]:
        roots = (parts.settings.store_folder, parts.settings.key_store_folder)
        return sorted(str(path.relative_to(root)) for root in roots for path in root.rglob("*") if path.is_file())

    return look


@pytest.fixture
def live(settings: Settings, area: Area, tmp_path: Path) -> Iterator[Live]:
    """The service under gunicorn, beside the one in this process."""
    with serving(settings, tmp_path) as running:
        yield running
