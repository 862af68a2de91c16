"""What a witness refuses: a request (with the status that c2sp.org/tlog-witness gives it), or a folder to work in."""

from http import HTTPStatus

from audit.errors import AuditError


class WitnessFolderError(AuditError):
    """A witness's folder that is missing, open to others, half made, or whose key and state do not belong together."""


class RequestRefusedError(AuditError):
    """A request that gets no cosignature.

    `status` is the answer's; `size` is told where the witness holds another; `origin` is empty until it was read.
    """

    def __init__(self, status: HTTPStatus, words: str, size: int | None = None) -> None:
        super().__init__(words)
        self.status = status
        self.size = size
        self.origin = ""


class MalformedRequestError(RequestRefusedError):
    """A request that is not in the form of c2sp.org/tlog-witness."""

    def __init__(self, words: str) -> None:
        super().__init__(HTTPStatus.BAD_REQUEST, words)
