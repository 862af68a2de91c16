"""Something of everything, so that no page is looked at empty: alarms, holds, a disposal, invitations, long names."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from exchange import trail
from exchange.accounts.models import Person
from exchange.accounts.service import create_account, invite
from exchange.clock import in_london
from exchange.database import UnitOfWork
from exchange.disclosure.service import Facts, close_breach, decide_not_to_report, record_breach, tell_people
from exchange.downloads.ranges import Wanted
from exchange.downloads.release import begin_release, end_release
from exchange.example import PASSWORD
from exchange.inspections.service import Opening, open_inspection
from exchange.oversight.alarms import clear_alarm, raise_alarm
from exchange.parts import Parts
from exchange.retention.disposal import DisposalOrder, Outcome, dispose_of
from exchange.retention.holds import lift_hold, place_hold
from exchange.retention.inspection_key import destroy_key
from exchange.retention.log_closing import close_log
from exchange.retention.log_disposal import approve_log_disposal, dispose_approved_logs
from exchange.submissions.checking import check_next
from exchange.submissions.models import Alarm
from exchange.submissions.offer import parse_offer
from exchange.submissions.receiving import Sender, receive_file
from keys.secret_box import seal_secret

LONG_NAME = "Partnership-self-evaluation-and-action-plan_final_v12_reviewed-by-all-partners_2026.txt"
LONG_TITLE = "What the partnership knows about itself, in an invented area, with words from every partner: " * 2
LATER = date(2060, 1, 1)
FACTOR_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
FACTOR_EMAIL = "factor@example.org"


@dataclass(frozen=True)
class Surroundings:
    """Identifiers that stand in the addresses of pages."""

    inspection: str
    document: str
    disposed: str
    alarm: str
    breach: str
    hold: str
    contributor: str
    invited: str
    token: str
    closed: str  # a log that is due for disposal
    gone: str  # one that was disposed of


def surround(parts: Parts, inspection: str) -> Surroundings:
    """Add to the worked example through the service's own decisions."""
    officer, dpo = person_of(parts, "officer"), person_of(parts, "dpo")
    document = send(parts, inspection, officer, ("1.1", "1.4", "6.4"))
    disposed = send(parts, inspection, officer, ("1.2",))
    while check_next(parts):
        pass
    assert dispose_of(parts, inspection, disposed, DisposalOrder(LATER, trail.WORKER)) is Outcome.DISPOSED
    hold = place_holds(parts, inspection, dpo)
    alarm = raise_alarms(parts, inspection, document, dpo)
    invited, token = add_people(parts)
    closed, gone = (end_log(parts, area) for area in ("Example area that was", "Example area of long ago"))
    dispose_of_log(parts, gone, dpo)
    contributor = person_of(parts, "contributor")
    breach = record_breaches(parts, inspection, document, dpo)
    return Surroundings(inspection, document, disposed, alarm, breach, hold, contributor, invited, token, closed, gone)


def person_of(parts: Parts, role: str) -> str:
    with parts.database.read() as session:
        return session.scalars(select(Person.id).where(Person.email == f"{role}@example.org")).one()


def send(parts: Parts, inspection: str, officer: str, numbers: tuple[str, ...]) -> str:
    items = tuple(parts.catalogue.item(number) for number in numbers)
    offer = parse_offer(items, "not-dated", None, None, LONG_TITLE[:200], in_london(parts.clock()).date())
    content = f"Invented words on {', '.join(numbers)}.".encode()
    return receive_file(parts, Sender(inspection, officer, offer), LONG_NAME, [content]).document


def place_holds(parts: Parts, inspection: str, dpo: str) -> str:
    """One that was lifted and one that stands; returns the one that stands."""
    with parts.database.unit_of_work() as unit:
        for reason in ("A complaint was expected and did not come.", "A complaint about the invented plan."):
            hold = place_hold(
                unit, inspection_id=inspection, document_id=None, ground="complaint", reason=reason, actor=dpo
            )
            if "did not come" in reason:
                lift_hold(unit, inspection_id=inspection, hold_id=hold.id, reason="It did not come.", actor=dpo)
        return hold.id


def raise_alarms(parts: Parts, inspection: str, document: str, dpo: str) -> str:
    """One that was cleared and two that stand, one of them the service's; returns that of the inspection."""
    with parts.database.unit_of_work() as unit:
        first = alarm_about(unit, inspection, document)
        clear_alarm(unit, alarm_id=first, inspection=inspection, reason="The disk was exchanged.", actor=dpo)
        raise_alarm(unit, kind="log-damaged", inspection=None, subject=trail.SERVICE_LOG)
        return alarm_about(unit, inspection, document)


def record_breaches(parts: Parts, inspection: str, document: str, dpo: str) -> str:
    """One that was closed and one whose 72 hours are over; returns the latter."""
    with parts.database.unit_of_work() as unit:
        long_ago = Facts(
            unit.now - timedelta(days=9), "A link was sent to the wrong address.\nNobody followed it.", 0, ()
        )
        closed = record_breach(unit, inspection_id=inspection, facts=long_ago, actor=dpo)
        decide_not_to_report(unit, closed, words="Nobody but the sender saw it.", actor=dpo)
        close_breach(unit, closed, reason="The link was withdrawn within the minute.", actor=dpo)
        facts = Facts(unit.now - timedelta(days=4), f"{LONG_TITLE}\nA laptop with it was lost.", 1204, (document,))
        breach = record_breach(unit, inspection_id=inspection, facts=facts, actor=dpo)
        told = unit.now - timedelta(days=3)
        tell_people(unit, breach, told_at=told, words="The families, by telephone.", actor=dpo)
    give_parts(parts, document, person_of(parts, "inspector"))
    return breach.id


def give_parts(parts: Parts, document: str, person: str) -> None:
    """One download that was completed, one that broke off, and one of which no end is recorded."""
    for sent in (20, 5, None):
        with parts.database.unit_of_work() as unit:
            release = begin_release(unit, document, person, Wanted(0, 20, partial=True)).id
        if sent is not None:
            with parts.database.unit_of_work() as unit:
                end_release(unit, release, sent, completed=sent == 20)


def alarm_about(unit: UnitOfWork, inspection: str, document: str) -> str:
    raise_alarm(unit, kind="content-unavailable", inspection=inspection, subject=document)
    unit.session.flush()
    standing = select(Alarm.id).where(Alarm.subject == document, Alarm.cleared_at.is_(None))
    return unit.session.scalars(standing).one()


def add_people(parts: Parts) -> tuple[str, str]:
    """Somebody with a second factor, a reset that waits, and somebody invited; returns the last with their token."""
    with parts.database.unit_of_work() as unit:
        careful, careful_token = create_account(
            unit, actor=trail.HOST, email=FACTOR_EMAIL, name="Example Careful", organisation="", roles=frozenset()
        )
        careful_id = careful.id
    parts.credentials.take_up_invitation(careful_token, PASSWORD, parts.clock())
    sealed = seal_secret(parts.small_secrets_key, f"second-factor:{careful_id}", FACTOR_SECRET.encode())
    with parts.database.unit_of_work() as unit:
        unit.session.get_one(Person, careful_id).totp_sealed = sealed
        invite(unit, actor=person_of(parts, "admin"), person_id=careful_id)
        invited, token = create_account(
            unit, actor=trail.HOST, email="new@example.org", name="Example Newcomer",
            organisation="Example Integrated Care Board", roles=frozenset(),
        )  # fmt: skip
        return invited.id, token


def end_log(parts: Parts, area: str) -> str:
    """An inspection that is over for so long that its log is due for disposal."""
    today = in_london(parts.clock()).date()
    with parts.database.unit_of_work() as unit:
        inspection = open_inspection(
            unit,
            parts.trail,
            parts.vault.keyring.create_inspection_key,
            parts.catalogue,
            parts.schedule.version,
            opening=Opening(area, "full", today - timedelta(days=today.weekday()), ("1.1",)),
            actor=person_of(parts, "lead"),
        )
        inspection.closed_at = unit.now - timedelta(days=365 * 9)
        identifier = inspection.id
    order = DisposalOrder(LATER, trail.WORKER)
    assert destroy_key(parts, identifier, order) is Outcome.DISPOSED
    assert close_log(parts, identifier, order) is Outcome.DISPOSED
    return identifier


def dispose_of_log(parts: Parts, identifier: str, dpo: str) -> None:
    today = in_london(parts.clock()).date()
    with parts.database.unit_of_work() as unit:
        reason = "Nothing is asked for, and nobody complained."
        approve_log_disposal(unit, parts.schedule, inspection_id=identifier, reason=reason, today=today, actor=dpo)
    done = dispose_approved_logs(parts, DisposalOrder(today, trail.WORKER))
    assert done == {identifier: Outcome.DISPOSED}
