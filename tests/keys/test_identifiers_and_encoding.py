"""Identifiers and encodings: one valid form each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.encoding import from_base64url, length_prefixed, to_base64url
from keys.errors import IdentifierError
from keys.identifiers import new_identifier, require_identifier


def test_a_new_identifier_is_one_and_is_new() -> None:
    made = {new_identifier("doc") for _ in range(1000)}
    assert len(made) == 1000
    assert {require_identifier(text) for text in made} == made
    # 128 bits in 26 characters of five: the first carries only three.
    assert {text[4] for text in made} <= set("01234567")
    assert {text[-1] for text in made} == set("0123456789abcdefghjkmnpqrstvwxyz")


@pytest.mark.parametrize("prefix", ["", "do", "docs", "DOC", "d_c", "d/c"])
def test_a_prefix_is_three_lower_case_letters(prefix: str) -> None:
    with pytest.raises(IdentifierError):
        new_identifier(prefix)


def test_a_refused_text_is_not_repeated() -> None:
    with pytest.raises(IdentifierError) as refusal:
        require_identifier("<script>")
    assert "script" not in str(refusal.value)


fields = st.lists(st.binary(max_size=6), max_size=4)


@given(fields, fields)
def test_different_fields_never_share_an_encoding(first: list[bytes], second: list[bytes]) -> None:
    assert (length_prefixed(*first) == length_prefixed(*second)) == (first == second)


@given(st.binary(max_size=50))
def test_bytes_have_one_text(data: bytes) -> None:
    assert from_base64url(to_base64url(data)) == data


@given(st.text(alphabet="ABab01-_+/=\n é", max_size=12))
def test_a_text_that_decodes_is_the_one_that_is_written(text: str) -> None:
    try:
        data = from_base64url(text)
    except ValueError:
        return
    assert to_base64url(data) == text
