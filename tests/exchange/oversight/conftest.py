"""An inspection whose trail is read."""

from collections.abc import Callable
from typing import Any

import pytest

from exchange.parts import Parts
from tests.exchange.inspection_case import Case, case_of


@pytest.fixture
def area(make_area: Callable[..., Any]) -> Any:
    return make_area()


@pytest.fixture
def case(parts: Parts, area: Any) -> Case:
    return case_of(parts, area)
