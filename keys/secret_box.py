"""Small secrets that stand in the database, sealed for one purpose under the service's secret key.

The text is `v1.` and base64url without padding of: IV (12 bytes), ciphertext, tag (16 bytes); AES-256-GCM with the
purpose as associated data, under a key that HKDF-SHA-256 (RFC 5869) derives for this use alone.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys.encoding import from_base64url, to_base64url
from keys.errors import KeysError, SecretBoxError

_VERSION = "v1."
_IV_SIZE = 12
_SHORTEST_KEY = 32


def seal_secret(key: bytes, purpose: str, plain: bytes) -> str:
    """Seal a secret for a purpose; the same purpose opens it. Raises KeysError for a key under 32 bytes."""
    iv = os.urandom(_IV_SIZE)
    return _VERSION + to_base64url(iv + _aead(key).encrypt(iv, plain, purpose.encode()))


def open_secret(key: bytes, purpose: str, sealed: str) -> bytes:
    """Open a sealed secret; raise SecretBoxError, with one text, when key, purpose or text is not the right one."""
    if not sealed.startswith(_VERSION):
        raise SecretBoxError
    try:
        data = from_base64url(sealed.removeprefix(_VERSION))
        return _aead(key).decrypt(data[:_IV_SIZE], data[_IV_SIZE:], purpose.encode())
    except (InvalidTag, ValueError) as error:
        raise SecretBoxError from error


def _aead(key: bytes) -> AESGCM:
    if len(key) < _SHORTEST_KEY:
        raise KeysError("The secret key is at least 32 bytes.")
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=b"secret-box/1").derive(key))
