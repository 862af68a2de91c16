"""The commands about a log that lost something: what they say, and what they refuse."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from config.settings import Settings
from exchange import trail
from exchange.parts import Parts, join_parts
from tests.exchange.cli.said import Command


def act_and_sign(settings: Settings) -> None:
    parts = join_parts(settings)
    with parts.database.unit_of_work() as unit:
        trail.record(unit, "trail:viewed", actor=trail.HOST, details={"filters": []})
    with parts.database.unit_of_work() as unit:
        parts.trail.log.sign_checkpoint(unit.session.connection(), trail.SERVICE_LOG)
    parts.database.dispose()


@pytest.fixture
def gone_back(settings: Settings, tmp_path: Path) -> Settings:
    """An installation whose SQLite database was put back to the backup of this morning."""
    assert settings.sqlite_path is not None
    backup = tmp_path / "backup.sqlite3"
    with sqlite3.connect(settings.sqlite_path) as source, sqlite3.connect(backup) as copy:
        source.backup(copy)
    source.close()
    copy.close()
    act_and_sign(settings)
    for suffix in ("-wal", "-shm"):
        settings.sqlite_path.with_name(settings.sqlite_path.name + suffix).unlink(missing_ok=True)
    shutil.copy(backup, settings.sqlite_path)
    return settings


def test_status_says_that_nothing_is_lost(exchange: Command, settings: Settings) -> None:
    act_and_sign(settings)
    said = exchange("log", "status")
    assert (said.code, said.err) == (0, "")
    assert said.out == "The database holds all that was signed. Logs remembered: 1.\n"


def test_status_names_what_is_lost_and_what_to_do(exchange: Command, gone_back: Settings) -> None:
    said = exchange("log", "status")
    assert said.code == 1
    assert "exchange.example/log/service: 1 entries; 2 were signed, so 1 are lost" in said.out
    assert "exchange log continue --help" in said.out


def test_the_doctor_names_it(exchange: Command, gone_back: Settings) -> None:
    said = exchange("doctor")
    assert said.code == 1
    assert "BAD signed sizes: The database was put back" in said.out


def test_every_other_command_that_acts_is_refused_in_one_sentence(exchange: Command, gone_back: Settings) -> None:
    said = exchange("add-administrator", "chief@example.org", "Chief Example")
    assert (said.code, said.out) == (2, "")
    assert "exchange log status" in said.err
    assert len(said.err.splitlines()) == 1


def test_a_refused_rotation_leaves_the_key_file_as_it_was(exchange: Command, gone_back: Settings) -> None:
    before = gone_back.provider_key_file.read_bytes()
    said = exchange("keys", "rotate", "--reason", "a test")
    assert said.code == 2
    assert gone_back.provider_key_file.read_bytes() == before


@pytest.mark.parametrize("words", [(), ("--reason", " ")])
def test_a_decision_needs_a_reason(exchange: Command, gone_back: Settings, words: tuple[str, ...]) -> None:
    said = exchange("log", "continue", *words)
    assert said.code == 2
    assert "eason" in said.err
    assert exchange("log", "status").code == 1


def test_a_decision_lets_the_log_go_on_and_says_what_was_given_up(exchange: Command, gone_back: Settings) -> None:
    said = exchange("log", "continue", "--reason", "There is no newer backup.")
    assert said.code == 0, said.err
    assert said.out.startswith("Given up: exchange.example/log/service: 1 entries; 2 were signed, so 1 are lost.\n")
    assert exchange("log", "status").code == 0
    assert exchange("add-administrator", "chief@example.org", "Chief Example").code == 0


def test_a_decision_about_nothing_is_refused(exchange: Command, settings: Settings) -> None:
    said = exchange("log", "continue", "--reason", "just so")
    assert said.code == 2
    assert "Nothing was changed" in said.err


def test_a_lost_file_of_signed_sizes_stops_everything_until_it_is_made_anew(
    exchange: Command, settings: Settings
) -> None:
    settings.signed_sizes_file.unlink()
    refused = exchange("log", "status")
    assert refused.code == 2
    assert "exchange log remember --help" in refused.err
    said = exchange("log", "remember")
    assert said.code == 0, said.err
    assert "Logs remembered: 1." in said.out
    assert exchange("log", "status").code == 0


def test_a_file_that_is_there_is_not_made_anew(exchange: Command, parts: Parts) -> None:
    before = parts.settings.signed_sizes_file.read_bytes()
    said = exchange("log", "remember")
    assert said.code == 2
    assert "exists already" in said.err
    assert parts.settings.signed_sizes_file.read_bytes() == before
