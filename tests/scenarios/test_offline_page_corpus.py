"""The page in a browser and the command give the same verdict on every file, and the same words where they refuse."""

from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from audit.__main__ import main
from audit.errors import EntryError
from audit.vocabulary import VOCABULARY, describe
from tests.audit import specimens
from tests.audit.bad_tiles import exports
from tests.audit.corpus import NOT_PROVED, PROVED, UNUSABLE, Case, corpus, write
from tests.audit.test_vocabulary import BAD, GOOD, example
from tests.scenarios.offline import reader

CODES = {0: PROVED, 1: NOT_PROVED, 2: UNUSABLE}
TURNS = 4
"""The corpus is judged in as many page loads, so that processes can share the work."""
OTHER_WORDS = {"bundle-key-not-utf-8"}
"""Where the command's reason is the words of Python's own decoder."""
NO_WORDS = "An act that this version of the page has no words for."


def command(case: Case, path: Path, policy: Path | None, document: Path | None) -> str:
    """The verdict of the command; what it says stands in the captured output."""
    arguments = ["verify", str(path)]
    arguments += [] if case.key is None else [f"--key={case.key}"]
    arguments += [] if policy is None else ["--policy", str(policy)]
    arguments += [] if document is None else ["--document", str(document)]
    return CODES[main(arguments)]


@pytest.mark.parametrize("turn", range(TURNS))
def test_page_command_and_corpus_agree_on_every_case(
    browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str], turn: int
) -> None:
    written = sorted(write(tmp_path), key=lambda row: (row[0].key or "", row[0].policy or b""))
    wrong, other_words = {}, {}
    with reader(browser, tmp_path) as person:
        for case, path, policy, document in written[turn::TURNS]:
            person.choose(*(each for each in (path, document) if each is not None))
            person.give(case.key or "", policy)
            page, said = person.check(), person.said()
            told = command(case, path, policy, document)
            if not page == told == case.verdict:
                wrong[case.name] = (page, told, case.verdict)
            out = capsys.readouterr().out.strip()
            if page == NOT_PROVED and out != f"NOT PROVED. {said}" and case.name not in OTHER_WORDS:
                other_words[case.name] = (out, said)
    assert wrong == {}
    assert other_words == {}


def test_every_case_has_its_turn() -> None:
    assert len(corpus()) // TURNS > 50


def test_page_and_command_agree_on_exports_of_more_tiles(
    browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy"
    policy.write_bytes(specimens.POLICY)
    wrong = {}
    with reader(browser, tmp_path) as person:
        person.give(str(specimens.KEY), policy)
        for name, vector in exports().items():
            path = tmp_path / "export.zip"
            path.write_bytes(vector.content)
            person.choose(path)
            page, said = person.check(), person.said()
            expected = {"": PROVED, "EvidenceError": NOT_PROVED, "BundleError": UNUSABLE}[vector.error]
            told = CODES[main(["verify", str(path), "--key", str(specimens.KEY), "--policy", str(policy)])]
            out = capsys.readouterr().out.strip()
            if not page == told == expected or (page == NOT_PROVED and out != f"NOT PROVED. {said}"):
                wrong[name] = (page, told, expected, said, out)
    assert wrong == {}


def test_the_page_says_every_event_in_the_words_of_the_vocabulary_and_no_other(
    browser: Browser, tmp_path: Path
) -> None:
    entries = [example(event) for event in VOCABULARY.values()]
    expected = [describe(entry) for entry in entries]
    kinds = {kind: (event, name) for event in VOCABULARY.values() for name, kind in event.fields.items()}
    for kind, (event, name) in kinds.items():
        for value, is_good in [(value, True) for value in GOOD[kind]] + [(value, False) for value in BAD[kind]]:
            with suppress(EntryError):  # some values no entry can hold, of whatever kind
                entry = example(event, **{name: value})
                entries.append(entry)
                expected.append(describe(entry) if is_good else NO_WORDS)
    encoded = [entry.encode() for entry in entries]
    shown = []
    with reader(browser, tmp_path) as person:
        person.give(str(specimens.KEY))
        path = tmp_path / "receipt.tlog-proof"
        for index in range(len(encoded)):
            path.write_bytes(specimens.receipt(index, len(encoded), entries=encoded))
            person.choose(path)
            assert person.check() == PROVED
            shown.append(dict(person.rows())["It says"])
    assert shown == expected
