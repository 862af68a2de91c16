"""Our log and our witness against programs that others wrote: see `peers.py` for how they are had."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from audit.cosignature import cosignatures_of, with_signatures
from audit.errors import WitnessRefusedError
from audit.log import AuditLog
from audit.note import parse_note
from audit.witness_client import ask_witness
from tests.audit import peers as peers_module
from tests.audit.peer_questions import FORK, OURS, ask_of, fixed_witness, judge, steps_of_a_client
from tests.audit.peers import PEER_NAME, Peers, RecordedPeers, require_peers
from tests.audit.witness_parts import LOG_KEY, Clock, served


@pytest.fixture(params=["recorded", "running"])
def peers(request: pytest.FixtureRequest) -> Peers:
    return RecordedPeers() if request.param == "recorded" else require_peers()


def test_without_python_3_12_the_record_stands_for_the_peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_module, "ENVIRONMENT", tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTHON312", str(tmp_path / "nowhere"))
    for name in ("python3.12", "python3"):
        (tmp_path / name).symlink_to("/bin/false")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert isinstance(require_peers(), RecordedPeers)


def test_with_python_3_12_and_without_the_peers_nothing_passes_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers_module, "ENVIRONMENT", tmp_path)
    monkeypatch.setenv("PYTHON312", "/bin/true")  # says yes to every question that the script asks of a Python
    with pytest.raises(AssertionError, match=r"run tools/make_peer_environment\.sh first"):
        require_peers()


def test_their_library_verifies_our_checkpoints_and_proofs_and_refuses_what_we_refuse(
    peers: Peers, log: AuditLog[Connection], engine: Engine
) -> None:
    questions = ask_of(log, engine)
    expected = [question["good"] for question in questions]
    assert [judge(question) for question in questions] == expected
    assert peers.judge(questions) == expected
    assert (len(questions), sum(expected)) == (186, 28)


def test_their_witness_cosigns_our_log_as_it_grows_and_refuses_a_fork(peers: Peers, tmp_path: Path) -> None:
    with peers.witness(tmp_path, LOG_KEY) as at:
        for old, size in ((0, 5), (5, 11)):
            cosigned = ask_witness(at.url, at.key, OURS.signed(size), OURS.proof, old, 60, now=Clock(at.now))
            note = parse_note(with_signatures(OURS.signed(size), [cosigned.line]))
            assert cosignatures_of(note, [at.key]) == {PEER_NAME: cosigned.time}
        for size, kind in ((11, "fork"), (15, "inconsistent")):
            with pytest.raises(WitnessRefusedError) as refused:
                ask_witness(at.url, at.key, FORK.signed(size), FORK.proof, 11, 60, now=Clock(at.now))
            assert refused.value.kind == kind
        with pytest.raises(WitnessRefusedError) as refused:
            ask_witness(at.url, at.key, OURS.signed(7), OURS.proof, 5, 60, now=Clock(at.now))
        assert (refused.value.kind, refused.value.size) == ("ahead", 11)


def test_our_witness_serves_their_client(peers: Peers, tmp_path: Path) -> None:
    steps, expected = steps_of_a_client()
    with served(fixed_witness(tmp_path / "w1")) as at:
        outcomes = peers.feed(at.url, at.key, steps)
    assert ["cosigned" if each.startswith("\u2014 ") else each for each in outcomes] == expected
    for step, outcome in zip(steps, outcomes, strict=True):
        if outcome.startswith("\u2014 "):
            assert cosignatures_of(parse_note(with_signatures(step["note"], [outcome])), [at.key])
