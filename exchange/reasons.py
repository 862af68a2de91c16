"""A reason that a person types: asked for wherever an act must be explained, and kept beside the log, never in it."""

from __future__ import annotations

from exchange.errors import InvalidError

MAX_REASON = 2000


def parse_reason(text: str) -> str:
    """A reason that a person typed, trimmed. Raises InvalidError when there is none or it is too long."""
    reason = text.replace("\0", "").strip()  # PostgreSQL holds no text with it
    if not reason:
        raise InvalidError("Enter a reason", field="reason")
    if len(reason) > MAX_REASON:
        raise InvalidError(f"The reason must be {MAX_REASON} characters or fewer", field="reason")
    return reason
