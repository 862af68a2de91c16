"""One frozen object holds every setting; nothing else in the project reads the environment.

Promises: a setting is read from a variable that begins with EXCHANGE_; `load_settings` either returns values that are
complete and safe together, or raises one error that names every missing, malformed, unknown and unsafe value. No
message and no representation ever holds a secret or the text of a value that might hold one.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.secret_files import SecretFileError, create_secret_file, read_secret_file
from config.setting_types import (
    BindAddress,
    DatabaseUrl,
    EmailAddress,
    FilePath,
    LogOrigin,
    MailHost,
    MailSecurity,
    ProxyAddress,
    PublicUrl,
    ReceiverUrl,
    StoreUrl,
    absolute,
)

PREFIX = "EXCHANGE_"


class SettingsError(Exception):
    """The settings cannot be used; the message lists every problem, one a line."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"- {problem}" for problem in problems)
        super().__init__(f"The settings cannot be used, nothing was started. To be put right:\n{lines}")


class Settings(BaseSettings):
    """Every setting of the service. Sizes are bytes; times carry their unit in their name.

    Made by `load_settings`. Constructing it directly reads no environment and checks each value alone, which is what
    a test wants; only `load_settings` refuses values that are unsafe together.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    example: bool = Field(
        default=False,
        description="1 for the worked example: example accounts, generated secrets, a banner on every page.",
    )
    data_folder: FilePath = Field(
        description="Folder for everything the service keeps unless another place is named; rights 0700."
    )
    database_url: DatabaseUrl = Field(
        default="",
        repr=False,
        description="Database, sqlite:///… or postgresql://…; empty means a SQLite file in the data folder.",
    )
    database_password_file: FilePath | None = Field(
        default=None,
        description="File that holds the PostgreSQL password, rights 0600; a password never stands in the address.",
    )
    store_url: StoreUrl = Field(
        default="", description="Where sealed files live, file:///…; empty means the folder store in the data folder."
    )
    provider_key_file: FilePath = Field(
        default=Path(),
        description="Key-encryption keys, rights 0600; empty means keys/provider.json in the data folder.",
    )
    key_store_folder: FilePath = Field(
        default=Path(), description="Folder of wrapped keys; empty means keys/wrapped in the data folder."
    )
    signing_key_file: FilePath = Field(
        default=Path(),
        description="The log's signing key, rights 0600; empty means keys/log-signing.key in the data folder.",
    )
    signed_sizes_file: FilePath = Field(
        default=Path(),
        description="What was signed of each log, rights 0600, never in one backup with the database; empty means "
        "keys/log-signed.json in the data folder.",
    )
    secret_key_file: FilePath = Field(
        default=Path(),
        description="Secret for cookies and forms, 32 bytes or more, rights 0600; empty means keys/secret.key there.",
    )
    log_origin: LogOrigin = Field(
        default="",
        description="Name of the log in its checkpoints, like exchange.example.org/log; required outside the example.",
    )
    public_url: PublicUrl = Field(
        default="http://127.0.0.1:8000", description="Address people type, without a path; https outside the example."
    )
    bind: BindAddress = Field(default="127.0.0.1:8000", description="Address and port the web server listens on.")
    trusted_proxy: ProxyAddress = Field(
        default="", description="The one address whose X-Forwarded headers are believed; empty believes none."
    )
    max_file_bytes: int = Field(default=10 * 2**30, ge=1, le=2**44, description="Largest file taken, in bytes.")
    max_files_per_form: int = Field(default=50, ge=1, le=500, description="Most files taken in one form.")
    max_open_uploads_per_person: int = Field(
        default=4, ge=1, le=100, description="Most uploads one person may have under way at once."
    )
    max_open_downloads_per_person: int = Field(
        default=8, ge=1, le=100, description="Most downloads one person may have under way at once."
    )
    session_idle_minutes: int = Field(
        default=30, ge=1, le=240, description="Minutes without a request that end a session."
    )
    session_hours: int = Field(default=12, ge=1, le=24, description="Hours after which a session ends, used or not.")
    argon2_at_once: int = Field(
        default=2, ge=1, le=64, description="Password hashes computed at once in one process; each takes 64 MiB."
    )
    sign_in_attempts: int = Field(default=10, ge=1, le=100, description="Failed sign-ins allowed in one window.")
    sign_in_window_minutes: int = Field(
        default=15, ge=1, le=1440, description="Length of the sign-in window, in minutes."
    )
    web_processes: int = Field(default=2, ge=1, le=64, description="Web server processes.")
    web_threads: int = Field(default=16, ge=1, le=256, description="Threads in each web server process.")
    web_transfers: int = Field(
        default=32, ge=1, le=256, description="Most uploads and downloads under way at once in each process."
    )
    govuk_brand: bool = Field(
        default=False, description="1 to show the GOV.UK crown, logotype and typeface; only services on GOV.UK may."
    )
    service_name: str = Field(
        default="Area SEND Exchange", min_length=1, max_length=80, description="Name shown at the head of every page."
    )
    contact_email: EmailAddress = Field(
        default="", description="Address shown to people who need help; required outside the example."
    )
    worker_seconds: int = Field(
        default=5, ge=1, le=3600, description="Seconds between two rounds of the background worker."
    )
    sweep_minutes: int = Field(
        default=60, ge=1, le=1440, description="Minutes between two sweeps of abandoned uploads and orphaned keys."
    )
    witness_policy_file: FilePath | None = Field(
        default=None,
        description="Witnesses that are asked to cosign, a c2sp.org/tlog-policy file with their URLs; empty asks none.",
    )
    witness_behind_hours: int = Field(
        default=24, ge=1, le=720, description="Hours after which a witness that does not follow a log is an alarm."
    )
    checkpoint_folder: FilePath | None = Field(
        default=None,
        description="Append-only folder, such as a write-once mount, to keep each new checkpoint in; empty keeps none.",
    )
    smtp_host: MailHost = Field(default="", description="Server that takes mail to officers; empty sends no mail.")
    smtp_port: int = Field(default=587, ge=1, le=65_535, description="Port of that server.")
    smtp_security: MailSecurity = Field(
        default="starttls", description="starttls, tls (from the first byte) or none (loopback only)."
    )
    smtp_user: str = Field(
        default="", max_length=200, repr=False, description="User at that server; empty signs in as nobody."
    )
    smtp_password_file: FilePath | None = Field(
        default=None, description="File that holds that user's password, rights 0600."
    )
    mail_from: EmailAddress = Field(default="", description="Address that mail comes from; required with a server.")

    siem_url: ReceiverUrl = Field(
        default="",
        description="Receiver of the log feed, like syslog+tls://siem.example.org:6514; empty feeds none. See siem.md.",
    )
    siem_authorities_file: FilePath | None = Field(
        default=None, description="Certificate authorities that the receiver's must be of; empty means the system's."
    )
    siem_enterprise: int = Field(
        default=32473,
        ge=1,
        le=2**31 - 1,
        description="Private enterprise number in the feed's structured data; 32473 is the one kept for examples.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Values come from arguments only: `load_settings` reads the environment, and a test never does by accident."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @model_validator(mode="before")
    @classmethod
    def _place_under_data_folder(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Empty places become places under the data folder; an empty name of the log becomes the example's."""
        placed = {name: value for name, value in values.items() if value not in ("", None)}
        example = str(placed.get("example", "")).lower() in {"1", "true", "yes", "on", "t", "y"}
        if example:
            placed.setdefault("log_origin", "exchange.example/log")
            placed.setdefault("contact_email", "help@exchange.example")
        if "data_folder" in placed:
            root = absolute(Path(placed["data_folder"]))
            placed.setdefault("database_url", f"sqlite:///{root / 'database' / 'exchange.sqlite3'}")
            placed.setdefault("store_url", f"file://{quote(str(root / 'store'))}")
            placed.setdefault("provider_key_file", root / "keys" / "provider.json")
            placed.setdefault("key_store_folder", root / "keys" / "wrapped")
            placed.setdefault("signing_key_file", root / "keys" / "log-signing.key")
            placed.setdefault("signed_sizes_file", root / "keys" / "log-signed.json")
            placed.setdefault("secret_key_file", root / "keys" / "secret.key")
        return placed

    @property
    def is_https(self) -> bool:
        """Whether people reach the service over TLS: decides Secure cookies and HSTS."""
        return self.public_url.startswith("https://")

    @property
    def public_host(self) -> str:
        """Host, and port if one is named, of the public address: the only Host header that is answered."""
        return urlsplit(self.public_url).netloc

    @property
    def bind_host(self) -> str:
        """The address part of `bind`, without brackets."""
        return self.bind.rpartition(":")[0].removeprefix("[").removesuffix("]")

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a SQLite file."""
        return self.database_url.startswith("sqlite:")

    @property
    def sqlite_path(self) -> Path | None:
        """The SQLite file, or None when the database is PostgreSQL."""
        return Path(self.database_url.removeprefix("sqlite:///")) if self.is_sqlite else None

    @property
    def store_folder(self) -> Path:
        """The folder that `store_url` names."""
        return Path(unquote(urlsplit(self.store_url).path))

    def connection_url(self) -> str:
        """The database address with the password from `database_password_file` in its place. Never log it.

        Raises:
            SettingsError: the password file is missing, empty or open to others.
        """
        if self.database_password_file is None or self.is_sqlite:
            return self.database_url
        try:
            password = read_secret_file(self.database_password_file, least=1).decode().rstrip("\r\n")
        except (SecretFileError, UnicodeDecodeError) as refused:
            raise SettingsError([f"{PREFIX}DATABASE_PASSWORD_FILE: {refused}"]) from None
        parts = urlsplit(self.database_url)
        user, _, host = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user.partition(':')[0]}:{quote(password, safe='')}@{host}").geturl()

    def smtp_password(self) -> str:
        """The password of `smtp_user`, from its file; empty when there is none. Never log it.

        Raises:
            SettingsError: the password file is missing, empty or open to others.
        """
        if self.smtp_password_file is None:
            return ""
        try:
            return read_secret_file(self.smtp_password_file, least=1).decode().rstrip("\r\n")
        except (SecretFileError, UnicodeDecodeError) as refused:
            raise SettingsError([f"{PREFIX}SMTP_PASSWORD_FILE: {refused}"]) from None

    def secret_key(self) -> bytes:
        """The secret for cookies and forms; in the worked example it is made on first use.

        Raises:
            SettingsError: the file is missing outside the example, shorter than 32 bytes, or open to others.
        """
        try:
            if self.example and not self.secret_key_file.exists():
                create_secret_file(self.secret_key_file, tolerate_existing=True)
            return read_secret_file(self.secret_key_file)
        except SecretFileError as refused:
            raise SettingsError([f"{PREFIX}SECRET_KEY_FILE: {refused}"]) from None


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read every setting from `environ` (the process environment unless given).

    Raises:
        SettingsError: one error that lists every missing, malformed, unknown or unsafe value.
    """
    from config.safety import unsafe_values  # noqa: PLC0415  # safety judges Settings, so it is imported after it exists

    environ = os.environ if environ is None else environ
    given, problems = _read(environ)
    try:
        settings = Settings(**given)
        malformed: set[str] = set()
    except ValidationError as refused:
        malformed = {str(error["loc"][0]) for error in refused.errors() if error["loc"]}
        problems += [_problem(error["loc"][0], error["type"], error["msg"]) for error in refused.errors()]
        settings = Settings(**{"data_folder": "/nonexistent"} | {n: v for n, v in given.items() if n not in malformed})
    problems += [
        f"{PREFIX}{name.upper()}: {why}" for name, why in unsafe_values(settings, environ) if name not in malformed
    ]
    if problems:
        raise SettingsError(sorted(problems))
    return settings


def _read(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The known settings, and a problem for each name that begins like a setting and is none."""
    known = {f"{PREFIX}{name.upper()}": name for name in Settings.model_fields}
    given = {known[key]: value for key, value in environ.items() if key in known and value}
    strange = [key for key in environ if key.startswith(PREFIX) and key not in known]
    return given, [f"{key}: there is no such setting; look for a slip in the name" for key in strange]


def _problem(name: str | int, kind: str, message: str) -> str:
    variable = f"{PREFIX}{str(name).upper()}"
    if kind == "missing":
        return f"{variable}: is required: {Settings.model_fields[str(name)].description}"
    return f"{variable}: {message.removeprefix('Value error, ')}"


@dataclass(frozen=True)
class SettingRow:
    """One line of the table of settings: variable, what it is for, its default as text, whether it must be given."""

    variable: str
    description: str
    default: str
    required: bool


def settings_table() -> list[SettingRow]:
    """Every setting in the order of the class, for the handbook and for `exchange settings`; defaults, never values."""
    rows = []
    for name, field in Settings.model_fields.items():
        required = field.default is PydanticUndefined
        default = "" if required or field.default in (None, Path()) else str(field.default)
        rows.append(SettingRow(f"{PREFIX}{name.upper()}", field.description or "", default, required))
    return rows
