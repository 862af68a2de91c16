import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.errors import ReceiptError
from audit.merkle import EMPTY_ROOT
from audit.tlog_proof import MAX_EXTRA_BYTES, MAX_HASHES, MAX_PROOF_BYTES, TlogProof, parse_tlog_proof
from tests.audit.example_log import ORIGIN, FixedSigner

NOTE = sign_checkpoint(Checkpoint(ORIGIN, 7, EMPTY_ROOT), FixedSigner())
HASHES = (bytes(range(32)), EMPTY_ROOT, bytes(32))
PROOF = TlogProof(5, HASHES, NOTE, b'{"more":1}')
ENCODED = PROOF.encode()
LINES = ENCODED.decode().split("\n")


def test_a_proof_is_written_as_published() -> None:
    hashes = [base64.b64encode(value).decode() for value in HASHES]
    expected = "\n".join(["c2sp.org/tlog-proof@v1", "extra eyJtb3JlIjoxfQ==", "index 5", *hashes, "", NOTE])
    assert expected.encode() == ENCODED


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=MAX_HASHES),
    st.binary(max_size=200),
)
def test_every_proof_round_trips(index: int, hashes: list[bytes], extra: bytes) -> None:
    proof = TlogProof(index, tuple(hashes), NOTE, extra)
    assert parse_tlog_proof(proof.encode()) == proof


@given(st.integers(0, len(ENCODED) * 8 - 1))
def test_a_flipped_bit_gives_another_proof_or_none(bit: int) -> None:
    raw = bytearray(ENCODED)
    raw[bit // 8] ^= 1 << bit % 8
    try:
        read = parse_tlog_proof(bytes(raw))
    except ReceiptError:
        return
    assert read != PROOF
    assert read.encode() == bytes(raw)


@given(st.binary(max_size=300))
def test_any_other_bytes_are_refused(content: bytes) -> None:
    for candidate in (content, b"c2sp.org/tlog-proof@v1\n" + content, ENCODED[:60] + content):
        with pytest.raises(ReceiptError):
            parse_tlog_proof(candidate)


def replaced(place: int, *lines: str) -> str:
    return "\n".join([*LINES[:place], *lines, *LINES[place + 1 :]])


BAD = {
    "empty": "",
    "first-line-missing": "\n".join(LINES[1:]),
    "first-line-of-another-version": replaced(0, "c2sp.org/tlog-proof@v2"),
    "first-line-with-space": replaced(0, LINES[0] + " "),
    "byte-order-mark": "\ufeff" + ENCODED.decode(),
    "extra-empty": replaced(1, "extra "),
    "extra-without-padding": replaced(1, LINES[1].rstrip("=")),
    "extra-twice": replaced(1, LINES[1], LINES[1]),
    "extra-after-index": "\n".join([LINES[0], LINES[2], LINES[1], *LINES[3:]]),
    "extra-in-url-alphabet": replaced(1, "extra " + base64.urlsafe_b64encode(b"\xff" * 9).decode()),
    "index-missing": "\n".join([*LINES[:2], *LINES[3:]]),
    "index-twice": replaced(2, LINES[2], LINES[2]),
    "index-with-leading-zero": replaced(2, "index 05"),
    "index-negative": replaced(2, "index -5"),
    "index-with-plus": replaced(2, "index +5"),
    "index-of-twenty-digits": replaced(2, "index " + "1" * 20),
    "index-in-other-digits": replaced(2, "index \u0665"),
    "index-in-capitals": replaced(2, "Index 5"),
    "index-with-two-spaces": replaced(2, "index  5"),
    "hash-short": replaced(3, base64.b64encode(bytes(31)).decode()),
    "hash-long": replaced(3, base64.b64encode(bytes(33)).decode()),
    "hash-without-padding": replaced(3, LINES[3].rstrip("=")),
    "hash-with-other-padding-bits": replaced(5, LINES[5].replace("A=", "B=")),
    "hash-with-space": replaced(3, LINES[3] + " "),
    "hash-in-hexadecimal": replaced(3, HASHES[0].hex()),
    "hash-line-empty": replaced(3, ""),
    "sixty-four-hashes": replaced(3, *[LINES[3]] * 62),
    "empty-line-missing": "\n".join([*LINES[:6], *LINES[7:]]),
    "empty-line-twice": replaced(6, "", ""),
    "carriage-returns": ENCODED.decode().replace("\n", "\r\n"),
    "checkpoint-missing": "\n".join(LINES[:7]),
    "checkpoint-unsigned": "\n".join([*LINES[:10], ""]),
    "checkpoint-without-last-newline": ENCODED.decode()[:-1],
    "checkpoint-with-trailing-line": ENCODED.decode() + "more\n",
    "checkpoint-with-trailing-newline": ENCODED.decode() + "\n",
    "checkpoint-no-checkpoint": "\n".join([*LINES[:7], "words", *LINES[8:]]).replace("\n7\n", "\nseven\n"),
    "longer-than-the-longest": ENCODED.decode() + "x" * MAX_PROOF_BYTES,
}


@pytest.mark.parametrize("mutation", BAD)
def test_a_malformed_proof_is_refused(mutation: str) -> None:
    assert BAD[mutation].encode() != ENCODED
    with pytest.raises(ReceiptError):
        parse_tlog_proof(BAD[mutation].encode())


@pytest.mark.parametrize(
    ("index", "hashes", "extra"),
    [
        (-1, (), b""),
        (10**19, (), b""),
        (0, (b"short",), b""),
        (0, (bytes(32),) * 64, b""),
        (0, (), bytes(MAX_EXTRA_BYTES + 1)),
    ],
)
def test_what_the_format_cannot_hold_is_not_written(index: int, hashes: tuple[bytes, ...], extra: bytes) -> None:
    with pytest.raises(ReceiptError):
        TlogProof(index, hashes, NOTE, extra)


def test_a_proof_in_a_tree_of_one_has_no_hashes() -> None:
    assert parse_tlog_proof(TlogProof(0, (), NOTE).encode()) == TlogProof(0, (), NOTE)
