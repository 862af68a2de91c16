from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import fields
from audit.entry import Detail, Entry, decode
from audit.errors import AuditError
from audit.recognition import Recogniser
from audit.search import copies_of
from audit.store import SearchCopies
from audit.vocabulary import NONE, SERVICE_LOG, VOCABULARY, verify_entry
from tests.audit.example_log import INSPECTION, PERSON, START, document

HASH = "0123456789abcdef" * 4
VALUES: dict[str, list[Detail]] = {
    fields.ID: [document(1)],
    fields.ID_OR_NONE: [document(1), None],
    fields.ITEM: ["L1", "P", "1.1", "7.7"],
    fields.ITEMS: [["1.1"], ["L1", "1.4"]],
    fields.ANY_ITEMS: [[], ["1.1"], ["L1", "2.1"]],
    fields.COUNT: [0, 7, 10**15 - 1, 10**15, 2**53 - 1],
    fields.SHA256: [HASH],
    fields.SHA256_OR_NONE: [HASH, None],
    fields.COMMITMENT: [HASH],
    fields.CODE: ["xlsx", "2025-06", "downloads.release_file", "a" * 64],
    fields.CODES: [[], ["person"], ["person", "item"]],
    fields.TIME: ["2026-03-02T09:00:00.000000Z"],
    fields.DATE: ["2026-03-31", "2024-02-29"],
    fields.DATA_DATE: ["as-at:2026-03-02", "period:2025-04-01/2026-03-31", "historic-snapshot", "not-dated"],
}


@st.composite
def entries(draw: st.DrawFn) -> tuple[str, Entry]:
    event = VOCABULARY[draw(st.sampled_from(sorted(VOCABULARY)))]
    place = None if event.log == "service" or (event.log == "both" and draw(st.booleans())) else INSPECTION
    details = {name: draw(st.sampled_from(VALUES[kind])) for name, kind in event.fields.items()}
    actor = draw(st.sampled_from([PERSON, "anonymous", "system:worker"]))
    subject = None if event.subject == NONE else draw(st.sampled_from([PERSON, "service"]))
    time = draw(st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31))).replace(tzinfo=UTC)  # noqa: DTZ001 - made aware here
    return place or SERVICE_LOG, Entry(event.name, time, actor, place, subject, details)


def fits(encoded: bytes, copies: SearchCopies, log_id: str) -> bool:
    return Recogniser(log_id).fits(encoded, *copies)


@given(entries(), st.data())
def test_what_is_recognised_has_its_own_copies_and_no_others(drawn: tuple[str, Entry], data: st.DataObject) -> None:
    log_id, entry = drawn
    verify_entry(entry, log_id)
    name = data.draw(st.sampled_from(SearchCopies._fields))
    other = data.draw(st.sampled_from([None, "", "|1.1|", PERSON, document(1), "service", b"1", 7, 3.5, "anonymous"]))
    copies = copies_of(entry)._replace(**{name: other})
    assert not fits(entry.encode(), copies, log_id) or copies == copies_of(entry)


@pytest.mark.parametrize("name", VOCABULARY)
def test_a_plain_entry_of_every_event_is_recognised(name: str) -> None:
    event = VOCABULARY[name]
    place = None if event.log == "service" else INSPECTION
    details = {field: VALUES[kind][0] for field, kind in event.fields.items()}
    for subject in {None if event.subject == NONE else PERSON, None if event.subject != "required" else "service"}:
        entry = Entry(name, START, PERSON, place, subject, details)
        assert fits(entry.encode(), copies_of(entry), place or SERVICE_LOG)


@given(entries(), st.data())
def test_nothing_is_recognised_that_the_full_reading_refuses(drawn: tuple[str, Entry], data: st.DataObject) -> None:
    log_id, entry = drawn
    damaged = bytearray(entry.encode())
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        act = data.draw(st.sampled_from(["change", "drop", "double"]))
        if act == "change":
            damaged[place] = data.draw(st.one_of(st.sampled_from(b'09az"\\,:{}[]nul-_ \n'), st.integers(0, 255)))
        else:
            damaged[place : place + 1] = b"" if act == "drop" else bytes([damaged[place]]) * 2
    try:
        read = decode(bytes(damaged))
        verify_entry(read, log_id)
        copies = copies_of(read)
    except AuditError:
        assert not fits(bytes(damaged), copies_of(entry), log_id)
    else:
        assert not fits(bytes(damaged), copies_of(entry), log_id) or copies == copies_of(entry)


@given(st.data())
def test_a_recogniser_that_has_seen_much_judges_as_one_that_has_seen_nothing(data: st.DataObject) -> None:
    log_id, _ = data.draw(entries())
    recogniser = Recogniser(log_id)
    for _ in range(5):
        _, entry = data.draw(entries())
        copies = copies_of(entry)
        for event in (entry.event, data.draw(st.sampled_from(sorted(VOCABULARY)))):
            seen = copies._replace(event=event)
            assert recogniser.fits(entry.encode(), *seen) == fits(entry.encode(), seen, log_id)


@given(entries(), st.sampled_from(sorted(VOCABULARY)))
def test_an_entry_is_recognised_under_its_own_event_only(drawn: tuple[str, Entry], other: str) -> None:
    log_id, entry = drawn
    assert other == entry.event or not fits(entry.encode(), copies_of(entry)._replace(event=other), log_id)


@given(entries())
def test_an_entry_is_recognised_in_its_own_log_only(drawn: tuple[str, Entry]) -> None:
    log_id, entry = drawn
    for other in ("ins_" + "8" * 26, INSPECTION, SERVICE_LOG):
        if other == log_id:
            continue
        with pytest.raises(AuditError):
            verify_entry(entry, other)
        assert not fits(entry.encode(), copies_of(entry), other)


def test_an_event_that_is_not_in_the_vocabulary_is_not_recognised() -> None:
    entry = Entry("tea:drunk", START, PERSON, INSPECTION)
    copies = SearchCopies("2026-03-02T09:00:00.000000Z", "tea:drunk", PERSON, INSPECTION, None, "")
    assert not fits(entry.encode(), copies, INSPECTION)
