"""The largest state that was ever signed of each log, in a protected file outside the database.

A database that was put back to an older backup looks whole to itself; this file remembers better. Promises: a state is
durable here before its signature exists; the size of an origin never falls; a changed root at one size is refused.
Copies of this file belong apart from copies of the database, or both go back together and neither tells.
"""

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Self

from keys.errors import KeyFileError, SignedBeforeError
from keys.protected_file import create_protected, locked_folder, read_protected
from keys.protected_file import replace as replace_file

_FORMAT = "signed-sizes/1"
_MOST_BYTES = 1 << 20  # what is read of a protected file; room for some 6,000 logs
_ROOT = re.compile(r"[0-9a-f]{64}")

Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class SignedSize:
    """The newest signed state of one origin: entries counted, root hash (32 bytes), and whether it was given up.

    An origin is given up when its database had gone back and a person decided so; nothing is signed for it again.
    """

    size: int
    root: bytes
    is_given_up: bool = False


class SignedSizes:
    """The file, safe in several threads and processes; one that has it open notices a change by itself."""

    def __init__(self, path: Path) -> None:
        """Open an existing file; `open` is the name to call."""
        self._path = path
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None
        self._states: Mapping[str, SignedSize] = MappingProxyType({})
        self.states()

    @classmethod
    def create(cls, path: Path, states: Mapping[str, SignedSize] | None = None) -> Self:
        """Make the file, empty or from known states.

        Raises KeyExistsError when there is one, KeyFileError for unsafe rights.
        """
        create_protected(path, _encode(states or {}))
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file; raise KeyFileError when it is missing, unsafe, another user's or not such a file."""
        return cls(path)

    def states(self) -> Mapping[str, SignedSize]:
        """Every origin with its newest signed state. Raises KeyFileError when the file has gone or is damaged."""
        with self._lock:
            stamp = self._read_stamp()
            if stamp != self._stamp:
                self._states = MappingProxyType(_decode(read_protected(self._path), self._path))
                self._stamp = stamp
            return self._states

    def latest(self, origin: str) -> SignedSize | None:
        """The newest signed state of an origin; None when nothing of it was ever signed."""
        return self.states().get(origin)

    def advance(self, origin: str, size: int, root: bytes) -> None:
        """Remember that this state is about to be signed, durably; nothing happens when it is remembered already.

        Raises:
            SignedBeforeError: a larger state was signed, or another root hash at this size, or the origin was given up.
        """
        with locked_folder(self._path.parent) as folder:
            states = dict(self.states())
            known = states.get(origin)
            if known is not None:
                _require_forward(origin, known, size, root)
                if known.size == size:
                    return
            states[origin] = SignedSize(size, root)
            replace_file(folder, self._path.name, _encode(states))

    def give_up(self, origin: str) -> None:
        """Remember that a person decided to sign nothing more of this origin."""
        with locked_folder(self._path.parent) as folder:
            states = dict(self.states())
            if origin in states:
                states[origin] = replace(states[origin], is_given_up=True)
                replace_file(folder, self._path.name, _encode(states))

    def _read_stamp(self) -> Stamp:
        try:
            status = self._path.stat()
        except OSError as error:
            raise KeyFileError(
                f"The file of signed sizes {self._path} cannot be opened ({error.strerror}). Nothing is signed or "
                "recorded without it. Restore the newest copy; if there is none, see: exchange log remember --help"
            ) from error
        return status.st_ino, status.st_mtime_ns, status.st_size


def _require_forward(origin: str, known: SignedSize, size: int, root: bytes) -> None:
    if known.is_given_up or known.size > size or (known.size == size and known.root != root):
        raise SignedBeforeError(
            f"Of {origin} a state of {known.size} entries was signed before; one of {size} that does not extend it is "
            "not signed."
        )


def _encode(states: Mapping[str, SignedSize]) -> bytes:
    rows = {
        origin: {"root": state.root.hex(), "size": state.size} | ({"given_up": True} if state.is_given_up else {})
        for origin, state in sorted(states.items())
    }
    content = json.dumps({"format": _FORMAT, "origins": rows}, indent=1).encode("ascii") + b"\n"
    if len(content) > _MOST_BYTES:
        raise KeyFileError(
            "The file of signed sizes is full; nothing was signed. No installation is known to need this."
        )
    return content


def _decode(content: bytes, path: Path) -> dict[str, SignedSize]:
    try:
        rows = json.loads(content)["origins"]
        states = {
            str(origin): SignedSize(row["size"], bytes.fromhex(row["root"]), row.get("given_up", False))
            for origin, row in rows.items()
            if _ROOT.fullmatch(row["root"]) and type(row["size"]) is int and row["size"] >= 0
        }
        is_valid = _encode(states) == content
    except (ValueError, KeyError, TypeError, AttributeError):
        is_valid, states = False, {}
    if not is_valid:
        raise KeyFileError(f"The file of signed sizes {path} is damaged. Restore the newest copy of it.")
    return states
