"""What officers are mailed, and what is said of it when it comes back."""

import email
from collections.abc import Callable
from dataclasses import replace
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.merkle import EMPTY_ROOT
from config.settings import Settings
from exchange import trail
from exchange.access.roles import Role
from exchange.accounts.models import Person
from exchange.errors import InvalidError
from exchange.inspections.models import Inspection, Membership
from exchange.notifications.delivery import deliver_due
from exchange.notifications.models import OutgoingMail
from exchange.parts import Parts
from exchange.publishing import judging
from exchange.publishing.found_notes import notes_in
from exchange.publishing.kept import check_file, check_kept
from exchange.publishing.mailing import mail_checkpoints
from exchange.publishing.models import MailedCheckpoint
from exchange.submissions.models import Document
from keys.signing import LogSigner
from tests.exchange.inspection_case import Case, tamper
from tests.exchange.notifications.conftest import Server, mail_server
from tests.exchange.publishing.conftest import (
    Party,
    alarms,
    ask_all,
    asking,
    grow,
    latest_note,
    signed_size,
)


def mailing(parts: Parts, server: Server | None = None) -> Parts:
    values = {"smtp_host": "127.0.0.1", "smtp_security": "none", "mail_from": "exchange@example.org"}
    port = {"smtp_port": server.port} if server else {}
    return replace(parts, settings=Settings(**{**parts.settings.model_dump(), **values, **port}))


@pytest.fixture
def service_officer(make_person: Callable[..., Person]) -> Person:
    return make_person(Role.DATA_PROTECTION_OFFICER, name="Service Officer Example")


def queued(parts: Parts) -> dict[str, list[str]]:
    """The bodies of all mails, by person."""
    found: dict[str, list[str]] = {}
    with parts.database.read() as session:
        for mail in session.scalars(select(OutgoingMail).order_by(OutgoingMail.queued_at)):
            found.setdefault(mail.person_id, []).append(mail.body)
    return found


def send_daily(parts: Parts) -> int:
    return mail_checkpoints(parts, parts.clock().date())


def test_each_officer_is_mailed_the_logs_they_watch_over_and_nobody_else_is(
    case: Case, service_officer: Person
) -> None:
    parts = mailing(case.parts)
    grow(parts)
    assert send_daily(parts) == 2
    mails = queued(parts)
    assert mails.keys() == {case.officer, service_officer.id}
    assert notes_in(mails[case.officer][0]) == [latest_note(parts, case.inspection)]
    assert notes_in(mails[service_officer.id][0]) == [latest_note(parts)]


def test_a_mail_holds_the_note_to_the_letter_and_the_public_key(case: Case, party: Party) -> None:
    parts = asking(mailing(case.parts), party)
    grow(parts)
    ask_all(parts)
    send_daily(parts)
    (body,) = queued(parts)[case.officer]
    (note,) = notes_in(body)
    assert note.startswith(latest_note(parts, case.inspection))
    assert note in body
    assert f"\n— {party.name} " in note
    with parts.database.read() as session:
        assert str(parts.trail.log.verifier_key(session.connection(), case.inspection)) in body


def test_a_mail_names_nobody_and_nothing_that_was_sent(case: Case) -> None:
    case.send("1.1", name="Minutes about an example child.txt")
    parts = mailing(case.parts)
    grow(parts)
    send_daily(parts)
    (body,) = queued(parts)[case.officer]
    with parts.database.read() as session:
        forbidden = [*session.scalars(select(Person.name)), *session.scalars(select(Person.email))]
        forbidden += [*session.scalars(select(Person.organisation)), *session.scalars(select(Inspection.local_area))]
        forbidden += [*session.scalars(select(Document.file_name)), *session.scalars(select(Document.title))]
    assert forbidden
    assert [word for word in forbidden if word and word in body] == []


def test_mail_goes_again_only_when_something_changed(case: Case, clock: Any) -> None:
    parts = mailing(case.parts)
    grow(parts)
    assert send_daily(parts) == 1
    clock.move(days=1)
    assert send_daily(parts) == 0
    grow(parts, case.inspection)
    assert send_daily(parts) == 1
    bodies = queued(parts)[case.officer]
    assert [notes_in(body)[0].split("\n")[1] for body in bodies] == [
        str(signed_size(parts, case.inspection) - 1),
        str(signed_size(parts, case.inspection)),
    ]


def test_a_size_that_the_log_has_not_reached_holds_no_mail_up(case: Case) -> None:
    """As after a database went back, or when somebody wrote the row."""
    parts = mailing(case.parts)
    grow(parts)
    assert send_daily(parts) == 1
    with parts.database.unit_of_work() as unit:
        mail_id = unit.session.scalars(select(OutgoingMail.id).where(OutgoingMail.purpose == "checkpoint")).one()
        ahead = MailedCheckpoint(log_id=case.inspection, person_id=case.officer, size=2**40, mail_id=mail_id)
        unit.session.add(ahead)
    grow(parts, case.inspection)
    assert send_daily(parts) == 1


def test_without_a_mail_server_nothing_is_queued(case: Case) -> None:
    grow(case.parts)
    assert send_daily(case.parts) == 0
    assert queued(case.parts) == {}


@pytest.mark.parametrize("why", ["disabled", "never activated", "membership ended"])
def test_who_is_no_officer_any_more_is_not_mailed(case: Case, why: str) -> None:
    parts = mailing(case.parts)
    grow(parts)
    with parts.database.unit_of_work() as unit:
        person = unit.session.get_one(Person, case.officer)
        held = unit.session.scalars(select(Membership).where(Membership.person_id == case.officer)).one()
        if why == "disabled":
            person.disabled_at = unit.now
        elif why == "never activated":
            person.activated_at = None
        else:
            held.ended_at = unit.now
    assert send_daily(parts) == 0


def test_a_mail_that_went_over_the_line_comes_back_and_is_consistent(case: Case) -> None:
    """The whole way: signed, mailed, received, the whole mail pasted, and the saved file chosen."""
    with mail_server() as server:
        parts = mailing(case.parts, server)
        grow(parts)
        send_daily(parts)
        assert deliver_due(parts) == 1
        arrived = server.postbox.mails[0].content
    assert isinstance(arrived, bytes)
    pasted = email.message_from_bytes(arrived, policy=default).get_content()  # type: ignore[attr-defined]
    grow(parts, case.inspection, times=2)
    for content in (pasted, arrived):
        (kept,) = check_kept(parts, case.inspection, content, actor=case.officer)
        assert kept.verdict.code == judging.CONSISTENT
        assert kept.verdict.size == kept.verdict.log_size - (2 if content is pasted else 3)
    last = case.entries()[-1]
    assert (last.event, last.actor) == ("checkpoint:checked", case.officer)
    assert last.details == {"tree_size": kept.verdict.size, "result": "consistent"}
    assert alarms(parts) == []


def test_a_checkpoint_of_a_log_that_was_cut_back_is_an_alarm_and_recorded(case: Case) -> None:
    parts = case.parts
    grow(parts)
    size = signed_size(parts, case.inspection)
    grow(parts, case.inspection, times=2)
    kept_then = latest_note(parts, case.inspection)
    tamper(case, "DELETE FROM audit_checkpoint WHERE log_id = :log AND tree_size > :size", size=size)
    tamper(case, "DELETE FROM audit_entry WHERE log_id = :log AND leaf_index >= :size", size=size)
    (kept,) = check_kept(parts, case.inspection, kept_then, actor=case.officer)
    assert (kept.verdict.code, kept.verdict.size, kept.verdict.log_size) == (judging.AHEAD, size + 2, size)
    (alarm,) = alarms(parts, "kept-checkpoint-differs")
    assert (alarm.subject, alarm.source) == (case.inspection, "brought-back")


def forged(case: Case, size: int, *, origin: str = "", signer: Any = None, root: bytes = bytes(32)) -> str:
    """A checkpoint of this log with another root, by the log's own key unless another signs."""
    signer = signer or LogSigner.open(case.parts.settings.signing_key_file)
    return sign_checkpoint(Checkpoint(origin or case.parts.trail.origin_of(case.inspection), size, root), signer)


def test_a_checkpoint_that_the_key_signed_for_another_history_is_an_alarm(case: Case) -> None:
    grow(case.parts)
    (kept,) = check_kept(case.parts, case.inspection, forged(case, 2), actor=case.officer)
    assert kept.verdict.code == judging.DIFFERS
    assert case.entries()[-1].details == {"tree_size": 2, "result": "differs"}
    (alarm,) = alarms(case.parts, "kept-checkpoint-differs")
    assert alarm.subject == case.inspection


def test_a_checkpoint_that_another_key_signed_says_nothing_and_raises_nothing(case: Case, tmp_path: Path) -> None:
    grow(case.parts)
    stranger = LogSigner.create(tmp_path / "stranger.key")
    (kept,) = check_kept(case.parts, case.inspection, forged(case, 2, signer=stranger), actor=case.officer)
    assert kept.verdict.code == judging.NOT_SIGNED
    assert alarms(case.parts) == []


def test_a_false_cosignature_of_a_known_witness_is_told(case: Case, party: Party) -> None:
    parts = asking(case.parts, party)
    grow(parts)
    ask_all(parts)
    with parts.database.read() as session:
        size = signed_size(parts, case.inspection)
        (line,) = parts.trail.store.cosignatures(session.connection(), case.inspection, size)
    good = latest_note(parts, case.inspection) + line.line
    (kept,) = check_kept(parts, case.inspection, good, actor=case.officer)
    assert [name for name, _ in kept.cosigned] == ["w1"]
    false = good[:-8] + ("A" if good[-8] != "A" else "B") + good[-7:]
    (kept,) = check_kept(parts, case.inspection, false, actor=case.officer)
    assert (kept.verdict.code, kept.cosigned) == (judging.NOT_SIGNED, ())


@pytest.mark.parametrize("what", ["nothing", "another log"])
def test_what_holds_no_checkpoint_of_this_log_is_refused_in_words_and_not_recorded(case: Case, what: str) -> None:
    grow(case.parts)
    before = len(case.entries())
    content = "Dear officer" if what == "nothing" else latest_note(case.parts)
    with pytest.raises(InvalidError, match="no signed checkpoint" if what == "nothing" else "another log"):
        check_kept(case.parts, case.inspection, content, actor=case.officer)
    assert len(case.entries()) == before


@pytest.mark.parametrize(("root", "code"), [(EMPTY_ROOT, judging.CONSISTENT), (bytes(32), judging.DIFFERS)])
def test_every_log_follows_from_the_empty_one_and_from_no_other_of_no_entries(
    case: Case, root: bytes, code: str
) -> None:
    grow(case.parts)
    (kept,) = check_kept(case.parts, case.inspection, forged(case, 0, root=root), actor=case.officer)
    assert kept.verdict.code == code


def test_a_file_on_the_host_is_checked_against_whatever_log_it_is_of(case: Case) -> None:
    grow(case.parts)
    content = latest_note(case.parts) + "\n" + latest_note(case.parts, case.inspection)
    content += "\n" + forged(case, 3, origin="elsewhere.example.org/log")
    found = check_file(case.parts, content.encode(), actor=trail.HOST)
    assert [(kept.log_id, kept.verdict.code) for kept in found] == [
        ("service", judging.CONSISTENT),
        (case.inspection, judging.CONSISTENT),
        ("", judging.OTHER_LOG),
    ]
    assert case.entries("service")[-1].event == "checkpoint:checked"
    assert case.entries()[-1].actor == trail.HOST
