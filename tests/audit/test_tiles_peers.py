"""What somebody else's client, aics-tlog, reads in an export of ours; its record where there is no Python 3.12."""

import hashlib
import json
from pathlib import Path
from typing import Any, cast

from audit.store import LogStore
from audit.tiles import write_tiles
from tests.audit.example_log import INSPECTION
from tests.audit.peers import PROGRAMS, LivePeers, _run, require_peers
from tests.audit.test_tiles import KEY, LogInMemory, folder_of

SIZES = (0, 1, 255, 256, 257, 513, 65_536, 65_537, 70_000)
RECORD = PROGRAMS / "tiles.json"


def exported(size: int, folder: Path) -> Path:
    write_tiles(cast("LogStore[None]", LogInMemory(size)), None, INSPECTION, KEY, folder)
    return folder


def digest_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(folder_of(folder).items()):
        if name != "checkpoint":
            digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def read_by_peers(*folders: Path) -> list[Any]:
    return _run("tiles.py", [{"folder": str(folder), "key": str(KEY)} for folder in folders])


def test_our_tiles_are_byte_for_byte_those_that_the_peers_make(tmp_path: Path) -> None:
    folders = {size: exported(size, tmp_path / str(size)) for size in SIZES}
    ours = {str(size): digest_of(folder) for size, folder in folders.items()}
    record: dict[str, Any] = json.loads(RECORD.read_bytes())
    assert ours == {size: row["digest"] for size, row in record.items()}
    if isinstance(require_peers(), LivePeers):
        answers = read_by_peers(*folders.values())
        assert dict(zip(map(str, SIZES), answers, strict=True)) == record


def test_the_peers_refuse_an_export_in_which_a_bit_is_flipped(tmp_path: Path) -> None:
    if not isinstance(require_peers(), LivePeers):
        return  # what they refuse can only be seen where they run
    folders = []
    for number, name in enumerate(("tile/0/000", "tile/1/000.p/1", "tile/entries/000", "checkpoint")):
        folders.append(exported(300, tmp_path / str(number)))
        content = bytearray((folders[-1] / name).read_bytes())
        content[20] ^= 1
        (folders[-1] / name).write_bytes(content)
    assert read_by_peers(*folders, exported(300, tmp_path / "whole"))[:-1] == [None] * 4
    assert read_by_peers(tmp_path / "whole")[0]["size"] == 300
