"""A real mail server on a loopback port, and a service that sends to it."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from config.settings import Settings
from exchange.parts import Parts

USER, PASSWORD = "exchange", "a password for the example"


@dataclass
class Postbox:
    """Keeps what arrives; answers recipients and contents as a test says."""

    mails: list[Envelope] = field(default_factory=list)
    rcpt_answers: list[str] = field(default_factory=list)
    data_answers: list[str] = field(default_factory=list)
    protected: list[bool] = field(default_factory=list)
    signed_in: list[bool] = field(default_factory=list)
    connections: int = 0

    async def handle_HELO(self, _server: SMTP, session: Session, _envelope: Envelope, name: str) -> str:  # noqa: N802
        session.host_name = name
        self.connections += 1
        return "250 mail.example.org"

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        session.host_name = name
        self.connections += 1
        return answers

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.rcpt_answers:
            return self.rcpt_answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.data_answers:
            return self.data_answers.pop(0)
        self.mails.append(envelope)
        self.protected.append(server.transport.get_extra_info("cipher") is not None)
        self.signed_in.append(bool(session.authenticated))
        return "250 kept"


@dataclass(frozen=True)
class Server:
    postbox: Postbox
    port: int


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def mail_server(**options: Any) -> Iterator[Server]:
    postbox = Postbox()
    controller = Controller(postbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield Server(postbox, controller.port)
    finally:
        controller.stop()


def check_password(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: LoginPassword
) -> AuthResult:
    return AuthResult(success=(given.login, given.password) == (USER.encode(), PASSWORD.encode()), handled=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with mail_server() as server:
        yield server


SendingTo = Callable[..., Parts]


@pytest.fixture
def sending_to(parts: Parts) -> SendingTo:
    """The same service with a mail server: `sending_to(server, smtp_user="…")`."""

    def make(server: Server, **values: Any) -> Parts:
        given = parts.settings.model_dump() | {
            "smtp_host": "127.0.0.1",
            "smtp_port": server.port,
            "smtp_security": "none",
            "mail_from": "exchange@example.org",
            **values,
        }
        return replace(parts, settings=Settings(**given))

    return make


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "mail-password"
    path.write_text(f"{PASSWORD}\n")
    path.chmod(0o600)
    return path
