"""Every command that is run wrongly ends with one clear sentence and exit code 2, never with a trace."""

import argparse
import os
import sqlite3
from collections.abc import Iterator

import pytest

from config.settings import Settings
from exchange.cli import make_parser
from tests.exchange.cli.said import Command

WRONG_WITHOUT_INSTALLATION = [
    ((), "Help: exchange --help"),
    (("frobnicate",), "invalid choice"),
    (("init", "twice"), "Unrecognized arguments"),
    (("upgrade",), "Run: exchange init"),
    (("serve",), "Run: exchange init"),
    (("worker",), "Run: exchange init"),
    (("worker", "--once"), "Run: exchange init"),
    (("sweep",), "Run: exchange init"),
    (("retention",), "Help: exchange retention --help"),
    (("retention", "run"), "Run: exchange init"),
    (("keys",), "Help: exchange keys --help"),
    (("keys", "rotate"), "Run: exchange init"),
    (("add-administrator",), "EMAIL, NAME"),
    (("add-administrator", "a@example.org", "A"), "Run: exchange init"),
    (("unseal",), "FILE, --output"),
    (("unseal", "somewhere.floe", "--output", "out"), "does not end like a sealed file"),
]
WRONG_WITH_INSTALLATION = [
    (("init",), "Nothing was changed"),
    (("retention", "run", "--as-of", "tomorrow"), "Write it like 2026-03-31"),
    (("retention", "run", "--as-of", "2001-01-01"), "Nothing was disposed of"),
    (("add-administrator", "not an address", "A"), "name@example.com"),
    (("add-administrator", "a@example.org", " "), "name"),
]


def assert_one_sentence(code: int, err: str, expected: str) -> None:
    assert code == 2
    assert expected in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(("words", "expected"), WRONG_WITHOUT_INSTALLATION)
def test_a_command_before_init_is_told_what_to_do(exchange: Command, words: tuple[str, ...], expected: str) -> None:
    said = exchange(*words)
    assert_one_sentence(said.code, said.err, expected)


@pytest.mark.parametrize(("words", "expected"), WRONG_WITH_INSTALLATION)
def test_a_command_with_a_wrong_value_is_told_which(
    exchange: Command, settings: Settings, words: tuple[str, ...], expected: str
) -> None:
    said = exchange(*words)
    assert_one_sentence(said.code, said.err, expected)


def test_missing_settings_are_all_named_and_nothing_else_is_said(
    exchange: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EXCHANGE_EXAMPLE")
    monkeypatch.delenv("EXCHANGE_DATA_FOLDER")
    said = exchange("init")
    assert said.code == 2
    assert "EXCHANGE_DATA_FOLDER" in said.err
    assert "EXCHANGE_PUBLIC_URL" in said.err
    assert "Traceback" not in said.err


def test_a_database_that_is_none_is_a_sentence(exchange: Command, settings: Settings) -> None:
    assert settings.sqlite_path is not None
    settings.sqlite_path.write_bytes(b"this is no database" * 100)
    said = exchange("worker", "--once")
    assert_one_sentence(said.code, said.err, "exchange doctor")


def test_a_database_at_an_older_revision_stops_server_and_worker(exchange: Command, settings: Settings) -> None:
    assert settings.sqlite_path is not None
    with sqlite3.connect(settings.sqlite_path) as connection:
        connection.execute("UPDATE schema_revision SET version_num = '0000'")
    connection.close()
    for words in (("serve",), ("worker",)):
        said = exchange(*words)
        assert_one_sentence(said.code, said.err, "exchange upgrade")


def test_a_key_file_that_others_may_read_is_a_sentence(exchange: Command, settings: Settings) -> None:
    os.chmod(settings.provider_key_file, 0o644)  # noqa: PTH101  the mode is the point
    said = exchange("worker", "--once")
    assert said.code == 2
    assert "provider.json" in said.err
    assert "Traceback" not in said.err


def subparsers(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, inner in action.choices.items():
                yield from subparsers(inner, f"{name} {word}")


@pytest.mark.parametrize("name", [name for name, _ in subparsers(make_parser(), "exchange")])
def test_every_command_has_help_that_says_what_it_does(exchange: Command, name: str) -> None:
    said = exchange(*name.split()[1:], "--help")
    assert said.code == 0
    description = dict(subparsers(make_parser(), "exchange"))[name].description
    assert description
    assert description.split()[0] in said.out


def test_a_command_that_finds_no_database_file_does_not_make_an_empty_one(
    exchange: Command, settings: Settings
) -> None:
    assert settings.sqlite_path is not None
    settings.sqlite_path.unlink()
    for words in (("upgrade",), ("worker", "--once"), ("serve",)):
        said = exchange(*words)
        assert_one_sentence(said.code, said.err, "Restore it from a backup")
    exchange("doctor")
    assert not settings.sqlite_path.exists()


def test_a_command_before_init_leaves_nothing_that_init_would_stumble_over(exchange: Command) -> None:
    for words in (("keys", "rotate"), ("doctor",), ("upgrade",)):
        exchange(*words)
    assert exchange("init").code == 0
