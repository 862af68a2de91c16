"""Run by the peers' Python: reads exports of tiles, one folder a line of standard input, with aics-tlog alone.

Checks the checkpoint, then authenticates every tile and entry bundle against it, and says how many there are and
SHA-256 over the tiles that the library itself makes of those entries; null where anything is refused.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import aics_tlog as tlog
from aics_tlog.tiles import FileSystemTileReader, materialise_tiles, parse_entry_bundle
from aics_tlog.verified import audit_tiles


def read(folder: Path, key: str) -> dict[str, Any]:
    note = tlog.parse_note((folder / "checkpoint").read_bytes())
    origin = key.split("+", 1)[0]
    checkpoint = tlog.verify_checkpoint(note, tlog.parse_vkey(key), [], quorum=0, expected_origin=origin)
    if not checkpoint.ok:
        raise ValueError("checkpoint")
    reader, size = FileSystemTileReader(folder), checkpoint.size
    report = audit_tiles(reader, size, checkpoint.root)
    entries = []
    for index in range(-(-size // 256)):
        width = min(256, size - 256 * index)
        entries += parse_entry_bundle(reader.read_entry_bundle(index, None if width == 256 else width) or b"")
    made = hashlib.sha256()
    for name, content in sorted(materialise_tiles(entries).items()):
        made.update(f"{name} {len(content)}\n".encode() + content)
    return {"size": size, "tiles": report.tiles, "bundles": report.bundles, "digest": made.hexdigest()}


for line in sys.stdin:
    question = json.loads(line)
    try:
        answer = read(Path(question["folder"]), question["key"])
    except (ValueError, OSError):
        answer = None
    sys.stdout.write(json.dumps(answer) + "\n")
