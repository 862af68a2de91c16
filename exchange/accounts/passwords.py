"""Passwords: argon2id, a bound on how many are hashed at once, and the rule for a new one.

Promises: at most `at_once` hashes run in a process, since each takes 64 MiB; an unknown address costs as much time
as a known one; nobody waits longer than ten seconds for a turn.
"""

from __future__ import annotations

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from exchange.errors import BusyError, InvalidError

MINIMUM = 12
MAXIMUM = 256
WAIT_SECONDS = 10

# Words that make a password guessable in this service whatever stands around them.
TELLING_WORDS = ("password", "ofsted", "inspection", "exchange", "letmein", "qwerty", "welcome")


class Passwords:
    """Hash and verify, a bounded number at a time."""

    def __init__(self, at_once: int, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(at_once)
        self._dummy = self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """Return the argon2id hash in PHC format.

        Raises:
            BusyError: no turn came within ten seconds.
        """
        with self._turn():
            return self._hasher.hash(normalised(password))

    def matches(self, stored: str, password: str) -> bool:
        """Tell whether `password` is the one behind `stored`; an empty `stored` never matches, in the same time."""
        with self._turn():
            try:
                self._hasher.verify(stored or self._dummy, normalised(password))
            except (VerificationError, InvalidHashError):
                return False
        return bool(stored)

    def _turn(self) -> _Turn:
        return _Turn(self._turns)


class _Turn:
    def __init__(self, turns: threading.BoundedSemaphore) -> None:
        self._turns = turns

    def __enter__(self) -> None:
        if not self._turns.acquire(timeout=WAIT_SECONDS):
            raise BusyError("Many people are signing in at once. Nothing was lost. Wait a minute and try again.")

    def __exit__(self, *_: object) -> None:
        self._turns.release()


def normalised(password: str) -> str:
    """Return a password in Unicode's NFKC form, so that it is the same from every keyboard (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)


def verify_new_password(password: str, *, email: str, name: str) -> None:
    """Check a password somebody wants to use.

    Raises:
        InvalidError: too short, too long, or guessable from who the person is or what this service is called.
    """
    if len(password) < MINIMUM:
        raise InvalidError(f"Password must be {MINIMUM} characters or more", field="password")
    if len(password) > MAXIMUM:
        raise InvalidError(f"Password must be {MAXIMUM} characters or fewer", field="password")
    folded = password.casefold()
    own = [email.partition("@")[0].casefold(), *(part.casefold() for part in name.split())]
    if len(set(folded)) < 5:  # noqa: PLR2004  fewer letters than this is a pattern
        raise InvalidError("Password must not repeat the same few characters", field="password")
    for word in (*TELLING_WORDS, *(part for part in own if len(part) > 3)):  # noqa: PLR2004  short names match by chance
        if word in folded:
            raise InvalidError(f"Password must not contain “{word}”: it is easy to guess", field="password")
