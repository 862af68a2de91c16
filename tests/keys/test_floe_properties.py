"""What holds for every message of the FLOE family."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys import floe
from keys.errors import FloeError
from tests.keys import floe_reference
from tests.keys.make_vectors import seal
from tests.keys.mutations import flip

keys = st.binary(min_size=32, max_size=32)
bound_data = st.binary(max_size=40)
contents = st.binary(max_size=300)
segment_sizes = st.integers(min_value=33, max_value=120)


@given(keys, bound_data, contents, segment_sizes, st.integers(0, 3))
def test_what_is_sealed_opens_here_and_in_the_reference_reader(
    key: bytes, bound: bytes, content: bytes, size: int, rotation_bits: int
) -> None:
    parameters = floe.Parameters(size, rotation_bits)
    sealed = seal(key, bound, parameters, content, empty_last=False)

    assert floe.open_message(key, bound, sealed, parameters) == content
    assert floe_reference.read(key, bound, sealed, rotation_bits) == content
    assert floe.Layout.of_sealed(len(sealed), parameters).plain_size == len(content)


@given(keys, bound_data, contents, segment_sizes, st.data())
def test_any_flipped_bit_is_refused(key: bytes, bound: bytes, content: bytes, size: int, data: st.DataObject) -> None:
    sealed = bytearray(seal(key, bound, floe.Parameters(size), content, empty_last=False))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8

    with pytest.raises(FloeError):
        floe.open_message(key, bound, bytes(sealed))


@given(keys, bound_data, contents, segment_sizes, st.data())
def test_any_cut_is_refused(key: bytes, bound: bytes, content: bytes, size: int, data: st.DataObject) -> None:
    sealed = seal(key, bound, floe.Parameters(size), content, empty_last=False)
    kept = data.draw(st.integers(0, len(sealed) - 1))

    with pytest.raises(FloeError):
        floe.open_message(key, bound, sealed[:kept])


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_are_refused_and_nothing_else_happens(noise: bytes) -> None:
    with pytest.raises(FloeError):
        floe.open_message(bytes(32), b"", noise)


@given(keys, st.integers(0, 31), bound_data)
def test_a_key_that_differs_in_one_bit_opens_nothing(key: bytes, index: int, bound: bytes) -> None:
    sealed = seal(key, bound, floe.Parameters(64), b"content", empty_last=False)

    with pytest.raises(FloeError):
        floe.open_message(flip(key, index), bound, sealed)
