"""Delivery of the outbox through the mail server that the settings name, by the worker.

Promises: a mail is tried until it is sent, or given up after days, and every failure stays in its row as a code; the
network is never waited for inside a transaction; each answer is waited for a bounded time; the line is protected as the
settings say, or nothing is sent. A worker that dies between the server's yes and its own record sends that mail again.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Self
from urllib.parse import urlsplit

from sqlalchemy import or_, select

from config.settings import Settings
from exchange.accounts.models import Person
from exchange.notifications.models import MailState, OutgoingMail
from exchange.notifications.service import SUBJECTS
from exchange.parts import Parts

ANSWER_SECONDS = 10.0
CLAIM = timedelta(minutes=10)  # longer than one mail can take; a dead worker's claim runs out
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=6)
MOST_TRIES = 20  # some three days
PERMANENT = 500

_ADDRESS = re.compile(r"[!#-'*+\-./0-9=?A-Z^_`a-z{|}~]+@[A-Za-z0-9.-]+")


class MailRefusedError(Exception):
    """A mail that could not be sent; `code` says why, `is_final` whether trying again is of no use."""

    def __init__(self, code: str, *, is_final: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.is_final = is_final


@dataclass(frozen=True)
class Letter:
    """What is needed to send one mail."""

    id: str
    to: str
    subject: str
    body: str


def deliver_due(parts: Parts, go_on: Callable[[], bool] = lambda: True) -> int:
    """Send what is due and return how many mails went; nothing happens where no mail server is named."""
    if not parts.settings.smtp_host:
        return 0
    sent = 0
    with MailServer(parts.settings) as server:
        while go_on() and (mail_id := _claim(parts)) is not None:
            sent += _send(parts, server, mail_id)
    return sent


def delay_after(tries: int) -> timedelta:
    """How long to wait after that many tries: a minute, doubled each time, six hours at most."""
    return min(FIRST_DELAY * (1 << (tries - 1)), LONGEST_DELAY)


class MailServer:
    """A connection to the mail server, opened when it is first needed and again after a failure."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._line: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        """The server itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Take leave of the server."""
        self.close()

    def close(self) -> None:
        """Take leave, if there is a connection."""
        line, self._line = self._line, None
        if line is not None:
            with suppress(OSError, smtplib.SMTPException):
                line.quit()

    def send(self, letter: Letter, now: datetime) -> None:
        """Hand one letter over. Raises MailRefusedError."""
        message = make_message(self._settings, letter, now)
        try:
            if self._line is None:
                self._line = _connect(self._settings)
            self._line.sendmail(self._settings.mail_from, [letter.to], message.as_bytes())  # changes no line
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise _refusal(error) from error


def make_message(settings: Settings, letter: Letter, now: datetime) -> EmailMessage:
    """The mail as it goes over the line: plain text that arrives to the letter. Raises MailRefusedError."""
    if not _ADDRESS.fullmatch(letter.to):
        raise MailRefusedError("no-address", is_final=True)
    host = urlsplit(settings.public_url).hostname or "localhost"
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.mail_from
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{letter.id}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.body, charset="utf-8", cte="quoted-printable")
    return message


def _connect(settings: Settings) -> smtplib.SMTP:
    host, port = settings.smtp_host, settings.smtp_port
    name = urlsplit(settings.public_url).hostname
    if settings.smtp_security == "tls":
        context = ssl.create_default_context()
        line: smtplib.SMTP = smtplib.SMTP_SSL(host, port, name, timeout=ANSWER_SECONDS, context=context)
    else:
        line = smtplib.SMTP(host, port, name, timeout=ANSWER_SECONDS)
    try:
        if settings.smtp_security == "starttls":
            line.starttls(context=ssl.create_default_context())
        if settings.smtp_user:
            line.login(settings.smtp_user, settings.smtp_password())
    except BaseException:
        line.close()
        raise
    return line


def _refusal(error: OSError | smtplib.SMTPException) -> MailRefusedError:
    """What a failure of the line means: whether to try again, and the code that is kept; the server's text is not."""
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=recipients):
            number = max(answer[0] for answer in recipients.values())
            return MailRefusedError(f"smtp-{number}", is_final=number >= PERMANENT)
        case smtplib.SMTPAuthenticationError():
            return MailRefusedError("sign-in-refused")
        case smtplib.SMTPResponseException(smtp_code=number):
            is_final = isinstance(error, smtplib.SMTPDataError) and number >= PERMANENT
            return MailRefusedError(f"smtp-{number}", is_final=is_final)
    kinds = ((smtplib.SMTPNotSupportedError, "no-tls"), (ssl.SSLCertVerificationError, "no-trust"))
    return MailRefusedError(next((code for kind, code in kinds if isinstance(error, kind)), "no-answer"))


def _claim(parts: Parts) -> str | None:
    """Take the mail that has been due longest and that nobody else is sending."""
    with parts.database.unit_of_work() as unit:
        mail = unit.session.scalars(
            select(OutgoingMail)
            .where(
                OutgoingMail.state == MailState.WAITING,
                OutgoingMail.due_at <= unit.now,
                or_(OutgoingMail.claimed_until.is_(None), OutgoingMail.claimed_until < unit.now),
            )
            .order_by(OutgoingMail.due_at, OutgoingMail.id)
            .limit(1)
            .with_for_update(skip_locked=True)  # SQLite has one writer at a time and leaves this out
        ).first()
        if mail is None:
            return None
        mail.claimed_until = unit.now + CLAIM
        return mail.id


def _send(parts: Parts, server: MailServer, mail_id: str) -> bool:
    try:
        server.send(_letter(parts, mail_id), parts.clock())
    except MailRefusedError as error:
        _defer(parts, mail_id, error)
        return False
    with parts.database.unit_of_work() as unit:
        mail = unit.session.get_one(OutgoingMail, mail_id, with_for_update=True)
        mail.state, mail.ended_at, mail.tries, mail.failure = MailState.SENT, unit.now, mail.tries + 1, ""
    return True


def _letter(parts: Parts, mail_id: str) -> Letter:
    """The mail, to the address that its person has now. Raises MailRefusedError for an account that is disabled."""
    with parts.database.read() as session:
        mail = session.get_one(OutgoingMail, mail_id)
        person = session.get_one(Person, mail.person_id)
        if person.disabled_at is not None:
            raise MailRefusedError("account-disabled", is_final=True)
        return Letter(mail.id, person.email, SUBJECTS[mail.purpose], mail.body)


def _defer(parts: Parts, mail_id: str, error: MailRefusedError) -> None:
    with parts.database.unit_of_work() as unit:
        mail = unit.session.get_one(OutgoingMail, mail_id, with_for_update=True)
        mail.tries, mail.failure, mail.claimed_until = mail.tries + 1, error.code, None
        mail.due_at = unit.now + delay_after(mail.tries)
        if error.is_final or mail.tries >= MOST_TRIES:
            mail.state, mail.ended_at = MailState.FAILED, unit.now
