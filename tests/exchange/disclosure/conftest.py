"""An inspection about which an officer has to tell somebody something."""

from collections.abc import Callable
from typing import Any

import pytest

from exchange.access.roles import Role
from exchange.downloads.ranges import Wanted
from exchange.downloads.release import begin_release, end_release
from exchange.parts import Parts
from tests.exchange.inspection_case import Case, case_of


@pytest.fixture
def area(make_area: Callable[..., Any]) -> Any:
    return make_area()


@pytest.fixture
def case(parts: Parts, area: Any) -> Case:
    return case_of(parts, area)


@pytest.fixture
def officer(app: Any, area: Any, sign_in: Callable[..., Any]) -> Any:
    """The browser of the inspection's data protection officer."""
    return sign_in(app.test_client(), area.people[Role.DATA_PROTECTION_OFFICER])


Release = Callable[..., None]


@pytest.fixture
def release(case: Case) -> Release:
    """Give a person bytes of a document: all asked for, only `sent` of them, or without a recorded end (None)."""

    def give(role: Role, document: str, start: int, stop: int, sent: int | None = -1) -> None:
        with case.parts.database.unit_of_work() as unit:
            wanted = Wanted(start, stop, partial=False)
            begun = begin_release(unit, document, case.people[role], wanted).id
        if sent is not None:
            whole = sent == -1
            with case.parts.database.unit_of_work() as unit:
                end_release(unit, begun, stop - start if whole else sent, completed=whole)

    return give
