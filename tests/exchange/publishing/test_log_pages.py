"""The pages of a log and its witnesses through a real client: what each shows, records and gives away."""

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from audit.note import VerifierKey
from audit.tiles import verify_tiles
from exchange.access.roles import Role
from exchange.parts import Parts
from exchange.publishing.found_notes import LONGEST_TEXT
from exchange.publishing.keeping import Keeper
from exchange.publishing.log_checks import LogChecks
from exchange.publishing.mailing import mail_checkpoints
from tests.exchange.inspection_case import Case, tamper
from tests.exchange.publishing.conftest import (
    Party,
    alarms,
    ask_all,
    asking,
    grow,
    keeping,
    latest_note,
    signed_size,
)


@pytest.fixture
def officer(app: Flask, area: Any, sign_in: Callable[..., Any]) -> Any:
    return sign_in(app.test_client(), area.people[Role.DATA_PROTECTION_OFFICER])


@pytest.fixture
def serve(app: Flask) -> Iterator[Callable[[Parts], None]]:
    """Have the application use these parts."""
    before = app.extensions["exchange"]

    def use(parts: Parts) -> None:
        app.extensions["exchange"] = parts

    yield use
    app.extensions["exchange"] = before


def test_a_log_that_nobody_signed_or_checked_yet_says_so(officer: Any, area: Any) -> None:
    page = officer.get(f"{area.path}/log").text
    assert "The log and its witnesses" in page
    assert "Nothing yet" in page
    assert "The worker checks when it starts" in page
    assert "Download the newest checkpoint" not in page


def test_the_page_shows_state_key_witnesses_quorum_folder_mail_and_checks(
    case: Case, officer: Any, area: Any, party: Party, serve: Callable[[Parts], None], tmp_path: Path
) -> None:
    values = {"smtp_host": "127.0.0.1", "smtp_security": "none", "mail_from": "exchange@example.org"}
    parts = asking(keeping(case.parts, tmp_path / "kept", **values), party)
    serve(parts)
    grow(parts)
    ask_all(parts)
    Keeper(parts)()
    LogChecks(parts)()
    mail_checkpoints(parts, parts.clock().date())
    size = signed_size(parts, case.inspection)
    page = officer.get(f"{area.path}/log").text
    with parts.database.read() as session:
        key = str(parts.trail.log.verifier_key(session.connection(), case.inspection))
    assert key.replace("+", "&#43;") in page or key in page
    assert "Following" in page
    assert f"have cosigned the checkpoint of {size} entries, the newest" in page
    assert "Whole" in page
    assert f"{size} entries, waiting since Monday 23 November 2026" in page
    assert f"{size} entries, Monday 23 November 2026" in page


@pytest.mark.parametrize("word", ["Absent", "Refused"])
def test_a_witness_that_does_not_follow_is_shown_with_its_reason(
    case: Case, officer: Any, area: Any, make_party: Any, serve: Callable[[Parts], None], word: str
) -> None:
    trusting = word == "Absent"
    one = make_party("w1", trusting=trusting)
    parts = asking(case.parts, one)
    serve(parts)
    if trusting:
        one.stop()
    grow(parts)
    ask_all(parts)
    page = officer.get(f"{area.path}/log").text
    assert word in page
    assert ("It did not answer." if trusting else "It does not follow this log") in page
    assert "have not cosigned a common checkpoint yet" in page


def test_damage_that_the_worker_found_is_on_the_page_and_in_words_among_the_alarms(
    case: Case, officer: Any, area: Any
) -> None:
    grow(case.parts)
    tamper(case, "UPDATE audit_entry SET entry = :bytes WHERE log_id = :log AND leaf_index = 2", bytes=b"{}")
    LogChecks(case.parts)()
    page = officer.get(f"{area.path}/log").text
    assert "Damaged" in page
    assert "the first bad index is 2" in page
    assert "An entry was altered. The first bad index is 2." in officer.get(f"{area.path}/alarms").text


def test_the_checkpoint_is_given_as_text_with_its_cosignatures_and_recorded_first(
    case: Case, officer: Any, area: Any, party: Party, serve: Callable[[Parts], None]
) -> None:
    parts = asking(case.parts, party)
    serve(parts)
    grow(parts)
    ask_all(parts)
    answer = officer.get(f"{area.path}/log/checkpoint")
    assert answer.text.startswith(latest_note(parts, case.inspection))
    assert f"\n— {party.name} " in answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert case.entries()[-1].event == "checkpoint:downloaded"
    assert case.entries()[-1].details == {"tree_size": signed_size(parts, case.inspection)}


def test_a_checkpoint_that_is_not_there_is_refused_in_words(officer: Any, area: Any) -> None:
    answer = officer.get(f"{area.path}/log/checkpoint")
    assert answer.status_code == 409
    assert "Nothing was signed of this log yet" in answer.text


def test_the_tiles_are_a_zip_that_the_reader_of_tiles_accepts_and_are_recorded_first(
    case: Case, officer: Any, area: Any, tmp_path: Path
) -> None:
    grow(case.parts)
    answer = officer.get(f"{area.path}/log/tiles")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="tiles-{case.inspection}.zip"'
    assert "checkpoint" in zipfile.ZipFile(io.BytesIO(answer.data)).namelist()
    path = tmp_path / "tiles.zip"
    path.write_bytes(answer.data)
    key = VerifierKey(case.parts.trail.origin_of(case.inspection), case.parts.trail.log.public_key)
    report = verify_tiles(path, key)
    last = case.entries()[-1]
    assert (last.event, last.details["form"]) == ("log:exported", "tlog-tiles")
    assert report.tree_size == last.details["tree_size"] == len(case.entries()) - 1


def test_the_offline_page_is_given_to_everybody_as_a_file(app: Flask) -> None:
    answer = app.test_client().get("/verifier")
    assert answer.status_code == 200
    assert answer.data.startswith(b"<!DOCTYPE html>")
    assert "attachment" in answer.headers["Content-Disposition"]


def check(officer: Any, area: Any, **fields: Any) -> Any:
    return officer.send(f"{area.path}/log/check", fields)


def test_a_pasted_checkpoint_is_said_to_be_consistent(case: Case, officer: Any, area: Any) -> None:
    grow(case.parts)
    note = latest_note(case.parts, case.inspection)
    answer = check(officer, area, note=f"Dear officer,\r\n\r\n{note}".replace("\n", "\r\n"))
    assert answer.status_code == 200
    assert "The log follows from what you kept" in answer.text
    assert "What this proves, and what it does not" in answer.text
    assert case.entries()[-1].event == "checkpoint:checked"


def test_a_chosen_file_is_checked_and_a_mismatch_says_what_to_do(case: Case, officer: Any, area: Any) -> None:
    grow(case.parts)
    size = signed_size(case.parts, case.inspection)
    grow(case.parts, case.inspection, times=2)
    note = latest_note(case.parts, case.inspection)
    tamper(case, "DELETE FROM audit_checkpoint WHERE log_id = :log AND tree_size > :size", size=size)
    tamper(case, "DELETE FROM audit_entry WHERE log_id = :log AND leaf_index >= :size", size=size)
    answer = check(officer, area, file=(io.BytesIO(note.encode()), "kept.txt"))
    assert "The log does not follow from it" in answer.text
    assert "keep the checkpoint as it is" in answer.text
    assert len(alarms(case.parts, "kept-checkpoint-differs")) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Paste a checkpoint or choose a file"),
        ({"note": "Dear officer"}, "There is no signed checkpoint in it"),
        ({"file": (io.BytesIO(b"\x89PNG"), "a.png")}, "There is no signed checkpoint in it"),
    ],
)
def test_what_is_no_checkpoint_is_refused_beside_its_field(
    case: Case, officer: Any, area: Any, fields: dict[str, Any], said: str
) -> None:
    before = len(case.entries())
    copied = {
        name: (io.BytesIO(value[0].getvalue()), value[1]) if name == "file" else value for name, value in fields.items()
    }
    answer = check(officer, area, **copied)
    assert answer.status_code == 400
    assert answer.text.count(said) == 2
    assert len(case.entries()) == before


def test_a_file_that_no_checkpoint_is_is_refused_before_it_is_read(officer: Any, area: Any) -> None:
    answer = check(officer, area, file=(io.BytesIO(bytes(LONGEST_TEXT + 1)), "large.bin"))
    assert answer.status_code == 413


def test_the_service_s_log_has_the_same_pages_for_the_service_s_officer(
    case: Case, app: Flask, make_person: Callable[..., Any], sign_in: Callable[..., Any]
) -> None:
    grow(case.parts)
    browser = sign_in(app.test_client(), make_person(Role.DATA_PROTECTION_OFFICER, name="Service Officer"))
    assert "exchange.example/log/service" in browser.get("/service/log").text
    note = latest_note(case.parts)
    assert "The log follows from what you kept" in browser.send("/service/log/check", {"note": note}).text
    assert browser.get("/service/log/checkpoint").status_code == 200
    assert browser.get("/service/log/tiles").status_code == 200


def test_a_quorum_at_an_earlier_size_is_shown_when_one_witness_is_ahead(
    case: Case, officer: Any, area: Any, make_party: Any, serve: Callable[[Parts], None]
) -> None:
    one, two = make_party("w1"), make_party("w2")
    parts = asking(case.parts, one, two, quorum=2)
    serve(parts)
    grow(parts)
    ask_all(parts)
    common = signed_size(parts, case.inspection)
    two.stop()
    grow(parts, case.inspection)
    ask_all(parts)
    page = officer.get(f"{area.path}/log").text
    assert f"have cosigned the checkpoint of {common} entries." in page
