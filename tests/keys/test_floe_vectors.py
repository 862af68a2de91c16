"""Known answers: what was sealed once still opens, and every bad message is refused by its name."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from keys import floe
from keys.errors import FloeError
from tests.keys import floe_reference, make_vectors
from tests.keys.mutations import MUTATIONS

BadVector = GoodVector = dict[str, Any]


def test_a_known_message_opens_to_its_content(floe_good_vector: GoodVector) -> None:
    sealed = bytes.fromhex(floe_good_vector["sealed"])
    size = floe.Parameters.from_header(sealed[: floe.HEADER_SIZE]).segment_size
    parameters = floe.Parameters(size, floe_good_vector["rotation_bits"])

    content = floe.open_message(
        bytes.fromhex(floe_good_vector["key"]), bytes.fromhex(floe_good_vector["associated_data"]), sealed, parameters
    )

    assert content.hex() == floe_good_vector["content"]
    assert floe.Layout.of_sealed(len(sealed), parameters).plain_size == len(content)


def test_the_reference_reader_agrees_on_a_known_message(floe_good_vector: GoodVector) -> None:
    key, bound, sealed = (bytes.fromhex(floe_good_vector[name]) for name in ("key", "associated_data", "sealed"))

    content = floe_reference.read(key, bound, sealed, floe_good_vector["rotation_bits"])

    assert content.hex() == floe_good_vector["content"]


def test_the_segment_size_may_come_from_the_header(floe_good_vector: GoodVector) -> None:
    if floe_good_vector["rotation_bits"] != floe.ROTATION_BITS:
        with pytest.raises(FloeError):
            _open(floe_good_vector)
    else:
        assert _open(floe_good_vector).hex() == floe_good_vector["content"]


def test_a_bad_message_is_refused(floe_bad_vector: BadVector) -> None:
    with pytest.raises(FloeError):
        _open(floe_bad_vector)


def test_the_reference_reader_refuses_a_bad_message_too(floe_bad_vector: BadVector) -> None:
    key, bound, sealed = (bytes.fromhex(floe_bad_vector[name]) for name in ("key", "associated_data", "sealed"))
    with pytest.raises((AssertionError, InvalidTag, ValueError)):
        floe_reference.read(key, bound, sealed)


@pytest.mark.parametrize("name", make_vectors.MAKERS)
def test_every_row_that_the_script_makes_is_committed(name: str) -> None:
    path = Path(make_vectors.__file__).parent / "vectors" / f"{name}.json"
    committed = [row["name"] for row in json.loads(path.read_text("ascii"))]

    assert committed == [row["name"] for row in make_vectors.MAKERS[name]()]


def test_every_mutation_changes_the_message() -> None:
    rows = json.loads((Path(make_vectors.__file__).parent / "vectors" / "floe_bad.json").read_text("ascii"))
    whole = next(row["sealed"] for row in rows if row["name"] == "another-key")

    assert all(row["sealed"] != whole for row in rows if row["name"] in MUTATIONS)
    assert len({row["sealed"] for row in rows if row["name"] in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.parametrize("size", [0, 1, 32, 0xFFFFFFFF, 1 << 32])
def test_a_segment_size_outside_the_family_is_refused(size: int) -> None:
    with pytest.raises(FloeError):
        floe.Parameters(size)


def test_the_key_changes_at_the_segment_numbered_two_to_the_twentieth() -> None:
    key, bound, parameters = os.urandom(32), b"rotation", floe.Parameters(40)
    segments, header = floe.start_sealing(key, bound, parameters)
    message_key = floe_reference.floe_kdf(key, header, b"MESSAGE_KEY:", bound, 48)
    for position, first in ((0, 0), (2**20 - 1, 0), (2**20, 2**20), (2**20 + 5, 2**20), (2**40 - 1, 2**40 - 2**20)):
        out = memoryview(bytearray(40))
        segments.seal_into(memoryview(b"8 bytes!"), position, out, last=False)

        dek = floe_reference.floe_kdf(message_key, header, b"DEK:" + first.to_bytes(8, "big"), bound, 32)
        opened = floe_reference.AESGCM(dek).decrypt(out[4:16], out[16:], position.to_bytes(8, "big") + b"\0")
        assert opened == b"8 bytes!"


@pytest.mark.parametrize("position", [-1, 2**40])
def test_a_position_outside_the_message_is_refused(position: int) -> None:
    segments, _ = floe.start_sealing(os.urandom(32), b"", floe.Parameters(40))
    with pytest.raises(FloeError):
        segments.seal_into(memoryview(b"8 bytes!"), position, memoryview(bytearray(40)), last=False)


@pytest.mark.parametrize(("size", "last"), [(7, False), (9, False), (9, True), (0, False)])
def test_content_that_does_not_fit_its_segment_is_refused(size: int, last: bool) -> None:  # noqa: FBT001 -- a table
    segments, _ = floe.start_sealing(os.urandom(32), b"", floe.Parameters(40))
    with pytest.raises(FloeError):
        segments.seal_into(memoryview(bytes(size)), 0, memoryview(bytearray(64)), last=last)


def test_sealing_the_same_segment_twice_never_repeats_an_iv() -> None:
    segments, _ = floe.start_sealing(os.urandom(32), b"", floe.Parameters(40))
    seen = set()
    for _ in range(1000):
        out = memoryview(bytearray(40))
        segments.seal_into(memoryview(b"8 bytes!"), 0, out, last=True)
        seen.add(bytes(out[4:16]))
    assert len(seen) == 1000


def _open(row: dict[str, Any]) -> bytes:
    return floe.open_message(*(bytes.fromhex(row[name]) for name in ("key", "associated_data", "sealed")))
