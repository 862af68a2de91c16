"""The doctor says in one line each what is well and what is not, and changes nothing."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from config.settings import Settings
from exchange import diagnosis
from exchange.parts import Parts
from tests.exchange.cli.said import Command

SUBJECTS = ["settings", "rights", "provider key", "signing key", "signed sizes", "database", "store", "clock"]


def lines(out: str) -> dict[str, str]:
    return {line[4:].split(":")[0]: line[:3].strip() for line in out.splitlines()}


def test_a_sound_installation_has_one_good_line_for_each_subject(exchange: Command, settings: Settings) -> None:
    said = exchange("doctor")
    assert said.code == 0
    assert lines(said.out) == dict.fromkeys(SUBJECTS, "ok")


def without_tables(settings: Settings) -> None:
    assert settings.sqlite_path is not None
    settings.sqlite_path.write_bytes(b"")


def spoiled(settings: Settings) -> None:
    assert settings.sqlite_path is not None
    settings.sqlite_path.write_bytes(b"no database" * 500)


def behind(settings: Settings) -> None:
    assert settings.sqlite_path is not None
    connection = sqlite3.connect(settings.sqlite_path)
    connection.execute("UPDATE schema_revision SET version_num = '0000'")
    connection.commit()
    connection.close()


DAMAGES: dict[str, tuple[str, Callable[[Settings], object]]] = {
    "open-database": ("rights", lambda settings: settings.sqlite_path.chmod(0o640)),  # type: ignore[union-attr]  # SQLite
    "open-store": ("rights", lambda settings: settings.store_folder.chmod(0o755)),
    "no-provider-key": ("provider key", lambda settings: settings.provider_key_file.unlink()),
    "spoiled-provider-key": ("provider key", lambda settings: settings.provider_key_file.write_bytes(b"{}")),
    "no-signing-key": ("signing key", lambda settings: settings.signing_key_file.unlink()),
    "spoiled-signing-key": ("signing key", lambda settings: settings.signing_key_file.write_bytes(b"x")),
    "no-signed-sizes": ("signed sizes", lambda settings: settings.signed_sizes_file.unlink()),
    "spoiled-signed-sizes": ("signed sizes", lambda settings: settings.signed_sizes_file.write_bytes(b"{}")),
    "no-tables": ("database", without_tables),
    "no-database": ("database", spoiled),
    "older-schema": ("database", behind),
    "no-store": ("store", lambda settings: settings.store_folder.rmdir()),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damage_is_named_under_its_subject_and_the_rest_is_still_looked_at(
    exchange: Command, settings: Settings, damage: str
) -> None:
    subject, harm = DAMAGES[damage]
    harm(settings)
    said = exchange("doctor")
    found = lines(said.out)
    assert said.code == 1
    assert found[subject] == "BAD"
    assert list(found) == SUBJECTS
    assert "Traceback" not in said.out + said.err


def test_unusable_settings_are_all_listed(exchange: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXCHANGE_WEB_THREADS", "none")
    monkeypatch.setenv("EXCHANGE_BIND", "nowhere")
    said = exchange("doctor")
    assert said.code == 1
    assert "EXCHANGE_WEB_THREADS" in said.out
    assert "EXCHANGE_BIND" in said.out


def test_an_inspection_key_under_a_version_that_is_gone_is_named(exchange: Command, parts: Parts) -> None:
    inspection = f"ins_{'0' * 26}"
    parts.vault.keyring.create_inspection_key(inspection)
    wrapped = parts.settings.key_store_folder / inspection / "inspection.json"
    wrapped.write_text(wrapped.read_text().replace('"key_version":1', '"key_version":7'))
    said = exchange("doctor")
    assert said.code == 1
    assert inspection in said.out


def test_a_clock_behind_the_log_is_noticed(
    exchange: Command, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = diagnosis.utc_now().replace(year=2020)
    monkeypatch.setattr(diagnosis, "utc_now", lambda: past)
    said = exchange("doctor")
    assert lines(said.out)["clock"] == "BAD"


def test_a_full_disk_is_noticed(exchange: Command, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "LEAST_FREE_BYTES", 10**18)
    said = exchange("doctor")
    assert lines(said.out)["store"] == "BAD"


def test_the_doctor_changes_nothing(exchange: Command, settings: Settings) -> None:
    def everything() -> dict[Path, tuple[int, bytes]]:
        files = [path for path in settings.data_folder.rglob("*") if path.is_file()]
        # SQLite's own journal files come and go with a reader.
        kept = [path for path in files if not path.name.endswith(("-wal", "-shm"))]
        return {path: (os.stat(path).st_mode, path.read_bytes()) for path in kept}  # noqa: PTH116  mode and content

    before = everything()
    exchange("doctor")
    assert everything() == before
