"""What stands beside the log can be erased, and every proof made before or after stays valid."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.fsck import check_log
from exchange.access.roles import Role
from exchange.accounts.erasure import erase_person, erase_unneeded
from exchange.accounts.models import Person
from exchange.accounts.service import disable_account
from exchange.retention.service import run_disposal
from tests.exchange.inspection_case import Case
from tests.exchange.receipts.outside import published_key, verify
from tests.exchange.retention.ended_log import DUE, approve, end_inspection, move_to_due
from tests.exchange.retention.test_disposal import LONG_AFTER

CONTENT = b"minutes of the board, in an invented area\n"
NAME = "Child A of nowhere.txt"


@pytest.fixture
def taken(case: Case, area: Any, browser: Callable[[Role], Any], tmp_path: Path) -> Path:
    """A receipt that its sender took, with the names in it, before anything was erased."""
    document = case.send("1.1", content=CONTENT, name=NAME)
    answer = browser(Role.NOMINATED_OFFICER).get(f"{area.path}/documents/{document}/receipt.tlog-proof")
    path = tmp_path / "receipt.tlog-proof"
    path.write_bytes(answer.get_data())
    (tmp_path / "original").write_bytes(CONTENT)
    return path


def erase_everything(case: Case) -> None:
    run_disposal(case.parts, LONG_AFTER)
    with case.parts.database.unit_of_work() as unit:
        for role, person in case.people.items():
            if role is not Role.DATA_PROTECTION_OFFICER:  # who looks afterwards
                erase_person(unit, person)


def test_receipts_evidence_and_the_check_hold_after_names_titles_and_salts_are_gone(
    case: Case, area: Any, browser: Callable[[Role], Any], taken: Path, tmp_path: Path
) -> None:
    officer = browser(Role.DATA_PROTECTION_OFFICER)
    erase_everything(case)
    key = published_key(case)
    said = verify(taken, "--key", key, "--document", tmp_path / "original")
    assert said.returncode == 0, said.stdout + said.stderr
    assert NAME in said.stdout  # the sender's own copy still opens what it always did
    bundle = tmp_path / "evidence.zip"
    bundle.write_bytes(officer.get(f"{area.path}/trail/evidence").get_data())
    assert verify(bundle, "--key", key).returncode == 0
    index = next(place for place, entry in enumerate(case.entries()) if entry.event == "submission:accepted")
    later = tmp_path / "later.tlog-proof"
    later.write_bytes(officer.get(f"{area.path}/trail/entries/{index}/receipt.tlog-proof").get_data())
    said = verify(later, "--key", key, "--document", tmp_path / "original")
    assert said.returncode == 0, said.stdout + said.stderr
    assert NAME not in said.stdout
    with case.parts.database.read() as session:
        for log in (case.inspection, "service"):
            store, connection = case.parts.trail.store, session.connection()
            assert check_log(store, connection, log, case.parts.trail.log.public_key).findings == ()
    page = officer.get(f"{area.path}/trail").text
    assert "somebody whose name is erased" in page
    assert "Nominated officer Example" not in page


def test_a_receipt_outlives_the_log_that_it_is_from(case: Case, taken: Path, tmp_path: Path) -> None:
    key = published_key(case)
    end_inspection(case)
    move_to_due(case)
    approve(case)
    assert run_disposal(case.parts, DUE).logs_disposed == [case.inspection]
    said = verify(taken, "--key", key, "--document", tmp_path / "original")
    assert said.returncode == 0, said.stdout + said.stderr


def test_an_erased_person_is_nobody_who_can_come_back(case: Case, area: Any, app: Any) -> None:
    person = area.people[Role.INSPECTOR]
    with case.parts.database.unit_of_work() as unit:
        erase_person(unit, person.id)
    client = app.test_client()
    for address in (person.email, person.id):
        answer = client.send("/sign-in", {"email": address, "password": "correct-horse-battery-staple"})
        assert answer.status_code == 400
    assert case.entries("service")[-1].event.startswith("sign-in:")


def test_who_is_still_needed_is_not_erased(case: Case) -> None:
    member, lead = case.people[Role.INSPECTOR], case.lead
    with case.parts.database.unit_of_work() as unit:
        disable_account(unit, actor="system:host", person_id=member, reason="Left")
        assert erase_unneeded(unit, [member, lead, "per_00000000000000000000000000"]) == []
    with case.parts.database.read() as session:
        assert session.get_one(Person, member).name
        assert session.get_one(Person, lead).name
