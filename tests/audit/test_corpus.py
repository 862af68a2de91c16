import zipfile
from collections import Counter
from pathlib import Path

import pytest

from audit.__main__ import main
from audit.errors import EvidenceError
from audit.note import parse_verifier_key
from audit.policy import parse_policy
from audit.tiles import verify_tiles
from tests.audit.corpus import EXPORT, NOT_PROVED, PROVED, UNUSABLE, Case, corpus, fingerprint, write

CODES = {PROVED: 0, NOT_PROVED: 1, UNUSABLE: 2}
FEWEST = 220
FEWEST_OF_A_VERDICT = 60
Written = list[tuple[Case, Path, Path | None, Path | None]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return write(tmp_path_factory.mktemp("corpus"))


def test_the_corpus_is_large_and_the_same_in_every_run() -> None:
    cases = corpus()
    assert len(cases) >= FEWEST
    assert len({case.name for case in cases}) == len(cases)
    assert min(Counter(case.verdict for case in cases).values()) >= FEWEST_OF_A_VERDICT
    assert fingerprint(cases) == fingerprint(corpus())


def test_the_command_gives_every_case_its_verdict(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {}
    for case, path, policy, document in written:
        arguments = ["verify", str(path)]
        arguments += [] if case.key is None else [f"--key={case.key}"]
        arguments += [] if policy is None else ["--policy", str(policy)]
        arguments += [] if document is None else ["--document", str(document)]
        if (code := main(arguments)) != CODES[case.verdict]:
            wrong[case.name] = (code, case.verdict)
        said = capsys.readouterr()
        assert all(line == "" or line.isprintable() for line in (said.out + said.err).splitlines())
    assert wrong == {}


def test_the_reader_of_tiles_gives_every_export_its_verdict(
    written: Written,
) -> None:
    exports = [row for row in written if row[0].kind == EXPORT and row[0].verdict != UNUSABLE]
    assert len(exports) >= FEWEST_OF_A_VERDICT
    for case, path, policy, _ in exports:
        key = None if case.key is None else parse_verifier_key(case.key)
        read = None if policy is None else parse_policy(policy.read_bytes())
        if case.verdict == PROVED:
            verify_tiles(path, key, read)
        else:
            with pytest.raises(EvidenceError):
                verify_tiles(path, key, read)


def test_an_export_gets_the_same_verdict_as_a_folder(written: Written, tmp_path: Path) -> None:
    for case, path, policy, _ in written:
        if case.kind != EXPORT or case.verdict == UNUSABLE or policy is None:
            continue
        folder = tmp_path / case.name
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        arguments = ["verify", str(folder), "--policy", str(policy)]
        arguments += [] if case.key is None else [f"--key={case.key}"]
        assert (case.name, main(arguments)) == (case.name, CODES[case.verdict])
