"""A receipt as an accessible PDF (PDF/UA-1: tagged, with language and title), its proof attached inside.

Promises: nothing is written to disk and nothing fetched, from the network or from files; few are rendered at once in
one process; where the library that lays out text (Pango) is missing, it is said beforehand and nothing is offered.
"""

from __future__ import annotations

import ctypes
import threading
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

from exchange.errors import BusyError, ConflictError

RENDERS_AT_ONCE: Final = 2
"""One takes a processor for a good part of a second, and pages must keep answering."""

PANGO: Final = ("libpango-1.0.so.0", "libpango-1.0.dylib", "libpango-1.0-0.dll")
MISSING: Final = (
    "A PDF cannot be made on this machine, because Pango is not installed on it. The file and this page say the same."
)
_turns = threading.BoundedSemaphore(RENDERS_AT_ONCE)


@dataclass(frozen=True)
class Attached:
    """A file inside the PDF: an ASCII name, what it is, its bytes, and the moment that it speaks of."""

    name: str
    description: str
    content: bytes
    at: datetime


@cache
def can_render() -> bool:
    """Whether a PDF can be made here; looked up once for each process, without loading the library that makes it."""
    return any(map(_loads, PANGO))


def render(html: str, attached: Attached) -> bytes:
    """Lay out a page of ours as a PDF with a file inside.

    Raises:
        ConflictError: this machine lacks what it takes.
        BusyError: as many are being made as may be at once.
    """
    if not _turns.acquire(blocking=False):
        raise BusyError("Several PDFs are being made at this moment. Nothing was lost. Try again in a few seconds.")
    try:
        return _rendered(html, attached)
    finally:
        _turns.release()


def _rendered(html: str, attached: Attached) -> bytes:
    try:
        # Takes most of a second and 40 MB, and few processes need it.
        from weasyprint import HTML, Attachment  # noqa: PLC0415
        from weasyprint.urls import URLFetcher  # noqa: PLC0415
    except (ImportError, OSError) as error:
        raise ConflictError(MISSING) from error
    fetch_nothing = URLFetcher(allowed_protocols=())
    attachment = Attachment(
        string=attached.content,
        name=attached.name,
        description=attached.description,
        created=attached.at,
        modified=attached.at,
        url_fetcher=fetch_nothing,
    )
    page = HTML(string=html, url_fetcher=fetch_nothing)
    made: bytes = page.write_pdf(pdf_variant="pdf/ua-1", attachments=[attachment])
    return made


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
