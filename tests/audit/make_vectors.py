"""Makes the vectors of this folder: run it from the project's root as `python -m tests.audit.make_vectors`.

Everything follows from the fixed keys of the specimens, so every run makes the same files. Each is named after its
mutation; `index.json` beside them gives the error that refuses each (none: it is accepted) and what that says.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.audit.bad_bundles import bundles
from tests.audit.bad_notes import checkpoints, cosignatures, notes, policies, vkeys
from tests.audit.bad_proofs import consistencies, inclusions, receipts, tlog_proofs
from tests.audit.mutations import Vectors

FOLDER: Final = Path(__file__).parent / "vectors"

STRUCTURES: Final[Mapping[str, tuple[Callable[[], Vectors], str]]] = {
    "note": (notes, ".txt"),
    "vkey": (vkeys, ".vkey"),
    "checkpoint": (checkpoints, ".txt"),
    "cosignature": (cosignatures, ".txt"),
    "policy": (policies, ".policy"),
    "tlog-proof": (tlog_proofs, ".tlog-proof"),
    "receipt": (receipts, ".tlog-proof"),
    "inclusion": (inclusions, ".json"),
    "consistency": (consistencies, ".json"),
    "bundle": (bundles, ".zip"),
}
"""For each structure what makes its vectors, and the ending of their files."""


def made() -> dict[str, bytes]:
    """Every file, by its path in the folder."""
    files = {}
    for structure, (make, ending) in STRUCTURES.items():
        vectors = make()
        for name, vector in vectors.items():
            files[f"{structure}/{name}{ending}"] = vector.content
        rows = [f"{json.dumps(name)}: {json.dumps(each[1:])}" for name, each in sorted(vectors.items())]
        files[f"{structure}/index.json"] = ("{\n" + ",\n".join(rows) + "\n}\n").encode()
    return files


def main() -> None:
    """Write the folder anew."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, content in made().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
