"""Who saw a document: completed, broken off, in parts, without an end, never; each byte counted once."""

from typing import Any

import pytest

from exchange.access.roles import Role
from exchange.disclosure.sightings import ALL, NOTHING, PARTS, UNKNOWN, Sighting, sightings_of
from tests.exchange.disclosure.conftest import Release
from tests.exchange.inspection_case import Case

SIZE = 100
LEAD, INSPECTOR = Role.LEAD_INSPECTOR, Role.INSPECTOR


@pytest.fixture
def document(case: Case) -> str:
    return case.send("1.1", content=b"x" * SIZE)


def seen(case: Case, document: str) -> dict[str, Sighting]:
    with case.parts.database.read() as session:
        found = sightings_of(case.parts.trail.store, session.connection(), case.inspection, document, SIZE)
    return {sighting.person: sighting for sighting in found}


CASES: dict[str, tuple[list[tuple[int, int, int | None]], str, int]] = {
    "whole": ([(0, SIZE, -1)], ALL, SIZE),
    "half": ([(0, 50, -1)], PARTS, 50),
    "two halves": ([(0, 50, -1), (50, SIZE, -1)], ALL, SIZE),
    "overlapping": ([(0, 60, -1), (40, 80, -1)], PARTS, 80),
    "many ranges of one transfer": ([(at, at + 10, -1) for at in range(0, SIZE, 10)], ALL, SIZE),
    "broken off": ([(0, SIZE, 30)], PARTS, 30),
    "broken off and resumed": ([(0, SIZE, 30), (30, SIZE, -1)], ALL, SIZE),
    "broken off at once": ([(0, SIZE, 0)], NOTHING, 0),
    "no end recorded": ([(0, SIZE, None)], UNKNOWN, 0),
    "a part, and one without an end": ([(0, 10, -1), (0, SIZE, None)], UNKNOWN, 10),
    "whole, and one without an end": ([(0, SIZE, -1), (0, SIZE, None)], ALL, SIZE),
    "whole twice": ([(0, SIZE, -1), (0, SIZE, -1)], ALL, SIZE),
}


@pytest.mark.parametrize("name", CASES)
def test_what_somebody_had_is_told_by_the_log(case: Case, document: str, release: Release, name: str) -> None:
    given_out, outcome, total = CASES[name]
    for start, stop, sent in given_out:
        release(INSPECTOR, document, start, stop, sent)
    (found,) = seen(case, document).values()
    assert (found.person, found.outcome, found.bytes_had) == (case.people[INSPECTOR], outcome, total)
    assert found.completed + found.in_part + found.broken_off + found.unended >= 1


def test_many_ranges_of_one_transfer_are_told_as_one(case: Case, document: str, release: Release) -> None:
    for at in range(0, SIZE, 10):
        release(INSPECTOR, document, at, at + 10)
    (found,) = seen(case, document).values()
    assert (found.completed, found.in_part, found.broken_off, found.unended) == (1, 0, 0, 0)


def test_nobody_saw_what_nobody_was_given(case: Case, document: str) -> None:
    assert seen(case, document) == {}


def test_people_and_documents_are_kept_apart(case: Case, document: str, release: Release, clock: Any) -> None:
    other = case.send("1.4", content=b"y" * SIZE)
    release(INSPECTOR, document, 0, SIZE)
    clock.move(hours=1)
    release(LEAD, document, 0, SIZE, 10)
    release(LEAD, other, 0, SIZE)
    found = seen(case, document)
    assert {person: one.outcome for person, one in found.items()} == {case.people[INSPECTOR]: ALL, case.lead: PARTS}
    assert list(found) == [case.people[INSPECTOR], case.lead], "the first to see it stands first"
    assert seen(case, other)[case.lead].outcome == ALL


def test_more_releases_than_one_page_are_all_read(
    case: Case, document: str, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.disclosure.sightings.PAGE", 3)
    for at in range(0, SIZE, 20):
        release(INSPECTOR, document, at, at + 20)
    assert seen(case, document)[case.people[INSPECTOR]].bytes_had == SIZE
