"""`python -m audit witness`: what its keeper sees, from the first command to the last."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from audit.__main__ import main
from audit.errors import WitnessRefusedError
from audit.note import COSIGNER, VerifierKey, parse_verifier_key
from audit.witness.folder import create_folder
from audit.witness.state import TrustedLog
from audit.witness_client import ask_witness
from tests.audit.witness_parts import LOG_SIGNER, NAME, PREFIX, Clock, ExampleLog, make_witness, reopen, state_in

ROOT = Path(__file__).resolve().parents[2]
VKEY = str(VerifierKey(PREFIX, LOG_SIGNER.public_key_bytes))
LOG, FORK = ExampleLog(), ExampleLog("two", fork_at=3)


@contextmanager
def serving(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The command as its keeper runs it, and the address that it says it answers on."""
    process = subprocess.Popen(
        [sys.executable, "-m", "audit", "witness", "serve", str(folder), "--bind", "127.0.0.1:0"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            found = re.search(r"(http://127\.0\.0\.1:\d+)/add-checkpoint", said)
            assert found, said
            yield process, found[1]
        finally:
            process.kill()


def test_two_commands_make_a_witness_that_cosigns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "w1"
    assert main(["witness", "init", str(folder), "--name", NAME]) == 0
    key = parse_verifier_key(capsys.readouterr().out.strip(), COSIGNER)
    assert main(["witness", "trust", str(folder), VKEY, "--below"]) == 0
    with serving(folder) as (process, url):
        for known, size in ((0, 5), (5, 11)):
            assert ask_witness(url, key, LOG.signed(size), LOG.proof, known, 60).size == size
        with pytest.raises(WitnessRefusedError):
            ask_witness(url, key, FORK.signed(12), FORK.proof, 11, 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read().endswith("Stopped.\n")
    with serving(folder) as (_, url):
        assert ask_witness(url, key, LOG.signed(12), LOG.proof, 11, 60).size == 12


@pytest.mark.parametrize("given", [VKEY, str(VerifierKey(PREFIX + "/service", LOG_SIGNER.public_key_bytes))])
@pytest.mark.parametrize("prefix", [PREFIX, PREFIX + "/"])
def test_the_key_of_any_log_of_a_service_will_do_to_follow_them_all(tmp_path: Path, given: str, prefix: str) -> None:
    create_folder(tmp_path / "w1", NAME)
    assert main(["witness", "trust", str(tmp_path / "w1"), given, "--below", prefix]) == 0
    assert state_in(tmp_path / "w1").trusted() == [TrustedLog(parse_verifier_key(VKEY), below=True)]
    assert reopen(tmp_path / "w1").add_checkpoint(LOG.request(0, 5)).size == 5


@pytest.mark.parametrize("prefix", ["exchange.example.org/lo", "elsewhere.example", PREFIX + "/service/more", "/"])
def test_a_key_is_trusted_below_no_name_but_its_own_beginning(tmp_path: Path, prefix: str) -> None:
    create_folder(tmp_path / "w1", NAME)
    key = str(VerifierKey(PREFIX + "/service", LOG_SIGNER.public_key_bytes))
    assert main(["witness", "trust", str(tmp_path / "w1"), key, "--below", prefix]) == 2
    assert state_in(tmp_path / "w1").trusted() == []


def test_a_log_trusted_while_the_witness_runs_is_followed_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "w1"
    main(["witness", "init", str(folder), "--name", NAME])
    key = parse_verifier_key(capsys.readouterr().out.strip(), COSIGNER)
    with serving(folder) as (_, url):
        with pytest.raises(WitnessRefusedError) as error:
            ask_witness(url, key, LOG.signed(5), LOG.proof, 0, 60)
        assert error.value.kind == "unknown-log"
        main(["witness", "trust", str(folder), VKEY, "--below"])
        assert ask_witness(url, key, LOG.signed(5), LOG.proof, 0, 60).size == 5


def test_the_status_names_what_is_followed_how_far_and_what_was_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    witness = make_witness(tmp_path / "w1")
    assert main(["witness", "status", str(tmp_path / "w1")]) == 0
    assert "Nothing refused" in capsys.readouterr().out
    witness.add_checkpoint(LOG.request(0, 5))
    for request in (FORK.request(5, 5), FORK.request(5, 11)):
        with pytest.raises(Exception, match=r"root hash|proof"):
            witness.add_checkpoint(request)
    assert main(["witness", "status", str(tmp_path / "w1")]) == 0
    shown = capsys.readouterr().out
    assert str(witness.key) in shown
    assert f"{VKEY}  and every log below" in shown
    assert f"2026-03-02T09:00:00Z             5  {LOG.origin}\n" in shown
    assert re.search(rf"  5  {LOG.origin}  the log signed TWO ROOT HASHES", shown)
    assert re.search(rf" 11  {LOG.origin}  signed, but sent without a proof", shown)
    assert LOG.signed(5) not in shown


def test_the_status_prints_both_notes_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    witness = make_witness(tmp_path / "w1")
    witness.add_checkpoint(LOG.request(0, 5))
    with pytest.raises(Exception, match="root hash"):
        witness.add_checkpoint(FORK.request(5, 5))
    main(["witness", "status", str(tmp_path / "w1"), "--notes"])
    shown = capsys.readouterr().out
    assert LOG.signed(5) in shown
    assert FORK.signed(5) in shown


def test_the_status_says_when_a_cosignature_lies_ahead_of_the_clock(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    far = Clock(4_000_000_000)
    make_witness(tmp_path / "w1", far).add_checkpoint(LOG.request(0, 5))
    main(["witness", "status", str(tmp_path / "w1")])
    assert "AHEAD OF THE CLOCK" in capsys.readouterr().out


def test_an_origin_cannot_write_over_the_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_witness(tmp_path / "w1").add_checkpoint(ExampleLog(origin=PREFIX + "/\u202e\x7f\x9b2J").request(0, 5))
    main(["witness", "status", str(tmp_path / "w1")])
    assert not set("\u202e\x7f\x9b") & set(capsys.readouterr().out)


@pytest.mark.parametrize(
    "arguments",
    [
        ["init", "FOLDER", "--name", NAME],
        ["init", "NEW", "--name", "a name with spaces"],
        ["init", "NEW", "--name", "plus+plus"],
        ["trust", "FOLDER", "not a key"],
        ["trust", "FOLDER", "COSIGNER"],
        ["trust", "NEW", VKEY],
        ["serve", "NEW"],
        ["serve", "FOLDER", "--bind", "8700"],
        ["serve", "FOLDER", "--bind", "127.0.0.1:99999"],
        ["serve", "FOLDER", "--bind", "127.0.0.1:x"],
        ["serve", "FOLDER", "--bind", "192.0.2.1:0"],
        ["status", "NEW"],
        ["status", "FILE"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    witness = make_witness(tmp_path / "w1")
    (tmp_path / "file").write_text("")
    named = {"FOLDER": tmp_path / "w1", "NEW": tmp_path / "new", "FILE": tmp_path / "file", "COSIGNER": witness.key}
    assert main(["witness", *(str(named.get(each, each)) for each in arguments)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert not (tmp_path / "new" / "key.pem").exists()


def test_no_command_begins_a_witness_where_there_is_none(tmp_path: Path) -> None:
    for act in (["serve"], ["status"], ["trust"]):
        main(["witness", *act, str(tmp_path / "new"), *([VKEY] if act == ["trust"] else [])])
    assert list(tmp_path.iterdir()) == []
