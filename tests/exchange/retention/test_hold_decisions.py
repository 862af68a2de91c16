"""Holds as decisions: what is asked of one, what the log keeps of it."""

from datetime import date, timedelta

import pytest

from exchange import trail
from exchange.errors import ConflictError, InvalidError, NotFoundError
from exchange.identifiers import new_identifier
from exchange.retention.models import Hold
from exchange.retention.service import lift_hold, place_hold, run_disposal
from tests.exchange.inspection_case import MONDAY, Case

LONG_AFTER = date(2027, 10, 4)


def place(case: Case, document: str | None = None, ground: str = "foi", reason: str = "Request 12") -> str:
    with case.parts.database.unit_of_work() as unit:
        return place_hold(
            unit, inspection_id=case.inspection, document_id=document, ground=ground, reason=reason, actor=case.officer
        ).id


def lift(case: Case, hold: str, reason: str = "Answered", inspection: str = "") -> None:
    with case.parts.database.unit_of_work() as unit:
        lift_hold(unit, inspection_id=inspection or case.inspection, hold_id=hold, reason=reason, actor=case.officer)


def test_the_log_commits_to_the_reasons_and_does_not_hold_them(case: Case) -> None:
    document = case.send("1.1")
    hold = place(case, document)
    lift(case, hold)
    placed, lifted = case.entries()[-2:]
    with case.parts.database.read() as session:
        row = session.get_one(Hold, hold)
    assert placed.details == {
        "hold": hold,
        "scope": "document",
        "document": document,
        "commitment": trail.commitment("Request 12", row.salt),
    }
    assert lifted.details == {"hold": hold, "commitment": trail.commitment("Answered", row.salt)}
    assert row.review_on == MONDAY + timedelta(days=90)


@pytest.mark.parametrize(
    ("ground", "reason", "field"), [("", "x", "ground"), ("foi", " ", "reason"), ("no", "x", "ground")]
)
def test_a_hold_needs_a_known_ground_and_a_reason(case: Case, ground: str, reason: str, field: str) -> None:
    with pytest.raises(InvalidError) as raised:
        place(case, None, ground, reason)
    assert raised.value.field == field


def test_a_hold_is_lifted_once_and_only_with_a_reason(case: Case) -> None:
    hold = place(case)
    with pytest.raises(InvalidError):
        lift(case, hold, " ")
    lift(case, hold)
    with pytest.raises(ConflictError):
        lift(case, hold)


def test_holds_and_documents_of_another_inspection_are_not_found(case: Case) -> None:
    hold = place(case)
    with pytest.raises(NotFoundError):
        lift(case, hold, inspection=new_identifier("ins"))
    with pytest.raises(NotFoundError):
        place(case, new_identifier("doc"))


def test_nothing_is_held_that_is_disposed_of(case: Case) -> None:
    document = case.send("1.1")
    run_disposal(case.parts, LONG_AFTER)
    with pytest.raises(ConflictError, match="disposed of already"):
        place(case, document)
