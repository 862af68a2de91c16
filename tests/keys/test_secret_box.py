"""Small secrets: they open for their purpose, under their key, from their one text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import KeysError, SecretBoxError
from keys.secret_box import open_secret, seal_secret

KEY = bytes(range(32))
SEALED = seal_secret(KEY, "second-factor", b"twenty secret bytes!")


def test_a_known_secret_opens(secret_boxes_vector: dict[str, Any]) -> None:
    row = secret_boxes_vector
    assert open_secret(bytes.fromhex(row["key"]), row["purpose"], row["text"]).hex() == row["plain"]


@given(st.binary(min_size=32, max_size=80), st.text(max_size=20), st.binary(max_size=100))
def test_what_is_sealed_opens(key: bytes, purpose: str, plain: bytes) -> None:
    sealed = seal_secret(key, purpose, plain)
    assert sealed.startswith("v1.")
    assert open_secret(key, purpose, sealed) == plain


BAD = {
    "another-key": (bytes(32), "second-factor", SEALED),
    "another-purpose": (KEY, "cookie", SEALED),
    "version-missing": (KEY, "second-factor", SEALED[3:]),
    "another-version": (KEY, "second-factor", "v2." + SEALED[3:]),
    "nothing": (KEY, "second-factor", ""),
    "nothing-after-the-version": (KEY, "second-factor", "v1."),
    "cut": (KEY, "second-factor", SEALED[:-4]),
    "padded": (KEY, "second-factor", SEALED + "=="),
    "newline-added": (KEY, "second-factor", SEALED + "\n"),
    "not-ascii": (KEY, "second-factor", "v1.é"),
}


@pytest.mark.parametrize("name", BAD)
def test_anything_else_is_refused_with_one_text(name: str) -> None:
    with pytest.raises(SecretBoxError) as refusal:
        open_secret(*BAD[name])
    assert str(refusal.value) == str(SecretBoxError())


@given(st.integers(3, len(SEALED) - 1), st.sampled_from("AZaz09-_"))
def test_any_changed_character_is_refused(index: int, character: str) -> None:
    changed = SEALED[:index] + character + SEALED[index + 1 :]
    if changed != SEALED:
        with pytest.raises(SecretBoxError):
            open_secret(KEY, "second-factor", changed)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(KeysError, match="32 bytes"):
        seal_secret(KEY[:31], "second-factor", b"")


def test_the_same_secret_has_another_text_each_time() -> None:
    assert seal_secret(KEY, "p", b"s") != seal_secret(KEY, "p", b"s")
