"""Commands of the host that touch an inspection: their reason, asked for and recorded where it is read."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from exchange.accounts.support import record_host_act
from exchange.database import UnitOfWork
from exchange.errors import InvalidError


def add_reason(parser: argparse.ArgumentParser) -> None:
    """Let a command take its reason."""
    parser.add_argument(
        "--reason",
        metavar="TEXT",
        default="",
        help="why; needed when it touches an open inspection, and read in its trail. Do not name a child",
    )


def record_reason(unit: UnitOfWork, *, act: str, inspections: Sequence[str], reason: str) -> None:
    """Record what is about to be done in each inspection that it touches.

    Raises:
        InvalidError: it touches one, and no reason is given; nothing was done.
    """
    if not inspections:
        return
    if not reason.strip():
        raise InvalidError(
            f"This touches {len(inspections)} open inspection{'s' * (len(inspections) > 1)}, and their data protection "
            "officers read in the trail why it was done. Nothing was done. Add --reason TEXT."
        )
    record_host_act(unit, act=act, inspections=inspections, reason=reason)
