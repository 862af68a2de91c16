"""Every status of c2sp.org/tlog-witness, the order of the rules, and what is kept of what was refused."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.cosignature import cosignatures_of, with_signatures
from audit.merkle import EMPTY_ROOT
from audit.note import VerifierKey, parse_note, sign_note
from audit.witness import answer, state
from audit.witness.answer import Witness
from audit.witness.errors import RequestRefusedError
from audit.witness.request import format_request
from audit.witness.state import TrustedLog
from tests.audit.example_log import FixedSigner
from tests.audit.witness_parts import (
    LOG_KEY,
    LOG_SIGNER,
    NAME,
    NOW,
    PREFIX,
    STRANGER,
    Clock,
    ExampleLog,
    make_witness,
    reopen,
    state_in,
)

LOG = ExampleLog()
FORK = ExampleLog("two", fork_at=3)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def witness(tmp_path: Path, clock: Clock) -> Witness:
    return make_witness(tmp_path / "w1", clock)


def grown(witness: Witness, *sizes: int) -> Witness:
    old = 0
    for size in sizes:
        witness.add_checkpoint(LOG.request(old, size))
        old = size
    return witness


def refusal(witness: Witness, body: bytes) -> tuple[int, int | None]:
    with pytest.raises(RequestRefusedError) as refused:
        witness.add_checkpoint(body)
    return int(refused.value.status), refused.value.size


def held(witness: Witness) -> list[tuple[str, int, bytes]]:
    return [(each.origin, each.size, each.root) for each in witness._state.latest()]


def test_a_growing_log_is_cosigned_step_by_step(witness: Witness) -> None:
    for old, new in ((0, 5), (5, 11), (11, 11), (11, 12)):
        cosigned = witness.add_checkpoint(LOG.request(old, new))
        note = parse_note(with_signatures(LOG.signed(new), [cosigned.line]))
        assert cosignatures_of(note, [witness.key]) == {NAME: NOW}
        assert held(witness) == [(LOG.origin, new, LOG.root(new))]


def test_the_state_of_an_empty_log_is_cosigned_and_grows(witness: Witness) -> None:
    witness.add_checkpoint(LOG.request(0, 0))
    assert held(witness) == [(LOG.origin, 0, EMPTY_ROOT)]
    witness.add_checkpoint(LOG.request(0, 7))
    assert held(witness) == [(LOG.origin, 7, LOG.root(7))]


def test_the_same_state_is_cosigned_again_with_a_later_time(witness: Witness, clock: Clock) -> None:
    first = grown(witness, 5).add_checkpoint(LOG.request(5, 5))
    clock.now += 100
    second = witness.add_checkpoint(LOG.request(5, 5))
    times = [
        cosignatures_of(parse_note(with_signatures(LOG.signed(5), [each.line])), [witness.key])[NAME]
        for each in (first, second)
    ]
    assert times == [NOW, NOW + 100]


def test_an_unknown_origin_is_404(witness: Witness) -> None:
    assert refusal(witness, ExampleLog(origin="elsewhere.example/log").request(0, 5)) == (404, None)
    assert held(witness) == []


@pytest.mark.parametrize("origin", [PREFIX + "2", PREFIX[:-1], PREFIX + "./x", "x/" + PREFIX + "/y"])
def test_below_means_below_and_not_beside(witness: Witness, origin: str) -> None:
    assert refusal(witness, ExampleLog(origin=origin).request(0, 5)) == (404, None)


@pytest.mark.parametrize("origin", [PREFIX, PREFIX + "/service", PREFIX + "/a/b"])
def test_every_log_below_a_trusted_name_is_followed_by_itself(witness: Witness, origin: str) -> None:
    grown(witness, 5)
    witness.add_checkpoint(ExampleLog("two", origin=origin).request(0, 7))
    assert {each[:2] for each in held(witness)} == {(LOG.origin, 5), (origin, 7)}


def test_without_below_one_origin_is_followed(tmp_path: Path) -> None:
    witness = make_witness(tmp_path / "w1", below=False)
    grown(witness, 5)
    assert refusal(witness, ExampleLog(origin=LOG.origin + "/more").request(0, 5)) == (404, None)


def test_a_signature_of_an_unknown_key_is_403(witness: Witness) -> None:
    assert refusal(witness, ExampleLog(signer=STRANGER).request(0, 5)) == (403, None)
    assert held(witness) == []


def test_a_false_signature_of_the_trusted_key_is_403(witness: Witness) -> None:
    signature = LOG.signed(4).split("\n\n")[1]
    note = LOG.signed(5).split("\n\n")[0] + "\n\n" + signature
    assert refusal(witness, format_request(0, (), note)) == (403, None)


def test_signatures_of_unknown_keys_beside_the_trusted_one_are_ignored(witness: Witness) -> None:
    stranger = ExampleLog(origin="elsewhere.example", signer=STRANGER).signed(5).split("\n\n")[1]
    witness.add_checkpoint(format_request(0, (), LOG.signed(5) + stranger))
    assert held(witness) == [(LOG.origin, 5, LOG.root(5))]


def test_a_second_key_of_one_log_is_trusted_beside_the_first(tmp_path: Path, witness: Witness) -> None:
    successor = FixedSigner(7)
    state_in(tmp_path / "w1").trust(TrustedLog(VerifierKey(LOG.origin, successor.public_key_bytes), below=False))
    grown(witness, 5)
    witness.add_checkpoint(ExampleLog(signer=successor).request(5, 9))
    assert held(witness) == [(LOG.origin, 9, LOG.root(9))]


def test_an_old_size_beyond_the_checkpoint_is_400(witness: Witness) -> None:
    grown(witness, 11)
    assert refusal(witness, format_request(11, (), LOG.signed(5))) == (400, None)


def test_an_unsigned_request_learns_nothing_of_what_is_followed(witness: Witness) -> None:
    grown(witness, 11)
    assert refusal(witness, format_request(11, (), ExampleLog(signer=STRANGER).signed(5))) == (403, None)


@pytest.mark.parametrize(("old", "new"), [(0, 5), (0, 12), (5, 11), (10, 12), (11, 11)])
def test_another_old_size_than_the_cosigned_one_is_409_with_that_size(witness: Witness, old: int, new: int) -> None:
    grown(witness, 6)
    assert refusal(witness, LOG.request(old, new)) == (409, 6)
    assert held(witness) == [(LOG.origin, 6, LOG.root(6))]


def test_an_old_size_where_nothing_was_cosigned_is_409_with_zero(witness: Witness) -> None:
    assert refusal(witness, LOG.request(5, 11)) == (409, 0)


def test_another_root_at_the_cosigned_size_is_409(witness: Witness) -> None:
    grown(witness, 5)
    assert refusal(witness, FORK.request(5, 5)) == (409, 5)
    assert held(witness) == [(LOG.origin, 5, LOG.root(5))]


def test_another_root_of_the_empty_log_is_409(witness: Witness) -> None:
    note = LOG.signed(0).replace("47DEQpj8HBSa", "47DEQpj8HBSb")
    text = note.split("\n\n")[0] + "\n"
    assert refusal(witness, format_request(0, (), sign_note(text, LOG.origin, LOG_SIGNER))) == (409, 0)


def test_a_history_that_forks_is_422(witness: Witness) -> None:
    grown(witness, 5)
    assert refusal(witness, FORK.request(5, 11)) == (422, None)
    assert held(witness) == [(LOG.origin, 5, LOG.root(5))]


PROOF = LOG.proof(5, 11)
WRONG_PROOFS = {
    "empty": (),
    "first-dropped": PROOF[1:],
    "last-dropped": PROOF[:-1],
    "reversed": PROOF[::-1],
    "one-more": (*PROOF, b"h" * 32),
    "bit-flipped": (bytes([PROOF[0][0] ^ 1]) + PROOF[0][1:], *PROOF[1:]),
    "of-other-sizes": LOG.proof(4, 11),
}


@pytest.mark.parametrize("mutation", WRONG_PROOFS)
def test_a_wrong_proof_is_422(witness: Witness, mutation: str) -> None:
    grown(witness, 5)
    assert refusal(witness, format_request(5, WRONG_PROOFS[mutation], LOG.signed(11))) == (422, None)
    assert held(witness) == [(LOG.origin, 5, LOG.root(5))]


@pytest.mark.parametrize(("old", "new"), [(0, 5), (5, 5)])
def test_a_proof_where_none_belongs_is_422(witness: Witness, old: int, new: int) -> None:
    if old:
        grown(witness, old)
    assert refusal(witness, format_request(old, (b"h" * 32,), LOG.signed(new))) == (422, None)


def test_a_smaller_tree_is_never_cosigned_after_a_larger_one(witness: Witness) -> None:
    grown(witness, 5, 11)
    assert refusal(witness, LOG.request(5, 7)) == (409, 11)
    assert refusal(witness, LOG.request(7, 7)) == (409, 11)
    assert refusal(witness, LOG.request(0, 7)) == (409, 11)


def test_a_clock_set_back_a_little_gives_the_last_time_again(witness: Witness, clock: Clock) -> None:
    grown(witness, 5)
    clock.now -= 60
    line = witness.add_checkpoint(LOG.request(5, 6)).line
    assert cosignatures_of(parse_note(with_signatures(LOG.signed(6), [line])), [witness.key]) == {NAME: NOW}


def test_a_clock_set_back_far_stops_the_witness_and_changes_nothing(witness: Witness, clock: Clock) -> None:
    grown(witness, 5)
    clock.now -= 61
    assert refusal(witness, LOG.request(5, 6)) == (503, None)
    assert held(witness) == [(LOG.origin, 5, LOG.root(5))]
    clock.now += 61
    assert witness.add_checkpoint(LOG.request(5, 6)).size == 6


def test_two_signed_roots_of_one_size_are_kept_with_what_was_held(witness: Witness) -> None:
    grown(witness, 5)
    for request in (FORK.request(5, 5), FORK.request(0, 5), FORK.request(5, 5)):
        refusal(witness, request)
    (kept,) = witness._state.refused()
    assert (kept.kind, kept.size, kept.note, kept.held) == ("fork", 5, FORK.signed(5), LOG.signed(5))


def test_a_state_without_a_proof_is_kept_as_that_and_no_more(witness: Witness) -> None:
    grown(witness, 5)
    refusal(witness, format_request(5, (), LOG.signed(11)))
    assert [(kept.kind, kept.size) for kept in witness._state.refused()] == [("unproved", 11)]


@pytest.mark.parametrize(
    "request_body",
    [
        LOG.request(4, 5),
        LOG.request(0, 5),
        ExampleLog(signer=STRANGER).request(5, 5),
        format_request(5, (b"h" * 32,), LOG.signed(5)),
    ],
    ids=["behind", "from-zero", "unsigned", "superfluous-proof"],
)
def test_what_proves_nothing_is_not_kept(witness: Witness, request_body: bytes) -> None:
    grown(witness, 5)
    refusal(witness, request_body)
    assert witness._state.refused() == []


def test_refused_states_are_kept_up_to_a_bound_and_unproved_ones_leave_room_for_forks(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "MOST_KEPT_PER_LOG", 3)
    grown(witness, 5)
    for size in range(6, 12):
        refusal(witness, format_request(5, (), FORK.signed(size)))
    refusal(witness, FORK.request(5, 5))
    kinds = [kept.kind for kept in witness._state.refused()]
    assert sorted(kinds) == ["fork", "unproved", "unproved", "unproved"]


def test_one_key_cannot_make_a_witness_follow_logs_without_end(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "MOST_LOGS", 1)
    grown(witness, 5)
    other = ExampleLog(origin=PREFIX + "/another")
    assert refusal(witness, other.request(0, 5)) == (507, None)
    assert witness.add_checkpoint(LOG.request(5, 6)).size == 6


def test_nothing_is_cosigned_when_the_state_cannot_be_committed(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(witness, 5)

    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(answer, "advance", refuse)
    with pytest.raises(sqlite3.OperationalError):
        witness.add_checkpoint(LOG.request(5, 11))
    monkeypatch.undo()
    assert held(witness) == [(LOG.origin, 5, LOG.root(5))]
    assert witness.add_checkpoint(LOG.request(5, 11)).size == 11


def test_a_cosignature_that_fails_after_the_commit_is_had_by_asking_again(
    tmp_path: Path, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> str:
        raise OSError("the signer is gone")

    monkeypatch.setattr(answer, "cosign", refuse)
    with pytest.raises(OSError, match="the signer is gone"):
        witness.add_checkpoint(LOG.request(0, 5))
    monkeypatch.undo()
    again = reopen(tmp_path / "w1")
    assert refusal(again, FORK.request(0, 5)) == (409, 5)
    assert again.add_checkpoint(LOG.request(5, 5)).size == 5


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_whatever_is_asked_in_whatever_order_the_cosigned_states_are_one_history(
    tmp_path_factory: pytest.TempPathFactory, asks: list[tuple[bool, int, int]]
) -> None:
    witness = make_witness(tmp_path_factory.mktemp("witness") / "w1")
    cosigned: list[tuple[ExampleLog, int]] = []
    for forked, old, new in asks:
        log = FORK if forked else LOG
        try:
            witness.add_checkpoint(log.request(min(old, new), new))
        except RequestRefusedError:
            continue
        cosigned.append((log, new))
    assert [size for _, size in cosigned] == sorted(size for _, size in cosigned)
    assert len({log.history for log, size in cosigned if size > FORK.fork_at}) <= 1


def test_the_key_of_the_log_below_a_prefix_is_the_prefix_key_under_the_origin() -> None:
    prefix = TrustedLog(VerifierKey(PREFIX, LOG_SIGNER.public_key_bytes), below=True)
    assert answer.keys_for(LOG_KEY.name, [prefix]) == [LOG_KEY]
