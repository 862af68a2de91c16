"""A closed log is disposed of whole, on a person's word and not before its day; its certificate and proofs remain."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from audit.checkpoint import open_checkpoint
from audit.errors import LogDamagedError, LogDisposedError
from audit.fsck import check_log
from audit.vocabulary import commit_to
from exchange.access.roles import Role
from exchange.accounts.models import Person
from exchange.accounts.service import disable_account
from exchange.database import Model
from exchange.errors import ConflictError, InvalidError, NotFoundError
from exchange.inspections.models import Membership
from exchange.oversight.names import load_names
from exchange.retention import log_disposal
from exchange.retention.log_disposal import approve_log_disposal
from exchange.retention.log_erasure import OF_INSPECTION, OF_LOG, STAYS
from exchange.retention.service import lift_hold, place_hold, run_disposal
from exchange.rollback import find_losses
from exchange.submissions.models import Alarm
from keys.signed_sizes import SignedSizes
from tests.exchange.inspection_case import Case, tamper
from tests.exchange.retention.ended_log import DUE, REASON, approve, end_inspection, end_of, move_to_due


class KilledError(BaseException):
    """The process is gone."""


@pytest.fixture
def ended(case: Case) -> Case:
    """An inspection whose log is closed, on the day from which it may be disposed of."""
    case.send("1.1", name="Child A minutes.txt")
    end_inspection(case)
    move_to_due(case)
    return case


def is_gone(case: Case) -> bool:
    with case.parts.database.read() as session:
        try:
            case.parts.trail.store.log(session.connection(), case.inspection)
        except LogDisposedError:
            return True
    return False


def rows_about(case: Case) -> dict[str, int]:
    """How many rows each table still has about the inspection or its log."""
    counts = {}
    with case.parts.database.read() as session:
        for table in Model.metadata.sorted_tables:
            for column in table.columns:
                if column.name in {"inspection_id", "log_id"} and table.name not in STAYS:
                    query = select(func.count()).select_from(table).where(column == case.inspection)
                    counts[table.name] = session.scalar(query) or 0
    return counts


def test_it_goes_whole_on_approval_and_size_and_root_remain(ended: Case) -> None:
    size = len(ended.entries())
    with ended.parts.database.read() as session:
        root = ended.parts.trail.store.root(session.connection(), ended.inspection)
        key = ended.parts.trail.log.verifier_key(session.connection(), ended.inspection)
    assert run_disposal(ended.parts, DUE).logs_disposed == []  # nobody has looked at it
    approve(ended)
    report = run_disposal(ended.parts, DUE)
    assert report.logs_disposed == [ended.inspection]
    assert str(report).endswith(", 1 log disposed of.")
    assert is_gone(ended)
    approved, disposed = [entry for entry in ended.entries("service") if entry.event.startswith("log:dispos")]
    assert (disposed.event, disposed.subject) == ("log:disposed", ended.inspection)
    assert disposed.details == {"tree_size": size, "root": root.hex()}
    end = end_of(ended)
    assert approved.details["commitment"] == commit_to(REASON, end.salt)
    assert (end.tree_size, end.root_hash, end.approved_by) == (size, root.hex(), ended.officer)
    checkpoint = open_checkpoint(end.checkpoint, key)
    assert (checkpoint.size, checkpoint.root) == (size, root)
    assert end.rule == "E: 6 whole calendar years after the inspection was closed"
    assert (end.due_on, end.cleaned_at is not None) == (DUE, True)
    assert run_disposal(ended.parts, DUE).logs_disposed == []


def test_what_stood_beside_it_is_erased_and_the_service_goes_on(ended: Case) -> None:
    approve(ended)
    before = rows_about(ended)
    assert before["membership"]
    assert before["document"]
    run_disposal(ended.parts, DUE)
    assert set(rows_about(ended).values()) == {0}
    with ended.parts.database.read() as session:
        report = check_log(ended.parts.trail.store, session.connection(), "service", ended.parts.trail.log.public_key)
        sizes = SignedSizes.open(ended.parts.settings.signed_sizes_file)
        assert find_losses(ended.parts.trail, sizes, session.connection()) == []
    assert report.findings == ()
    assert run_disposal(ended.parts, DUE).failed == []


def test_every_table_that_hangs_on_an_inspection_or_a_log_is_to_go_or_has_a_reason_to_stay() -> None:
    hanging = {
        table.name
        for table in Model.metadata.sorted_tables
        if {"inspection_id", "log_id"} & {column.name for column in table.columns}
        or any(key.column.table.name in OF_INSPECTION for column in table.columns for key in column.foreign_keys)
    }
    assert hanging - set(OF_INSPECTION) - set(OF_LOG) - set(STAYS) == set()


def test_names_that_nothing_else_needs_are_erased_and_the_others_stay(case: Case, make_area: Any) -> None:
    other = make_area(name="Another Area")
    end_inspection(case)
    move_to_due(case)
    ended, left = case, case.people[Role.INSPECTOR]
    elsewhere, still = ended.people[Role.NOMINATED_OFFICER], ended.people[Role.CONTRIBUTOR]
    with ended.parts.database.unit_of_work() as unit:
        unit.session.add(
            Membership(
                inspection_id=other.inspection,
                person_id=elsewhere,
                role=Role.INSPECTOR,
                granted_at=unit.now,
                granted_by=elsewhere,
            )
        )
    for person in (left, elsewhere):
        with ended.parts.database.unit_of_work() as unit:
            disable_account(unit, actor="system:host", person_id=person, reason="Left")
    approve(ended)
    run_disposal(ended.parts, DUE)
    with ended.parts.database.read() as session:
        people = {one: session.get_one(Person, one) for one in (left, elsewhere, still)}
        names = load_names(session, ended.parts.catalogue, {left})
    erased = people[left]
    assert (erased.name, erased.organisation, erased.password_hash, erased.email) == ("", "", "", left)
    assert names(left) == "somebody whose name is erased"
    assert people[elsewhere].name  # a member of another inspection's past
    assert people[still].name  # can still sign in
    events = [entry for entry in ended.entries("service") if entry.event == "account:erased"]
    assert [entry.subject for entry in events] == [left]


def test_nothing_is_approved_before_its_day_under_a_hold_twice_or_without_a_reason(ended: Case) -> None:
    parts = ended.parts

    def approved(reason: str = REASON, *, days_before: int = 0, inspection: str = ended.inspection) -> None:
        with parts.database.unit_of_work() as unit:
            approve_log_disposal(
                unit,
                parts.schedule,
                inspection_id=inspection,
                reason=reason,
                today=DUE - timedelta(days=days_before),
                actor=ended.officer,
            )

    with pytest.raises(ConflictError, match="not due"):
        approved(days_before=1)
    with pytest.raises(InvalidError, match="Enter a reason"):
        approved(" ")
    with pytest.raises(NotFoundError):
        approved(inspection=f"ins_{'0' * 26}")
    with parts.database.unit_of_work() as unit:
        hold = place_hold(
            unit, inspection_id=ended.inspection, document_id=None, ground="inquiry", reason="x", actor=ended.officer
        ).id
    with pytest.raises(ConflictError, match="hold stands"):
        approved()
    with parts.database.unit_of_work() as unit:
        lift_hold(unit, inspection_id=ended.inspection, hold_id=hold, reason="x", actor=ended.officer)
    approved()
    with pytest.raises(ConflictError, match="approved already"):
        approved()
    assert not is_gone(ended)


def test_a_log_that_is_not_closed_cannot_be_approved(case: Case) -> None:
    move_to_due(case)
    with pytest.raises(NotFoundError):
        approve(case)


def test_a_hold_that_comes_after_the_approval_still_comes_in_time(ended: Case) -> None:
    approve(ended)
    with ended.parts.database.unit_of_work() as unit:
        hold = place_hold(
            unit, inspection_id=ended.inspection, document_id=None, ground="inquiry", reason="x", actor=ended.officer
        ).id
    assert run_disposal(ended.parts, DUE).logs_disposed == []
    assert not is_gone(ended)
    with ended.parts.database.unit_of_work() as unit:
        lift_hold(unit, inspection_id=ended.inspection, hold_id=hold, reason="x", actor=ended.officer)
    assert run_disposal(ended.parts, DUE).logs_disposed == [ended.inspection]


STEPS = ("sign", "tombstone", "record", "erase", "commit", "residue", "cleaned")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("acts_first", [False, True], ids=["before", "after"])
def test_a_run_killed_at_any_step_is_finished_by_the_next_and_told_once(
    ended: Case, monkeypatch: pytest.MonkeyPatch, step: str, *, acts_first: bool
) -> None:
    approve(ended)
    places: dict[str, tuple[object, str]] = {
        "sign": (ended.parts.trail.log, "sign_checkpoint"),
        "tombstone": (ended.parts.trail.store, "dispose_log"),
        "record": (log_disposal.trail, "record"),
        "erase": (log_disposal, "erase_beside"),
        "commit": (ended.parts.database, "_append"),
        "residue": (log_disposal, "remove_residue"),
        "cleaned": (log_disposal, "_clean"),
    }
    owner, name = places[step]
    act = getattr(owner, name)

    def killed(*arguments: Any, **named: Any) -> None:
        if acts_first:
            act(*arguments, **named)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killed)
        with pytest.raises(KilledError):
            run_disposal(ended.parts, DUE)
    assert is_gone(ended) is (step in {"residue", "cleaned"})
    assert (end_of(ended).cleaned_at is not None) is (step == "cleaned" and acts_first)
    run_disposal(ended.parts, DUE)
    assert is_gone(ended)
    assert end_of(ended).cleaned_at is not None
    assert [entry.event for entry in ended.entries("service")].count("log:disposed") == 1
    assert set(rows_about(ended).values()) == {0}


def test_a_log_that_was_tampered_with_is_kept_and_raises_an_alarm(ended: Case) -> None:
    approve(ended)
    tamper(ended, "UPDATE audit_entry SET leaf_hash = :hash WHERE log_id = :log AND leaf_index = 0", hash=bytes(32))
    tamper(ended, "UPDATE audit_node SET hash = :hash WHERE log_id = :log", hash=bytes(32))
    report = run_disposal(ended.parts, DUE)
    assert report.failed == [ended.inspection]
    assert not is_gone(ended)
    with ended.parts.database.read() as session:
        (alarm,) = session.scalars(select(Alarm)).all()
    assert (alarm.kind, alarm.subject) == ("log-not-disposed", ended.inspection)


def test_a_longer_period_in_force_meanwhile_keeps_an_approved_log(ended: Case) -> None:
    approve(ended)
    ended.set_dates(closed_at=ended.parts.clock())
    assert run_disposal(ended.parts, DUE).logs_disposed == []
    assert not is_gone(ended)


def test_a_store_that_refuses_leaves_everything(ended: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(ended)
    before = rows_about(ended)

    def refuse(*_: object) -> None:
        raise LogDamagedError("The tombstone does not fit.")

    with monkeypatch.context() as patch:
        patch.setattr(ended.parts.trail.store, "dispose_log", refuse)
        assert run_disposal(ended.parts, DUE).failed == [ended.inspection]
    after = rows_about(ended)
    assert after["alarm"] == before["alarm"] + 1
    assert {**after, "alarm": 0} == {**before, "alarm": 0}
    assert end_of(ended).disposed_at is None
    assert run_disposal(ended.parts, DUE).logs_disposed == [ended.inspection]
