"""Run by the peers' Python: has the client of aics-witness submit each note of standard input, one JSON object a line.

    feed.py URL VKEY NOW

Says for each what came of it: the cosignature that the client verified, or the name of its error.
"""

import json
import sys
from typing import Any

import aics_witness


def submit(client: aics_witness.WitnessClient, step: dict[str, Any]) -> str:
    def proof(old: int, new: int) -> list[bytes]:
        return [bytes.fromhex(each) for each in step["proofs"][f"{old} {new}"]]

    try:
        return str(client.submit(step["note"], proof, old_size=step["old"]))
    except aics_witness.WitnessRejected as rejected:
        return f"rejected {rejected.status}"
    except aics_witness.FeederError as error:
        return type(error).__name__


url, key, now = sys.argv[1:]
with aics_witness.WitnessClient(url, key, clock=lambda: float(now)) as asking:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(submit(asking, json.loads(line))) + "\n")
