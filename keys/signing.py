"""The log's Ed25519 key (RFC 8032), in a protected file that OpenSSL can read (PKCS #8 PEM)."""

from pathlib import Path
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from keys.errors import KeyFileError
from keys.protected_file import create_protected, read_protected


class LogSigner:
    """Signs for one log; the private key never leaves it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make the key file (0600); raise KeyExistsError when there is one, KeyFileError for unsafe rights."""
        key = Ed25519PrivateKey.generate()
        create_protected(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return cls(key)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the key file; raise KeyFileError when it is missing, unsafe, another user's or no Ed25519 key."""
        content = read_protected(path)
        try:
            key = load_pem_private_key(content, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFileError(f"The key file {path} is damaged or holds no Ed25519 key. Restore it.")
        return cls(key)

    @property
    def public_key_bytes(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Give the 64-byte signature of a message."""
        return self._key.sign(message)
