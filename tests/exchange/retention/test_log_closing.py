"""An inspection's log closes once, as its last act, is sealed, and everything about it can still be done and read."""

from collections.abc import Callable
from typing import Any

import pytest

from audit.entry import Entry
from audit.errors import LogClosedError, LogDamagedError
from audit.fsck import check_log
from exchange import trail
from exchange.access.roles import Role
from exchange.retention import log_closing
from exchange.retention.models import LogEnd
from exchange.retention.service import place_hold, run_disposal
from tests.exchange.inspection_case import Case
from tests.exchange.retention.ended_log import OVER, end_inspection


class KilledError(BaseException):
    """The process is gone."""


def sealed(case: Case) -> bool:
    with case.parts.database.read() as session:
        connection, store = session.connection(), case.parts.trail.store
        latest = store.latest_checkpoint(connection, case.inspection)
        return latest is not None and latest.tree_size == store.tree_size(connection, case.inspection)


def acts_elsewhere(case: Case) -> list[Entry]:
    return [entry for entry in case.entries("service") if entry.event == "closed-log:acted"]


def test_the_log_closes_when_all_is_gone_as_its_last_entry_under_a_last_checkpoint(case: Case) -> None:
    case.send("1.1")
    report = end_inspection(case)
    assert report.logs_closed == [case.inspection]
    assert str(report).endswith("1 inspection key destroyed, 1 log closed.")
    assert case.events()[-2:] == ["inspection-key:destroyed", "log:closed"]
    assert sealed(case)
    assert run_disposal(case.parts, OVER).logs_closed == []
    assert case.events()[-1] == "log:closed"
    with case.parts.database.read() as session:
        report_of_check = check_log(
            case.parts.trail.store, session.connection(), case.inspection, case.parts.trail.log.public_key
        )
    assert report_of_check.findings == ()


def test_the_log_stays_open_while_the_inspection_does(case: Case) -> None:
    case.send("1.1")
    assert run_disposal(case.parts, OVER).logs_closed == []
    assert "log:closed" not in case.events()


def test_the_log_stays_open_while_a_hold_keeps_something(case: Case) -> None:
    document = case.send("1.1")
    with case.parts.database.unit_of_work() as unit:
        place_hold(
            unit, inspection_id=case.inspection, document_id=document, ground="foi", reason="x", actor=case.officer
        )
    assert end_inspection(case).logs_closed == []
    assert "log:closed" not in case.events()


@pytest.mark.parametrize("recorded", [False, True], ids=["before", "after"])
def test_a_run_killed_around_the_close_is_finished_by_the_next(
    case: Case, monkeypatch: pytest.MonkeyPatch, *, recorded: bool
) -> None:
    def kill(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(log_closing, "seal_log" if recorded else "lock_inspection", kill)
        with pytest.raises(KilledError):
            end_inspection(case)
    assert (case.events()[-1] == "log:closed") is recorded
    assert not sealed(case)
    run_disposal(case.parts, OVER)
    assert case.events().count("log:closed") == 1
    assert sealed(case)


def test_a_state_that_cannot_be_signed_is_signed_by_a_later_run(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise LogDamagedError("The signer is away.")

    with monkeypatch.context() as patch:
        patch.setattr(case.parts.trail.log, "sign_checkpoint", refuse)
        end_inspection(case)
    assert not sealed(case)
    run_disposal(case.parts, OVER)
    assert sealed(case)


def test_nothing_is_added_behind_the_last_entry_whoever_tries(case: Case) -> None:
    end_inspection(case)
    entry = Entry("access-list:viewed", case.parts.clock(), case.officer, case.inspection)
    with pytest.raises(LogClosedError), case.parts.database.unit_of_work() as unit:
        case.parts.trail.log.append(unit.session.connection(), case.inspection, entry)
    assert case.events()[-1] == "log:closed"


def test_an_act_after_the_close_is_recorded_in_the_services_log_with_its_commitment(case: Case) -> None:
    end_inspection(case)
    before = len(case.entries())
    with case.parts.database.unit_of_work() as unit:
        hold = place_hold(
            unit, inspection_id=case.inspection, document_id=None, ground="foi", reason="Asked", actor=case.officer
        )
        trail.record(unit, "access-list:viewed", actor=case.officer, inspection=case.inspection)
        identifier, opened = hold.id, trail.commitment("Asked", hold.salt)
    assert len(case.entries()) == before
    held, looked = acts_elsewhere(case)
    assert (held.actor, held.subject, held.details["act"]) == (case.officer, case.inspection, "hold-placed")
    assert (held.details["about"], held.details["commitment"]) == (identifier, opened)
    assert (looked.details["act"], looked.details["about"]) == ("access-list-viewed", case.inspection)
    assert looked.details["commitment"] is None


def test_the_row_and_the_last_entry_stand_or_fall_together(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    append = case.parts.trail.append

    def then_killed(connection: Any, log_id: str, entries: list[Entry]) -> Any:
        done = append(connection, log_id, entries)
        if entries[-1].event == "log:closed":
            raise KilledError
        return done

    with monkeypatch.context() as patch:
        patch.setattr(case.parts.database, "_append", then_killed)
        with pytest.raises(KilledError):
            end_inspection(case)
    with case.parts.database.read() as session:
        assert session.get(LogEnd, case.inspection) is None
    assert "log:closed" not in case.events()


def test_the_officer_still_reads_checks_and_exports_a_closed_log(
    case: Case, app: Any, area: Any, sign_in: Callable[..., Any]
) -> None:
    document = case.send("1.1")
    end_inspection(case)
    officer = sign_in(app.test_client(), area.people[Role.DATA_PROTECTION_OFFICER])
    size = len(case.entries())
    for path, says in (
        ("trail", "The log was closed; no entry follows this one."),
        ("access", "Contributor Example"),
        ("holds", "No hold"),
        (f"documents/{document}/certificate", "Certificate of disposal"),
    ):
        assert says in officer.get(f"{area.path}/{path}").text
    answer = officer.send(f"{area.path}/trail/verify", form_at=f"{area.path}/trail")
    assert "The log is whole" in answer.text
    evidence = officer.get(f"{area.path}/trail/evidence")
    assert evidence.status_code == 200
    assert evidence.get_data().startswith(b"PK")
    assert len(case.entries()) == size
    acts = [entry.details["act"] for entry in acts_elsewhere(case)]
    assert {"trail-viewed", "access-list-viewed", "trail-verified", "evidence-exported"} <= set(acts)
    inspector = sign_in(app.test_client(), area.people[Role.INSPECTOR])
    assert inspector.get(f"{area.path}/trail").status_code == 403
    assert acts_elsewhere(case)[-1].details["act"] == "access-refused"
