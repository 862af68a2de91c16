import io
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from exchange.web.edge import Edge, EdgePolicy, plain_page
from exchange.web.form_stream import BodyTooSlowError, body_of

PROXY = "10.0.0.9"
POLICY = EdgePolicy(frozenset({"exchange.test", "exchange.test:8443"}), PROXY, 1_000_000)


class Application:
    """Answers 200 and keeps what it saw."""

    def __init__(self, *, reads: bool = False, status: str = "200 OK") -> None:
        self.seen: WSGIEnvironment = {}
        self._reads = reads
        self._status = status

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.seen = environ
        if self._reads:
            environ["wsgi.input"].read()
        start_response(self._status, [("Content-Length", "2")])
        return [b"ok"]


def ask(app: Any, policy: EdgePolicy = POLICY, **changes: Any) -> tuple[str, dict[str, str], bytes]:
    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": "/",
        "PATH_INFO": "/",
        "SCRIPT_NAME": "",
        "HTTP_HOST": "exchange.test",
        "REMOTE_ADDR": "192.0.2.1",
        "REMOTE_PORT": "4000",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        **changes,
    }
    answers: list[tuple[str, list[tuple[str, str]]]] = []
    body = b"".join(Edge(app, policy)(environ, lambda status, headers, _=None: answers.append((status, headers))))  # type: ignore[arg-type, return-value]  # a recorder
    ((status, headers),) = answers
    return status, dict(headers), body


def test_an_ordinary_request_reaches_the_application() -> None:
    status, headers, body = ask(Application())
    assert (status, body) == ("200 OK", b"ok")
    assert "Connection" not in headers


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "method-trace": ("405", {"REQUEST_METHOD": "TRACE"}),
    "method-connect": ("405", {"REQUEST_METHOD": "CONNECT"}),
    "method-lower-case": ("405", {"REQUEST_METHOD": "get"}),
    "path-absolute-form": ("400", {"RAW_URI": "http://exchange.test/"}),
    "path-asterisk": ("400", {"RAW_URI": "*", "REQUEST_METHOD": "OPTIONS"}),
    "path-empty": ("400", {"RAW_URI": ""}),
    "path-two-slashes": ("400", {"RAW_URI": "//evil.test/"}),
    "path-inner-two-slashes": ("400", {"RAW_URI": "/a//b"}),
    "path-up": ("400", {"RAW_URI": "/a/../b"}),
    "path-up-at-the-end": ("400", {"RAW_URI": "/a/.."}),
    "path-here": ("400", {"RAW_URI": "/./a"}),
    "path-up-escaped": ("400", {"RAW_URI": "/a/%2e%2E/b"}),
    "path-slash-escaped": ("400", {"RAW_URI": "/a%2Fb"}),
    "path-backslash": ("400", {"RAW_URI": "/a\\b"}),
    "path-backslash-escaped": ("400", {"RAW_URI": "/a%5cb"}),
    "path-nul-escaped": ("400", {"RAW_URI": "/a%00b"}),
    "path-line-break-escaped": ("400", {"RAW_URI": "/a%0d%0ab"}),
    "path-half-escape": ("400", {"RAW_URI": "/a%2"}),
    "path-not-utf-8": ("400", {"RAW_URI": "/%ff"}),
    "body-chunked": ("411", {"REQUEST_METHOD": "POST", "HTTP_TRANSFER_ENCODING": "chunked"}),
    "body-length-not-a-number": ("400", {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "1e3"}),
    "body-on-get": ("400", {"CONTENT_LENGTH": "1"}),
    "body-on-head": ("400", {"REQUEST_METHOD": "HEAD", "CONTENT_LENGTH": "1"}),
    "body-too-large": ("413", {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "1000001"}),
    "host-missing": ("400", {"HTTP_HOST": ""}),
    "host-foreign": ("400", {"HTTP_HOST": "evil.test"}),
    "host-foreign-port": ("400", {"HTTP_HOST": "exchange.test:81"}),
    "host-longer": ("400", {"HTTP_HOST": "exchange.test.evil.test"}),
    "host-with-user": ("400", {"HTTP_HOST": "a@exchange.test"}),
    "proxy-address-not-an-address": ("400", {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": "unknown"}),
    "proxy-two-schemes": ("400", {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_PROTO": "https,http"}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_request_no_page_sends_is_refused_and_the_line_closes(name: str) -> None:
    expected, changes = REFUSED[name]
    app = Application()
    status, headers, body = ask(app, **changes)
    assert status.startswith(expected + " ")
    assert headers["Connection"] == "close"
    assert headers["Cache-Control"] == "no-store"
    assert int(headers["Content-Length"]) == len(body)
    assert body.startswith(b"<!DOCTYPE html>")
    assert app.seen == {}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_repeats_nothing_of_the_request(name: str) -> None:
    _expected, changes = REFUSED[name]
    _status, _headers, body = ask(Application(), **changes)
    assert b"evil" not in body
    assert b"%" not in body


def test_a_refused_method_is_told_the_ones_in_use() -> None:
    _status, headers, _body = ask(Application(), REQUEST_METHOD="TRACE")
    assert headers["Allow"] == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


@pytest.mark.parametrize("path", ["/", "/a.b/..c/d..", "/caf%C3%A9", "/a/?next=//x/../y%00", "/a%20b"])
def test_an_ordinary_path_passes(path: str) -> None:
    assert ask(Application(), RAW_URI=path)[0] == "200 OK"


@pytest.mark.parametrize(
    ("scheme", "host"),
    [("http", "EXCHANGE.TEST"), ("http", "exchange.test:80"), ("http", "exchange.test:8443")],
)
def test_a_host_is_known_in_any_case_and_with_its_default_port(scheme: str, host: str) -> None:
    assert ask(Application(), HTTP_HOST=host, **{"wsgi.url_scheme": scheme})[0] == "200 OK"


def test_the_policy_takes_the_host_of_the_public_address() -> None:
    policy = EdgePolicy.for_service("https://Exchange.Example.org:443/", "", 5)
    assert policy.hosts == {"exchange.example.org"}
    assert EdgePolicy.for_service("http://127.0.0.1:8000", "", 5).hosts == {"127.0.0.1:8000", "localhost:8000"}


def test_a_script_name_is_put_back_into_the_path() -> None:
    app = Application()
    ask(app, SCRIPT_NAME="/admin", PATH_INFO="/x", RAW_URI="/admin/x")
    assert (app.seen["SCRIPT_NAME"], app.seen["PATH_INFO"]) == ("", "/admin/x")


FORWARDED = {
    "HTTP_X_FORWARDED_FOR": "198.51.100.7, 203.0.113.5",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "evil.test",
    "HTTP_X_FORWARDED_PREFIX": "/evil",
    "HTTP_FORWARDED": "for=198.51.100.7",
    "HTTP_X_REAL_IP": "198.51.100.7",
    "HTTP_X_ORIGINAL_URL": "/admin",
}


@pytest.mark.parametrize("peer", ["192.0.2.1", "127.0.0.1", "10.0.0.90"])
def test_forwarded_headers_from_anybody_else_are_removed_and_not_believed(peer: str) -> None:
    app = Application()
    ask(app, REMOTE_ADDR=peer, **FORWARDED)
    assert (app.seen["REMOTE_ADDR"], app.seen["wsgi.url_scheme"]) == (peer, "http")
    assert not FORWARDED.keys() & app.seen.keys()


def test_without_a_configured_proxy_nobody_is_believed() -> None:
    app = Application()
    ask(app, EdgePolicy(POLICY.hosts, "", 1), REMOTE_ADDR="", **FORWARDED)
    assert (app.seen["REMOTE_ADDR"], app.seen["wsgi.url_scheme"]) == ("", "http")


def test_the_proxy_is_believed_about_the_nearest_address_and_the_scheme_only() -> None:
    app = Application()
    ask(app, REMOTE_ADDR=PROXY, **FORWARDED)
    assert (app.seen["REMOTE_ADDR"], app.seen["wsgi.url_scheme"]) == ("203.0.113.5", "https")
    assert app.seen["HTTP_HOST"] == "exchange.test"
    assert not FORWARDED.keys() & app.seen.keys()
    assert "REMOTE_PORT" not in app.seen


def test_a_proxy_that_says_nothing_changes_nothing() -> None:
    app = Application()
    ask(app, REMOTE_ADDR=PROXY)
    assert (app.seen["REMOTE_ADDR"], app.seen["wsgi.url_scheme"]) == (PROXY, "http")


def post(app: Any, body: bytes, length: int) -> tuple[str, dict[str, str], bytes]:
    return ask(app, REQUEST_METHOD="POST", CONTENT_LENGTH=str(length), **{"wsgi.input": io.BytesIO(body)})


def test_a_body_cut_short_is_refused_though_the_application_did_not_count() -> None:
    status, headers, _body = post(Application(reads=True), b"abc", 5)
    assert status == "400 Bad Request"
    assert headers["Connection"] == "close"


def test_a_whole_body_is_read_and_the_line_stays() -> None:
    status, headers, _body = post(Application(reads=True), b"abcde", 5)
    assert status == "200 OK"
    assert "Connection" not in headers


def test_a_small_body_left_unread_is_drained_and_the_line_stays() -> None:
    app = Application(status="403 Forbidden")
    _status, headers, _body = post(app, b"abcde", 5)
    assert "Connection" not in headers
    assert body_of(app.seen).remaining == 0


def test_a_large_body_left_unread_closes_the_line() -> None:
    app = Application(status="403 Forbidden")
    _status, headers, _body = post(app, bytes(70_000), 900_000)
    assert headers["Connection"] == "close"
    assert body_of(app.seen).received == 0


def test_a_body_that_fails_after_the_answer_began_is_not_answered_twice() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        raise BodyTooSlowError("too late")

    with pytest.raises(BodyTooSlowError):
        ask(app)


def test_a_body_that_comes_too_slowly_is_answered_408() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise BodyTooSlowError("It came too slowly.")

    status, _headers, body = ask(app)
    assert status == "408 Request Timeout"
    assert b"It came too slowly." in body


def test_a_page_escapes_its_texts() -> None:
    assert b"<script>" not in plain_page("<script>", "<script>")
