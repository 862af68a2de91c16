"""A process that has a witness's folder cosign one history, for tests of races and of sudden ends.

    python -m tests.audit.witness_racer FOLDER HISTORY FORK_AT LAST [POINT]

Says "ready", waits for a line, then asks for one size after the other and prints each that was cosigned once it was. At
POINT of its third request it kills itself as a loss of power would: no handler runs.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from audit.witness import answer
from audit.witness.errors import RequestRefusedError
from tests.audit.witness_parts import ExampleLog, reopen

POINTS = ("before-the-write", "before-the-commit", "after-the-commit", "after-the-cosignature")
FATAL_REQUEST = 3


def main(folder: Path, log: ExampleLog, last: int, point: str) -> None:
    witness = reopen(folder)
    say("ready")
    sys.stdin.readline()
    old, requests = 0, 0
    while old < last:
        requests += 1
        if requests == FATAL_REQUEST:
            die_at(point)
        try:
            old = witness.add_checkpoint(log.request(old, old + 1)).size
        except RequestRefusedError as refused:
            if refused.size is None or refused.size >= last:
                return
            old = refused.size
        else:
            say(str(old))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def die_at(point: str) -> None:
    if point == "before-the-write":
        wrap("advance", before=True)
    elif point == "before-the-commit":
        wrap("advance", before=False)
    elif point == "after-the-commit":
        wrap("cosign", before=True)
    elif point == "after-the-cosignature":
        wrap("cosign", before=False)


def wrap(name: str, *, before: bool) -> None:
    real: Callable[..., Any] = getattr(answer, name)

    def fatal(*arguments: Any) -> Any:
        if not before:
            real(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(answer, name, fatal)


if __name__ == "__main__":
    main(Path(sys.argv[1]), ExampleLog(sys.argv[2], int(sys.argv[3])), int(sys.argv[4]), "".join(sys.argv[5:]))
