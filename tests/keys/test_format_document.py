"""The format document's examples and numbers are those of the code."""

import re
from pathlib import Path

import pytest

import keys
from keys import floe
from keys.keyring import data_key_context
from keys.sealed_file import ENC_SEG_LEN, SealContext, sealed_size_of

INS, DOC = "ins_0123456789abcdefghjkmnpqrs", "doc_7zyxwvtsrqpnmkjhgfedcba987"


@pytest.fixture(scope="module")
def document() -> str:
    return (Path(keys.__file__).parent / "FORMAT.md").read_text("utf-8")


def example(document: str, name: str) -> bytes:
    found = re.search(rf"<!-- {name} -->\n```\n([0-9a-f\n]+)```", document)
    assert found is not None
    return bytes.fromhex(found[1])


def test_the_example_of_associated_data_is_right(document: str) -> None:
    assert f"`{INS}`" in document
    assert f"`{DOC}`" in document
    assert SealContext(INS, DOC, 1).associated_data() == example(document, "associated-data")


def test_the_example_of_a_data_key_context_is_right(document: str) -> None:
    assert data_key_context(INS, DOC) == example(document, "data-key-context")


def test_the_numbers_are_right(document: str) -> None:
    for number in (ENC_SEG_LEN, ENC_SEG_LEN - floe.SEGMENT_OVERHEAD, 1 << floe.ROTATION_BITS):
        assert f"{number:,}" in document
    for size in (0, 1, 1_048_544, 1_048_545, 10**9):
        assert sealed_size_of(size) == 74 + 32 * max(1, -(-size // 1_048_544)) + size
