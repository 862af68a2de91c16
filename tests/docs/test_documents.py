"""The documents say what is so: every link, file, command, account and setting that they name is there."""

import argparse
import re
import runpy
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import load_settings
from exchange.cli import make_parser
from exchange.example import PASSWORD, PEOPLE
from exchange.oversight.alarms import KINDS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "keys" / "FORMAT.md", ROOT / "audit" / "FORMAT.md"]
)
TOP_FOLDERS = ("config", "keys", "audit", "exchange", "tests", "docs", "tools", "bench")
IN_AN_INSTALLATION = {"wrapped/"}  # named in the documents, made on the host

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED_FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)*(?:\.(?:py|toml|md|sh|lock|png)|/)")
COMMAND = re.compile(r"(?<![\w/-])(?<!-d )exchange ((?:[a-z][a-z-]*\b ?)+)((?:.*?)(?:$|`))", re.MULTILINE)
FOREIGN = {
    "a path of somebody's machine": r"(?<![\w.])/(?:work|tmp|home|Users|mnt|workspace)/|[A-Z]:\\",
    "a registry": r"pypi\.org|pythonhosted|npmjs|docker\.io|ghcr\.io|artifactory|/simple/",
    "how it came to be written": r"(?i)language model|chat ?bot|\bassistants?\b|\bprompted\b|as requested|the brief\b"
    r"|issue #?\d+|work in progress|to-?do\b|fix-?me\b|lorem ipsum",
}


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def blocks(document: Path, language: str) -> list[str]:
    return [body for kind, body in FENCE.findall(text_of(document)) if kind == language]


def code_of(document: Path) -> str:
    """Whatever stands as code: fenced blocks, then spans, one a line."""
    text = text_of(document)
    spans = SPAN.findall(FENCE.sub("", text))
    return "\n".join([*(body for _, body in FENCE.findall(text)), *spans])


def slug(heading: str) -> str:
    """The anchor that the usual renderers make of a heading."""
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(document: Path) -> set[str]:
    return {slug(line.lstrip("#")) for line in FENCE.sub("", text_of(document)).splitlines() if line.startswith("#")}


def known_paths() -> set[str]:
    """Every file and folder of the project, relative to its root; folders end with a slash."""
    found = [*ROOT.glob("*"), *(path for folder in TOP_FOLDERS for path in (ROOT / folder).rglob("*"))]
    return {f"{path.relative_to(ROOT)}{'/' if path.is_dir() else ''}" for path in found}


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def named_commands(document: Path) -> Iterator[tuple[list[str], list[str]]]:
    for words, rest in COMMAND.findall(code_of(document)):
        yield words.split(), re.findall(r"--[a-z-]+", rest)


def test_the_page_of_settings_is_what_the_settings_say() -> None:
    written = runpy.run_path(str(ROOT / "tools" / "settings_page.py"))["page"]()
    assert text_of(ROOT / "docs" / "settings.md") == written, "run .venv/bin/python tools/settings_page.py"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in LINK.findall(FENCE.sub("", text_of(document))):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        found = (document.parent / name).resolve() if name else document
        assert found.exists(), f"{target} is not there"
        if anchor:
            assert anchor in anchors(found), f"{target}: no such heading"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_is_named_exists(document: Path) -> None:
    known = known_paths()
    for span in SPAN.findall(FENCE.sub("", text_of(document))):
        if not NAMED_FILE.fullmatch(span) or span in IN_AN_INSTALLATION:
            continue
        assert any(path == span or path.endswith(f"/{span}") for path in known), f"{span} is not there"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_named_exists(document: Path) -> None:
    makefile = text_of(ROOT / "Makefile")
    for target in re.findall(r"(?<![\w-])make ([a-z-]+)", code_of(document)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target} is not in the Makefile"
    for words, options in named_commands(document):
        parser = make_parser()
        for word in words:
            inner = subcommands(parser)
            if not inner:
                break
            assert word in inner, f"exchange {' '.join(words)} is no command"
            parser = inner[word]
        assert not subcommands(parser), f"exchange {' '.join(words)} is half a command"
        for option in options:
            assert option in parser._option_string_actions, f"exchange {' '.join(words)} has no option {option}"


def test_every_command_of_the_host_stands_in_operations() -> None:
    table = text_of(ROOT / "docs" / "operations.md").partition("\n## Commands")[2]
    for name, parser in subcommands(make_parser()).items():
        for full in [f"{name} {inner}" for inner in subcommands(parser)] or [name]:
            assert f"`exchange {full}" in table, f"exchange {full} is not in the table of commands"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_speaks_only_of_the_project(document: Path) -> None:
    for what, pattern in FOREIGN.items():
        found = re.search(pattern, text_of(document))
        assert found is None, f"{what}: {found.group()!r}" if found else ""


def test_the_readme_names_the_accounts_of_the_example() -> None:
    readme = text_of(ROOT / "README.md")
    assert f"`{PASSWORD}`" in readme
    rows = dict(re.findall(r"^\| `([^`]+@example\.org)` \| ([^|]+?) \|", readme, re.MULTILINE))
    assert rows == {person.email: person.role.label for person in PEOPLE}


def test_every_paragraph_of_the_annex_has_a_row() -> None:
    rows = re.findall(r"^\| (\d{3})[^|]*\|", text_of(ROOT / "docs" / "annex-a.md"), re.MULTILINE)
    assert sorted({int(number) for number in rows}) == list(range(192, 207))


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    architecture = text_of(ROOT / "docs" / "architecture.md")
    for path in decisions:
        text = text_of(path)
        number, title = re.match(r"# (\d+)\. (.+)", text).groups()  # type: ignore[union-attr]  # a failure says enough
        assert path.name.startswith(f"{int(number):04d}-")
        assert f"| [{path.name[:4]}](adr/{path.name}) | {title} |" in architecture
        assert "## What was given up" in text


def test_every_alarm_that_can_be_raised_is_explained() -> None:
    chapter = text_of(ROOT / "docs" / "operations.md").partition("\n## Alarms")[2].partition("\n## ")[0]
    files = [path for path in (ROOT / "exchange").rglob("*.py") if path.name != "alarms.py"]
    sources = "".join(text_of(path) for path in files)
    raised = set(re.findall(r"(?:raise_alarm|add_alarm)\([^)]*kind=\"([a-z-]+)\"", sources))
    assert raised <= KINDS.keys(), "an alarm has no words on the page"
    assert [kind for kind in KINDS if f'"{kind}"' not in sources] == [], "words of an alarm that nothing raises"
    assert KINDS.keys() == set(re.findall(r"^\| `([a-z-]+)` \|", chapter, re.MULTILINE))


def test_the_settings_of_the_operations_guide_can_be_used(tmp_path: Path) -> None:
    lines = [block for block in blocks(ROOT / "docs" / "operations.md", "ini") if block.startswith("EXCHANGE_")]
    given = dict(line.split("=", 1) for line in lines[0].split())
    assert {name for name in given if name.endswith(("_FILE", "_FOLDER"))} == {
        "EXCHANGE_DATA_FOLDER",
        "EXCHANGE_PROVIDER_KEY_FILE",
        "EXCHANGE_SIGNING_KEY_FILE",
        "EXCHANGE_SIGNED_SIZES_FILE",
        "EXCHANGE_SECRET_KEY_FILE",
        "EXCHANGE_KEY_STORE_FOLDER",
    }
    moved = {name: value.replace("/var/lib", str(tmp_path)) for name, value in given.items()}
    assert load_settings(moved).is_https


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_shell_block_can_be_parsed(document: Path) -> None:
    for block in blocks(document, "sh"):
        done = subprocess.run(["sh", "-n"], input=block, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
