"""C2SP policies (c2sp.org/tlog-policy): which logs are believed, which witnesses are known, and how many must agree.

A policy is a file that the reader of evidence keeps, never part of the evidence. Parsing is strict: what the format
does not allow is refused with its line number, for a policy misread is a promise nobody made. Names are opaque bytes,
held as text with `surrogateescape`.
"""

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from audit.checkpoint import parse_checkpoint
from audit.cosignature import cosigned_at
from audit.errors import NoteError, PolicyError, QuorumError
from audit.note import COSIGNER, Note, VerifierKey, parse_verifier_key, verify_note

MAX_POLICY_BYTES: Final = 256 * 1024
MAX_LINES: Final = 1000
"""Far more than the 32 logs, 32 witnesses and 32 groups that a reader should take."""

NONE: Final = "none"
_FORBIDDEN = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
_BLANKS = re.compile(rb"[ \t]+")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class PolicyLog:
    """A log that is believed: its key, named as its origin; `url` is empty when none is given."""

    key: VerifierKey
    url: str = ""


@dataclass(frozen=True, slots=True)
class PolicyWitness:
    """A witness under the name that this policy gives it; `url` is its submission prefix, empty when none is given."""

    name: str
    key: VerifierKey
    url: str = ""


@dataclass(frozen=True, slots=True)
class PolicyGroup:
    """Witnesses and groups, `threshold` of which stand for the whole."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """The logs that are believed (none: the log's key comes from elsewhere), the witnesses, the groups, the quorum.

    `quorum` names a witness or group, or is None when no cosignature is asked for.
    """

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: tuple[PolicyGroup, ...]
    quorum: str | None

    def log_keys(self, origin: str) -> list[VerifierKey]:
        """The keys under which the policy believes the log of this origin; none when it does not name it."""
        return [log.key for log in self.logs if log.key.name == origin]

    def verify(self, note: Note) -> dict[str, int]:
        """The witnesses that cosigned this checkpoint, by their names here, each with its POSIX time (s).

        Raises NoteError unless the note is a checkpoint, signed by the log of its origin if the policy names logs, and
        every signature of a known key is true; QuorumError unless the quorum cosigned it.
        """
        origin = parse_checkpoint(note.text).origin
        if self.logs:
            keys = self.log_keys(origin)
            if not keys:
                raise NoteError(f"The policy does not name the log {origin}.")
            verify_note(note, keys)
        times = cosigned_at(note, [witness.key for witness in self.witnesses])
        seen = {witness.name: times[witness.key] for witness in self.witnesses if witness.key in times}
        self._require_quorum(seen.keys())
        return seen

    def _require_quorum(self, seen: AbstractSet[str]) -> None:
        agreed = set(seen)
        for group in self.groups:  # each names only what stands before it
            if len(agreed.intersection(group.members)) >= group.threshold:
                agreed.add(group.name)
        if self.quorum is not None and self.quorum not in agreed:
            raise QuorumError(
                f"The policy asks for the quorum {self.quorum}; cosigned by: {', '.join(sorted(seen)) or 'no witness'}."
            )


def parse_policy(content: bytes) -> Policy:
    """The policy in these bytes. Raises PolicyError, naming the line, for anything that the format does not allow."""
    if len(content) > MAX_POLICY_BYTES or content.count(b"\n") > MAX_LINES:
        raise PolicyError(f"A policy has at most {MAX_POLICY_BYTES} bytes and {MAX_LINES} lines.")
    *lines, rest = content.split(b"\n")
    if rest:
        raise PolicyError("Every line of a policy ends in a newline; the last does not. The file may have been cut.")
    reader = _Reader()
    for number, line in enumerate(lines, 1):
        try:
            reader.read(line)
        except (PolicyError, NoteError) as error:
            raise PolicyError(f"Line {number} of the policy: {error}") from error
    return reader.policy()


@dataclass(slots=True)
class _Reader:
    """What the lines so far have defined."""

    logs: list[PolicyLog] = field(default_factory=list)
    witnesses: list[PolicyWitness] = field(default_factory=list)
    groups: list[PolicyGroup] = field(default_factory=list)
    quorums: list[str] = field(default_factory=list)
    members: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=lambda: {NONE})

    def read(self, line: bytes) -> None:
        if _FORBIDDEN.search(line):
            raise PolicyError("it holds a control character.")
        words = [word.decode("utf-8", "surrogateescape") for word in _BLANKS.split(line) if word]
        match words:
            case []:
                return
            case [first, *_] if first.startswith("#"):
                return
            case ["log", key, *url] if len(url) <= 1:
                self._add_log(key, *url)
            case ["witness", name, key, *url] if len(url) <= 1:
                self._add_witness(name, key, *url)
            case ["group", name, threshold, *members] if members:
                self._add_group(name, threshold, members)
            case ["quorum", name]:
                self._add_quorum(name)
            case _:
                raise PolicyError("it is no line of a log, a witness, a group or the quorum.")

    def policy(self) -> Policy:
        if len(self.quorums) != 1:
            raise PolicyError("A policy has exactly one quorum line; `quorum none` asks for no witness.")
        quorum = None if self.quorums == [NONE] else self.quorums[0]
        return Policy(tuple(self.logs), tuple(self.witnesses), tuple(self.groups), quorum)

    def _add_log(self, text: str, url: str = "") -> None:
        log = PolicyLog(parse_verifier_key(text), url)
        _require_new(log.key, [known.key for known in self.logs])
        self.logs.append(log)

    def _add_witness(self, name: str, text: str, url: str = "") -> None:
        witness = PolicyWitness(name, parse_verifier_key(text, COSIGNER), url)
        _require_new(witness.key, [known.key for known in self.witnesses])
        self._define(name)
        self.witnesses.append(witness)

    def _add_group(self, name: str, threshold: str, members: Sequence[str]) -> None:
        for member in members:
            self._require_defined(member)
            if member in self.members:
                raise PolicyError("a name can be a member only once.")
            self.members.add(member)
        needed = _threshold(threshold, len(members))
        self._define(name)
        self.groups.append(PolicyGroup(name, needed, tuple(members)))

    def _add_quorum(self, name: str) -> None:
        if name != NONE:
            self._require_defined(name)
        self.quorums.append(name)

    def _define(self, name: str) -> None:
        if name in self.names:
            raise PolicyError("its name is taken already.")
        self.names.add(name)

    def _require_defined(self, name: str) -> None:
        if name == NONE or name not in self.names:
            raise PolicyError("it names a witness or group that no line above defines.")


def _threshold(text: str, members: int) -> int:
    if text in ("all", "any"):
        return members if text == "all" else 1
    if not _NUMBER.fullmatch(text) or int(text) > members:
        raise PolicyError(f"of {members} members, `all`, `any` or a number from 1 to {members} can be asked for.")
    return int(text)


def _require_new(key: VerifierKey, known: Sequence[VerifierKey]) -> None:
    if any(key.public_key == other.public_key for other in known):
        raise PolicyError("the same public key stands in a line above.")
