"""A process of its own that appends to a log when it is told to: `python -m tests.audit.appending URL FIRST COUNT`.

It says `ready`, waits for a line, and then appends entry by entry, signing now and then; it prints each index it got.
"""

import sys

from audit.log import AuditLog
from audit.sql_store import SqlLogStore
from tests.audit.example_log import INSPECTION, START, FixedSigner, entry_number, open_engine

SIGN_EVERY = 7


def say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(url: str, first: int, count: int) -> None:
    log = AuditLog(SqlLogStore(), FixedSigner(), lambda: START)
    engine = open_engine(url)
    say("ready")
    sys.stdin.readline()
    for number in range(first, first + count):
        with engine.begin() as connection:
            index = log.append(connection, INSPECTION, entry_number(number))
        say(index)
        if number % SIGN_EVERY == 0:
            with engine.begin() as connection:
                log.sign_checkpoint(connection, INSPECTION)
    engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
