import string

import pytest

from audit import fields
from audit.entry import Detail, Entry
from audit.errors import VocabularyError
from audit.search import copies_of
from audit.vocabulary import SERVICE_LOG, VOCABULARY, Event, commit_to, describe, new_salt, subject_of, verify_entry
from tests.audit.example_log import INSPECTION, PERSON, START, document

HASH = "0123456789abcdef" * 4
GOOD: dict[str, list[Detail]] = {
    fields.ID: [document(1), "per_" + "z" * 26],
    fields.ID_OR_NONE: [document(1), None],
    fields.ITEM: ["L1", "L2", "P", "1.1", "3.8", "7.7"],
    fields.ITEMS: [["1.1"], ["L1", "1.4"], ("2.1",)],
    fields.ANY_ITEMS: [[], ["1.1"]],
    fields.COUNT: [0, 1, 2**40],
    fields.SHA256: [HASH],
    fields.SHA256_OR_NONE: [HASH, None],
    fields.COMMITMENT: [HASH],
    fields.CODE: ["xlsx", "2025-06", "downloads.release_file", "document:read", "a"],
    fields.CODES: [[], ["person", "item"]],
    fields.TIME: ["2026-03-02T09:00:00.000000Z"],
    fields.DATE: ["2026-03-02", "2024-02-29"],
    fields.DATA_DATE: [
        "as-at:2026-03-02",
        "period:2025-04-01/2026-03-31",
        "historic-snapshot",
        "historic-snapshot:2024-01-31",
        "historic-snapshot:2023-01-01/2024-01-31",
        "not-dated",
    ],
}
BAD: dict[str, list[Detail]] = {
    fields.ID: [None, "", "ada", "doc_1", document(1).upper(), document(1) + "\n", 7],
    fields.ID_OR_NONE: ["", "none"],
    fields.ITEM: [None, "", "1", "1.", "01.1", "L", "10.1", "1.1 ", "1.100", "l1", 1],
    fields.ITEMS: [None, [], "1.1", ["1.1", "1.1"], ["1.1", "x"]],
    fields.ANY_ITEMS: [None, "1.1", ["1.1", "1.1"]],
    fields.COUNT: [None, -1, True, "1"],
    fields.SHA256: [None, "", HASH[:-1], HASH.upper(), HASH + "0"],
    fields.SHA256_OR_NONE: ["", HASH[:-1]],
    fields.COMMITMENT: [None, HASH[:-1]],
    fields.CODE: [
        None,
        "",
        "Ada Lovelace",
        "Capital",
        "two words",
        "-a",
        "a-",
        "a--b",
        "x" * 65,
        "a\n",
        "name@example",
    ],
    fields.CODES: [None, "a", ["two words"], ["a", "a"]],
    fields.TIME: [None, "2026-03-02", "2026-03-02T09:00:00Z", "2026-02-30T09:00:00.000000Z"],
    fields.DATE: [None, "", "2026-3-2", "2025-02-29", "20260302", "2026-03-02 "],
    fields.DATA_DATE: [
        None,
        "",
        "2026-03-02",
        "as-at:2026-02-30",
        "as-at:2026-03-02/2026-03-03",
        "period:2026-03-31",
        "period:2026-03-31/2025-04-01",
        "not-dated:2026-03-02",
        "as-at:2026-03-02\n",
    ],
}
EVERY = [(kind, value) for kind, values in GOOD.items() for value in values]
EVERY_BAD = [(kind, value) for kind, values in BAD.items() for value in values]


def log_of(event: Event) -> str:
    return SERVICE_LOG if event.log == "service" else INSPECTION


def example(event: Event, **changed: Detail) -> Entry:
    details = {name: GOOD[kind][0] for name, kind in event.fields.items()} | changed
    inspection = None if event.log == "service" else INSPECTION
    subject = PERSON if event.subject == "required" else None
    return Entry(event.name, START, PERSON, inspection, subject, details)


def without(entry: Entry, name: str) -> Entry:
    details = {field: value for field, value in entry.details.items() if field != name}
    return Entry(entry.event, entry.time, entry.actor, entry.inspection, entry.subject, details)


@pytest.mark.parametrize("name", VOCABULARY)
def test_an_entry_with_exactly_its_fields_is_accepted(name: str) -> None:
    event = VOCABULARY[name]
    verify_entry(example(event), log_of(event))


@pytest.mark.parametrize("name", VOCABULARY)
def test_an_entry_with_one_field_more_is_refused(name: str) -> None:
    event = VOCABULARY[name]
    with pytest.raises(VocabularyError, match="file_name"):
        verify_entry(example(event, file_name="x"), log_of(event))


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, row in VOCABULARY.items() for field in row.fields])
def test_an_entry_with_one_field_less_or_in_another_form_is_refused(name: str, field: str) -> None:
    event = VOCABULARY[name]
    with pytest.raises(VocabularyError, match=field):
        verify_entry(without(example(event), field), log_of(event))
    for value in BAD[event.fields[field]]:
        if isinstance(value, str) and not value.isprintable():
            continue  # an entry does not take it in the first place
        with pytest.raises(VocabularyError, match=field):
            verify_entry(example(event, **{field: value}), log_of(event))


@pytest.mark.parametrize(("kind", "value"), EVERY)
def test_a_value_of_its_kind_is_accepted(kind: str, value: Detail) -> None:
    fields.require_field(kind, "field", value)


@pytest.mark.parametrize(("kind", "value"), EVERY_BAD)
def test_a_value_that_is_not_of_its_kind_is_refused(kind: str, value: Detail) -> None:
    with pytest.raises(VocabularyError):
        fields.require_field(kind, "field", value)


@pytest.mark.parametrize("name", VOCABULARY)
def test_every_event_has_a_sentence_that_uses_only_what_it_has(name: str) -> None:
    event = VOCABULARY[name]
    used = {field for _, field, _, _ in string.Formatter().parse(event.meaning) if field}
    assert used <= {"actor", "subject", *event.fields}
    assert "subject" not in used or event.subject != "none"
    assert event.meaning[0].isupper() or event.meaning.startswith("{")
    assert event.meaning.endswith(".")
    assert set(event.about) <= event.fields.keys()
    assert "{" not in describe(example(event))


@pytest.mark.parametrize("name", VOCABULARY)
def test_an_entry_is_refused_by_a_log_that_it_does_not_belong_in(name: str) -> None:
    event = VOCABULARY[name]
    other = "ins_" + "8" * 26
    with pytest.raises(VocabularyError):
        verify_entry(example(event), other)
    if event.log != "both":
        with pytest.raises(VocabularyError):
            verify_entry(example(event), SERVICE_LOG if event.log == "inspection" else INSPECTION)


def test_a_refusal_outside_any_inspection_belongs_in_the_services_log() -> None:
    details = {"permission": "people:manage", "reason": "role", "route": "accounts.index", "document": None}
    entry = Entry("access:refused", START, PERSON, None, None, details)
    verify_entry(entry, SERVICE_LOG)
    with pytest.raises(VocabularyError):
        verify_entry(entry, INSPECTION)


def test_an_event_that_is_not_in_the_vocabulary_is_refused() -> None:
    with pytest.raises(VocabularyError):
        verify_entry(Entry("document:read", START, PERSON, INSPECTION), INSPECTION)


def test_a_subject_is_there_exactly_when_the_event_has_one() -> None:
    with pytest.raises(VocabularyError):
        verify_entry(Entry("account:created", START, PERSON), SERVICE_LOG)
    with pytest.raises(VocabularyError):
        verify_entry(Entry("inspection:closed", START, PERSON, INSPECTION, PERSON), INSPECTION)
    verify_entry(Entry("sign-in:throttled", START, "anonymous"), SERVICE_LOG)


def test_a_sentence_shows_the_names_that_it_is_given() -> None:
    names = {PERSON: "Ada Lovelace", document(1): "list.xlsx"}
    entry = Entry("receipt:viewed", START, PERSON, INSPECTION, None, {"document": document(1)})
    shown = describe(entry, lambda identifier: names.get(identifier, identifier))
    assert shown == "Ada Lovelace viewed the receipt of document list.xlsx."


def test_a_search_finds_an_event_by_what_it_is_about() -> None:
    details: dict[str, Detail] = {"hold": "hld_" + "1" * 26, "scope": "document", "commitment": HASH}
    of_document = Entry("hold:placed", START, PERSON, INSPECTION, None, {**details, "document": document(1)})
    of_inspection = Entry("hold:placed", START, PERSON, INSPECTION, None, {**details, "document": None})
    assert subject_of(of_document) == document(1)
    assert subject_of(of_inspection) == details["hold"]
    assert copies_of(of_document).items == ""


def test_a_commitment_is_found_again_with_its_salt_and_value_only() -> None:
    salt = new_salt()
    commitment = commit_to("Ada’s list.xlsx", salt)
    assert commitment == commit_to("Ada’s list.xlsx", salt)
    assert commitment != commit_to("Ada’s list.xlsx", new_salt())
    assert commitment != commit_to("Ada’s list.xls", salt)
    fields.require_field(fields.COMMITMENT, "field", commitment)


def test_a_commitment_has_this_value() -> None:
    expected = "bd0dfa4c8760c9ab4677fea3f6d65a25eaabcbea8e4a2b97c6aaf48758844f55"
    assert commit_to("1.1 reason", bytes(range(32))) == expected


def test_a_salt_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(VocabularyError):
        commit_to("value", bytes(15))
