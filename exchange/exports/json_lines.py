"""JSON lines: what the export is, then one entry a line in its canonical bytes, then what makes it whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

from exchange.exports.rows import ExportRow

LINES_TOGETHER: Final = 500


def line_of(row: ExportRow) -> bytes:
    """One line; the value of `entry` is the canonical entry, byte for byte."""
    words = {
        "index": int(row.stored.index),
        "leaf_hash": row.stored.leaf_hash.hex(),
        "mark": row.mark,
        "sentence": row.sentence,
    }
    return b'{"entry":' + row.stored.encoded + b"," + _text(words)[1:] + b"\n"


def json_pieces(about: Mapping[str, object], rows: Iterable[ExportRow]) -> Iterator[bytes]:
    """The whole file: a line `about`, the entries, and a line `end` without which the file is not whole."""
    yield _text({"about": about}) + b"\n"
    count, source = 0, iter(rows)
    while together := list(islice(source, LINES_TOGETHER)):
        count += len(together)
        yield b"".join(line_of(row) for row in together)
    yield _text({"end": {"entries": count}}) + b"\n"


def _text(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
