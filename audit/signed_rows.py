"""Reads what was signed of a log, in the database and out of it, and holds every column to the signatures.

A checkpoint is believed where the log's key signed it, a cosignature where its witness did. The columns beside them
are copies. Times that nobody signed are held to those that somebody did, and to the times of the entries around them,
with an hour's room for clocks that differ and acts that take long.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from audit.checkpoint import Checkpoint, open_checkpoint
from audit.cosignature import cosigned_at
from audit.entry import parse_time
from audit.errors import EntryError, NoteError
from audit.findings import Findings
from audit.judging import SignedSize
from audit.note import Note, VerifierKey, parse_note
from audit.raw_log import RawCheckpoint, RawCosignature

SLACK: Final = timedelta(hours=1)
_STORED: Final = "A stored checkpoint"
_KEPT: Final = "A checkpoint kept elsewhere"
_REMEMBERED: Final = "The signer's memory"


class RememberedState(Protocol):
    """The largest state that the log's signer ever signed under the present origin, as it remembers itself."""

    @property
    def size(self) -> int:
        """The tree size."""

    @property
    def root(self) -> bytes:
        """The root hash, 32 bytes."""


@dataclass(frozen=True, slots=True)
class Bearing:
    """One of the log's keys, and the sizes it signs: above `above`, and up to `up_to` where another follows it."""

    key: VerifierKey
    above: int
    up_to: int | None

    def signs(self, size: int) -> bool:
        """Whether a checkpoint of this size is signed with this key."""
        return self.above < size and (self.up_to is None or size <= self.up_to)


class SignedRows:
    """Everything that is signed of one log, opened once; `signed` is what the rebuilt tree must agree with."""

    def __init__(self, bearings: Sequence[Bearing], witnesses: Sequence[VerifierKey], findings: Findings) -> None:
        self._bearings, self._witnesses, self._findings = bearings, witnesses, findings
        self._notes: dict[int, Note] = {}
        self._signed_at: dict[int, datetime] = {}
        self._cosigned: set[tuple[int, str]] = set()
        self.signed: list[SignedSize] = []
        self.kept: list[SignedSize] = []

    # Checkpoints

    def read_checkpoints(self, rows: Sequence[RawCheckpoint]) -> None:
        """Open every stored checkpoint and compare the columns beside it."""
        for row in rows:
            if type(row.tree_size) is not int or row.tree_size < 0:
                self._findings.add("checkpoint", 0, f"A checkpoint is filed under {row.tree_size!r:.40}, no size.")
                continue
            opened = self._open(row.note, row.tree_size)
            if opened is None:
                continue
            signed, note = opened
            if (signed.size, signed.root) != (row.tree_size, row.root_hash):
                detail = "The size or root hash beside the checkpoint is not the one it states."
                self._findings.add("checkpoint", row.tree_size, detail)
            self.signed.append(SignedSize(signed.size, signed.root, _STORED, is_stored=True))
            self._notes[row.tree_size] = note
            self._read_signed_at(row)

    def read_kept(self, notes: Sequence[str | bytes], size: int, *, is_complete: bool) -> None:
        """Open checkpoints kept elsewhere; where all that is stored was read, each must be stored too."""
        for note in notes:
            opened = self._open(note, size, is_kept=True)
            if opened is None:
                continue
            signed, parsed = opened
            known = [each for each in self._bearings if each.key.name == signed.origin]
            if known and not any(each.signs(signed.size) for each in known):
                continue  # a person gave this state up when the log went on under a new origin
            self.kept.append(SignedSize(signed.size, signed.root, _KEPT))
            if is_complete and signed.size <= size:
                self._require_stored(signed.size, _KEPT)
                self._require_cosignatures(parsed, signed.size)

    def read_remembered(self, remembered: RememberedState, size: int, *, is_complete: bool) -> None:
        """Hold the log to what its signer remembers."""
        if remembered.size <= self._bearings[-1].above:
            return
        self.kept.append(SignedSize(remembered.size, remembered.root, _REMEMBERED))
        if is_complete and remembered.size <= size:
            self._require_stored(remembered.size, _REMEMBERED)

    # Cosignatures

    def read_cosignatures(self, rows: Sequence[RawCosignature], notes: Mapping[int, Any]) -> None:
        """Verify the witnesses' lines under the checkpoints; `notes` holds those that were read before, by size."""
        for size, raw in notes.items():
            if size not in self._notes:
                self._notes |= _parsed(size, raw)
        for row in rows:
            if type(row.tree_size) is not int or row.tree_size < 0:
                self._findings.add("cosignature", 0, f"A cosignature is filed under {row.tree_size!r:.40}, no size.")
                continue
            self._cosigned.add((row.tree_size, row.witness))
            if row.tree_size in self._notes:
                self._read_cosignature(row)
            elif any(self._time(row, size) is not None for size in self._notes):
                detail = f"The cosignature of {row.witness!r:.80} belongs to another checkpoint."
                self._findings.add("cosignature", row.tree_size, detail)
            else:
                self._require_stored(row.tree_size, f"A cosignature of {row.witness!r:.80}")

    def _read_cosignature(self, row: RawCosignature) -> None:
        size = row.tree_size
        time = self._time(row, size)
        if time is None:
            detail = f"What is kept of {row.witness!r:.80} is not its signature of the checkpoint of {size} entries."
            self._findings.add("cosignature", size, detail)
            return
        signed_at, received_at = self._signed_at.get(size), _time_or_none(row.received_at)
        if received_at is None or (signed_at is not None and received_at < signed_at - SLACK):
            detail = f"The cosignature of {row.witness} came at {row.received_at!r:.40}, before there was a checkpoint."
            self._findings.add("cosignature", size, detail)
        elif time and abs(received_at - _moment(time)) > 2 * SLACK:
            detail = f"The cosignature of {row.witness} is said to have come at {received_at}; it was not signed then."
            self._findings.add("cosignature", size, detail)
        if signed_at is not None and time and signed_at > _moment(time) + SLACK:
            detail = f"{row.witness} signed the checkpoint before the time that is noted for its making."
            self._findings.add("checkpoint", size, detail)

    def _time(self, row: RawCosignature, size: int) -> int | None:
        """The POSIX time (s) of the line as a cosignature of this size's checkpoint, 0 where no key tells; or None."""
        line = row.line
        if not isinstance(line, str) or line.count("\n") != 1 or not line.endswith("\n"):
            return None
        try:
            note = parse_note(f"{self._notes[size].text}\n{line}")
            times = {key.name: time for key, time in cosigned_at(note, self._witnesses).items()}
        except (NoteError, UnicodeError):
            return None
        if note.signatures[0].name != row.witness:
            return None
        return times.get(str(row.witness)) if self._witnesses else 0

    # Times

    def judge_times(self, times: Mapping[int, Any], created_at: datetime) -> None:
        """Hold the times of checkpoints and of the log's creation to those of the entries around them."""
        first = _time_or_none(times.get(0))
        if first is not None and created_at > first + SLACK:
            self._findings.add("copy", 0, "The log is said to have been made after its first entry.")
        before: datetime | None = None
        for size, signed_at in sorted(self._signed_at.items()):
            last, following = _time_or_none(times.get(size - 1)), _time_or_none(times.get(size))
            is_early = (last or signed_at) > signed_at + SLACK or created_at > signed_at + SLACK
            is_late = (following or signed_at) < signed_at - SLACK
            if is_early or is_late:
                detail = f"The checkpoint of {size} entries is said to be of {signed_at}; the entries say otherwise."
                self._findings.add("checkpoint", size, detail)
            elif before is not None and signed_at < before - SLACK:
                detail = f"The checkpoint of {size} entries is said to be older than one of fewer."
                self._findings.add("checkpoint", size, detail)
            else:
                before = signed_at

    def _read_signed_at(self, row: RawCheckpoint) -> None:
        signed_at = _time_or_none(row.signed_at)
        if signed_at is None:
            self._findings.add("checkpoint", row.tree_size, "The time noted for the checkpoint is none.")
        else:
            self._signed_at[row.tree_size] = signed_at

    # What is common

    def _open(self, raw: Any, index: int, *, is_kept: bool = False) -> tuple[Checkpoint, Note] | None:
        try:
            note = parse_note(raw if isinstance(raw, str | bytes) else b"")
            origin = note.text.partition("\n")[0]
            keys = [each.key for each in self._bearings if each.key.name == origin]
            if is_kept and origin.startswith(f"{self._bearings[0].key.name}/"):
                keys.append(VerifierKey(origin, self._bearings[0].key.public_key))  # of a later origin, lost since
            signed = open_checkpoint(raw, (keys or [self._bearings[-1].key])[0])
        except (NoteError, UnicodeError) as error:
            self._findings.add("forged", index, f"A checkpoint was not signed by this log's key: {error}")
            return None
        return signed, note

    def _require_stored(self, size: int, whose: str) -> None:
        if size not in self._notes:
            detail = f"The checkpoint of {size} entries is missing. {whose} tells of it."
            self._findings.add("checkpoint", size, detail)

    def _require_cosignatures(self, note: Note, size: int) -> None:
        try:
            names = [key.name for key in cosigned_at(note, self._witnesses)]
        except NoteError as error:
            self._findings.add("forged", size, str(error))
            return
        for name in names:
            if (size, name) not in self._cosigned:
                detail = f"The cosignature of {name} is missing. {_KEPT} bears it."
                self._findings.add("cosignature", size, detail)


def _parsed(size: int, raw: Any) -> dict[int, Note]:
    try:
        return {size: parse_note(raw)} if isinstance(raw, str) else {}
    except NoteError:
        return {}  # said when the checkpoint was read


def _time_or_none(value: Any) -> datetime | None:
    try:
        return parse_time(value)
    except EntryError:
        return None


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return datetime.max.replace(tzinfo=UTC) - 2 * SLACK
