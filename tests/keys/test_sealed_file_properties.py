"""What holds for every sealed file, whatever its pieces, ranges and damage."""

import hashlib
import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.identifiers import new_identifier
from keys.sealed_file import ENC_SEG_LEN, SealContext, SealedFileError, Sealer, Unsealer, plain_size_of, sealed_size_of
from keys.sealed_file import unseal as open_sealed

PLAIN = ENC_SEG_LEN - 32
KEY = os.urandom(32)
CONTEXT = SealContext(new_identifier("ins"), new_identifier("doc"), 3)
CONTENT = os.urandom(2 * PLAIN + 12_345)
SINK = io.BytesIO()
with Sealer(KEY, CONTEXT, SINK) as whole:
    whole.write(CONTENT)
    whole.finish()
SEALED = SINK.getvalue()


@given(st.lists(st.integers(0, 900_000), max_size=6))
@settings(max_examples=25, deadline=None)
def test_how_the_content_arrives_makes_no_difference(pieces: list[int]) -> None:
    sink, content = io.BytesIO(), b""
    sealer = Sealer(KEY, CONTEXT, sink)
    for size in pieces:
        piece = CONTENT[:size]
        sealer.write(piece)
        content += piece
    said = sealer.finish()

    sealed = sink.getvalue()
    assert said.sha256_hex == hashlib.sha256(content).hexdigest()
    assert b"".join(open_sealed(io.BytesIO(sealed), KEY, CONTEXT, sealed_size=len(sealed))) == content


@given(st.lists(st.tuples(st.integers(0, len(CONTENT)), st.integers(0, len(CONTENT))), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_ranges_equal_slices_in_any_order(bounds: list[tuple[int, int]]) -> None:
    unsealer = Unsealer(io.BytesIO(SEALED), KEY, CONTEXT, len(SEALED))
    for start, stop in map(sorted, bounds):
        assert b"".join(unsealer.read_range(start, stop)) == CONTENT[start:stop]


@given(st.integers(0, len(SEALED) * 8 - 1))
@settings(max_examples=60, deadline=None)
def test_any_flipped_bit_is_noticed_and_nothing_wrong_released(bit: int) -> None:
    damaged = bytearray(SEALED)
    damaged[bit // 8] ^= 1 << bit % 8
    released = []

    with pytest.raises(SealedFileError):
        released.extend(open_sealed(io.BytesIO(damaged), KEY, CONTEXT, sealed_size=len(damaged)))

    assert CONTENT.startswith(b"".join(released))


@given(st.integers(0, len(SEALED) - 1))
@settings(max_examples=60, deadline=None)
def test_any_cut_is_noticed_at_open(kept: int) -> None:
    with pytest.raises(SealedFileError):
        Unsealer(io.BytesIO(SEALED[:kept]), KEY, CONTEXT, kept)


@given(st.integers(0, 1 << 50))
def test_sizes_turn_into_each_other(size: int) -> None:
    assert plain_size_of(sealed_size_of(size)) == size
