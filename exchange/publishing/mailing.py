"""Once a day, when something changed, each data protection officer is mailed the newest checkpoint of their logs.

Promises: a mail holds the signed note to the letter between two plain lines, the public key, and what to do with both;
no name of a person, a place, a child or a file; each checkpoint goes to each officer once, however many workers run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from audit.cosignature import with_signatures
from audit.errors import AuditError
from audit.store import StoredCheckpoint
from exchange import trail
from exchange.access.roles import Role
from exchange.accounts.models import Person, ServiceRole
from exchange.clock import say_moment
from exchange.database import UnitOfWork
from exchange.inspections.models import Membership
from exchange.notifications.service import queue_mail
from exchange.parts import Parts
from exchange.publishing.models import MailedCheckpoint

BEGINS = "-------- checkpoint, from the next line --------"
ENDS = "-------- checkpoint, up to the line above --------"

HEAD = """\
Please keep this mail. It is needed only if somebody ever doubts the log.

It holds the newest signed checkpoint of each log that you watch over and that has grown since the last mail. A
checkpoint fixes every entry up to its size: whoever changed, removed or moved one of them later, the people who run the
service included, could not make the log agree with the checkpoint again.
"""

LOG = """
The log {origin}
{size} entries, signed on {moment}
Public key: {key}

{begins}
{note}{ends}
"""

FOOT = """
How to keep it: where the people who run the service cannot reach it. Compare the public key with the one that is
published, once.

How to check it, at any time and as often as you like: sign in at {url}, open "The log and its witnesses" and then
"Check a checkpoint that you kept", and paste this whole mail. Without trusting the service: download the evidence
there and verify it offline with the checkpoint that you kept; the page says how.

This mail was sent by a program. It names nobody, and no answer to it is read.
"""


@dataclass(frozen=True)
class Signed:
    """A log's newest checkpoint with its cosignatures, its origin and public key."""

    checkpoint: StoredCheckpoint
    note: str
    origin: str
    key: str


def mail_checkpoints(parts: Parts, _day: date) -> int:
    """Put the day's mails into the outbox; return how many. Nothing happens where no mail server is named."""
    if not parts.settings.smtp_host:
        return 0
    with parts.database.read() as session:
        signed = _newest(parts, session)
        watched = _watched(session, signed)
    return sum(_mail(parts, person, [signed[log_id] for log_id in logs]) for person, logs in sorted(watched.items()))


def officers_of(session: Session, log_id: str) -> list[str]:
    """Who watches over a log: the officers of its inspection, or those of the service; active accounts only."""
    if log_id == trail.SERVICE_LOG:
        holds = select(ServiceRole.person_id).where(ServiceRole.role == Role.DATA_PROTECTION_OFFICER)
    else:
        holds = select(Membership.person_id).where(
            Membership.inspection_id == log_id,
            Membership.role == Role.DATA_PROTECTION_OFFICER,
            Membership.ended_at.is_(None),
        )
    active = select(Person.id).where(
        Person.id.in_(holds), Person.disabled_at.is_(None), Person.activated_at.is_not(None)
    )
    return list(session.scalars(active.order_by(Person.id)))


def compose(parts: Parts, signed: list[Signed]) -> str:
    """The body of one mail."""
    logs = "".join(
        LOG.format(
            origin=one.origin,
            size=f"{one.checkpoint.tree_size:,}",
            moment=say_moment(one.checkpoint.signed_at),
            key=one.key,
            begins=BEGINS,
            note=one.note,
            ends=ENDS,
        )
        for one in signed
    )
    return HEAD + logs + FOOT.format(url=parts.settings.public_url)


def _newest(parts: Parts, session: Session) -> dict[str, Signed]:
    found, connection, store = {}, session.connection(), parts.trail.store
    for record in store.logs(connection):
        try:
            checkpoint = store.latest_checkpoint(connection, record.log_id)
            if checkpoint is None or checkpoint.tree_size == 0:
                continue
            lines = store.cosignatures(connection, record.log_id, checkpoint.tree_size)
            note = with_signatures(checkpoint.note, [line.line for line in lines])
            key = parts.trail.log.verifier_key(connection, record.log_id)
        except AuditError:  # damaged or disposed of, as the log check says; the other logs are mailed
            continue
        found[record.log_id] = Signed(checkpoint, note, key.name, str(key))
    return found


def _watched(session: Session, signed: Mapping[str, Signed]) -> dict[str, list[str]]:
    """For each officer the logs whose newest checkpoint they have not been mailed."""
    columns = (MailedCheckpoint.log_id, MailedCheckpoint.person_id, MailedCheckpoint.size)
    sizes = {one.checkpoint.tree_size for one in signed.values()}
    mailed = {tuple(row) for row in session.execute(select(*columns).where(MailedCheckpoint.size.in_(sizes)))}
    watched: dict[str, list[str]] = {}
    for log_id, one in sorted(signed.items()):
        for person in officers_of(session, log_id):
            if (log_id, person, one.checkpoint.tree_size) not in mailed:
                watched.setdefault(person, []).append(log_id)
    return watched


def _mail(parts: Parts, person: str, signed: list[Signed]) -> int:
    try:
        with parts.database.unit_of_work() as unit:
            _queue(unit, person, signed, compose(parts, signed))
    except IntegrityError:  # another worker has queued the same
        return 0
    return 1


def _queue(unit: UnitOfWork, person: str, signed: list[Signed], body: str) -> None:
    mail_id = queue_mail(unit, person_id=person, purpose="checkpoint", body=body)
    for one in signed:
        log_id, size = one.checkpoint.log_id, one.checkpoint.tree_size
        unit.session.add(MailedCheckpoint(log_id=log_id, person_id=person, size=size, mail_id=mail_id))
    unit.session.flush()
