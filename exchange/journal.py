"""What the service writes about itself: one JSON line an event, to standard error, with nothing of anybody's content.

Promises: an event is a fixed sentence with identifiers and counts; of an error the line gives its kind and the place
in our code, never its text or the values it was about, which may hold a name.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

ROOT = Path(__file__).resolve().parent.parent


def start_journal() -> None:
    """Set up the journal of this process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _describe_failure,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # whatever standard error is by then
        cache_logger_on_first_use=False,
    )


def journal(**bound: str) -> Any:
    """The journal, with values that every line of this writer carries."""
    return structlog.get_logger(**bound)


def _describe_failure(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    error = line.pop("failure", None) or line.pop("exc_info", None)
    if error is True:  # as `journal().exception(...)` says it
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        line["failure"] = type(error).__name__
        line["at"] = _place(error)
    return line


def _place(error: BaseException) -> str:
    """The innermost place in our own code: 'exchange/worker.py:40'."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(ROOT) and ".venv" not in path.parts:
            return f"{path.relative_to(ROOT)}:{frame.lineno}"
    return "outside this service"
