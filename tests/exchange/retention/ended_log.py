"""An inspection that is over: closed, disposed of, its key destroyed, its log closed; and the years after."""

from datetime import UTC, date, datetime

from exchange.access.roles import Role
from exchange.retention.log_disposal import approve_log_disposal
from exchange.retention.models import LogEnd
from exchange.retention.service import Report, run_disposal
from tests.exchange.inspection_case import Case

CLOSED = {"report_issued_on": date(2027, 1, 29), "closed_at": datetime(2027, 2, 1, 9, tzinfo=UTC)}
OVER = date(2027, 10, 4)  # every period of a document is over
DUE = date(2033, 12, 31)  # six whole years after the close
REASON = "Asked both councils; nothing is pending"


def end_inspection(case: Case) -> Report:
    """Close the inspection and run the disposal that destroys its key and closes its log."""
    case.set_dates(**CLOSED)
    case.parts.clock.now = datetime(OVER.year, OVER.month, OVER.day, 9, tzinfo=UTC)  # type: ignore[attr-defined]
    return run_disposal(case.parts, OVER)


def move_to_due(case: Case) -> None:
    case.parts.clock.now = datetime(DUE.year, DUE.month, DUE.day, 9, tzinfo=UTC)  # type: ignore[attr-defined]


def approve(case: Case, actor: str = "") -> None:
    with case.parts.database.unit_of_work() as unit:
        approve_log_disposal(
            unit,
            case.parts.schedule,
            inspection_id=case.inspection,
            reason=REASON,
            today=case.parts.clock().date(),
            actor=actor or case.people[Role.DATA_PROTECTION_OFFICER],
        )


def end_of(case: Case) -> LogEnd:
    with case.parts.database.read() as session:
        return session.get_one(LogEnd, case.inspection)
