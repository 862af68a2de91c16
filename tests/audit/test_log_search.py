from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine

from audit.entry import Entry
from audit.log import AuditLog
from audit.store import SearchFilters
from tests.audit.example_log import INSPECTION, PERSON, START, document

OTHER_PERSON = "per_" + "q" * 26
HOLD = "hld_" + "h" * 26
COMMITMENT = "0" * 64

ENTRIES = [
    ("member:added", PERSON, {"person": OTHER_PERSON, "role": "contributor"}),
    ("item:assigned", PERSON, {"item": "1.1", "person": OTHER_PERSON}),
    ("submission:refused", OTHER_PERSON, {"reason": "empty", "items": ["1.1", "1.4"]}),
    ("receipt:viewed", OTHER_PERSON, {"document": document(1)}),
    ("list:viewed", PERSON, {"items": ["1.14"]}),
    (
        "hold:placed",
        PERSON,
        {"hold": HOLD, "scope": "inspection", "document": None, "commitment": COMMITMENT},
    ),
]

EXPECTED = {
    "everything": (SearchFilters(), [5, 4, 3, 2, 1, 0]),
    "one event": (SearchFilters(events=("list:viewed",)), [4]),
    "either of two events": (SearchFilters(events=("list:viewed", "member:added")), [4, 0]),
    "an actor": (SearchFilters(actor=OTHER_PERSON), [3, 2]),
    "a person, acting or acted upon": (SearchFilters(person=OTHER_PERSON), [3, 2, 1, 0]),
    "a document": (SearchFilters(subject=document(1)), [3]),
    "a hold": (SearchFilters(subject=HOLD), [5]),
    "an item, alone or among others": (SearchFilters(item="1.1"), [2, 1]),
    "an item whose number begins another's": (SearchFilters(item="1.14"), [4]),
    "an item that is a pattern": (SearchFilters(item="%"), []),
    "an identifier that entries name, are by or are about": (SearchFilters(reference=OTHER_PERSON), [3, 2, 1, 0]),
    "the last characters of an identifier": (SearchFilters(reference="qqqqqq"), [3, 2, 1, 0]),
    "an identifier that stands in a field only": (SearchFilters(reference="hhhhhh"), [5]),
    "characters that only a hash ends in": (SearchFilters(reference="000000", events=("hold:placed",)), []),
    "characters from the middle": (SearchFilters(reference="er_qqqqqq"), []),
    "since a time, included": (SearchFilters(since=START + timedelta(seconds=4)), [5, 4]),
    "until a time, excluded": (SearchFilters(until=START + timedelta(seconds=2)), [1, 0]),
    "a person and either of two events": (
        SearchFilters(person=OTHER_PERSON, events=("receipt:viewed", "member:added")),
        [3, 0],
    ),
    "a person and a subject": (SearchFilters(person=PERSON, subject=HOLD), [5]),
    "either of two events, one given twice": (SearchFilters(events=("list:viewed", "list:viewed")), [4]),
    "all at once": (SearchFilters(actor=PERSON, item="1.1", events=("item:assigned",)), [1]),
}


@pytest.fixture(autouse=True)
def six_entries(engine: Engine, log: AuditLog[Connection]) -> None:
    with engine.begin() as connection:
        for second, (event, actor, details) in enumerate(ENTRIES):
            entry = Entry(event, START + timedelta(seconds=second), actor, INSPECTION, None, details)
            log.append(connection, INSPECTION, entry)


@pytest.mark.parametrize("what", EXPECTED)
def test_a_search_finds(engine: Engine, log: AuditLog[Connection], what: str) -> None:
    filters, expected = EXPECTED[what]
    with engine.connect() as connection:
        found = log.store.search(connection, INSPECTION, filters, None, 50)
    assert [stored.index for stored in found] == expected
    assert [stored.entry.event for stored in found] == [ENTRIES[index][0] for index in expected]


def test_a_search_goes_on_where_the_page_before_ended(engine: Engine, log: AuditLog[Connection]) -> None:
    pages, before = [], None
    with engine.connect() as connection:
        while page := log.store.search(connection, INSPECTION, SearchFilters(), before, 4):
            pages.append([int(stored.index) for stored in page])
            before = page[-1].index
    assert pages == [[5, 4, 3, 2], [1, 0]]


def test_what_somebody_did_to_themselves_is_found_once(engine: Engine, log: AuditLog[Connection]) -> None:
    with engine.begin() as connection:
        details = {"person": PERSON, "role": "lead-inspector"}
        entry = Entry("member:added", START + timedelta(seconds=9), PERSON, INSPECTION, None, details)
        log.append(connection, INSPECTION, entry)
        found = log.store.search(connection, INSPECTION, SearchFilters(person=PERSON), None, 3)
    assert [stored.index for stored in found] == [6, 5, 4]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_of_a_search_for_several_things_leave_nothing_out(
    engine: Engine, log: AuditLog[Connection], limit: int
) -> None:
    filters, before, seen = SearchFilters(person=OTHER_PERSON), None, []
    with engine.connect() as connection:
        while page := log.store.search(connection, INSPECTION, filters, before, limit):
            seen += [int(stored.index) for stored in page]
            before = seen[-1]
    assert seen == [3, 2, 1, 0]
