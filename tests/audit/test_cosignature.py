import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from audit.cosignature import COSIGNER, cosign, cosignatures_of, cosigned_at, with_signatures
from audit.errors import NoteError
from audit.merkle import EMPTY_ROOT
from audit.note import VerifierKey, parse_note, parse_verifier_key, verify_note
from tests.audit.example_log import ORIGIN, FixedSigner

LOG, WITNESS, STRANGER = FixedSigner(), FixedSigner(32), FixedSigner(64)
LOG_KEY = VerifierKey(ORIGIN, LOG.public_key_bytes)
NAME = "witness.example.org/w1"
KEY = VerifierKey(NAME, WITNESS.public_key_bytes, COSIGNER)
CHECKPOINT = Checkpoint(ORIGIN, 7, EMPTY_ROOT)
NOTE = sign_checkpoint(CHECKPOINT, LOG)
TIME = 1_772_442_000
LINE = cosign(CHECKPOINT.text(), NAME, WITNESS, TIME)
COSIGNED = NOTE + LINE


def test_a_cosigned_checkpoint_says_who_saw_it_and_when() -> None:
    assert cosignatures_of(parse_note(COSIGNED), [KEY]) == {NAME: TIME}


def test_the_cosignature_is_of_the_published_form() -> None:
    mark, name, encoded = LINE.removesuffix("\n").split(" ")
    raw = base64.b64decode(encoded)
    assert (mark, name, len(raw)) == ("\u2014", NAME, 4 + 8 + 64)
    assert raw[:12] == KEY.key_id + TIME.to_bytes(8, "big")
    assert raw[12:] == WITNESS.sign(
        f"cosignature/v1\ntime {TIME}\n{ORIGIN}\n7\n".encode() + NOTE.split("\n")[2].encode() + b"\n"
    )


def test_a_cosignature_leaves_the_signature_of_the_log_as_it_is() -> None:
    assert open_checkpoint(COSIGNED, LOG_KEY) == CHECKPOINT


def test_a_cosignature_never_passes_for_the_signature_of_a_log() -> None:
    with pytest.raises(NoteError):
        verify_note(parse_note(COSIGNED), [VerifierKey(NAME, WITNESS.public_key_bytes)])
    with pytest.raises(NoteError):
        verify_note(parse_note(COSIGNED), [KEY])


def test_the_signature_of_a_log_never_passes_for_a_cosignature() -> None:
    assert cosigned_at(parse_note(NOTE), [VerifierKey(ORIGIN, LOG.public_key_bytes, COSIGNER), LOG_KEY]) == {}


def test_a_cosigner_nobody_knows_is_ignored() -> None:
    assert cosignatures_of(parse_note(COSIGNED), []) == {}
    assert cosignatures_of(parse_note(COSIGNED), [VerifierKey(NAME, STRANGER.public_key_bytes, COSIGNER)]) == {}


def test_of_two_cosignatures_by_one_witness_the_later_counts() -> None:
    later = cosign(CHECKPOINT.text(), NAME, WITNESS, TIME + 60)
    for lines in (LINE + later, later + LINE):
        assert cosignatures_of(parse_note(NOTE + lines), [KEY]) == {NAME: TIME + 60}


def test_two_cosigners_of_one_name_cannot_be_told_apart_by_it() -> None:
    with pytest.raises(NoteError, match="same name"):
        cosignatures_of(parse_note(COSIGNED), [KEY, VerifierKey(NAME, STRANGER.public_key_bytes, COSIGNER)])


@given(st.integers(0, len(LINE.encode()) * 8 - 1))
def test_a_flipped_bit_in_a_cosignature_is_refused_or_makes_it_somebody_elses(bit: int) -> None:
    raw = bytearray(LINE.encode())
    raw[bit // 8] ^= 1 << bit % 8
    try:
        found = cosignatures_of(parse_note(NOTE.encode() + raw), [KEY])
    except NoteError:
        return
    assert found == {}


@given(st.integers(0, 63))
def test_another_time_than_the_one_signed_is_refused(bit: int) -> None:
    raw = bytearray(base64.b64decode(LINE.split(" ")[2]))
    raw[4 + bit // 8] ^= 1 << bit % 8
    with pytest.raises(NoteError):
        cosignatures_of(parse_note(f"{NOTE}\u2014 {NAME} {base64.b64encode(raw).decode()}\n"), [KEY])


def test_a_cosignature_of_another_checkpoint_is_refused() -> None:
    other = cosign(Checkpoint(ORIGIN, 6, EMPTY_ROOT).text(), NAME, WITNESS, TIME)
    with pytest.raises(NoteError):
        cosignatures_of(parse_note(NOTE + other), [KEY])


@pytest.mark.parametrize("time", [-1, 2**63])
def test_a_time_out_of_range_is_not_cosigned(time: int) -> None:
    with pytest.raises(NoteError):
        cosign(CHECKPOINT.text(), NAME, WITNESS, time)


@pytest.mark.parametrize("time", [0, 2**63 - 1])
def test_the_first_and_the_last_time_are_cosigned(time: int) -> None:
    assert cosignatures_of(parse_note(NOTE + cosign(CHECKPOINT.text(), NAME, WITNESS, time)), [KEY]) == {NAME: time}


@pytest.mark.parametrize("text", ["", "words\n", CHECKPOINT.text() + "\n", CHECKPOINT.text()[:-1]])
def test_only_a_checkpoint_is_cosigned(text: str) -> None:
    with pytest.raises(NoteError):
        cosign(text, NAME, WITNESS, TIME)


def test_a_cosigners_key_round_trips_as_text_and_is_read_for_nothing_else() -> None:
    assert parse_verifier_key(str(KEY), COSIGNER) == KEY
    with pytest.raises(NoteError):
        parse_verifier_key(str(KEY))
    with pytest.raises(NoteError):
        parse_verifier_key(str(LOG_KEY), COSIGNER)
    assert KEY.key_id != VerifierKey(NAME, WITNESS.public_key_bytes).key_id


def test_there_is_no_key_of_another_kind() -> None:
    with pytest.raises(NoteError):
        VerifierKey(NAME, WITNESS.public_key_bytes, 6)


def test_signature_lines_are_added_once() -> None:
    once = with_signatures(NOTE, [LINE, LINE])
    assert once == COSIGNED
    assert with_signatures(once, [LINE]) == COSIGNED
    assert with_signatures(NOTE, []) == NOTE


@pytest.mark.parametrize("line", ["", "\n", "words\n", LINE[:-1], LINE + LINE, "\n" + LINE, LINE + "\n", "\u2014 \n"])
def test_what_is_no_signature_line_is_not_added(line: str) -> None:
    with pytest.raises(NoteError):
        with_signatures(NOTE, [line])
