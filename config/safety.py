"""What is unsafe together: rules over whole settings, each with the sentence that a person needs to put it right.

The worked example may run on generated secrets and plain http, on this machine only; everything else may not.
"""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from config.secret_files import SecretFileError, verify_private
from config.settings import Settings

_DEBUG_SWITCH = "FLASK_DEBUG"


def unsafe_values(settings: Settings, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Pairs of setting name and sentence, one for every rule that `settings` break."""
    yield from _database_problems(settings)
    yield from _key_file_problems(settings)
    yield from _mail_problems(settings)
    if settings.example:
        yield from _example_problems(settings)
    else:
        yield from _service_problems(settings, environ)


def _example_problems(settings: Settings) -> Iterator[tuple[str, str]]:
    if not ip_address(settings.bind_host).is_loopback:
        yield "bind", "the worked example has known passwords and is served on this machine only, like 127.0.0.1:8000"


def _service_problems(settings: Settings, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if not settings.is_https:
        yield "public_url", "must begin with https outside the worked example: people's passwords would travel open"
    if not settings.log_origin:
        yield "log_origin", "is required outside the worked example: the log's checkpoints carry it for ever"
    if not settings.contact_email:
        yield "contact_email", "is required outside the worked example: error pages name it to people who need help"
    if urlsplit(settings.database_url).password:
        yield (
            "database_url",
            "holds a password; write it to a file, rights 0600, named by EXCHANGE_DATABASE_PASSWORD_FILE",
        )
    if settings.data_folder.exists():
        yield from _private("data_folder", settings)
    if environ.get(_DEBUG_SWITCH, "0") not in {"", "0"}:
        yield "example", f"{_DEBUG_SWITCH} is set: debugging shows code and values to visitors; unset it"


def _database_problems(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.database_password_file is None:
        return
    if settings.is_sqlite:
        yield "database_password_file", "is named but the database is a SQLite file, which has no password"
    if urlsplit(settings.database_url).password:
        yield "database_password_file", "is named but the database address holds a password too; remove that one"
    if not settings.is_sqlite and not urlsplit(settings.database_url).username:
        yield "database_url", "names no user, so that the password file has no place in it"
    yield from _private("database_password_file", settings)


def _mail_problems(settings: Settings) -> Iterator[tuple[str, str]]:
    if not settings.smtp_host:
        if settings.smtp_user or settings.smtp_password_file is not None:
            yield "smtp_host", "is empty, but a user or password for it is named"
        return
    if not settings.mail_from:
        yield "mail_from", "is required with a mail server: every mail comes from an address"
    if bool(settings.smtp_user) != (settings.smtp_password_file is not None):
        yield "smtp_password_file", "and EXCHANGE_SMTP_USER belong together: give both or neither"
    if settings.smtp_security == "none" and not _is_loopback(settings.smtp_host):
        yield "smtp_security", "none is for a server on this machine only, like 127.0.0.1; mail and password go open"
    if settings.smtp_password_file is not None:
        yield from _private("smtp_password_file", settings)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _key_file_problems(settings: Settings) -> Iterator[tuple[str, str]]:
    """Key files may be missing (a command makes them); one that exists is closed to others, in the example too."""
    for name in ("provider_key_file", "signing_key_file", "signed_sizes_file", "secret_key_file", "key_store_folder"):
        if getattr(settings, name).exists():
            yield from _private(name, settings)


def _private(name: str, settings: Settings) -> Iterator[tuple[str, str]]:
    try:
        verify_private(getattr(settings, name))
    except SecretFileError as refused:
        yield name, str(refused)
