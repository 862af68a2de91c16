import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from audit.errors import NoteError
from audit.merkle import EMPTY_ROOT
from audit.note import MAX_NOTE_BYTES, VerifierKey, parse_note, parse_verifier_key, sign_note, verify_note
from tests.audit.example_log import ORIGIN, FixedSigner

SIGNER, STRANGER = FixedSigner(), FixedSigner(1)
KEY = VerifierKey(ORIGIN, SIGNER.public_key_bytes)
OTHER_KEY = VerifierKey("elsewhere.example", STRANGER.public_key_bytes)
TEXT = "One line\n\nand another after an empty one\n"
NOTE = sign_note(TEXT, ORIGIN, SIGNER)
SIGNATURE_LINE = NOTE.splitlines(keepends=True)[-1]
MARK, NAME, SIGNATURE = SIGNATURE_LINE.rstrip("\n").split(" ")


def test_a_signed_note_verifies_and_keeps_its_text() -> None:
    note = parse_note(NOTE)
    verify_note(note, [KEY])
    assert note.text == TEXT


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=200))
def test_any_text_of_whole_lines_round_trips(text: str) -> None:
    note = parse_note(sign_note(text + "\n", ORIGIN, SIGNER))
    verify_note(note, [KEY])
    assert note.text == text + "\n"


def test_the_signature_of_an_unknown_key_is_ignored_beside_a_known_one() -> None:
    stranger = sign_note(TEXT, "elsewhere.example", STRANGER).splitlines(keepends=True)[-1]
    note = parse_note(NOTE + stranger)
    verify_note(note, [KEY])
    verify_note(note, [KEY, OTHER_KEY])
    assert len(note.signatures) == 2


def test_an_unknown_key_alone_proves_nothing() -> None:
    with pytest.raises(NoteError):
        verify_note(parse_note(NOTE), [OTHER_KEY])
    with pytest.raises(NoteError):
        verify_note(parse_note(NOTE), [])


def test_one_false_signature_of_a_known_key_refuses_the_whole_note() -> None:
    false = sign_note("Another text\n", ORIGIN, SIGNER).splitlines(keepends=True)[-1]
    with pytest.raises(NoteError):
        verify_note(parse_note(NOTE + false), [KEY])


def test_a_key_of_the_same_name_is_another_key() -> None:
    with pytest.raises(NoteError):
        verify_note(parse_note(NOTE), [VerifierKey(ORIGIN, STRANGER.public_key_bytes)])


NOTE_MUTATIONS = {
    "empty": "",
    "text-alone": TEXT,
    "no-signature": TEXT + "\n",
    "no-empty-line": TEXT + SIGNATURE_LINE,
    "no-final-newline": NOTE[:-1],
    "two-final-newlines": NOTE + "\n",
    "carriage-returns": NOTE.replace("\n", "\r\n"),
    "tab-in-text": NOTE.replace("One line", "One\tline"),
    "hyphen-for-dash": NOTE.replace("— ", "- "),
    "en-dash-for-dash": NOTE.replace("— ", "\u2013 "),
    "two-spaces-after-dash": NOTE.replace("— ", "—  "),
    "no-name": NOTE.replace(f"{NAME} ", ""),
    "plus-in-name": NOTE.replace(NAME, NAME + "+"),
    "unicode-space-in-name": NOTE.replace(NAME, NAME + "\u00a0"),
    "signature-without-padding": NOTE.replace(SIGNATURE, SIGNATURE.rstrip("=")),
    "signature-in-url-alphabet": NOTE.replace(SIGNATURE, SIGNATURE.replace("+", "-").replace("/", "_")),
    "signature-of-four-bytes": NOTE.replace(SIGNATURE, base64.b64encode(b"1234").decode()),
    "signature-empty": NOTE.replace(SIGNATURE, ""),
    "words-after-signature": NOTE.replace(SIGNATURE, SIGNATURE + " more"),
    "sixty-five-signatures": NOTE + SIGNATURE_LINE * 64,
    "longer-than-the-longest": "x" * MAX_NOTE_BYTES + NOTE,
}


@pytest.mark.parametrize("mutation", NOTE_MUTATIONS)
def test_a_malformed_note_is_refused(mutation: str) -> None:
    assert NOTE_MUTATIONS[mutation] != NOTE
    with pytest.raises(NoteError):
        parse_note(NOTE_MUTATIONS[mutation])


def test_a_note_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(NoteError):
        parse_note(b"\xff" + NOTE.encode())


@given(st.integers(0, len(NOTE.encode()) * 8 - 1))
def test_a_flipped_bit_anywhere_in_a_note_is_refused(bit: int) -> None:
    raw = bytearray(NOTE.encode())
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NoteError):
        verify_note(parse_note(bytes(raw)), [KEY])


def test_a_verifier_key_round_trips_as_text() -> None:
    assert parse_verifier_key(str(KEY)) == KEY


KEY_TEXT = str(KEY)
KEY_NAME, KEY_ID, KEY_DATA = KEY_TEXT.split("+", 2)
VKEY_MUTATIONS = {
    "empty": "",
    "name-changed": KEY_TEXT.replace("exchange", "exchanger"),
    "name-empty": f"+{KEY_ID}+{KEY_DATA}",
    "id-changed": f"{KEY_NAME}+00000000+{KEY_DATA}",
    "id-in-capitals": f"{KEY_NAME}+{KEY_ID.upper()}+{KEY_DATA}",
    "id-missing": f"{KEY_NAME}+{KEY_DATA}",
    "key-changed": str(VerifierKey(KEY_NAME, STRANGER.public_key_bytes)).replace(
        VerifierKey(KEY_NAME, STRANGER.public_key_bytes).key_id.hex(), KEY_ID
    ),
    "key-of-another-algorithm": f"{KEY_NAME}+{KEY_ID}+" + base64.b64encode(b"\x02" + KEY.public_key).decode(),
    "key-short": f"{KEY_NAME}+{KEY_ID}+" + base64.b64encode(b"\x01" + KEY.public_key[:-1]).decode(),
    "trailing-newline": KEY_TEXT + "\n",
    "space-in-name": KEY_TEXT.replace("exchange", "ex change"),
}


@pytest.mark.parametrize("mutation", VKEY_MUTATIONS)
def test_a_malformed_verifier_key_is_refused(mutation: str) -> None:
    assert VKEY_MUTATIONS[mutation] != KEY_TEXT
    with pytest.raises(NoteError):
        parse_verifier_key(VKEY_MUTATIONS[mutation])


CHECKPOINT = Checkpoint(ORIGIN, 1234, EMPTY_ROOT)


def test_a_checkpoint_has_this_text() -> None:
    assert CHECKPOINT.text() == f"{ORIGIN}\n1234\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"


@pytest.mark.parametrize("extensions", [(), ("one",), ("one", "two")])
def test_a_checkpoint_round_trips(extensions: tuple[str, ...]) -> None:
    checkpoint = Checkpoint(ORIGIN, 0, EMPTY_ROOT, extensions)
    assert parse_checkpoint(checkpoint.text()) == checkpoint
    assert open_checkpoint(sign_checkpoint(checkpoint, SIGNER), KEY) == checkpoint


SIGNED = CHECKPOINT.text()
CHECKPOINT_MUTATIONS = {
    "empty": "",
    "origin-missing": SIGNED.removeprefix(ORIGIN + "\n"),
    "origin-empty": SIGNED.removeprefix(ORIGIN),
    "origin-with-space": "a " + SIGNED,
    "size-with-leading-zero": SIGNED.replace("1234", "01234"),
    "size-negative": SIGNED.replace("1234", "-1234"),
    "size-with-plus": SIGNED.replace("1234", "+1234"),
    "size-with-space": SIGNED.replace("1234", " 1234"),
    "size-with-underscore": SIGNED.replace("1234", "1_234"),
    "size-in-other-digits": SIGNED.replace("1234", "١٢٣٤"),
    "size-empty": SIGNED.replace("1234", ""),
    "size-of-forty-digits": SIGNED.replace("1234", "1" * 40),
    "root-short": SIGNED.replace("47DE", ""),
    "root-without-padding": SIGNED.replace("=", ""),
    "root-missing": SIGNED.split("47DE")[0],
    "root-not-base64": SIGNED.replace("47DE", "47D!"),
    "root-with-other-padding-bits": SIGNED.replace("FU=", "FV="),
    "no-final-newline": SIGNED[:-1],
    "extension-empty": SIGNED + "\n",
    "extension-empty-before-another": SIGNED + "\nmore\n",
}


@pytest.mark.parametrize("mutation", CHECKPOINT_MUTATIONS)
def test_a_malformed_checkpoint_is_refused(mutation: str) -> None:
    assert CHECKPOINT_MUTATIONS[mutation] != SIGNED
    with pytest.raises(NoteError):
        parse_checkpoint(CHECKPOINT_MUTATIONS[mutation])


def test_a_checkpoint_of_one_log_is_not_a_checkpoint_of_another() -> None:
    note = sign_note(CHECKPOINT.text(), "elsewhere.example", SIGNER)
    with pytest.raises(NoteError):
        open_checkpoint(note, VerifierKey("elsewhere.example", SIGNER.public_key_bytes))
