"""Mail that others ask for: put into the outbox in the same transaction as what it tells of.

Promises: a mail's subject is fixed by its purpose; its body is made by this service's own code of codes, hashes and
fixed sentences; neither holds a name, a child or a file name, and no caller can add a header.
"""

from __future__ import annotations

from exchange.database import UnitOfWork
from exchange.identifiers import new_identifier
from exchange.notifications.models import MailState, OutgoingMail

SUBJECTS = {"checkpoint": "Signed checkpoints to keep"}

FAILURES = {
    "no-address": "the address cannot be sent to",
    "account-disabled": "the account is disabled",
    "no-answer": "the mail server does not answer",
    "no-tls": "the mail server does not offer a protected line",
    "no-trust": "the mail server’s certificate is not one to trust",
    "sign-in-refused": "the mail server refuses the user or password",
}


def queue_mail(unit: UnitOfWork, *, person_id: str, purpose: str, body: str) -> str:
    """Put a mail to a person into the outbox, due now, and return its identifier. Raises KeyError: no such purpose."""
    SUBJECTS[purpose]
    mail = OutgoingMail(
        id=new_identifier("eml"),
        person_id=person_id,
        purpose=purpose,
        body=body,
        state=MailState.WAITING,
        queued_at=unit.now,
        due_at=unit.now,
        tries=0,
        failure="",
    )
    unit.session.add(mail)
    unit.session.flush()
    return mail.id


def say_failure(code: str) -> str:
    """Why a mail could not be sent, in words; an empty text for none."""
    if code.startswith("smtp-"):
        return f"the mail server answered {code.removeprefix('smtp-')}"
    return FAILURES.get(code, code.replace("-", " "))
