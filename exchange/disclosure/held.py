"""What is held beside the log about one person, part by part: a name, a title, a heading and rows of plain texts."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.data_date import DataDate
from exchange.access.roles import Role
from exchange.accounts.browsers import say_browser
from exchange.accounts.models import Invitation, KnownPlace, ServiceRole, SignInSession, SupportAct
from exchange.accounts.sessions import COMPLETE
from exchange.disclosure.part import Part, Row, at, day, within
from exchange.disclosure.subject import Spoken, Subject
from exchange.disclosure.written import words_of
from exchange.inspections import legal_notes
from exchange.inspections.models import Assignment, Inspection, Membership
from exchange.parts import Parts
from exchange.retention.service import due_of
from exchange.submissions.models import Document

HANDED_OVER_BY: Final = "the lead inspector of that inspection, or the partnership that sent it"


def parts_of(session: Session, parts: Parts, subject: Subject, spoken: Spoken) -> list[Part]:
    """Everything beside the log, the account first."""
    if subject.person is None:
        return [_notes(session, parts)]
    found = [_account(subject), _roles(session, subject, spoken), _documents(session, parts, subject)]
    found += [words_of(session, subject), _notes(session, parts), _support(session, subject, spoken)]
    if subject.inspection_id is None:
        found += [_sessions(session, subject), _places(session, subject), _links(session, subject, spoken)]
    return found


def document_ids(session: Session, subject: Subject) -> frozenset[str]:
    """The documents that the person sent, within the inspection asked about or in all."""
    if subject.person is None:
        return frozenset()
    query = select(Document.id).where(Document.submitted_by == subject.identifier)
    return frozenset(session.scalars(within(query, Document.inspection_id, subject)))


def _account(subject: Subject) -> Part:
    person = subject.person
    if person is None:
        raise ValueError("an identifier without an account has no account data")
    rows = (
        ("Identifier", person.id),
        ("Name", person.name),
        ("Email address", person.email),
        ("Organisation", person.organisation),
        ("Account made", at(person.created_at)),
        ("Invitation taken up", at(person.activated_at)),
        ("Account disabled", at(person.disabled_at)),
        ("Password", "Set; kept as a hash that cannot be turned back" if person.password_hash else "Not set"),
        ("Second factor", "Set up; kept sealed" if person.totp_sealed else "Not set up"),
    )
    note = "Kept while the account is needed: class G of the retention schedule."
    return Part("account", "Account", note, ("what", "value"), rows)


def _roles(session: Session, subject: Subject, spoken: Spoken) -> Part:
    me, areas = subject.identifier, _areas(session)
    rows: list[Row] = []
    if subject.inspection_id is None:
        across = session.scalars(select(ServiceRole).where(ServiceRole.person_id == me))
        rows += [(Role(one.role).label, "The service as a whole", at(one.granted_at), "", "", "") for one in across]
    query = within(select(Membership).where(Membership.person_id == me), Membership.inspection_id, subject)
    for member in session.scalars(query.order_by(Membership.granted_at)):
        place, since, until = areas[member.inspection_id], at(member.granted_at), at(member.ended_at)
        given, ended = spoken.who(member.granted_by), spoken.who(member.ended_by)
        rows.append((Role(member.role).label, place, since, given, until, ended))
    items = within(select(Assignment).where(Assignment.person_id == me), Assignment.inspection_id, subject)
    for given_item in session.scalars(items.order_by(Assignment.assigned_at)):
        place, since = areas[given_item.inspection_id], at(given_item.assigned_at)
        by, until = spoken.who(given_item.assigned_by), at(given_item.ended_at)
        rows.append((f"Item {given_item.number}", place, since, by, until, ""))
    header = ("role_or_item", "where", "since_utc", "given_by", "until_utc", "ended_by")
    return Part("roles", "Roles and items", "Who gave and ended them is told by role.", header, tuple(rows))


def _documents(session: Session, parts: Parts, subject: Subject) -> Part:
    inspections = {row.id: row for row in session.scalars(select(Inspection))}
    query = select(Document).where(Document.submitted_by == subject.identifier).order_by(Document.received_at)
    rows = tuple(
        _document(parts, document, inspections[document.inspection_id])
        for document in session.scalars(within(query, Document.inspection_id, subject))
    )
    note = (
        "Documents that this person sent. What they hold is not in this pack: officers cannot read content. "
        f"A document can be handed over by {HANDED_OVER_BY}."
    )
    header = (
        "document", "inspection", "items", "title", "file_name", "kind", "bytes", "sha256", "date_of_data",
        "received_utc", "state", "class", "due_for_disposal", "rule", "because", "legal_basis_of_keeping",
        "handed_over_by",
    )  # fmt: skip
    return Part("documents", "Documents sent", note, header, rows)


def _document(parts: Parts, document: Document, inspection: Inspection) -> Row:
    due, rule = due_of(document, inspection, parts.schedule), parts.schedule.row(document.record_class)
    data_date = DataDate(document.data_date_kind, document.data_date_start, document.data_date_end)
    is_gone = document.disposed_at is not None
    return (
        document.id,
        inspection.local_area,
        " ".join(document.numbers),
        "Erased at disposal" if is_gone else document.title,
        "Erased at disposal" if is_gone else document.file_name,
        document.file_kind,
        str(document.size),
        document.sha256,
        data_date.describe(),
        at(document.received_at),
        document.state,
        document.record_class,
        at(document.disposed_at) if is_gone else day(due.on),
        due.rule,
        due.because,
        rule.legal_basis,
        "Nobody: it was disposed of" if is_gone else HANDED_OVER_BY,
    )


def _notes(session: Session, parts: Parts) -> Part:
    rows = []
    for note in legal_notes.all_notes(session, parts.legal_notes):
        given = note.latest
        if given is not None:
            said = f"Waived: {given.text}" if given.waived else given.text
            rows.append((note.question.question, said, at(given.given_at), ", ".join(note.question.shown_where)))
    text = "The controller’s answers to the legal questions, the lawful basis among them, and where they are shown."
    header = ("question", "answer", "answered_utc", "shown_where")
    return Part("legal-notes", "Lawful basis and notices shown", text, header, tuple(rows))


def _sessions(session: Session, subject: Subject) -> Part:
    found = session.scalars(
        select(SignInSession).where(SignInSession.person_id == subject.identifier).order_by(SignInSession.started_at)
    )
    rows = tuple(
        (
            "Signed in" if row.stage == COMPLETE else "Gave a password",
            at(row.started_at),
            at(row.last_seen_at),
            at(row.ended_at),
            row.ended_because,
            row.address,
            say_browser(row.browser),
            row.browser,
        )
        for row in found
    )
    note = "Sign-ins, with the address and the browser they came from; kept for 12 months (class F)."
    header = (
        "step", "started_utc", "last_seen_utc", "ended_utc", "ended_because", "address", "browser", "browser_in_full"
    )  # fmt: skip
    return Part("sessions", "Sign-ins", note, header, rows)


def _places(session: Session, subject: Subject) -> Part:
    found = session.scalars(
        select(KnownPlace).where(KnownPlace.person_id == subject.identifier).order_by(KnownPlace.first_seen_at)
    )
    rows = tuple((at(row.first_seen_at), at(row.last_seen_at)) for row in found)
    note = "Networks signed in from, each kept as a keyed hash that cannot be turned back, to notice a new one."
    return Part("places", "Known places", note, ("first_seen_utc", "last_seen_utc"), rows)


def _links(session: Session, subject: Subject, spoken: Spoken) -> Part:
    found = session.scalars(
        select(Invitation).where(Invitation.person_id == subject.identifier).order_by(Invitation.made_at)
    )
    rows = tuple(
        (row.purpose, at(row.made_at), spoken.who(row.made_by), at(row.expires_at), at(row.used_at)) for row in found
    )
    note = "One-time links made for this account; only a hash of each is kept."
    return Part("links", "Links", note, ("purpose", "made_utc", "made_by", "expires_utc", "used_utc"), rows)


def _support(session: Session, subject: Subject, spoken: Spoken) -> Part:
    query = select(SupportAct).where(SupportAct.person_id == subject.identifier).order_by(SupportAct.acted_at)
    found = session.scalars(within(query, SupportAct.inspection_id, subject))
    areas = _areas(session)
    rows = tuple(
        (at(row.acted_at), row.act, areas[row.inspection_id], spoken.who(row.actor), row.reason) for row in found
    )
    note = "What support did with this account, with the reasons given. They may speak of others."
    return Part("support", "Support", note, ("when_utc", "act", "inspection", "by", "reason"), rows)


def _areas(session: Session) -> dict[str, str]:
    return {row.id: row.local_area for row in session.execute(select(Inspection.id, Inspection.local_area))}
