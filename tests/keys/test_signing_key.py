"""The log's signing key: made once, private, Ed25519 and nothing else."""

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from keys.errors import KeyExistsError, KeyFileError
from keys.signing import LogSigner


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "log.pem"


def test_a_signature_is_checked_by_the_public_key_alone(path: Path) -> None:
    signer = LogSigner.create(path)
    assert len(signer.public_key_bytes) == 32
    public = Ed25519PublicKey.from_public_bytes(signer.public_key_bytes)
    public.verify(signer.sign(b"note"), b"note")
    with pytest.raises(InvalidSignature):
        public.verify(signer.sign(b"note"), b"another note")


def test_the_key_is_the_same_when_opened_again(path: Path) -> None:
    made = LogSigner.create(path)
    again = LogSigner.open(path)
    assert again.public_key_bytes == made.public_key_bytes
    assert again.sign(b"note") == made.sign(b"note")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_signature_is_that_of_rfc_8032() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    signer = LogSigner(Ed25519PrivateKey.from_private_bytes(seed))
    assert signer.public_key_bytes.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert signer.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


def test_making_it_twice_is_refused(path: Path) -> None:
    made = LogSigner.create(path)
    with pytest.raises(KeyExistsError):
        LogSigner.create(path)
    assert LogSigner.open(path).public_key_bytes == made.public_key_bytes


def test_a_file_that_others_can_read_is_refused(path: Path) -> None:
    LogSigner.create(path)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        LogSigner.open(path)


def _pem(key: object, password: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)  # type: ignore[attr-defined,no-any-return]


BAD_KEYS = {
    "empty": lambda: b"",
    "noise": lambda: b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "another-algorithm": lambda: _pem(generate_private_key(SECP256R1())),
    "behind-a-password": lambda: _pem(Ed25519PrivateKey.generate(), b"password"),
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_file_with_something_else_is_refused(path: Path, name: str) -> None:
    LogSigner.create(path)
    path.write_bytes(BAD_KEYS[name]())
    with pytest.raises(KeyFileError, match="no Ed25519 key"):
        LogSigner.open(path)
