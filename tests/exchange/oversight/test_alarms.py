"""Alarms as decisions: raised once, cleared once, with a reason that the log commits to."""

import pytest
from sqlalchemy import select

from exchange import trail
from exchange.errors import ConflictError, InvalidError, NotFoundError
from exchange.oversight.queries import alarms_of, open_alarms
from exchange.oversight.service import clear_alarm, raise_alarm
from exchange.submissions.models import Alarm
from tests.exchange.inspection_case import Case


def raised(case: Case, kind: str = "disposal-failed") -> bool:
    with case.parts.database.unit_of_work() as unit:
        return raise_alarm(unit, kind=kind, inspection=case.inspection, subject=case.inspection)


def only(case: Case) -> Alarm:
    with case.parts.database.read() as session:
        return session.scalars(select(Alarm)).one()


def clear(case: Case, alarm: str, reason: str = "Disk replaced", inspection: str | None = "") -> None:
    with case.parts.database.unit_of_work() as unit:
        where = case.inspection if inspection == "" else inspection
        clear_alarm(unit, alarm_id=alarm, inspection=where, reason=reason, actor=case.officer)


def test_the_same_alarm_is_raised_again_only_after_it_was_cleared(case: Case) -> None:
    assert raised(case)
    assert not raised(case)
    clear(case, only(case).id)
    assert raised(case)
    assert case.events("service").count("alarm:raised") == 2


def test_a_cleared_alarm_says_by_whom_and_why_and_the_log_commits_to_it(case: Case) -> None:
    raised(case)
    clear(case, only(case).id)
    with case.parts.database.read() as session:
        (row,) = alarms_of(session, case.parts.catalogue, case.inspection)
        assert open_alarms(session, case.inspection) == 0
    assert (row.kind, row.subject) == (
        "A document that is due for disposal could not be disposed of",
        "The inspection of Example Area",
    )
    assert (row.cleared_by, row.cleared_because) == ("Data protection officer Example", "Disk replaced")
    last = case.entries("service")[-1]
    assert last.details == {
        "kind": "disposal-failed",
        "commitment": trail.commitment("Disk replaced", only(case).salt),
    }


def test_an_alarm_is_cleared_once_with_a_reason_where_it_belongs(case: Case) -> None:
    raised(case)
    alarm = only(case).id
    with pytest.raises(InvalidError):
        clear(case, alarm, " ")
    with pytest.raises(NotFoundError):
        clear(case, alarm, inspection=None)
    with pytest.raises(NotFoundError):
        clear(case, "alm_" + "0" * 26)
    clear(case, alarm)
    with pytest.raises(ConflictError):
        clear(case, alarm)
