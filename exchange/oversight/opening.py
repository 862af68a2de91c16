"""Which events say that somebody opened a document, as a table: another way of opening is another row.

Promises: a preview and a download are told apart here and nowhere else; an event that stands in no row opens nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class How(StrEnum):
    """How a document was opened, in the words of the pages."""

    DOWNLOAD = "download"
    PREVIEW = "preview"


class Step(StrEnum):
    """What an event says of a release: that bytes were about to be handed out, or how that ended."""

    STARTED = "started"
    COMPLETED = "completed"
    BROKEN_OFF = "broken off"


@dataclass(frozen=True)
class Opening:
    """What one event means."""

    how: How
    step: Step


OPENINGS: Final[Mapping[str, Opening]] = {
    "release:started": Opening(How.DOWNLOAD, Step.STARTED),
    "release:completed": Opening(How.DOWNLOAD, Step.COMPLETED),
    "release:broken-off": Opening(How.DOWNLOAD, Step.BROKEN_OFF),
    # Looking at a document on a page instead of taking a copy: the same fields, under names of their own.
    "preview:started": Opening(How.PREVIEW, Step.STARTED),
    "preview:completed": Opening(How.PREVIEW, Step.COMPLETED),
    "preview:broken-off": Opening(How.PREVIEW, Step.BROKEN_OFF),
}

OPENING_EVENTS: Final = tuple(OPENINGS)
