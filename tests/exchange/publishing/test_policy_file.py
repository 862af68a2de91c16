"""The file of witnesses is read at the start, and refused with everything that is wrong in it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.note import COSIGNER, VerifierKey
from config.settings import Settings, SettingsError
from exchange.parts import Parts, join_parts
from exchange.publishing.policy_file import load_policy


def key(number: int, name: str = "") -> str:
    return str(VerifierKey(name or f"w{number}.example", bytes([number]) * 32, COSIGNER))


LOG = str(VerifierKey("exchange.example.org/log/service", bytes(32)))
GOOD = f"""\
# whom we ask
log {LOG}
witness w1 {key(1)} https://w1.example/prefix
witness w2 {key(2)} http://127.0.0.1:8001
group both all w1 w2
quorum both
"""


def settings_for(tmp_path: Path, content: str) -> Settings:
    path = tmp_path / "policy"
    path.write_text(content)
    return Settings(example=True, data_folder=tmp_path / "data", witness_policy_file=path)


def problems(tmp_path: Path, content: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        load_policy(settings_for(tmp_path, content))
    assert all(problem.startswith("EXCHANGE_WITNESS_POLICY_FILE: ") for problem in refused.value.problems)
    return refused.value.problems


def test_a_good_file_names_the_witnesses_and_what_it_says_of_logs_is_for_its_readers(tmp_path: Path) -> None:
    policy = load_policy(settings_for(tmp_path, GOOD))
    assert policy is not None
    assert [(one.name, one.url) for one in policy.witnesses] == [
        ("w1", "https://w1.example/prefix"),
        ("w2", "http://127.0.0.1:8001"),
    ]
    assert (policy.logs, policy.quorum) == ((), "both")


def test_no_file_names_no_witness(tmp_path: Path) -> None:
    assert load_policy(Settings(example=True, data_folder=tmp_path)) is None


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        f"witness w1 {key(1)}\nwitness w2 {key(2)} ftp://w2.example\nwitness w3 {key(3, 'w1.example')} https://h\n"
        f"witness w4 {key(4)} https://user@h\nquorum none\n",
    )
    assert [problem.partition(": ")[2] for problem in found] == [
        "the witness w1 has no URL, so it cannot be asked",
        "the URL of the witness w2 is not http(s)://HOST[:PORT][/PREFIX]",
        "the URL of the witness w4 is not http(s)://HOST[:PORT][/PREFIX]",
        "two witnesses have keys of the name w1.example",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "exactly one quorum"),
        ("quorum none\n", "names no witness"),
        (GOOD.replace("quorum both\n", "quorum three\n"), "Line 6"),
        (GOOD[:-1], "The last does not|the last does not"),
        (GOOD.replace("all w1 w2", "3 w1 w2"), "Line 5"),
    ],
)
def test_a_file_that_is_no_policy_is_refused(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_policy(settings_for(tmp_path, content))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    settings = Settings(example=True, data_folder=tmp_path, witness_policy_file=tmp_path / "none")
    with pytest.raises(SettingsError, match="No such file"):
        load_policy(settings)


def test_the_service_does_not_start_with_a_policy_that_it_cannot_use(parts: Parts, tmp_path: Path) -> None:
    path = tmp_path / "policy"
    path.write_text("quorum none\n")
    given: Any = replace(parts).settings.model_dump() | {"witness_policy_file": path}
    with pytest.raises(SettingsError, match="names no witness"):
        join_parts(Settings(**given), parts.clock)
