"""A witness's folder: the key and the state that belong together, made once, refused when either is not itself.

`key.pem` is an Ed25519 key (PKCS #8, 0600), `state.sqlite3` what it cosigned. The state names the key that it was made
for. The key appears last, so a folder that was begun and not finished holds no key and has cosigned nothing.
"""

import os
import secrets
import sqlite3
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from audit.errors import NoteError
from audit.note import COSIGNER, VerifierKey, parse_verifier_key
from audit.witness.errors import WitnessFolderError
from audit.witness.state import WitnessState

KEY: Final = "key.pem"
STATE: Final = "state.sqlite3"
_LONGEST_KEY: Final = 4096
_OTHERS: Final = 0o077


class WitnessSigner:
    """The private key of a witness; it never leaves this."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key_bytes = key.public_key().public_bytes_raw()

    def sign(self, message: bytes, /) -> bytes:
        """The 64-byte Ed25519 signature of the message."""
        return self._key.sign(message)


@dataclass(frozen=True, slots=True)
class WitnessFolder:
    """An opened folder: the witness's name and key, its signer, and its state."""

    key: VerifierKey
    signer: WitnessSigner
    state: WitnessState


def create_folder(folder: Path, name: str) -> VerifierKey:
    """Make a new witness called `name`: folder 0700, key 0600, empty state, all durable; its verifier key.

    Raises WitnessFolderError when there is a witness already, or the folder cannot be made or is open to others;
    NoteError for a name that no key can bear.
    """
    key = Ed25519PrivateKey.generate()
    verifier = VerifierKey(name, key.public_key().public_bytes_raw(), COSIGNER)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_private(folder, stat.S_ISDIR)
        _require_none(folder / KEY)
        WitnessState.create(folder / STATE, str(verifier))
        _write_new(folder / KEY, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        _sync(folder)
        _sync(folder.parent)
    except FileExistsError as error:
        raise WitnessFolderError(
            f"There is a witness, or the beginning of one, in {folder}. Nothing was changed. A new witness needs a new "
            f"folder. Where {KEY} is missing, nothing was ever cosigned unless the key was lost."
        ) from error
    except (OSError, sqlite3.Error) as error:
        raise WitnessFolderError(f"The witness could not be made in {folder} ({error}).") from error
    return verifier


def open_folder(folder: Path) -> WitnessFolder:
    """The witness in this folder.

    Raises WitnessFolderError when a part is missing, open to others or damaged, and when key and state are not of one
    another: either may then be an older or a foreign one, and what was cosigned before is not known.
    """
    _require_private(folder, stat.S_ISDIR)
    signer = WitnessSigner(_read_key(folder / KEY))
    _require_private(folder / STATE, stat.S_ISREG)
    try:
        state = WitnessState(folder / STATE)
        state.verify_whole()
        key = parse_verifier_key(state.vkey, COSIGNER)
    except (sqlite3.Error, NoteError) as error:
        raise WitnessFolderError(f"The state {folder / STATE} cannot be read ({error}).") from error
    if key.public_key != signer.public_key_bytes:
        raise WitnessFolderError(
            f"The key and the state in {folder} do not belong together, so what this key cosigned is not known. Bring "
            "back the pair, or begin a new witness under a new name."
        )
    return WitnessFolder(key, signer, state)


def _read_key(path: Path) -> Ed25519PrivateKey:
    _require_private(path, stat.S_ISREG)
    try:
        with path.open("rb") as file:
            key = load_pem_private_key(file.read(_LONGEST_KEY), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise WitnessFolderError(f"The key {path} cannot be read. Bring it back from its copy.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise WitnessFolderError(f"The key {path} is not an Ed25519 key.")
    return key


def _require_private(path: Path, is_kind: Callable[[int], bool]) -> None:
    try:
        found = path.lstat()
    except OSError as error:
        raise WitnessFolderError(
            f"{path} cannot be opened ({error.strerror}). Make a witness with `python -m audit witness init`, or name "
            "the folder that it is in."
        ) from error
    if not is_kind(found.st_mode):
        raise WitnessFolderError(f"{path} is not what a witness keeps under that name.")
    if found.st_uid != os.geteuid():
        raise WitnessFolderError(f"{path} belongs to another user. Run the witness as the user who owns it.")
    if found.st_mode & _OTHERS:
        rights = "700" if stat.S_ISDIR(found.st_mode) else "600"
        raise WitnessFolderError(f"{path} is open to other users. Close it with: chmod {rights} {path}")


def _require_none(path: Path) -> None:
    if path.exists():
        raise FileExistsError(path)


def _write_new(path: Path, content: bytes) -> None:
    """A new file, whole under its name or not at all; raises FileExistsError when the name is taken."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
