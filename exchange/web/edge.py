"""The first look at every request, before any page sees it.

`Edge` wraps the application. It answers requests that no browser of ours sends with a small plain page and closes the
line; it makes what is left trustworthy: one known host, an empty SCRIPT_NAME, forwarded headers believed from the one
configured proxy and removed from everybody, and a `wsgi.input` that counts its bytes (`BodyReader`). Nothing of the
request is repeated in an answer or a log line.
"""

import ipaddress
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes, urlsplit

from exchange.web.request_body import BodyError, BodyReader, content_length

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_BODILESS: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
_POLITE_DRAIN: Final = 64 * 1024  # bytes read after a refusal, so that the client hears it
_ODD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})|%(?:2[Ff]|5[Cc]|7[Ff]|[01][0-9A-Fa-f])")
_ODD_PATH: Final = re.compile(r"[\\\x00-\x1f\x7f]|//|/\.{1,2}(?:/|$)")
_DEFAULT_PORT: Final = {"http": ":80", "https": ":443"}
_FORWARDED: Final = ("HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_X_ORIGINAL_URL", "HTTP_X_REWRITE_URL")
_log = logging.getLogger("exchange.edge")


@dataclass(frozen=True)
class EdgePolicy:
    """What the edge lets in: hosts as in a Host header without default port, one proxy address or "", body bytes."""

    hosts: frozenset[str]
    trusted_proxy: str
    max_body_bytes: int

    @classmethod
    def for_service(cls, public_url: str, trusted_proxy: str, max_body_bytes: int) -> "EdgePolicy":
        """Allow the one host of the public address; on a loopback address, by its name too."""
        parts = urlsplit(public_url)
        host = _bare_host(parts.netloc, parts.scheme)
        loopback = {host.replace("127.0.0.1", "localhost", 1)} if parts.hostname == "127.0.0.1" else set()
        return cls(frozenset({host} | loopback), trusted_proxy, max_body_bytes)


class Refusal(Exception):  # noqa: N818 - it is an answer on its way out, not a failure of ours
    """An answer given at the edge: a status, a heading and one sentence for a person."""

    def __init__(self, status: HTTPStatus, title: str, text: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text


class Edge:
    """WSGI middleware around the whole application, which reads a request's body before its answer begins."""

    def __init__(self, app: "WSGIApplication", policy: EdgePolicy) -> None:
        self._app = app
        self._policy = policy

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Refuse, or pass on."""
        begun = _Begun(environ, start_response)
        try:
            admit(environ, self._policy)
            return self._app(environ, begun)
        except Refusal as refusal:
            return refuse(refusal, environ, start_response)
        except BodyError as error:
            if begun.started:
                raise
            return refuse(Refusal(error.status, error.title, str(error)), environ, start_response)


class _Begun:
    """Passes `start_response` on and closes the line after a refusal that leaves a body unread."""

    def __init__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> None:
        self._environ = environ
        self._start_response = start_response
        self.started = False

    def __call__(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None, /
    ) -> Callable[[bytes], object]:
        self.started = True
        body = self._environ["wsgi.input"]
        if isinstance(body, BodyReader) and body.remaining:
            if body.remaining <= _POLITE_DRAIN:
                body.drain(_POLITE_DRAIN)
            if body.remaining:
                headers = [*headers, ("Connection", "close")]
        return self._start_response(status, headers, exc_info)  # type: ignore[arg-type]  # passed on as it came


def admit(environ: "WSGIEnvironment", policy: EdgePolicy) -> None:
    """Check a request in this order and make it trustworthy; raises Refusal or BodyError.

    Method, path, body framing, forwarded headers, host.
    """
    _require_method(environ)
    _require_path(environ)
    _require_framing(environ, policy)
    _apply_forwarded(environ, policy)
    _require_host(environ, policy)
    environ["wsgi.input"] = BodyReader(environ["wsgi.input"], content_length(environ))


def _require_method(environ: "WSGIEnvironment") -> None:
    if environ["REQUEST_METHOD"] not in METHODS:
        raise Refusal(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "This kind of request is not used here",
            "Go back to the service and use its pages.",
        )


def _require_path(environ: "WSGIEnvironment") -> None:
    environ["PATH_INFO"] = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    environ["SCRIPT_NAME"] = ""
    target = str(environ.get("RAW_URI", environ["PATH_INFO"]))
    path = target.partition("?")[0]
    plain = unquote_to_bytes(path)
    if not path.startswith("/") or _ODD_ESCAPE.search(path) or _ODD_PATH.search(plain.decode("latin-1")):
        raise _bad_address()
    try:
        plain.decode("utf-8")
    except UnicodeDecodeError:
        raise _bad_address() from None


def _bad_address() -> Refusal:
    return Refusal(
        HTTPStatus.BAD_REQUEST,
        "The address is not one of this service",
        "Check the address, or start again from the service's first page.",
    )


def _require_framing(environ: "WSGIEnvironment", policy: EdgePolicy) -> None:
    if "HTTP_TRANSFER_ENCODING" in environ:
        raise Refusal(
            HTTPStatus.LENGTH_REQUIRED,
            "The length of the upload is missing",
            "The service takes uploads only when their length is given first. Nothing was received. "
            "Use the service's own pages in a current browser.",
        )
    length = content_length(environ)
    if length and environ["REQUEST_METHOD"] in _BODILESS:
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "The request could not be read",
            "It carried content where none belongs. Nothing was received.",
        )
    if length > policy.max_body_bytes:
        raise Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "The upload is too large",
            f"The service takes at most {policy.max_body_bytes:,} bytes at once. Nothing was received. "
            "Send fewer files at a time.",
        )


def _apply_forwarded(environ: "WSGIEnvironment", policy: EdgePolicy) -> None:
    address = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    scheme = environ.get("HTTP_X_FORWARDED_PROTO", "")
    for name in [name for name in environ if name.startswith("HTTP_X_FORWARDED_") or name in _FORWARDED]:
        del environ[name]
    if not policy.trusted_proxy or environ.get("REMOTE_ADDR") != policy.trusted_proxy:
        return
    if scheme:
        if scheme not in _DEFAULT_PORT:
            raise _bad_proxy()
        environ["wsgi.url_scheme"] = scheme
    if address:
        try:
            environ["REMOTE_ADDR"] = str(ipaddress.ip_address(address))
        except ValueError:
            raise _bad_proxy() from None
        environ.pop("REMOTE_PORT", None)


def _bad_proxy() -> Refusal:
    return Refusal(
        HTTPStatus.BAD_REQUEST,
        "The service is not set up rightly",
        "The server in front of it sent an address that cannot be read. Nothing was received. Tell the administrator.",
    )


def _require_host(environ: "WSGIEnvironment", policy: EdgePolicy) -> None:
    if _bare_host(environ.get("HTTP_HOST", ""), environ["wsgi.url_scheme"]) not in policy.hosts:
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "This is not the address of the service",
            "Use the address that was given to you.",
        )


def _bare_host(host: str, scheme: str) -> str:
    return host.lower().removesuffix(_DEFAULT_PORT.get(scheme, ""))


def refuse(refusal: Refusal, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    """Answer with the plain page and close the line."""
    _log.info("refused at the edge: %d %s", refusal.status, refusal.title)
    stream = environ["wsgi.input"]
    if isinstance(stream, BodyReader):
        stream.drain(_POLITE_DRAIN)
    page = plain_page(refusal.title, refusal.text)
    start_response(f"{refusal.status.value} {refusal.status.phrase}", plain_headers(refusal.status, len(page)))
    return [page]


def plain_page(title: str, text: str) -> bytes:
    """Make a small page without style or script; both texts are escaped."""
    return (
        f'<!DOCTYPE html>\n<html lang="en-GB"><head><meta charset="utf-8"><title>{escape(title)}</title></head>\n'
        f"<body><main><h1>{escape(title)}</h1><p>{escape(text)}</p></main></body></html>\n"
    ).encode()


def plain_headers(status: HTTPStatus, length: int) -> list[tuple[str, str]]:
    """Headers of a plain page: not stored, not sniffed, nothing loaded, and the line closes."""
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(length)),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Connection", "close"),
    ]
    return [*headers, ("Allow", ", ".join(METHODS))] if status == HTTPStatus.METHOD_NOT_ALLOWED else headers
