"""Which bytes a request asks for (RFC 9110, sections 13 and 14): one range, under a strong validator. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.http import parse_range_header


class UnsatisfiableRangeError(Exception):
    """The range lies outside the file: 416."""


@dataclass(frozen=True)
class Wanted:
    """The bytes from `start` to `stop` (exclusive); `partial` when the answer is 206."""

    start: int
    stop: int
    partial: bool


def wanted_range(size: int, etag: str, range_header: str | None, if_range: str | None) -> Wanted:
    """Decide what to send of a file of `size` bytes whose strong ETag (with its quotes) is `etag`.

    A malformed header, several ranges, another unit, or an If-Range that is not exactly our ETag mean the whole file.

    Raises:
        UnsatisfiableRangeError: the one range starts at or after the end.
    """
    whole = Wanted(0, size, partial=False)
    if range_header is None or (if_range is not None and if_range.strip() != etag):
        return whole
    parsed = parse_range_header(range_header)
    if parsed is None or parsed.units != "bytes" or len(parsed.ranges) != 1:
        return whole
    start, stop = parsed.ranges[0]
    if start < 0:  # the last so many bytes
        if size == 0:
            raise UnsatisfiableRangeError
        return Wanted(max(0, size + start), size, partial=True)
    if start >= size:
        raise UnsatisfiableRangeError
    return Wanted(start, min(size, stop if stop is not None else size), partial=True)
