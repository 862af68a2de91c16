"""A disposal run that is killed or fails, at each place where it can be, in pairs: before an act, and after it."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from exchange.identifiers import new_identifier
from exchange.oversight.service import clear_alarm
from exchange.retention import disposal
from exchange.retention.models import Certificate, Hold
from exchange.retention.service import place_hold, run_disposal
from exchange.storage.contract import StoreError
from exchange.submissions.models import Alarm, DocumentState
from exchange.vault import blob_name
from keys.errors import KeysError
from tests.exchange.inspection_case import Case

LONG_AFTER = date(2027, 10, 4)
CLOSED = {"report_issued_on": date(2027, 1, 29), "closed_at": datetime(2027, 2, 1, 9, tzinfo=UTC)}


class KilledError(BaseException):
    """The process is gone: nothing that handles errors sees it."""


def raising(error: BaseException) -> Callable[..., None]:
    def act(*_: object) -> None:
        raise error

    return act


def then_raising(act: Callable[..., Any], error: BaseException) -> Callable[..., None]:
    def both(*arguments: object) -> None:
        act(*arguments)
        raise error

    return both


def alarms(case: Case) -> list[Alarm]:
    with case.parts.database.read() as session:
        return list(session.scalars(select(Alarm).order_by(Alarm.raised_at)))


def hold(case: Case, document: str | None) -> None:
    with case.parts.database.unit_of_work() as unit:
        place_hold(
            unit, inspection_id=case.inspection, document_id=document, ground="foi", reason="x", actor=case.officer
        )


@pytest.fixture(params=["before", "after"])
def killed_run(request: pytest.FixtureRequest, case: Case, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run that was killed before, or after, the destruction; the document it was about."""
    document = case.send("1.1")
    kill = KilledError()
    act = raising(kill) if request.param == "before" else then_raising(case.parts.vault.destroy, kill)
    with monkeypatch.context() as patch:
        patch.setattr(case.parts.vault, "destroy", act)
        with pytest.raises(KilledError):
            run_disposal(case.parts, LONG_AFTER)
    has_key = case.parts.vault.keyring.has_data_key(case.inspection, document)
    assert has_key == (request.param == "before")
    return document


def test_what_a_killed_run_began_is_finished_by_the_next(case: Case, killed_run: str) -> None:
    assert case.document(killed_run).state == DocumentState.DISPOSING
    assert case.events()[-1] == "disposal:started"
    assert run_disposal(case.parts, LONG_AFTER).disposed == [killed_run]
    row = case.document(killed_run)
    assert (row.state, row.title, row.file_name, row.salt) == (DocumentState.DISPOSED, "", "", b"")
    assert not case.parts.vault.keyring.has_data_key(case.inspection, killed_run)
    assert blob_name(case.inspection, killed_run) not in case.parts.vault.store.names()
    assert case.events().count("disposal:started") == case.events().count("disposal:done") == 1
    with case.parts.database.read() as session:
        assert len(session.scalars(select(Certificate)).all()) == 1


def test_what_was_begun_is_finished_though_the_next_run_is_for_an_earlier_day(case: Case, killed_run: str) -> None:
    today = case.parts.clock().date()
    assert run_disposal(case.parts, today).disposed == [killed_run]


def test_a_hold_placed_after_a_kill_keeps_what_is_left_and_nothing_that_is_gone(case: Case, killed_run: str) -> None:
    is_left = case.parts.vault.keyring.has_data_key(case.inspection, killed_run)
    hold(case, None)
    report = run_disposal(case.parts, LONG_AFTER)
    assert (report.held if is_left else report.disposed) == [killed_run]
    assert case.parts.vault.keyring.has_data_key(case.inspection, killed_run) == is_left


def test_a_hold_placed_between_the_beginning_and_the_destruction_comes_in_time(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, lock, locked = case.send("1.1"), disposal.lock_inspection, []

    def hold_before_the_second_lock(*arguments: Any) -> Any:
        locked.append(arguments)
        if len(locked) == 2:
            arguments[0].add(
                Hold(
                    id=new_identifier("hol"),
                    inspection_id=case.inspection,
                    document_id=document,
                    ground="foi",
                    reason="x",
                    placed_at=case.parts.clock(),
                    placed_by=case.officer,
                    review_on=LONG_AFTER,
                )
            )
        return lock(*arguments)

    monkeypatch.setattr(disposal, "lock_inspection", hold_before_the_second_lock)
    assert run_disposal(case.parts, LONG_AFTER).held == [document]
    assert case.document(document).state == DocumentState.DISPOSING
    assert case.parts.vault.keyring.has_data_key(case.inspection, document)


def test_a_kill_inside_the_last_transaction_leaves_the_disposal_begun(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = case.send("1.1")
    from exchange.retention import disposal  # noqa: PLC0415  patched below

    with monkeypatch.context() as patch:
        patch.setattr(disposal, "_finish", then_raising(disposal._finish, KilledError()))
        with pytest.raises(KilledError):
            run_disposal(case.parts, LONG_AFTER)
    assert case.document(document).state == DocumentState.DISPOSING
    assert case.document(document).title
    assert run_disposal(case.parts, LONG_AFTER).disposed == [document]


@pytest.mark.parametrize("store_acts_first", [False, True], ids=["failed, not deleted", "failed, but deleted"])
def test_a_store_that_fails_is_recorded_raised_once_and_tried_again(
    case: Case, monkeypatch: pytest.MonkeyPatch, *, store_acts_first: bool
) -> None:
    document, other = case.send("1.1"), case.send("1.4", content=b"other\n")
    store = case.parts.vault.store
    delete = store.delete

    def failing(name: str) -> None:
        if document not in name or store_acts_first:
            delete(name)
        if document in name:
            raise StoreError("The store cannot remove the file.")

    with monkeypatch.context() as patch:
        patch.setattr(store, "delete", failing)
        report = run_disposal(case.parts, LONG_AFTER)
        assert (report.failed, report.disposed) == ([document], [other])
        assert run_disposal(case.parts, LONG_AFTER).failed == [document]
    failures = [entry for entry in case.entries() if entry.event == "disposal:failed"]
    assert [entry.details["reason"] for entry in failures] == ["file-not-removed", "file-not-removed"]
    (alarm,) = alarms(case)
    assert (alarm.kind, alarm.subject, alarm.inspection_id) == ("disposal-failed", document, case.inspection)
    assert case.events("service")[-1] == "alarm:raised"
    assert not case.parts.vault.keyring.has_data_key(case.inspection, document)
    assert run_disposal(case.parts, LONG_AFTER).disposed == [document]


def test_a_key_that_cannot_be_destroyed_leaves_the_file_and_says_so(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = case.send("1.1")
    with monkeypatch.context() as patch:
        patch.setattr(case.parts.vault.keyring, "destroy_data_key", raising(OSError(5, "Input/output error")))
        assert run_disposal(case.parts, LONG_AFTER).failed == [document]
    assert case.entries()[-1].details["reason"] == "key-not-destroyed"
    assert blob_name(case.inspection, document) in case.parts.vault.store.names()
    (alarm,) = alarms(case)
    with case.parts.database.unit_of_work() as unit:
        clear_alarm(unit, alarm_id=alarm.id, inspection=case.inspection, reason="Disk replaced", actor=case.officer)
    assert run_disposal(case.parts, LONG_AFTER).disposed == [document]


@pytest.mark.parametrize("destroyed", [False, True], ids=["before", "after"])
def test_a_run_killed_around_the_inspection_key_is_finished_by_the_next(
    case: Case, monkeypatch: pytest.MonkeyPatch, *, destroyed: bool
) -> None:
    case.send("1.1")
    case.set_dates(**CLOSED)
    keyring, kill = case.parts.vault.keyring, KilledError()
    act = then_raising(keyring.destroy_inspection_key, kill) if destroyed else raising(kill)
    with monkeypatch.context() as patch:
        patch.setattr(keyring, "destroy_inspection_key", act)
        with pytest.raises(KilledError):
            run_disposal(case.parts, LONG_AFTER)
    assert "inspection-key:destroyed" not in case.events()
    assert run_disposal(case.parts, LONG_AFTER).keys_destroyed == [case.inspection]
    assert case.events().count("inspection-key:destroyed") == 1


def test_an_inspection_key_that_cannot_be_destroyed_raises_an_alarm(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.set_dates(**CLOSED)
    with monkeypatch.context() as patch:
        patch.setattr(case.parts.vault.keyring, "destroy_inspection_key", raising(KeysError("no")))
        assert run_disposal(case.parts, LONG_AFTER).keys_destroyed == []
    (alarm,) = alarms(case)
    assert (alarm.kind, alarm.subject) == ("inspection-key-not-destroyed", case.inspection)
    assert run_disposal(case.parts, LONG_AFTER).keys_destroyed == [case.inspection]
