import pytest

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.cosignature import COSIGNER, cosign
from audit.errors import NoteError, PolicyError, QuorumError
from audit.merkle import EMPTY_ROOT
from audit.note import Note, VerifierKey, parse_note
from audit.policy import Policy, PolicyGroup, PolicyLog, PolicyWitness, parse_policy
from tests.audit.example_log import ORIGIN, FixedSigner

LOG = FixedSigner()
LOG_KEY = VerifierKey(ORIGIN, LOG.public_key_bytes)
SIGNERS = {name: FixedSigner(32 + 8 * number) for number, name in enumerate(["X1", "X2", "X3", "Y1", "Y2"])}
KEYS = {
    name: VerifierKey(f"{name.lower()}.example.org", signer.public_key_bytes, COSIGNER)
    for name, signer in SIGNERS.items()
}
WITNESSES = "".join(f"witness {name} {key}\n" for name, key in KEYS.items())
GROUPS = "group X 2 X1 X2 X3\ngroup Y any Y1 Y2\ngroup both all X Y\n"
TEXT = f"# Who must agree\n\nlog {LOG_KEY} https://exchange.example.org/log\n{WITNESSES}{GROUPS}quorum both\n"
CHECKPOINT = Checkpoint(ORIGIN, 7, EMPTY_ROOT)


def cosigned(*names: str) -> Note:
    note = sign_checkpoint(CHECKPOINT, LOG)
    for time, name in enumerate(names, 1_772_442_000):
        note += cosign(CHECKPOINT.text(), KEYS[name].name, SIGNERS[name], time)
    return parse_note(note)


def policy(text: str) -> Policy:
    return parse_policy(text.encode())


def test_a_policy_is_read() -> None:
    assert policy(TEXT) == Policy(
        (PolicyLog(LOG_KEY, "https://exchange.example.org/log"),),
        tuple(PolicyWitness(name, key) for name, key in KEYS.items()),
        (
            PolicyGroup("X", 2, ("X1", "X2", "X3")),
            PolicyGroup("Y", 1, ("Y1", "Y2")),
            PolicyGroup("both", 2, ("X", "Y")),
        ),
        "both",
    )


def test_the_quorum_says_who_saw_it_by_the_names_of_the_policy() -> None:
    seen = policy(TEXT).verify(cosigned("X1", "X3", "Y2"))
    assert seen == {"X1": 1_772_442_000, "X3": 1_772_442_001, "Y2": 1_772_442_002}


@pytest.mark.parametrize("names", [(), ("X1", "X2", "X3"), ("Y1", "Y2"), ("X1", "Y1", "Y2")])
def test_fewer_than_the_quorum_are_not_enough(names: tuple[str, ...]) -> None:
    with pytest.raises(QuorumError, match="quorum both"):
        policy(TEXT).verify(cosigned(*names))


def test_one_witness_can_be_the_quorum() -> None:
    one = policy(f"{WITNESSES}quorum X2\n")
    assert one.verify(cosigned("X2")).keys() == {"X2"}
    with pytest.raises(QuorumError):
        one.verify(cosigned("X1"))


def test_a_witness_that_signs_twice_counts_once() -> None:
    with pytest.raises(QuorumError):
        policy(f"{WITNESSES}group G 2 X1 X2\nquorum G\n").verify(cosigned("X1", "X1"))


def test_a_quorum_of_none_asks_for_no_witness_and_says_who_came() -> None:
    assert policy(f"{WITNESSES}quorum none\n").verify(cosigned("Y1")).keys() == {"Y1"}
    assert policy("quorum none\n").verify(cosigned("Y1")) == {}


def test_the_log_must_be_one_that_the_policy_names() -> None:
    other = VerifierKey("elsewhere.example", LOG.public_key_bytes)
    with pytest.raises(NoteError, match="does not name the log"):
        policy(f"log {other}\nquorum none\n").verify(cosigned())
    stranger = VerifierKey(ORIGIN, FixedSigner(1).public_key_bytes)
    with pytest.raises(NoteError):
        policy(f"log {stranger}\nquorum none\n").verify(cosigned())


def test_a_log_that_changed_its_key_may_be_named_under_both() -> None:
    stranger = VerifierKey(ORIGIN, FixedSigner(1).public_key_bytes)
    policy(f"log {stranger}\nlog {LOG_KEY}\nquorum none\n").verify(cosigned())


def test_a_false_cosignature_of_a_known_witness_refuses_even_with_the_quorum_there() -> None:
    false = cosign(Checkpoint(ORIGIN, 8, EMPTY_ROOT).text(), KEYS["Y1"].name, SIGNERS["Y1"], 1)
    note = sign_checkpoint(CHECKPOINT, LOG) + cosign(CHECKPOINT.text(), KEYS["X1"].name, SIGNERS["X1"], 1) + false
    with pytest.raises(NoteError, match=r"y1\.example\.org"):
        policy(f"{WITNESSES}quorum X1\n").verify(parse_note(note))


def test_what_is_signed_but_no_checkpoint_fits_no_policy() -> None:
    with pytest.raises(NoteError):
        policy("quorum none\n").verify(Note("words\n", ()))


def test_blanks_are_spaces_and_tabs_wherever_they_stand() -> None:
    spaced = TEXT.replace(" ", " \t ").replace("\n", " \t\n").replace("quorum", "\t quorum")
    assert policy(spaced) == policy(TEXT)


def test_names_are_bytes_and_nothing_is_normalised() -> None:
    kelvin, capital = f"witness \u212a {KEYS['X1']}\n", f"witness K {KEYS['X2']}\n"
    assert [witness.name for witness in policy(f"{kelvin}{capital}quorum K\n").witnesses] == ["\u212a", "K"]
    raw = b"witness \xff " + str(KEYS["X1"]).encode() + b"\nquorum \xff\n"
    assert parse_policy(raw).verify(cosigned("X1")).keys() == {"\udcff"}
    with pytest.raises(PolicyError):
        parse_policy(raw.replace(b"quorum \xff", b"quorum \xfe"))


def test_thirty_two_logs_witnesses_and_groups_fit() -> None:
    lines = []
    for number in range(32):
        key = FixedSigner(number).public_key_bytes
        lines += [f"log {VerifierKey(f'l{number}', key)}\n", f"witness w{number} {VerifierKey('w', key, COSIGNER)}\n"]
    lines += [f"group g{number} any w{number}\n" for number in range(32)]
    assert len(policy("".join([*lines, "quorum g31\n"])).groups) == 32


LINE = f"witness X1 {KEYS['X1']}\n"
BAD = {
    "empty": "",
    "quorum-missing": LINE,
    "quorum-twice": LINE + "quorum X1\nquorum X1\n",
    "quorum-undefined": LINE + "quorum X2\n",
    "quorum-before-its-witness": "quorum X1\n" + LINE,
    "quorum-without-name": LINE + "quorum\n",
    "quorum-of-two-names": WITNESSES + "quorum X1 X2\n",
    "last-newline-missing": LINE + "quorum X1",
    "carriage-returns": (LINE + "quorum X1\n").replace("\n", "\r\n"),
    "delete-character": "# \x7f\nquorum none\n",
    "null-character": "# \x00\nquorum none\n",
    "unknown-word": "trust X1\nquorum none\n",
    "word-in-capitals": "QUORUM none\n",
    "log-without-key": "log\nquorum none\n",
    "log-with-a-word-too-many": f"log {LOG_KEY} url more\nquorum none\n",
    "log-with-the-key-of-a-witness": f"log {KEYS['X1']}\nquorum none\n",
    "log-twice": f"log {LOG_KEY}\n" * 2 + "quorum none\n",
    "log-twice-under-two-names": f"log {LOG_KEY}\nlog {VerifierKey('other', LOG.public_key_bytes)}\nquorum none\n",
    "log-key-mistyped": f"log {str(LOG_KEY).replace('exchange', 'exchanger')}\nquorum none\n",
    "witness-with-the-key-of-a-log": f"witness X1 {LOG_KEY}\nquorum none\n",
    "witness-without-name": f"witness {KEYS['X1']}\nquorum none\n",
    "witness-twice": LINE + LINE + "quorum X1\n",
    "witness-key-under-two-names": LINE + LINE.replace(" X1", " X2") + "quorum X1\n",
    "witness-name-taken": LINE + f"witness X1 {KEYS['X2']}\nquorum X1\n",
    "witness-called-none": LINE.replace("X1", "none") + "quorum none\n",
    "witness-key-not-utf-8": LINE.replace("x1.", "\udcff."),
    "group-empty": LINE + "group G any\nquorum G\n",
    "group-of-nobody": LINE + "group G any X2\nquorum G\n",
    "group-of-itself": LINE + "group G any G\nquorum G\n",
    "group-of-none": LINE + "group G any none\nquorum G\n",
    "group-name-taken": LINE + "group X1 any X1\nquorum X1\n",
    "group-called-none": LINE + "group none any X1\nquorum none\n",
    "member-twice-in-a-group": LINE + "group G 1 X1 X1\nquorum G\n",
    "member-of-two-groups": WITNESSES + "group G any X1\ngroup H any X1 X2\nquorum H\n",
    "threshold-zero": LINE + "group G 0 X1\nquorum G\n",
    "threshold-beyond-the-members": LINE + "group G 2 X1\nquorum G\n",
    "threshold-with-leading-zero": LINE + "group G 01 X1\nquorum G\n",
    "threshold-negative": LINE + "group G -1 X1\nquorum G\n",
    "threshold-in-other-digits": LINE + "group G \u0661 X1\nquorum G\n",
    "threshold-missing": LINE + "group G X1\nquorum G\n",
    "too-many-lines": "\n" * 1000 + "quorum none\n",
    "too-long": "#" * 300_000 + "\nquorum none\n",
}


@pytest.mark.parametrize("mutation", BAD)
def test_a_malformed_policy_is_refused(mutation: str) -> None:
    with pytest.raises(PolicyError):
        parse_policy(BAD[mutation].encode("utf-8", "surrogateescape"))


def test_the_refusal_names_the_line() -> None:
    with pytest.raises(PolicyError, match="Line 3 of the policy: its name is taken"):
        policy(f"\n{LINE}witness X1 {KEYS['X2']}\nquorum X1\n")
