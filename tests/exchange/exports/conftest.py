"""An inspection whose trail leaves the service."""

from collections.abc import Callable
from typing import Any

import pytest

from exchange.exports.service import export_trail
from exchange.oversight.service import TrailFilters
from exchange.parts import Parts
from tests.exchange.inspection_case import Case, case_of

Take = Callable[..., bytes]


@pytest.fixture
def area(make_area: Callable[..., Any]) -> Any:
    return make_area()


@pytest.fixture
def case(parts: Parts, area: Any) -> Case:
    return case_of(parts, area)


@pytest.fixture
def take(case: Case) -> Take:
    """The whole file of one export, as the server would have sent it."""

    def taken(form: str, **filters: Any) -> bytes:
        made = export_trail(case.parts, case.inspection, TrailFilters(**filters), form, actor=case.officer)
        try:
            return b"".join(made.stream)
        finally:
            made.stream.close()

    return taken
