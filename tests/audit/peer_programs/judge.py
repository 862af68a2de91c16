"""Run by the peers' Python: judges each question of standard input, one JSON object a line, with aics-tlog alone.

Says true or false for each; a question that the library cannot even read is false.
"""

import json
import sys
from typing import Any

import aics_tlog as tlog

Question = dict[str, Any]


def checkpoint(question: Question) -> bool:
    note = tlog.parse_note(question["note"].encode())
    witnesses = [tlog.parse_vkey(key) for key in question["witnesses"]]
    found = tlog.verify_checkpoint(
        note,
        tlog.parse_vkey(question["key"]),
        witnesses,
        quorum=len(witnesses),
        expected_origin=question["origin"],
    )
    return found.ok and (found.size, found.root.hex()) == (question["size"], question["root"])


def inclusion(question: Question) -> bool:
    return tlog.verify_leaf_inclusion(
        question["entry"].encode(),
        question["index"],
        question["size"],
        hashes(question),
        bytes.fromhex(question["root"]),
    )


def consistency(question: Question) -> bool:
    old_root, new_root = bytes.fromhex(question["old_root"]), bytes.fromhex(question["new_root"])
    return tlog.verify_consistency(question["old"], question["new"], old_root, new_root, hashes(question))


def hashes(question: Question) -> list[bytes]:
    return [bytes.fromhex(each) for each in question["proof"]]


def judge(question: Question) -> bool:
    kinds = {"checkpoint": checkpoint, "inclusion": inclusion, "consistency": consistency}
    try:
        return bool(kinds[question["kind"]](question))
    except ValueError:
        return False


for line in sys.stdin:
    sys.stdout.write(json.dumps(judge(json.loads(line))) + "\n")
