"""The subject access pack: everything held, others by their role, complete up to a signed state, on no disk."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from audit.checkpoint import open_checkpoint
from exchange import trail
from exchange.access.roles import Role
from exchange.accounts.models import Person
from exchange.accounts.service import disable_account
from exchange.disclosure import pack_entries
from exchange.disclosure.subject_access import prepare_pack
from exchange.disclosure.zip_stream import zip_pieces
from exchange.errors import BusyError, ConflictError, InvalidError, NotFoundError
from exchange.retention.service import place_hold
from tests.exchange.disclosure.conftest import Release
from tests.exchange.inspection_case import Case, case_of, tamper

NOMINATED = Role.NOMINATED_OFFICER
CHILD = "chi_00000000000000000000000000"


@pytest.fixture
def service_officer(make_person: Callable[..., Person]) -> Person:
    return make_person(Role.DATA_PROTECTION_OFFICER, name="Service Officer")


def pack_of(case: Case, identifier: str, inspection: str | None, actor: str) -> zipfile.ZipFile:
    pack = prepare_pack(case.parts, identifier, inspection, actor=actor)
    try:
        content = b"".join(pack.stream)
    finally:
        pack.stream.close()
    found = zipfile.ZipFile(io.BytesIO(content))
    assert found.testzip() is None
    return found


def table(pack: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    text = pack.read(f"data/{name}.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_pack_of_the_service_holds_every_part(case: Case, service_officer: Person) -> None:
    case.send("1.1")
    pack = pack_of(case, case.people[NOMINATED], None, service_officer.id)
    names = {name for name in pack.namelist() if not name.startswith("checkpoints/")}
    parts = ("account", "roles", "documents", "words", "legal-notes", "sessions", "places", "links", "support")
    assert names == {
        "index.html",
        "statement.txt",
        "for-the-officer.txt",
        "data/trail.csv",
        "data/trail.jsonl",
        *(f"data/{part}.{form}" for part in parts for form in ("csv", "json")),
    }
    account = {row["what"]: row["value"] for row in table(pack, "account")}
    assert account["Name"] == "Nominated officer Example"
    assert account["Email address"].endswith("@example.org")
    assert [(row["role_or_item"], row["given_by"]) for row in table(pack, "roles")] == [
        ("Nominated officer", "a lead inspector")
    ]


def test_what_was_sent_is_listed_with_its_dates_its_basis_and_who_can_hand_it_over(
    case: Case, officer: Any, area: Any
) -> None:
    document = case.send("1.1", content=b"the content itself\n")
    pack = pack_of(case, case.people[NOMINATED], case.inspection, case.officer)
    (row,) = table(pack, "documents")
    assert (row["document"], row["title"], row["file_name"]) == (document, "A title to be erased", "a.txt")
    assert row["due_for_disposal"] == "2027-07-21"
    assert row["rule"].startswith("C: 240 days after the inspection was notified")
    assert "UK GDPR Article 5(1)(e)" in row["legal_basis_of_keeping"]
    assert "lead inspector" in row["handed_over_by"]
    assert json.loads(pack.read("data/documents.json"))[0] == row
    assert b"the content itself" not in b"".join(pack.read(name) for name in pack.namelist())


def test_others_stand_in_it_by_their_role_and_are_never_named(
    case: Case, release: Release, service_officer: Person, make_person: Callable[..., Person]
) -> None:
    document = case.send("1.1", content=b"x" * 10)
    release(Role.INSPECTOR, document, 0, 10)
    for where, actor in ((case.inspection, case.officer), (None, service_officer.id)):
        pack = pack_of(case, case.people[NOMINATED], where, actor)
        told = [(row["concern"], row["what_happened"]) for row in table(pack, "trail")]
        for concern, beginning in (
            ("about what they sent", "An inspector was given document"),
            ("about them", "A lead inspector made Nominated officer Example"),
            ("own act", "Nominated officer Example submitted"),
        ):
            assert any(one == concern and said.startswith(beginning) for one, said in told), beginning
        whole = b"".join(pack.read(name) for name in pack.namelist()).decode()
        for other in ("Lead Example", "Inspector Example", "Contributor Example", "Data protection officer Example"):
            assert other not in whole
        others = {person for role, person in case.people.items() if role is not NOMINATED}
        assert not [person for person in others if person in whole]


def test_the_trail_holds_each_entry_that_names_the_person_or_what_they_sent_and_no_other(
    case: Case, release: Release
) -> None:
    document = case.send("1.1", content=b"x" * 10)
    release(Role.INSPECTOR, document, 0, 10)
    me = case.people[NOMINATED]
    expected = [
        index
        for index, entry in enumerate(case.entries())
        if me.encode() in entry.encode() or document.encode() in entry.encode()
    ]
    pack = pack_of(case, me, case.inspection, case.officer)
    assert [int(row["index"]) for row in table(pack, "trail")] == expected
    lines = [json.loads(line) for line in pack.read("data/trail.jsonl").splitlines()]
    assert [line["index"] for line in lines] == expected
    page = pack.read("index.html").decode()
    assert page.count("<tr><td>") >= len(expected)


def test_preparing_is_an_entry_wherever_something_was_taken_from(
    case: Case, service_officer: Person, make_area: Any
) -> None:
    elsewhere = make_area(name="Other Area").inspection
    sizes = {log: len(case.entries(log)) for log in (case.inspection, elsewhere, trail.SERVICE_LOG)}
    pack_of(case, case.people[NOMINATED], None, service_officer.id)
    for log in (case.inspection, trail.SERVICE_LOG):
        entry = case.entries(log)[-1]
        assert (entry.event, entry.actor) == ("subject-access:prepared", service_officer.id)
        assert entry.details == {"person": case.people[NOMINATED], "tree_size": sizes[log]}
    assert len(case.entries(elsewhere)) == sizes[elsewhere], "nothing was taken from there"


def test_preparing_is_recorded_before_the_first_byte(case: Case) -> None:
    pack = prepare_pack(case.parts, case.people[NOMINATED], case.inspection, actor=case.officer)
    assert case.events()[-1] == "subject-access:prepared"
    pack.stream.close()


def test_the_statement_names_the_signed_state_up_to_which_it_is_complete(case: Case) -> None:
    size = len(case.entries())
    pack = pack_of(case, case.people[NOMINATED], case.inspection, case.officer)
    statement = pack.read("statement.txt").decode()
    note = pack.read(f"checkpoints/{case.inspection}.txt")
    with case.parts.database.read() as session:
        key = case.parts.trail.log.verifier_key(session.connection(), case.inspection)
    checkpoint = open_checkpoint(note, key)
    assert checkpoint.size == size
    assert f"Entries read: {size}\nRoot hash: {checkpoint.root.hex()}\n" in statement


def test_a_pack_of_one_inspection_tells_nothing_of_another_or_of_sign_ins(
    case: Case, make_area: Any, sign_in: Any, app: Any, area: Any
) -> None:
    sign_in(app.test_client(), area.people[NOMINATED])
    other = case_of(case.parts, make_area(name="Secret Area"))
    pack = pack_of(case, case.people[NOMINATED], case.inspection, case.officer)
    whole = b"".join(pack.read(name) for name in pack.namelist()).decode()
    assert "Secret Area" not in whole
    assert other.inspection not in whole
    assert "data/sessions.csv" not in pack.namelist()
    with pytest.raises(NotFoundError):
        pack_of(case, other.people[NOMINATED], case.inspection, case.officer)


def test_sign_ins_are_told_across_the_service(
    case: Case, service_officer: Person, sign_in: Any, app: Any, area: Any
) -> None:
    sign_in(app.test_client(), area.people[NOMINATED])
    pack = pack_of(case, case.people[NOMINATED], None, service_officer.id)
    sessions = table(pack, "sessions")
    assert [row["step"] for row in sessions][-1] == "Signed in"
    assert {row["address"] for row in sessions} == {"127.0.0.1"}
    assert any(row["event"] == "sign-in:succeeded" for row in table(pack, "trail"))


def test_words_that_the_person_typed_are_theirs_and_are_in_it(case: Case) -> None:
    with case.parts.database.unit_of_work() as unit:
        place_hold(
            unit,
            inspection_id=case.inspection,
            document_id=None,
            ground="foi",
            reason="=Reason typed by the officer",
            actor=case.officer,
        )
    pack = pack_of(case, case.officer, case.inspection, case.officer)
    (row,) = table(pack, "words")
    assert row["words"] == "'=Reason typed by the officer", "no cell is a formula"
    assert json.loads(pack.read("data/words.json"))[0]["words"] == "=Reason typed by the officer"


def test_markup_in_names_and_titles_stays_text(case: Case) -> None:
    with case.parts.database.unit_of_work() as unit:
        unit.session.get_one(Person, case.people[NOMINATED]).name = "<script>alert(1)</script>"
    pack = pack_of(case, case.people[NOMINATED], case.inspection, case.officer)
    assert "<script" not in pack.read("index.html").decode()


def test_any_identifier_can_be_asked_about(case: Case) -> None:
    document = case.send("1.1")
    pack = pack_of(case, document, case.inspection, case.officer)
    assert {row["event"] for row in table(pack, "trail")} == {"submission:accepted"}
    nothing = pack_of(case, CHILD, case.inspection, case.officer)
    assert table(nothing, "trail") == []
    assert b"Entries found: 0" in nothing.read("statement.txt")
    assert case.entries()[-1].details["person"] == CHILD


@pytest.mark.parametrize("identifier", ["", "Example Person", "per_1", "per_" + "O" * 26, "../../etc/passwd"])
def test_what_is_no_identifier_is_refused_and_not_recorded(case: Case, identifier: str) -> None:
    before = case.events()
    with pytest.raises(InvalidError):
        prepare_pack(case.parts, identifier, case.inspection, actor=case.officer)
    assert case.events() == before


def test_a_damaged_log_gives_no_pack_and_no_entry(case: Case) -> None:
    case.send("1.1")
    pack_of(case, case.people[NOMINATED], case.inspection, case.officer)  # signs the state
    other = case.entries()[3].encode()
    tamper(case, "UPDATE audit_entry SET entry = :bytes WHERE log_id = :log AND leaf_index = 2", bytes=other)
    before = len(case.entries())
    with pytest.raises(ConflictError, match="not as it was written"):
        prepare_pack(case.parts, case.people[NOMINATED], case.inspection, actor=case.officer)
    assert len(case.entries()) == before
    case.parts.turns.take("download", case.officer)()


def test_nothing_touches_a_disk(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NamedTemporaryFile", "TemporaryFile", "mkstemp", "mkdtemp", "SpooledTemporaryFile"):
        monkeypatch.setattr(tempfile, name, lambda *_a, **_k: pytest.fail("a temporary file would hold names"))
    case.send("1.1")
    pack_of(case, case.people[NOMINATED], case.inspection, case.officer)


def test_a_pack_that_breaks_off_has_no_directory() -> None:
    def content() -> Iterator[bytes]:
        yield b"x" * 200_000
        raise ValueError("lost")

    sent = []
    with pytest.raises(ValueError, match="lost"):
        sent.extend(zip_pieces([("a.txt", [b"a"]), ("b.txt", content())], datetime(2026, 1, 1, tzinfo=UTC)))
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(sent)))


def test_entries_are_told_some_hundred_at_a_time(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_entries, "TOGETHER", 2)
    for content in range(5):
        case.send("1.1", content=f"{content}\n".encode())
    pack = pack_of(case, case.people[NOMINATED], case.inspection, case.officer)
    indexes = [int(row["index"]) for row in table(pack, "trail")]
    assert indexes == sorted(set(indexes))
    assert len(indexes) > 5


def test_a_turn_is_held_until_the_pack_is_closed(case: Case) -> None:
    most = case.parts.settings.max_open_downloads_per_person
    me = case.people[NOMINATED]
    open_now = [prepare_pack(case.parts, me, case.inspection, actor=case.officer) for _ in range(most)]
    with pytest.raises(BusyError):
        prepare_pack(case.parts, me, case.inspection, actor=case.officer)
    for pack in open_now:
        pack.stream.close()
    prepare_pack(case.parts, me, case.inspection, actor=case.officer).stream.close()


def test_the_page_sends_the_pack_as_a_file(case: Case, officer: Any, area: Any) -> None:
    path = f"{area.path}/subject-access"
    page = officer.get(path)
    assert "Nominated officer Example" in page.text
    answer = officer.send(path, {"person": case.people[NOMINATED], "identifier": ""})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="subject-access-per_')
    assert zipfile.ZipFile(io.BytesIO(answer.data)).testzip() is None
    answer.close()


WRONG = {
    "neither": ({}, "Choose a person, or enter an identifier"),
    "both": ({"person": "per_x", "identifier": CHILD}, "not both"),
    "no identifier": ({"identifier": "A child"}, "three letters, an underscore"),
    "a stranger": ({"identifier": "per_00000000000000000000000000"}, "Nobody of that identifier"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_form_that_names_nobody_says_so(case: Case, officer: Any, area: Any, name: str) -> None:
    given, sentence = WRONG[name]
    answer = officer.send(f"{area.path}/subject-access", {"person": "", "identifier": "", **given})
    assert answer.status_code == 400
    assert sentence in answer.text
    assert "subject-access:prepared" not in case.events()


@pytest.mark.parametrize("whole", [True, False], ids=["service", "inspection"])
def test_a_reason_that_somebody_typed_is_in_no_sentence_of_the_trail(
    case: Case, service_officer: Person, make_person: Callable[..., Person], *, whole: bool
) -> None:
    """The pack says that the trail names nobody else; a reason may, so it stands in a part that the officer reads."""
    support = make_person(Role.ADMINISTRATOR, name="Support Example")
    reason = "Jo Somebody-Else rang about it"
    with case.parts.database.unit_of_work() as unit:
        disable_account(unit, actor=support.id, person_id=case.people[NOMINATED], reason=reason)
    pack = pack_of(case, case.people[NOMINATED], None if whole else case.inspection, service_officer.id)
    (told,) = [row for row in table(pack, "trail") if row["event"] == "support:acted"]
    assert "Reason given: see ‘Support’." in told["what_happened"]
    assert all("Somebody-Else" not in row["what_happened"] for row in table(pack, "trail"))
    assert [row["reason"] for row in table(pack, "support")] == [reason]
