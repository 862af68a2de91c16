"""Makes the record of what aics-tlog reads in our exports: `python -m tests.audit.make_peer_tiles`, with the peers."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.audit.test_tiles_peers import RECORD, SIZES, exported, read_by_peers


def main() -> None:
    """Write the record anew."""
    with TemporaryDirectory() as folder:
        answers = read_by_peers(*(exported(size, Path(folder) / str(size)) for size in SIZES))
    RECORD.write_text(json.dumps(dict(zip(map(str, SIZES), answers, strict=True)), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
