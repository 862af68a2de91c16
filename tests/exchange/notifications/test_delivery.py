"""Mail over a real line: it arrives to the letter, is tried until it is sent or given up, and no header gets in."""

import email
import ipaddress
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import select

from exchange.accounts.models import Person
from exchange.notifications.delivery import Letter, MailRefusedError, delay_after, deliver_due, make_message
from exchange.notifications.models import MailState, OutgoingMail
from exchange.notifications.service import SUBJECTS, queue_mail, say_failure
from exchange.parts import Parts
from tests.exchange.notifications.conftest import (
    USER,
    Postbox,
    SendingTo,
    Server,
    check_password,
    free_port,
    mail_server,
)

BODY = (
    "A first line.\n\n— exchange.example/log/service " + "kq1+/" * 30 + "=\n" + "From the start of a line\n.\n..\n"
    "an equals sign = and =3D\n"
)


def queue(parts: Parts, person: Person, body: str = BODY) -> str:
    with parts.database.unit_of_work() as unit:
        return queue_mail(unit, person_id=person.id, purpose="checkpoint", body=body)


def row(parts: Parts, mail_id: str) -> OutgoingMail:
    with parts.database.read() as session:
        return session.scalars(select(OutgoingMail).where(OutgoingMail.id == mail_id)).one()


def read(postbox: Postbox, number: int = 0) -> EmailMessage:
    content = postbox.mails[number].content
    assert isinstance(content, bytes)
    message = email.message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(postbox: Postbox, number: int = 0) -> str:
    """The text as a mail program shows it, whose lines end as the system's do."""
    text: str = read(postbox, number).get_content()
    return text.replace("\r\n", "\n")


def test_a_mail_arrives_to_the_letter(
    server: Server, sending_to: SendingTo, make_person: Callable[..., Person]
) -> None:
    parts, person = sending_to(server), make_person(name="Example Officer")
    mail_id = queue(parts, person)
    assert deliver_due(parts) == 1
    message = read(server.postbox)
    assert text_of(server.postbox) == BODY
    assert (message["To"], message["From"]) == (person.email, "exchange@example.org")
    assert message["Subject"] == SUBJECTS["checkpoint"]
    assert server.postbox.mails[0].rcpt_tos == [person.email]
    assert (row(parts, mail_id).state, row(parts, mail_id).tries) == (MailState.SENT, 1)
    assert deliver_due(parts) == 0


def test_several_mails_go_over_one_line(
    server: Server, sending_to: SendingTo, make_person: Callable[..., Person]
) -> None:
    parts = sending_to(server)
    for _ in range(3):
        queue(parts, make_person())
    assert deliver_due(parts) == 3
    assert server.postbox.connections == 1


def test_without_a_mail_server_mail_waits(parts: Parts, make_person: Callable[..., Person]) -> None:
    mail_id = queue(parts, make_person())
    assert deliver_due(parts) == 0
    assert row(parts, mail_id).state == MailState.WAITING


def test_a_server_that_is_away_is_tried_again_later_and_longer_each_time(
    sending_to: SendingTo, make_person: Callable[..., Person], clock: Any
) -> None:
    parts = sending_to(Server(Postbox(), free_port()))
    mail_id = queue(parts, make_person())
    waits = []
    for _ in range(4):
        assert deliver_due(parts) == 0
        found = row(parts, mail_id)
        assert (found.state, found.failure) == (MailState.WAITING, "no-answer")
        waits.append(found.due_at - clock())
        assert deliver_due(parts) == 0
        assert row(parts, mail_id).tries == found.tries, "it was tried before its time"
        clock.now = found.due_at
    assert waits == [timedelta(minutes=wait) for wait in (1, 2, 4, 8)]
    assert delay_after(40) == timedelta(hours=6)


def test_a_mail_is_given_up_after_its_last_try_and_kept(
    sending_to: SendingTo, make_person: Callable[..., Person], clock: Any
) -> None:
    parts = sending_to(Server(Postbox(), free_port()))
    mail_id = queue(parts, make_person())
    began = clock()
    while row(parts, mail_id).state == MailState.WAITING:
        clock.now = row(parts, mail_id).due_at
        deliver_due(parts)
    found = row(parts, mail_id)
    assert (found.state, found.failure, found.body) == (MailState.FAILED, "no-answer", BODY)
    assert timedelta(days=2) < clock() - began < timedelta(days=5)


@pytest.mark.parametrize(
    ("answer", "state"),
    [("451 later", MailState.WAITING), ("550 no such person, says Example Officer", MailState.FAILED)],
)
def test_a_refused_recipient_is_tried_again_or_given_up_as_the_server_says(
    server: Server, sending_to: SendingTo, make_person: Callable[..., Person], answer: str, state: MailState
) -> None:
    parts = sending_to(server)
    refused, other = queue(parts, make_person()), queue(parts, make_person())
    server.postbox.rcpt_answers.append(answer)
    assert deliver_due(parts) == 1, "one refusal stops no other mail"
    states = {row(parts, refused).state, row(parts, other).state}
    assert states == {state, MailState.SENT}
    failed = next(row(parts, one) for one in (refused, other) if row(parts, one).state == state)
    assert failed.failure == f"smtp-{answer[:3]}", "the server's words are not kept, they may name somebody"
    assert say_failure(failed.failure) == f"the mail server answered {answer[:3]}"


@pytest.mark.parametrize(("answer", "state"), [("452 full", MailState.WAITING), ("554 no", MailState.FAILED)])
def test_a_refused_content_is_tried_again_or_given_up_as_the_server_says(
    server: Server, sending_to: SendingTo, make_person: Callable[..., Person], answer: str, state: MailState
) -> None:
    parts = sending_to(server)
    mail_id = queue(parts, make_person())
    server.postbox.data_answers.append(answer)
    assert deliver_due(parts) == 0
    assert (row(parts, mail_id).state, row(parts, mail_id).failure) == (state, f"smtp-{answer[:3]}")


def test_a_mail_that_another_worker_is_sending_is_left_to_it_until_its_claim_runs_out(
    server: Server, sending_to: SendingTo, make_person: Callable[..., Person], clock: Any
) -> None:
    parts = sending_to(server)
    mail_id = queue(parts, make_person())
    with parts.database.unit_of_work() as unit:
        unit.session.get_one(OutgoingMail, mail_id).claimed_until = unit.now + timedelta(minutes=10)
    assert deliver_due(parts) == 0
    clock.move(minutes=11)
    assert deliver_due(parts) == 1


def test_mail_to_a_disabled_account_is_given_up(
    server: Server, sending_to: SendingTo, make_person: Callable[..., Person]
) -> None:
    parts, person = sending_to(server), make_person()
    mail_id = queue(parts, person)
    with parts.database.unit_of_work() as unit:
        unit.session.get_one(Person, person.id).disabled_at = unit.now
    assert deliver_due(parts) == 0
    assert (row(parts, mail_id).state, row(parts, mail_id).failure) == (MailState.FAILED, "account-disabled")
    assert server.postbox.mails == []


ADDRESSES = (
    "a@example.org\nBcc: b@example.org",
    "a@example.org\r\nSubject: other",
    "a@example.org, b@example.org",
    "<a@example.org>",
    '"a b"@example.org',
    "a@example.org ",
    "ä@example.org",
    "a@exämple.org",
    "a",
    "",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_could_be_more_than_one_address_is_not_sent_to(parts: Parts, address: str) -> None:
    letter = Letter("eml_1", address, "Subject", "body")
    with pytest.raises(MailRefusedError) as refused:
        make_message(parts.settings, letter, parts.clock())
    assert (refused.value.code, refused.value.is_final) == ("no-address", True)


def test_such_an_address_in_the_database_reaches_no_server(
    server: Server, sending_to: SendingTo, make_person: Callable[..., Person]
) -> None:
    parts, person = sending_to(server), make_person()
    mail_id = queue(parts, person)
    with parts.database.unit_of_work() as unit:
        unit.session.get_one(Person, person.id).email = "a@example.org\r\nRCPT TO:<b@example.org>"
    assert deliver_due(parts) == 0
    assert (server.postbox.mails, row(parts, mail_id).state) == ([], MailState.FAILED)


def test_a_body_adds_no_header_and_ends_no_mail(
    server: Server, sending_to: SendingTo, make_person: Callable[..., Person]
) -> None:
    body = "Bcc: b@example.org\n\n.\nQUIT\nMAIL FROM:<b@example.org>\n"
    parts = sending_to(server)
    queue(parts, make_person(), body)
    assert deliver_due(parts) == 1
    message = read(server.postbox)
    assert text_of(server.postbox) == body
    assert message["Bcc"] is None
    assert len(server.postbox.mails) == 1


def test_a_purpose_that_has_no_subject_is_refused(parts: Parts, make_person: Callable[..., Person]) -> None:
    person = make_person()
    with pytest.raises(KeyError), parts.database.unit_of_work() as unit:
        queue_mail(unit, person_id=person.id, purpose="gossip", body="")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that is its own authority, and what a server needs to use it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.org")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = tmp_path / "mail.crt", tmp_path / "mail.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_line_is_protected_and_the_user_signed_in_as_the_settings_say(
    certificate: tuple[Path, ssl.SSLContext],
    sending_to: SendingTo,
    make_person: Callable[..., Person],
    monkeypatch: pytest.MonkeyPatch,
    password_file: Path,
    security: str,
) -> None:
    public, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    options: dict[str, Any] = {"ssl_context": context} if security == "tls" else {"tls_context": context}
    options |= {"authenticator": check_password, "auth_require_tls": security == "starttls"}
    with mail_server(**options) as server:
        signed_in = sending_to(server, smtp_security=security, smtp_user=USER, smtp_password_file=password_file)
        queue(signed_in, make_person())
        assert deliver_due(signed_in) == 1
        assert (server.postbox.protected, server.postbox.signed_in) == ([True], [True])
        stranger = sending_to(server, smtp_security=security, smtp_user="somebody", smtp_password_file=password_file)
        mail_id = queue(stranger, make_person())
        assert deliver_due(stranger) == 0
        assert row(stranger, mail_id).failure == "sign-in-refused"


def test_nothing_is_sent_where_the_server_offers_no_protection(
    server: Server, sending_to: SendingTo, make_person: Callable[..., Person]
) -> None:
    parts = sending_to(server, smtp_security="starttls")
    mail_id = queue(parts, make_person())
    assert deliver_due(parts) == 0
    assert (server.postbox.mails, row(parts, mail_id).failure) == ([], "no-tls")


def test_nothing_is_sent_where_the_certificate_is_a_strangers(
    certificate: tuple[Path, ssl.SSLContext], sending_to: SendingTo, make_person: Callable[..., Person]
) -> None:
    with mail_server(tls_context=certificate[1]) as server:
        parts = sending_to(server, smtp_security="starttls")
        mail_id = queue(parts, make_person())
        assert deliver_due(parts) == 0
        assert (server.postbox.mails, row(parts, mail_id).failure) == ([], "no-trust")
