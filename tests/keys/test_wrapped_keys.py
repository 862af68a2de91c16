"""Wrapped keys: one valid text, one error for every cryptographic failure, and nothing opens out of its place."""

import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import KeysError
from keys.identifiers import new_identifier
from keys.wrapping import WrappedKey, WrappedKeyError, WrongContextError, unwrap_key, wrap_key

OUTER, INNER, KEY_ID = os.urandom(32), os.urandom(32), new_identifier("kek")
WRAPPED = wrap_key(OUTER, INNER, b"context", key_id=KEY_ID, key_version=2)
FIELDS = json.loads(WRAPPED.to_json())


def text_of(**changes: object) -> str:
    fields = {name: value for name, value in {**FIELDS, **changes}.items() if value is not None}
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def test_a_known_wrapped_key_opens(wrapped_keys_vector: dict[str, Any]) -> None:
    row = wrapped_keys_vector
    wrapped = WrappedKey.from_json(row["text"])

    assert wrapped.to_json() == row["text"]
    assert (
        unwrap_key(bytes.fromhex(row["key_encryption_key"]), wrapped, bytes.fromhex(row["context"])).hex() == row["key"]
    )


def test_the_text_round_trips() -> None:
    assert text_of() == WRAPPED.to_json()
    assert WrappedKey.from_json(WRAPPED.to_json()) == WRAPPED


BAD_TEXTS = {
    "empty": "",
    "not-json": "{",
    "not-an-object": "[]",
    "nested-too-deep": "[" * 4000,
    "space-added": text_of().replace(",", ", ", 1),
    "newline-added": text_of() + "\n",
    "names-in-another-order": json.dumps(dict(reversed(FIELDS.items())), separators=(",", ":")),
    "name-repeated": text_of().replace('{"key_id"', '{"scheme":"aes-256-gcm-1","key_id"', 1),
    "name-added": text_of(more="x"),
    "scheme-missing": text_of(scheme=None),
    "scheme-unknown": text_of(scheme="aes-128-ecb-1"),
    "scheme-a-number": text_of(scheme=1),
    "key-id-not-an-identifier": text_of(key_id="../provider"),
    "key-id-missing": text_of(key_id=None),
    "version-zero": text_of(key_version=0),
    "version-true": text_of(key_version=True),
    "version-a-text": text_of(key_version="2"),
    "version-a-fraction": text_of(key_version=2.0),
    "version-too-great": text_of(key_version=1 << 32),
    "version-endless": text_of().replace('"key_version":2', '"key_version":' + "9" * 4000),
    "bytes-padded": text_of(wrapped=FIELDS["wrapped"] + "="),
    "bytes-in-the-other-alphabet": text_of(wrapped="+/" + FIELDS["wrapped"][2:]),
    "bytes-with-loose-bits": text_of(wrapped="AB"),
    "bytes-of-impossible-length": text_of(wrapped="A"),
    "bytes-not-ascii": text_of(wrapped="é"),
    "too-long": text_of(wrapped="A" * 8000),
    "escaped": text_of().replace("aes", "\\u0061es"),
}


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_any_other_text_is_refused(name: str) -> None:
    with pytest.raises(WrappedKeyError):
        WrappedKey.from_json(BAD_TEXTS[name])


@given(st.text(max_size=200))
def test_noise_is_refused_and_nothing_else_happens(noise: str) -> None:
    with pytest.raises(WrappedKeyError):
        WrappedKey.from_json(noise)


def altered(**changes: Any) -> WrappedKey:
    fields = {"scheme": WRAPPED.scheme, "key_id": KEY_ID, "key_version": 2, "wrapped": WRAPPED.wrapped, **changes}
    return WrappedKey(**fields)


@pytest.mark.parametrize(
    ("outer", "wrapped", "context"),
    [
        (OUTER, WRAPPED, b"another"),
        (OUTER, WRAPPED, b""),
        (os.urandom(32), WRAPPED, b"context"),
        (OUTER, altered(key_version=3), b"context"),
        (OUTER, altered(key_id=new_identifier("kek")), b"context"),
        (OUTER, altered(wrapped=WRAPPED.wrapped[:-1]), b"context"),
        (OUTER, altered(wrapped=b""), b"context"),
        (OUTER, altered(wrapped=WRAPPED.wrapped + b"\0"), b"context"),
    ],
    ids=["context", "no-context", "key", "version", "key-id", "cut", "nothing", "appended"],
)
def test_what_is_out_of_place_does_not_open_and_every_refusal_says_the_same(
    outer: bytes, wrapped: WrappedKey, context: bytes
) -> None:
    with pytest.raises(WrongContextError) as refusal:
        unwrap_key(outer, wrapped, context)
    assert str(refusal.value) == str(WrongContextError())


@given(st.integers(0, len(WRAPPED.wrapped) * 8 - 1))
def test_any_flipped_bit_is_refused(bit: int) -> None:
    damaged = bytearray(WRAPPED.wrapped)
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(WrongContextError):
        unwrap_key(OUTER, altered(wrapped=bytes(damaged)), b"context")


def test_an_unknown_scheme_is_refused_before_any_key_is_used() -> None:
    with pytest.raises(WrappedKeyError, match="scheme"):
        unwrap_key(b"not a key", altered(scheme="later-1"), b"context")


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_only_keys_of_32_bytes_are_wrapped(size: int) -> None:
    with pytest.raises(KeysError):
        wrap_key(OUTER, bytes(size), b"context", key_id=KEY_ID, key_version=1)


def test_a_wrapped_thing_of_another_size_is_no_key() -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 -- forges what wrap_key refuses

    from keys.wrapping import _bound_data  # noqa: PLC0415 -- the same forgery

    bound = _bound_data(WRAPPED.scheme, KEY_ID, 2, b"context")
    forged = altered(wrapped=bytes(12) + AESGCM(OUTER).encrypt(bytes(12), b"short", bound))
    with pytest.raises(WrongContextError):
        unwrap_key(OUTER, forged, b"context")


def test_the_same_key_wraps_differently_each_time() -> None:
    again = wrap_key(OUTER, INNER, b"context", key_id=KEY_ID, key_version=2)
    assert again.wrapped[:12] != WRAPPED.wrapped[:12]
    assert unwrap_key(OUTER, again, b"context") == INNER
