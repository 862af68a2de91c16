"""Everything that is done to a sealed message of three segments to see it refused; each named after what was done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

HEADER = 74


@dataclass(frozen=True)
class Message:
    """A sealed message in parts; `other` is another one under the same key and associated data."""

    header: bytes
    segments: tuple[bytes, ...]
    other: "Message | None" = None

    @classmethod
    def split(cls, sealed: bytes, segment_size: int, other: "Message | None" = None) -> "Message":
        body = sealed[HEADER:]
        segments = tuple(body[at : at + segment_size] for at in range(0, len(body), segment_size))
        return cls(sealed[:HEADER], segments, other)


def flip(data: bytes, index: int) -> bytes:
    """Change the lowest bit of one byte."""
    index %= len(data)
    return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]


def _joined(message: Message, *segments: bytes) -> bytes:
    return message.header + b"".join(segments)


def _header(change: Callable[[bytes], bytes]) -> Callable[[Message], bytes]:
    return lambda message: change(message.header) + b"".join(message.segments)


def _order(*positions: int) -> Callable[[Message], bytes]:
    return lambda message: _joined(message, *(message.segments[position] for position in positions))


def _segment(position: int, change: Callable[[bytes], bytes]) -> Callable[[Message], bytes]:
    def mutate(message: Message) -> bytes:
        segments = list(message.segments)
        segments[position] = change(segments[position])
        return _joined(message, *segments)

    return mutate


def _from_other(message: Message) -> Message:
    assert message.other is not None
    return message.other


MUTATIONS: Mapping[str, Callable[[Message], bytes]] = {
    "nothing-left": lambda _: b"",
    "header-alone": _order(),
    "header-cut-short": lambda message: message.header[:-1],
    "header-missing": lambda message: b"".join(message.segments),
    "aead-number-changed": _header(lambda header: flip(header, 0)),
    "kdf-number-changed": _header(lambda header: flip(header, 1)),
    "segment-size-changed": _header(lambda header: flip(header, 5)),
    "iv-size-changed": _header(lambda header: flip(header, 9)),
    "message-iv-flipped": _header(lambda header: flip(header, 10)),
    "header-tag-flipped": _header(lambda header: flip(header, -1)),
    "header-of-another-message": lambda message: _from_other(message).header + b"".join(message.segments),
    "first-segment-missing": _order(1, 2),
    "inner-segment-missing": _order(0, 2),
    "last-segment-missing": _order(0, 1),
    "segments-swapped": _order(1, 0, 2),
    "last-segment-first": _order(2, 0, 1),
    "inner-segment-repeated": _order(0, 1, 1, 2),
    "last-segment-repeated": _order(0, 1, 2, 2),
    "segment-of-another-message": lambda message: _joined(
        message, message.segments[0], _from_other(message).segments[1], message.segments[2]
    ),
    "last-segment-of-another-message": lambda message: _joined(
        message, *message.segments[:2], _from_other(message).segments[2]
    ),
    "inner-segment-marked-last": lambda message: _joined(
        message, message.segments[0], len(message.segments[1]).to_bytes(4, "big") + message.segments[1][4:]
    ),
    "last-segment-marked-inner": _segment(2, lambda segment: b"\xff\xff\xff\xff" + segment[4:]),
    "last-length-understated": _segment(2, lambda segment: (len(segment) - 1).to_bytes(4, "big") + segment[4:]),
    "last-length-overstated": _segment(2, lambda segment: (len(segment) + 1).to_bytes(4, "big") + segment[4:]),
    "inner-mark-flipped": _segment(0, lambda segment: flip(segment, 3)),
    "segment-iv-flipped": _segment(0, lambda segment: flip(segment, 4)),
    "content-flipped": _segment(1, lambda segment: flip(segment, 16)),
    "tag-flipped": _segment(0, lambda segment: flip(segment, -1)),
    "last-iv-flipped": _segment(2, lambda segment: flip(segment, 4)),
    "last-tag-flipped": _segment(2, lambda segment: flip(segment, -1)),
    "inner-segment-cut-short": _segment(1, lambda segment: segment[:-1]),
    "last-byte-missing": _segment(2, lambda segment: segment[:-1]),
    "byte-appended": _segment(2, lambda segment: segment + b"\0"),
    "cut-and-length-mended": _segment(2, lambda segment: (len(segment) - 1).to_bytes(4, "big") + segment[4:-1]),
    "emptied-and-length-mended": _segment(2, lambda segment: (32).to_bytes(4, "big") + segment[4:32]),
    "message-twice": lambda message: _joined(message, *message.segments) * 2,
}
