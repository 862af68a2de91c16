"""What each command does when it is run as it should be."""

import hashlib
import os
import re
import socket
import stat
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from audit.store import SearchFilters
from config.settings import Settings, settings_table
from exchange import cli_host, trail
from exchange.access.roles import Role
from exchange.accounts.models import Person, ServiceRole
from exchange.accounts.service import person_invited
from exchange.example import make_example
from exchange.parts import Parts
from exchange.submissions.models import LIVE, Document
from exchange.vault import blob_name
from tests.exchange.cli.said import Command

PLAIN = b"The quick brown fox jumps over the lazy dog. " * 40_000


def events(parts: Parts, log_id: str = trail.SERVICE_LOG) -> list[str]:
    with parts.database.read() as session:
        rows = parts.trail.store.search(session.connection(), log_id, SearchFilters(), None, 100)
        return [row.entry.event for row in reversed(rows)]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_init_makes_everything_and_closes_it_to_others(exchange: Command, environ: dict[str, str]) -> None:
    said = exchange("init")
    assert said.code == 0
    root = Path(environ["EXCHANGE_DATA_FOLDER"])
    found = [root, *root.rglob("*")]
    assert {"provider.json", "log-signing.key", "secret.key", "exchange.sqlite3"} <= {path.name for path in found}
    assert all(mode(path) == (0o700 if path.is_dir() else 0o600) for path in found)


def test_init_opens_and_signs_the_log_of_the_service(exchange: Command, settings: Settings, parts: Parts) -> None:
    assert events(parts) == ["log:opened"]
    with parts.database.read() as session:
        checkpoint = parts.trail.store.latest_checkpoint(session.connection(), trail.SERVICE_LOG)
    assert checkpoint is not None
    assert checkpoint.tree_size == 1


def test_init_refuses_to_run_twice_says_what_exists_and_changes_nothing(exchange: Command, settings: Settings) -> None:
    before = settings.provider_key_file.read_bytes()
    said = exchange("init")
    assert said.code == 2
    made = (settings.provider_key_file, settings.signing_key_file, settings.signed_sizes_file)
    for path in (*made, settings.secret_key_file, settings.sqlite_path):
        assert str(path) in said.err
    assert settings.provider_key_file.read_bytes() == before


@pytest.mark.parametrize(
    "name", ["provider_key_file", "signing_key_file", "signed_sizes_file", "secret_key_file", "sqlite_path"]
)
def test_init_refuses_when_a_single_part_is_left(
    exchange: Command, settings: Settings, tmp_path: Path, name: str
) -> None:
    kept = getattr(settings, name)
    content = kept.read_bytes()
    for path in settings.data_folder.rglob("*"):
        if path.is_file() and path != kept:
            path.unlink()
    said = exchange("init")
    assert said.code == 2
    assert str(kept) in said.err
    assert kept.read_bytes() == content


def test_upgrade_says_when_there_is_nothing_to_do(exchange: Command, settings: Settings) -> None:
    said = exchange("upgrade")
    assert said.code == 0
    assert said.out.startswith("Already at revision")


def test_the_first_administrator_gets_a_link_that_opens_the_account_once(exchange: Command, parts: Parts) -> None:
    said = exchange("add-administrator", "Chief@Example.org", "Chief Example")
    assert said.code == 0
    link = re.search(r"http://127\.0\.0\.1:8000/activate/(\S+)", said.out)
    assert link is not None
    parts.credentials.take_up_invitation(link[1], "kettle-marble-orchard-19", parts.clock())
    with parts.database.read() as session:
        person = session.scalars(select(Person).where(Person.email == "chief@example.org")).one()
        roles = session.scalars(select(ServiceRole.role).where(ServiceRole.person_id == person.id)).all()
        assert roles == [Role.ADMINISTRATOR]
        with pytest.raises(Exception, match="has been used"):
            person_invited(session, link[1], parts.clock())
    assert "account:created" in events(parts)


def seal_one(parts: Parts) -> tuple[Path, str, str]:
    inspection, document = f"ins_{'0' * 26}", f"doc_{'0' * 26}"
    parts.vault.keyring.create_inspection_key(inspection)
    with parts.vault.receive(inspection, document) as arrival:
        arrival.write(PLAIN)
        arrival.seal()
        arrival.keep()
    return parts.settings.store_folder / blob_name(inspection, document), inspection, document


def test_unseal_needs_only_key_files_and_the_sealed_file(
    exchange: Command, parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed, _, _ = seal_one(parts)
    settings = parts.settings
    assert settings.sqlite_path is not None
    settings.sqlite_path.unlink()
    settings.signing_key_file.unlink()
    settings.secret_key_file.unlink()
    for name in ("EXCHANGE_EXAMPLE", "EXCHANGE_DATA_FOLDER"):
        monkeypatch.delenv(name)
    keys = ("--provider-key", str(settings.provider_key_file), "--key-store", str(settings.key_store_folder))
    said = exchange("unseal", str(sealed), "--output", str(tmp_path / "out"), *keys)
    assert said.code == 0, said.err
    assert (tmp_path / "out").read_bytes() == PLAIN
    assert mode(tmp_path / "out") == 0o600
    assert hashlib.sha256(PLAIN).hexdigest() in said.out


def test_unseal_finds_the_keys_by_the_settings_too(exchange: Command, parts: Parts, tmp_path: Path) -> None:
    sealed, _, _ = seal_one(parts)
    assert exchange("unseal", str(sealed), "--output", str(tmp_path / "out")).code == 0
    assert (tmp_path / "out").read_bytes() == PLAIN


def test_unseal_never_overwrites(exchange: Command, parts: Parts, tmp_path: Path) -> None:
    sealed, _, _ = seal_one(parts)
    (tmp_path / "out").write_bytes(b"mine")
    said = exchange("unseal", str(sealed), "--output", str(tmp_path / "out"))
    assert said.code == 2
    assert (tmp_path / "out").read_bytes() == b"mine"


def test_unseal_of_a_damaged_file_leaves_no_output(exchange: Command, parts: Parts, tmp_path: Path) -> None:
    sealed, _, _ = seal_one(parts)
    damaged = bytearray(sealed.read_bytes())
    damaged[-1] ^= 1
    sealed.write_bytes(damaged)
    said = exchange("unseal", str(sealed), "--output", str(tmp_path / "out"))
    assert said.code == 2
    assert "does not open" in said.err
    assert not (tmp_path / "out").exists()


def test_unseal_after_disposal_finds_no_key(exchange: Command, parts: Parts, tmp_path: Path) -> None:
    sealed, inspection, document = seal_one(parts)
    parts.vault.keyring.destroy_data_key(inspection, document)
    said = exchange("unseal", str(sealed), "--output", str(tmp_path / "out"))
    assert said.code == 2
    assert not (tmp_path / "out").exists()


def test_a_rotated_key_is_in_use_in_the_log_and_opens_what_was_sealed_before(
    exchange: Command, parts: Parts, tmp_path: Path
) -> None:
    sealed, _, _ = seal_one(parts)
    before = sealed.read_bytes()
    said = exchange("keys", "rotate", "--reason", "Yearly")
    assert said.code == 0, said.err
    assert "Version 2 is in use. Inspection keys wrapped anew: 1." in said.out
    assert events(parts)[-1] == "key:rotated"
    assert sealed.read_bytes() == before
    assert exchange("unseal", str(sealed), "--output", str(tmp_path / "out")).code == 0
    assert (tmp_path / "out").read_bytes() == PLAIN


def test_an_inspection_key_that_does_not_open_is_named_after_a_rotation(exchange: Command, parts: Parts) -> None:
    _, inspection, _ = seal_one(parts)
    wrapped = parts.settings.key_store_folder / inspection / "inspection.json"
    wrapped.write_bytes(b"{}")
    said = exchange("keys", "rotate", "--reason", "Yearly")
    assert said.code == 1
    assert inspection in said.out


def test_settings_prints_every_setting_with_its_meaning(exchange: Command) -> None:
    said = exchange("settings")
    assert said.code == 0
    for row in settings_table():
        assert row.variable in said.out
        assert row.description in said.out


def test_settings_can_be_checked_without_starting_anything(exchange: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert exchange("settings", "--check").code == 0
    monkeypatch.setenv("EXCHANGE_WEB_THREADS", "none")
    said = exchange("settings", "--check")
    assert said.code == 2
    assert "EXCHANGE_WEB_THREADS" in said.err


def test_sweep_removes_what_nobody_owns(exchange: Command, parts: Parts) -> None:
    inspection = make_example(parts)
    with parts.vault.receive(inspection, f"doc_{'1' * 26}") as arrival:
        arrival.write(PLAIN)
        arrival.seal()
        arrival.keep()
    said = exchange("sweep")
    assert said.code == 0, said.err
    assert "1 sealed files and 1 keys" in said.out
    assert not list(parts.settings.store_folder.rglob(f"doc_{'1' * 26}*"))
    assert len(list(parts.settings.store_folder.rglob("*.floe"))) == 2


def test_a_retention_run_as_of_a_later_day_disposes_of_what_is_due_then(exchange: Command, parts: Parts) -> None:
    make_example(parts)
    later = (date.today() + timedelta(days=800)).isoformat()  # noqa: DTZ011
    said = exchange("retention", "run", "--as-of", later, "--reason", "Rehearsal")
    assert said.code == 0, said.err
    assert "2 documents disposed of" in said.out
    with parts.database.read() as session:
        assert session.scalars(select(Document.id).where(Document.state.in_(LIVE))).all() == []
    assert not list(parts.settings.store_folder.rglob("*.floe"))


def test_a_retention_run_of_today_disposes_of_nothing_that_is_not_due(exchange: Command, parts: Parts) -> None:
    make_example(parts)
    said = exchange("retention", "run")
    assert said.code == 0, said.err
    assert "0 documents disposed of" in said.out
    assert len(list(parts.settings.store_folder.rglob("*.floe"))) == 2


def test_serve_becomes_gunicorn_with_our_configuration(
    exchange: Command, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execve", lambda _program, words, _environ: became.append(words) or os._exit)
    monkeypatch.setattr(cli_host, "require_free_port", lambda _settings: None)
    exchange("serve")
    assert became == [cli_host.server_command()]
    assert Path(became[0][4]).is_file()


def test_serve_says_when_something_else_has_the_port(
    exchange: Command, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("EXCHANGE_BIND", f"127.0.0.1:{taken.getsockname()[1]}")
        said = exchange("serve")
    assert said.code == 2
    assert "choose another port" in said.err
