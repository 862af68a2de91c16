"""An installation of its own for each test, and the command as somebody at the host's terminal runs it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Settings, load_settings
from exchange.cli import main
from exchange.installation import install
from exchange.parts import Parts, join_parts
from tests.exchange.cli.said import Command, Said


@pytest.fixture(autouse=True)
def _own_umask() -> Iterator[None]:
    """The command sets the process's umask; the next test finds it as it was."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a worked example in a fresh folder, and no other setting."""
    for name in [name for name in os.environ if name.startswith("EXCHANGE_")]:
        monkeypatch.delenv(name)
    values = {"EXCHANGE_EXAMPLE": "1", "EXCHANGE_DATA_FOLDER": str(tmp_path / "data")}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


@pytest.fixture
def exchange(capfd: pytest.CaptureFixture[str]) -> Command:
    """Run the command with these words."""

    def run(*words: str) -> Said:
        capfd.readouterr()
        try:
            code = main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capfd.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    """Settings of an installation that is there."""
    found = load_settings(environ)
    install(found)
    return found


@pytest.fixture
def parts(settings: Settings) -> Iterator[Parts]:
    """The parts of that installation."""
    joined = join_parts(settings)
    yield joined
    joined.database.dispose()
