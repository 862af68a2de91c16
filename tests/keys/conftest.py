"""A provider, a key store and a keyring in a folder of their own, and the committed known answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from keys.identifiers import new_identifier
from keys.key_store import FolderKeyStore
from keys.keyring import Keyring
from keys.local_provider import LocalKeyProvider

VECTORS = Path(__file__).parent / "vectors"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for `<file>_vector` one run for each row of vectors/<file>.json, named by the row."""
    for name in metafunc.fixturenames:
        if name.endswith("_vector"):
            rows: list[dict[str, Any]] = json.loads(
                (VECTORS / f"{name.removesuffix('_vector')}.json").read_text("ascii")
            )
            metafunc.parametrize(name, rows, ids=[row["name"] for row in rows])


@pytest.fixture
def provider(tmp_path: Path) -> LocalKeyProvider:
    return LocalKeyProvider.create(tmp_path / "keys" / "provider.json")


@pytest.fixture
def key_store(tmp_path: Path) -> FolderKeyStore:
    return FolderKeyStore(tmp_path / "keys" / "wrapped")


@pytest.fixture
def keyring(provider: LocalKeyProvider, key_store: FolderKeyStore) -> Keyring:
    return Keyring(provider, key_store)


@pytest.fixture
def inspection_id(keyring: Keyring) -> str:
    """Name an inspection that has its key."""
    made = new_identifier("ins")
    keyring.create_inspection_key(made)
    return made


@pytest.fixture
def document_id() -> str:
    return new_identifier("doc")
