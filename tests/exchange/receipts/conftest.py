"""A document that was sent, and browsers for the people around it."""

from collections.abc import Callable
from typing import Any

import pytest

from exchange.access.roles import Role
from exchange.parts import Parts
from tests.exchange.inspection_case import Case, case_of


@pytest.fixture
def area(make_area: Callable[..., Any]) -> Any:
    return make_area()


@pytest.fixture
def case(parts: Parts, area: Any) -> Case:
    return case_of(parts, area)


@pytest.fixture
def browser(app: Any, area: Any, sign_in: Callable[..., Any]) -> Callable[[Role], Any]:
    return lambda role: sign_in(app.test_client(), area.people[role])
