"""The whole of it as the host runs it: settings from the environment, the worker's round, and the command."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from audit.note import COSIGNER, VerifierKey
from audit.witness.answer import Witness
from audit.witness.folder import create_folder, open_folder
from audit.witness.server import WitnessServer
from audit.witness.state import TrustedLog
from config.settings import load_settings
from exchange.cli import main
from exchange.example import make_example
from exchange.installation import install, installed_parts
from exchange.publishing.found_notes import notes_in
from keys.signing import LogSigner
from tests.exchange.notifications.conftest import Postbox, free_port

POLL_SECONDS = 0.02


@pytest.fixture(autouse=True)
def _own_umask() -> Iterator[None]:
    """The command sets the process's umask; the next test finds it as it was."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def witness(tmp_path: Path, environ: dict[str, str]) -> Iterator[str]:
    """A witness that follows this installation; the line of a policy that names it."""
    settings = load_settings(environ)
    key = create_folder(tmp_path / "witness", "witness.example/w1")
    opened = open_folder(tmp_path / "witness")
    public = LogSigner.open(settings.signing_key_file).public_key_bytes
    opened.state.trust(TrustedLog(VerifierKey(settings.log_origin, public), below=True))
    server = WitnessServer(
        ("127.0.0.1", 0), Witness(key.name, opened.signer, opened.state, lambda: int(time.time())), print
    )
    thread = threading.Thread(target=server.serve_forever, args=[POLL_SECONDS])
    thread.start()
    assert key.kind == COSIGNER
    yield f"witness w1 {key} http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> dict[str, str]:
    """A worked example that is installed."""
    values = {
        "EXCHANGE_EXAMPLE": "1",
        "EXCHANGE_DATA_FOLDER": str(tmp_path / "data"),
        "EXCHANGE_DATABASE_URL": database_url,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(values)
    if settings.sqlite_path is not None:
        settings.sqlite_path.unlink(missing_ok=True)
    install(settings)
    with installed_parts(settings) as parts:
        make_example(parts)
        parts.type_probe.close()
    return values


def test_one_round_of_the_worker_signs_has_cosigned_keeps_checks_mails_and_what_comes_back_is_true(
    environ: dict[str, str],
    witness: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, policy = tmp_path / "kept", tmp_path / "policy"
    folder.mkdir()
    policy.write_text(f"{witness}\nquorum w1\n")
    postbox = Postbox()
    controller = Controller(postbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    for name, value in {
        "EXCHANGE_CHECKPOINT_FOLDER": str(folder),
        "EXCHANGE_WITNESS_POLICY_FILE": str(policy),
        "EXCHANGE_SMTP_HOST": "127.0.0.1",
        "EXCHANGE_SMTP_PORT": str(controller.port),
        "EXCHANGE_SMTP_SECURITY": "none",
        "EXCHANGE_MAIL_FROM": "exchange@example.org",
    }.items():
        monkeypatch.setenv(name, value)
    try:
        assert main(["worker", "--once"]) == 0
    finally:
        controller.stop()
    files = sorted(folder.rglob("*.txt"))
    assert len(files) == 2
    assert all("\n— witness.example/w1 " in file.read_text() for file in files)
    (mail,) = postbox.mails  # the example's officer watches over both logs
    assert isinstance(mail.content, bytes)
    saved = tmp_path / "mail.eml"
    saved.write_bytes(mail.content)
    assert sorted(notes_in(mail.content)) == sorted(file.read_text() for file in files)
    capsys.readouterr()
    assert main(["log", "check-kept", str(saved), *map(str, files)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 4
    assert all("consistent: the log as it is now" in line for line in said)


def test_the_command_ends_with_one_where_a_file_is_not_true_and_with_two_where_there_is_none(
    environ: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("no checkpoint\n")
    assert main(["log", "check-kept", str(other)]) == 1
    assert "there is no signed checkpoint in it" in capsys.readouterr().out
    assert main(["log", "check-kept", str(tmp_path / "none")]) == 2


def test_a_policy_that_cannot_be_used_stops_every_command_with_all_that_is_wrong(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = VerifierKey("w1.example", bytes(32), COSIGNER)
    policy = tmp_path / "policy"
    policy.write_text(f"witness w1 {key}\nquorum none\n")
    monkeypatch.setenv("EXCHANGE_WITNESS_POLICY_FILE", str(policy))
    for command in (["worker", "--once"], ["settings", "--check"]):
        assert main(command) == 2
        assert "the witness w1 has no URL" in capsys.readouterr().err
