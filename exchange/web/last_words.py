"""Whole answers for connections that the application never sees: one plain page, and the line closes."""

from http import HTTPStatus
from typing import Final, NamedTuple

from exchange.web.edge import plain_headers, plain_page


class LastWord(NamedTuple):
    """A status, a heading and one text for a person."""

    status: HTTPStatus
    title: str
    text: str

    def as_answer(self) -> bytes:
        """Make the HTTP/1.1 answer, head and page."""
        page = plain_page(self.title, self.text)
        head = "".join(f"{name}: {value}\r\n" for name, value in plain_headers(self.status, len(page)))
        return f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n{head}\r\n".encode("ascii") + page


TOO_MANY: Final = LastWord(
    HTTPStatus.TOO_MANY_REQUESTS,
    "Too many connections",
    "Your network has too many connections to the service open. Nothing was received. Wait a minute and try again.",
)
HEAD_TOO_LARGE: Final = LastWord(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "The request could not be read",
    "It is longer than any page of this service sends. Nothing was received. Start again from the first page.",
)
TOO_SLOW: Final = LastWord(
    HTTPStatus.REQUEST_TIMEOUT,
    "The request was too slow",
    "It did not arrive in time. Nothing was received. Check your connection and try again.",
)
TOO_BUSY: Final = LastWord(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The service is busy",
    "It cannot take this at the moment. Nothing was received. Wait a minute and try again.",
)
FAILED: Final = LastWord(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "Something went wrong",
    "The service could not answer. What has a receipt is safe. Send anything else again later.",
)


def unreadable(status: HTTPStatus) -> LastWord:
    """Say that a request breaks the rules of HTTP."""
    return LastWord(
        status,
        "The request could not be read",
        "It breaks the rules that browsers follow. Nothing was received. Use the service's own pages.",
    )
