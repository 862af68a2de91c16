"""An installation's whole life by the command alone, on SQLite and on PostgreSQL."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from config.settings import load_settings
from exchange.example import make_example
from exchange.installation import installed_parts
from tests.exchange.cli.said import Command


@pytest.fixture
def named_database(environ: dict[str, str], database_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of an installation on this database; SQLite stays in its usual place."""
    if database_url.startswith("postgresql"):
        environ["EXCHANGE_DATABASE_URL"] = database_url.replace("postgresql+psycopg", "postgresql")
        monkeypatch.setenv("EXCHANGE_DATABASE_URL", environ["EXCHANGE_DATABASE_URL"])
    return environ


def test_from_init_to_disposal(exchange: Command, named_database: dict[str, str], tmp_path: Path) -> None:
    def ran(*words: str) -> str:
        said = exchange(*words)
        assert said.code == 0, said.err
        return said.out

    ran("init")
    assert exchange("init").code == 2
    assert "/activate/" in ran("add-administrator", "chief@example.org", "Chief Example")
    settings = load_settings(named_database)
    with installed_parts(settings) as parts:
        make_example(parts)
        later = parts.clock().date() + timedelta(days=800)
    ran("worker", "--once")
    ran("keys", "rotate", "--reason", "Yearly")
    sealed = sorted(settings.store_folder.rglob("*.floe"))
    assert len(sealed) == 2
    ran("unseal", str(sealed[0]), "--output", str(tmp_path / "out"))
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600
    assert "Removed 0 unfinished files, 0 sealed files and 0 keys" in ran("sweep")
    assert "BAD" not in ran("doctor")
    assert "Already at revision" in ran("upgrade")
    assert "2 documents disposed of" in ran("retention", "run", "--as-of", later.isoformat(), "--reason", "Rehearsal")
    assert list(settings.store_folder.rglob("*.floe")) == []
    ran("worker", "--once")


def test_init_refuses_a_database_that_has_tables(
    exchange: Command, named_database: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert exchange("init").code == 0
    database = load_settings(named_database).database_url
    monkeypatch.setenv("EXCHANGE_DATABASE_URL", database)
    monkeypatch.setenv("EXCHANGE_DATA_FOLDER", str(tmp_path / "other"))
    said = exchange("init")
    assert said.code == 2
    assert "database" in said.err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("words", [("init",), ("upgrade",), ("worker", "--once"), ("serve",)])
def test_a_server_that_cannot_be_reached_is_one_sentence(
    exchange: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    # Port 1 of this machine: nothing listens there.
    monkeypatch.setenv("EXCHANGE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    said = exchange(*words)
    assert said.code == 2
    assert "cannot be reached" in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert not (tmp_path / "data").exists()
