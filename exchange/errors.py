"""What can go wrong, in the words of the domain; no HTTP here (`exchange.web.errors` translates).

Every message says what happened, whether anything was lost, and what to do now.
"""

from __future__ import annotations


class ExchangeError(Exception):
    """An act that could not be done, with a sentence for the person who tried."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class NotFoundError(ExchangeError):
    """There is no such thing, or not for this person: the two look the same on purpose."""


class RefusedError(ExchangeError):
    """The person is known and may not do this; the refusal is an entry in the log."""

    def __init__(self, message: str, *, permission: str, reason: str, inspection: str | None = None) -> None:
        super().__init__(message)
        self.permission = permission
        self.reason = reason
        self.inspection = inspection


class InvalidError(ExchangeError):
    """A value cannot be taken; `field` names the form field the message belongs to."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class ConflictError(ExchangeError):
    """The state of things does not allow this act now."""


class BusyError(ExchangeError):
    """Too much at once; nothing was lost, trying again later will work."""


class ContentUnavailableError(ExchangeError):
    """A sealed file cannot be read as it was written: a matter for an alarm, never for half an answer."""
