"""How far a log was checked, as a value that a process keeps between two checks of what came since."""

import json
from dataclasses import dataclass
from typing import Self

from audit.errors import LogDamagedError


@dataclass(frozen=True, slots=True)
class CheckedState:
    """A log was found whole up to `size`; `waiting` are the hashes of its right edge, by level.

    `checkpoint_size` is the greatest size whose checkpoint was verified (-1: none), `received_at` the newest time at
    which a cosignature came that was verified ("": none).
    """

    log_id: str
    size: int = 0
    waiting: tuple[tuple[int, bytes], ...] = ()
    checkpoint_size: int = -1
    received_at: str = ""

    def encode(self) -> str:
        """The value as JSON."""
        fields = {
            "checkpoint_size": self.checkpoint_size,
            "log_id": self.log_id,
            "received_at": self.received_at,
            "size": self.size,
            "version": 1,
            "waiting": [[level, digest.hex()] for level, digest in self.waiting],
        }
        return json.dumps(fields, sort_keys=True, separators=(",", ":"))

    @classmethod
    def decode(cls, text: str) -> Self:
        """The value in `encode`'s text. Raises LogDamagedError for any other: then everything is checked again."""
        try:
            fields = json.loads(text)
            waiting = tuple((int(level), bytes.fromhex(digest)) for level, digest in fields["waiting"])
            state = cls(
                str(fields["log_id"]),
                int(fields["size"]),
                waiting,
                int(fields["checkpoint_size"]),
                str(fields["received_at"]),
            )
            is_exact = state.encode() == text
        except (ValueError, KeyError, TypeError) as error:
            raise LogDamagedError("What is kept of the last check of the log cannot be read.") from error
        if not is_exact or [level for level, _ in waiting] != [n for n in range(63) if state.size >> n & 1]:
            raise LogDamagedError("What is kept of the last check of the log contradicts itself.")
        return state
