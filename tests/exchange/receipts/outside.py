"""Checking as somebody outside does: the command as a program of its own, with files and a published key."""

import os
import subprocess
import sys
from pathlib import Path

from tests.exchange.inspection_case import Case

ROOT = Path(__file__).resolve().parents[3]


def published_key(case: Case, log_id: str = "") -> str:
    with case.parts.database.read() as session:
        return str(case.parts.trail.log.verifier_key(session.connection(), log_id or case.inspection))


def verify(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run `python -m audit verify`, without any setting of the service."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EXCHANGE_")}
    command = [sys.executable, "-m", "audit", "verify", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False)
