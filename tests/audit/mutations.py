"""Every field of every structure, altered one at a time: what each alteration is called, and how it must be refused."""

import base64
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Vector(NamedTuple):
    """A file's content, the class of the error that refuses it (none: it is accepted), and what the error says."""

    content: bytes
    error: str = ""
    says: str = ""


Vectors = dict[str, Vector]


def flip(data: bytes, place: int, bit: int = 0) -> bytes:
    """The data with one bit of the byte at `place` the other way."""
    changed = bytearray(data)
    changed[place] ^= 1 << bit
    return bytes(changed)


def encoded(data: bytes) -> str:
    """Base64 as the formats spell it."""
    return base64.b64encode(data).decode()


def respelled(line: str) -> str:
    """The line with its base64, the last word, in a second spelling of the same bytes."""
    *before, word = line.split(" ")
    bare = word.rstrip("=")
    if bare == word:
        return " ".join([*before, word + "===="])
    following = {"A": "B", "Q": "R", "g": "h", "w": "x"}
    last = following.get(bare[-1], chr(ord(bare[-1]) + 1))
    return " ".join([*before, bare[:-1] + last + "=" * (len(word) - len(bare))])


def with_bytes(line: str, change: Callable[[bytes], bytes]) -> str:
    """The line with the bytes in its base64, the last word, changed."""
    *before, word = line.split(" ")
    return " ".join([*before, encoded(change(base64.b64decode(word)))])


class Lines:
    """A text of named lines, to be altered line by line."""

    def __init__(self, text: str, names: Iterable[str]) -> None:
        self.names = list(names)
        self.lines = text.removesuffix("\n").split("\n")
        if len(self.names) != len(self.lines):
            raise ValueError(f"{len(self.lines)} lines, {len(self.names)} names")

    def line(self, name: str) -> str:
        """The line of this name."""
        return self.lines[self.names.index(name)]

    def replaced(self, name: str, *lines: str) -> bytes:
        """The text with these lines where the named one stood."""
        place = self.names.index(name)
        return ("\n".join([*self.lines[:place], *lines, *self.lines[place + 1 :]]) + "\n").encode()

    def dropped(self) -> dict[str, bytes]:
        """The text without each of its lines."""
        return {f"{name}-dropped": self.replaced(name) for name in self.names}

    def duplicated(self) -> dict[str, bytes]:
        """The text with each of its lines twice."""
        return {f"{name}-duplicated": self.replaced(name, line, line) for name, line in self._pairs()}

    def swapped(self) -> dict[str, bytes]:
        """The text with each line after the one that follows it."""
        swapped = {}
        for place, (name, following) in enumerate(zip(self.names, self.names[1:], strict=False)):
            lines = [*self.lines[:place], self.lines[place + 1], self.lines[place], *self.lines[place + 2 :]]
            swapped[f"{name}-after-{following}"] = ("\n".join(lines) + "\n").encode()
        return swapped

    def ended(self, ending: str, called: str) -> dict[str, bytes]:
        """The text with something at the end of each line."""
        return {f"{name}-with-{called}": self.replaced(name, line + ending) for name, line in self._pairs()}

    def respelled(self, *names: str) -> dict[str, bytes]:
        """The text with the base64 of each named line in a second spelling."""
        return {f"{name}-respelled": self.replaced(name, respelled(self.line(name))) for name in names}

    def unpadded(self, *names: str) -> dict[str, bytes]:
        """The text with the base64 of each named line without its padding."""
        return {f"{name}-without-padding": self.replaced(name, self.line(name).rstrip("=")) for name in names}

    def flipped(self, *names: str, place: int = -1) -> dict[str, bytes]:
        """The text with one bit flipped in the bytes of each named line."""
        return {
            f"{name}-bit-flipped": self.replaced(name, with_bytes(self.line(name), lambda raw: flip(raw, place)))
            for name in names
        }

    def _pairs(self) -> list[tuple[str, str]]:
        return list(zip(self.names, self.lines, strict=True))


def refused(contents: dict[str, bytes], error: str, /, **others: str) -> Vectors:
    """Each content with the error that refuses it; `others` names, with underscores, those that end otherwise."""
    named = {name.replace("_", "-"): other for name, other in others.items()}
    if unknown := named.keys() - contents.keys():
        raise ValueError(f"no such mutations: {unknown}")
    return {name: Vector(content, named.get(name, error)) for name, content in contents.items()}
