"""The forms that single settings take: each type checks one text and says in one sentence what it should look like."""

import os
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator

_LOG_ORIGIN = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._-]+)*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[?[0-9A-Fa-f:.]+\]?")
_EMAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")
_HIGHEST_PORT = 65_535
RECEIVER_PORTS = {"syslog+udp": 514, "syslog+tcp": 601, "syslog+tls": 6514}
"""The schemes of a syslog receiver, and the port of each where none is named."""


def absolute(path: Path) -> Path:
    """The whole path, with links left as they are so that they can be checked."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100  # resolve() would follow links before they are checked


def numeric_address(text: str) -> str:
    """An IP address in its usual form. Raises ValueError for a name."""
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError("an address is written in numbers, like 127.0.0.1; names are not looked up") from None


def _database(url: str) -> str:
    if url.startswith("sqlite:///"):
        if not url.removeprefix("sqlite:///").startswith("/") or "?" in url:
            raise ValueError("a SQLite address names a whole path: sqlite:////folder/file.sqlite3")
        return url
    if url.startswith(("postgresql://", "postgresql+psycopg://")):
        return "postgresql+psycopg://" + url.partition("://")[2]
    if url:
        raise ValueError("the database is sqlite:///… (a file) or postgresql://…; no other kind is supported")
    return url


def _store(url: str) -> str:
    if url and (not url.startswith("file:///") or urlsplit(url).query or urlsplit(url).fragment):
        raise ValueError("the store is a folder, file:///…; no other kind is supported yet")
    return url


def _log_origin(origin: str) -> str:
    if origin and not _LOG_ORIGIN.fullmatch(origin):
        raise ValueError("a log's name looks like exchange.example.org/log: no scheme, no spaces, no plus sign")
    return origin


def _public(url: str) -> str:
    parts = urlsplit(url)
    bare = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or url.rstrip("/") != bare:
        raise ValueError("the public address is a scheme and a host only, like https://exchange.example.org")
    return bare


def _bind(bind: str) -> str:
    host, _, port = bind.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) <= _HIGHEST_PORT:
        raise ValueError("the listening address is ADDRESS:PORT, like 127.0.0.1:8000")
    numeric_address(host.removeprefix("[").removesuffix("]"))
    return bind


def _proxy(proxy: str) -> str:
    return numeric_address(proxy) if proxy else proxy


def _email(email: str) -> str:
    if email and not _EMAIL.fullmatch(email):
        raise ValueError("the contact is one e-mail address, like help@exchange.example.org")
    return email


def _mail_host(host: str) -> str:
    if host and not _HOST.fullmatch(host):
        raise ValueError("the mail server is a name or an address alone, like mail.example.org")
    return host.removeprefix("[").removesuffix("]")


def _receiver(url: str) -> str:
    parts = urlsplit(url)
    try:
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        has_port = False
    bare = f"{parts.scheme}://{parts.netloc}"
    if url and (parts.scheme not in RECEIVER_PORTS or not parts.hostname or "@" in url or url != bare or not has_port):
        raise ValueError("a receiver is syslog+tls://HOST:PORT, syslog+tcp://HOST:PORT or syslog+udp://HOST:PORT")
    return url


FilePath = Annotated[Path, AfterValidator(absolute)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
StoreUrl = Annotated[str, AfterValidator(_store)]
LogOrigin = Annotated[str, AfterValidator(_log_origin)]
PublicUrl = Annotated[str, AfterValidator(_public)]
BindAddress = Annotated[str, AfterValidator(_bind)]
ProxyAddress = Annotated[str, AfterValidator(_proxy)]
EmailAddress = Annotated[str, AfterValidator(_email)]
MailHost = Annotated[str, AfterValidator(_mail_host)]
MailSecurity = Literal["starttls", "tls", "none"]
ReceiverUrl = Annotated[str, AfterValidator(_receiver)]
