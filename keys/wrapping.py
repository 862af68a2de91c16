"""Wrapped keys: their one encoding, the schemes that wrap them, and what a key provider must be able to do.

A key is wrapped for a context. It opens only under the same key-encryption key, in the same version, for the same
context: all of them are authenticated with it.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.encoding import from_base64url, length_prefixed, to_base64url
from keys.errors import IdentifierError, KeysError, KeyUnavailableError, WrappedKeyError, WrongContextError
from keys.identifiers import require_identifier

__all__ = [
    "AES_256_GCM_1",
    "KeyProvider",
    "KeyUnavailableError",
    "KeysError",
    "WrappedKey",
    "WrappedKeyError",
    "WrongContextError",
    "unwrap_key",
    "wrap_key",
]

KEY_SIZE = 32
AES_256_GCM_1 = "aes-256-gcm-1"

_NONCE_SIZE = 12
_LONGEST_TEXT = 4096
_LAST_VERSION = 0xFFFFFFFF


@dataclass(frozen=True)
class WrappedKey:
    """A key that only its key-encryption key opens: scheme, identifier and version of that key, wrapped bytes."""

    scheme: str
    key_id: str
    key_version: int
    wrapped: bytes

    def to_json(self) -> str:
        """Give the one valid text: a JSON object, names sorted, no spaces, bytes in base64url without padding."""
        fields = {
            "scheme": self.scheme,
            "key_id": self.key_id,
            "key_version": self.key_version,
            "wrapped": to_base64url(self.wrapped),
        }
        return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read exactly what `to_json` writes; raise WrappedKeyError for anything else."""
        try:
            wrapped = cls(*_read_fields(text))
        except (ValueError, RecursionError, IdentifierError) as error:
            raise WrappedKeyError("This is not a wrapped key in its one valid encoding.") from error
        if wrapped.scheme not in _SCHEMES:
            raise WrappedKeyError(
                "The key was wrapped by a scheme that this version does not know. Use a newer version."
            )
        if wrapped.to_json() != text:
            raise WrappedKeyError("This is not a wrapped key in its one valid encoding.")
        return wrapped


class KeyProvider(Protocol):
    """Holds key-encryption keys in versions and never gives one out."""

    def current_version(self) -> int:
        """The version that `wrap` uses now, from 1."""

    def wrap(self, key: bytes, context: bytes) -> WrappedKey:
        """Wrap a 32-byte key for a context under the current version."""

    def unwrap(self, wrapped: WrappedKey, context: bytes) -> bytes:
        """Open a wrapped key; raise KeyUnavailableError without its version, else WrongContextError."""


def wrap_key(key_encryption_key: bytes, key: bytes, context: bytes, *, key_id: str, key_version: int) -> WrappedKey:
    """Wrap a 32-byte key under a key-encryption key with today's scheme; raise KeysError for another size."""
    if len(key) != KEY_SIZE:
        raise KeysError("A key to wrap is 32 bytes.")
    bound = _bound_data(AES_256_GCM_1, key_id, key_version, context)
    nonce = os.urandom(_NONCE_SIZE)
    return WrappedKey(AES_256_GCM_1, key_id, key_version, nonce + AESGCM(key_encryption_key).encrypt(nonce, key, bound))


def unwrap_key(key_encryption_key: bytes, wrapped: WrappedKey, context: bytes) -> bytes:
    """Open a wrapped key; raise WrappedKeyError for an unknown scheme and WrongContextError when it does not open."""
    if wrapped.scheme not in _SCHEMES:
        raise WrappedKeyError("The key was wrapped by a scheme that this version does not know. Use a newer version.")
    bound = _bound_data(wrapped.scheme, wrapped.key_id, wrapped.key_version, context)
    return _SCHEMES[wrapped.scheme](key_encryption_key, wrapped.wrapped, bound)


def _unwrap_aes_256_gcm(key_encryption_key: bytes, wrapped: bytes, bound: bytes) -> bytes:
    try:
        key = AESGCM(key_encryption_key).decrypt(wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:], bound)
    except (InvalidTag, ValueError) as error:
        raise WrongContextError from error
    if len(key) != KEY_SIZE:
        raise WrongContextError
    return key


# How each scheme opens; a scheme that is no longer written stays here for as long as anything is wrapped by it.
_SCHEMES: Mapping[str, Callable[[bytes, bytes, bytes], bytes]] = MappingProxyType({AES_256_GCM_1: _unwrap_aes_256_gcm})


def _bound_data(scheme: str, key_id: str, key_version: int, context: bytes) -> bytes:
    return length_prefixed(
        b"wrapped-key/1", scheme.encode("ascii"), key_id.encode("ascii"), key_version.to_bytes(4, "big"), context
    )


def _read_fields(text: str) -> tuple[str, str, int, bytes]:
    if len(text) > _LONGEST_TEXT:
        raise ValueError("too long")
    match json.loads(text):
        case {"scheme": str(scheme), "key_id": str(key_id), "key_version": int(version), "wrapped": str(wrapped)}:
            # JSON's true is an int to Python, and would be written back as it was read.
            if isinstance(version, bool) or not 1 <= version <= _LAST_VERSION:
                raise ValueError("not a key version")
            return scheme, require_identifier(key_id), version, from_base64url(wrapped)
    raise ValueError("not the fields of a wrapped key")
