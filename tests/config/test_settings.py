import inspect
from pathlib import Path

import pytest

import config.settings
from config.settings import Settings, SettingsError, load_settings, settings_table

SECRET = "correct-horse-battery"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    return data


@pytest.fixture
def service(folder: Path) -> dict[str, str]:
    """The least environment of a real service."""
    return {
        "EXCHANGE_DATA_FOLDER": str(folder),
        "EXCHANGE_PUBLIC_URL": "https://exchange.example.org",
        "EXCHANGE_LOG_ORIGIN": "exchange.example.org/log",
        "EXCHANGE_CONTACT_EMAIL": "help@exchange.example.org",
    }


@pytest.fixture
def example(folder: Path) -> dict[str, str]:
    return {"EXCHANGE_EXAMPLE": "1", "EXCHANGE_DATA_FOLDER": str(folder)}


def problems(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    assert all(problem in str(refused.value) for problem in refused.value.problems)
    return refused.value.problems


def private(path: Path, content: bytes = b"x" * 40) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_the_least_service_keeps_everything_in_its_data_folder(service: dict[str, str], folder: Path) -> None:
    settings = load_settings(service)
    assert settings.sqlite_path == folder / "database" / "exchange.sqlite3"
    assert settings.store_folder == folder / "store"
    assert settings.provider_key_file == folder / "keys" / "provider.json"
    assert settings.key_store_folder == folder / "keys" / "wrapped"
    assert settings.signing_key_file == folder / "keys" / "log-signing.key"
    assert settings.secret_key_file == folder / "keys" / "secret.key"
    assert settings.is_https
    assert settings.public_host == "exchange.example.org"
    assert not settings.example


def test_the_example_needs_nothing_but_a_folder(example: dict[str, str]) -> None:
    settings = load_settings(example)
    assert settings.example
    assert settings.public_url == "http://127.0.0.1:8000"
    assert not settings.is_https
    assert settings.log_origin
    assert settings.bind_host == "127.0.0.1"


def test_settings_cannot_be_changed(example: dict[str, str]) -> None:
    settings = load_settings(example)
    with pytest.raises(ValueError, match="frozen"):
        settings.example = False  # type: ignore[misc]  # the rule under test


def test_every_problem_is_named_at_once(folder: Path) -> None:
    folder.chmod(0o755)
    found = problems(
        {
            "EXCHANGE_DATA_FOLDER": str(folder),
            "EXCHANGE_MAX_FILE_BYTES": "many",
            "EXCHANGE_WEB_THREADS": "0",
            "EXCHANGE_BIND": "localhost:8000",
            "EXCHANGE_LOG_ORIGIN": "a log+b",
            "EXCHANGE_STORE_URL": "s3://bucket",
            "EXCHANGE_TRUSTED_PROXY": "10.0.0.0/8",
            "EXCHANGE_MAX_FILE_BITES": "1",
            "EXCHANGE_DATABASE_URL": "mysql://h/d",
            "FLASK_DEBUG": "1",
        }
    )
    named = [problem.partition(":")[0].removeprefix("EXCHANGE_") for problem in found]
    assert named == [
        "BIND",
        "CONTACT_EMAIL",
        "DATABASE_URL",
        "DATA_FOLDER",
        "EXAMPLE",
        "LOG_ORIGIN",
        "MAX_FILE_BITES",
        "MAX_FILE_BYTES",
        "PUBLIC_URL",
        "STORE_URL",
        "TRUSTED_PROXY",
        "WEB_THREADS",
    ]


def test_an_empty_environment_asks_for_the_data_folder() -> None:
    assert any(problem.startswith("EXCHANGE_DATA_FOLDER: is required") for problem in problems({}))


def test_an_empty_value_counts_as_none(example: dict[str, str]) -> None:
    assert load_settings({**example, "EXCHANGE_BIND": ""}).bind == "127.0.0.1:8000"


def test_variables_of_other_programs_are_left_alone(example: dict[str, str]) -> None:
    assert load_settings({**example, "PATH": "/bin", "FLASK_DEBUG": "1", "exchange_bind": "x"}).example


def test_the_process_environment_is_read_only_when_no_other_is_given(
    example: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in example.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("EXCHANGE_SERVICE_NAME", "From the process")
    assert load_settings().service_name == "From the process"
    assert load_settings(example).service_name == "Area SEND Exchange"
    assert Settings(data_folder=Path("/srv/data")).service_name == "Area SEND Exchange"


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PUBLIC_URL", "http://exchange.example.org", "https"),
        ("PUBLIC_URL", "https://exchange.example.org/path", "scheme and a host only"),
        ("PUBLIC_URL", "https://user:pass@exchange.example.org", "scheme and a host only"),
        ("LOG_ORIGIN", "https://exchange.example.org", "no scheme"),
        ("LOG_ORIGIN", "", "required"),
        ("CONTACT_EMAIL", "", "required"),
        ("CONTACT_EMAIL", "help", "e-mail"),
        ("BIND", "127.0.0.1", "ADDRESS:PORT"),
        ("BIND", "127.0.0.1:0", "ADDRESS:PORT"),
        ("BIND", "127.0.0.1:70000", "ADDRESS:PORT"),
        ("STORE_URL", "file:///x?y", "folder"),
        ("DATABASE_URL", "sqlite:///relative.db", "whole path"),
        ("DATABASE_URL", "sqlite:////x.db?mode=memory", "whole path"),
        ("DATABASE_URL", "sqlite://", "sqlite:///"),
        ("SESSION_HOURS", "25", "24"),
    ],
)
def test_an_unsafe_or_malformed_value_is_refused(
    service: dict[str, str], variable: str, value: str, message: str
) -> None:
    found = problems({**service, f"EXCHANGE_{variable}": value})
    assert len(found) == 1
    assert found[0].startswith(f"EXCHANGE_{variable}: ")
    assert message in found[0]


def test_the_example_is_served_on_this_machine_only(example: dict[str, str]) -> None:
    assert "this machine only" in problems({**example, "EXCHANGE_BIND": "0.0.0.0:8000"})[0]
    assert load_settings({**example, "EXCHANGE_BIND": "[::1]:8000"}).bind_host == "::1"


@pytest.mark.parametrize("name", ["PROVIDER_KEY_FILE", "SIGNING_KEY_FILE", "SECRET_KEY_FILE"])
def test_a_key_file_that_others_can_read_is_refused(service: dict[str, str], folder: Path, name: str) -> None:
    key = private(folder / "keys" / "one.key")
    assert load_settings({**service, f"EXCHANGE_{name}": str(key)})
    key.chmod(0o640)
    assert problems({**service, f"EXCHANGE_{name}": str(key)}) == (
        f"EXCHANGE_{name}: {key} is open to other users; close it with: chmod 600 {key}",
    )


def test_a_key_store_that_others_can_enter_is_refused(service: dict[str, str], folder: Path) -> None:
    wrapped = folder / "keys" / "wrapped"
    wrapped.mkdir(parents=True)
    wrapped.chmod(0o755)
    assert "chmod 700" in problems(service)[0]


def test_the_database_password_comes_from_a_file_and_is_quoted(service: dict[str, str], folder: Path) -> None:
    password_file = private(folder / "password", b"p@ss/w:rd\n")
    settings = load_settings(
        {
            **service,
            "EXCHANGE_DATABASE_URL": "postgresql://exchange@db.example.org:5433/exchange?sslmode=verify-full",
            "EXCHANGE_DATABASE_PASSWORD_FILE": str(password_file),
        }
    )
    assert settings.connection_url() == (
        "postgresql+psycopg://exchange:p%40ss%2Fw%3Ard@db.example.org:5433/exchange?sslmode=verify-full"
    )
    assert "p%40ss" not in repr(settings)
    assert not settings.is_sqlite
    assert settings.sqlite_path is None


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"postgresql://exchange:{SECRET}@h/d", "holds a password too"),
        ("postgresql://h/d", "names no user"),
        ("", "SQLite file"),
    ],
)
def test_a_password_file_that_has_no_place_is_refused(
    service: dict[str, str], folder: Path, url: str, message: str
) -> None:
    file = str(private(folder / "password"))
    found = problems({**service, "EXCHANGE_DATABASE_URL": url, "EXCHANGE_DATABASE_PASSWORD_FILE": file})
    assert any(message in problem for problem in found)


def test_a_password_file_that_cannot_be_read_later_is_refused_by_name(service: dict[str, str], folder: Path) -> None:
    file = private(folder / "password")
    environ = {**service, "EXCHANGE_DATABASE_URL": "postgresql://u@h/d", "EXCHANGE_DATABASE_PASSWORD_FILE": str(file)}
    settings = load_settings(environ)
    file.unlink()
    with pytest.raises(SettingsError, match="EXCHANGE_DATABASE_PASSWORD_FILE"):
        settings.connection_url()


def test_no_secret_stands_in_an_error_or_a_representation(service: dict[str, str], example: dict[str, str]) -> None:
    url = f"postgresql://exchange:{SECRET}@h/d"
    for wrong in ({"EXCHANGE_DATABASE_URL": url}, {"EXCHANGE_DATABASE_URL": f"my{url}"}):
        assert SECRET not in "".join(problems({**service, **wrong, "EXCHANGE_WEB_THREADS": SECRET}))
    settings = load_settings({**example, "EXCHANGE_DATABASE_URL": url})
    assert settings.connection_url().endswith(f"{SECRET}@h/d")
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)


def test_the_example_makes_its_secret_once(example: dict[str, str]) -> None:
    settings = load_settings(example)
    first = settings.secret_key()
    assert len(first) >= 32
    assert settings.secret_key() == first
    assert settings.secret_key_file.stat().st_mode & 0o777 == 0o600


def test_a_service_without_a_secret_does_not_make_one(service: dict[str, str]) -> None:
    settings = load_settings(service)
    with pytest.raises(SettingsError, match="EXCHANGE_SECRET_KEY_FILE"):
        settings.secret_key()
    assert not settings.secret_key_file.exists()


def test_a_short_secret_is_refused(service: dict[str, str]) -> None:
    settings = load_settings(service)
    private(settings.secret_key_file, b"short")
    with pytest.raises(SettingsError, match="32"):
        settings.secret_key()


def test_the_table_describes_every_setting_and_shows_no_value() -> None:
    rows = settings_table()
    assert [row.variable.removeprefix("EXCHANGE_").lower() for row in rows] == list(Settings.model_fields)
    assert all(row.description.endswith(".") for row in rows)
    assert [row.variable for row in rows if row.required] == ["EXCHANGE_DATA_FOLDER"]


def test_nothing_else_in_the_package_reads_the_environment() -> None:
    here = Path(inspect.getfile(config.settings)).parent
    readers = [path.name for path in here.glob("*.py") if "environ" in path.read_text(encoding="utf-8")]
    assert sorted(readers) == ["safety.py", "settings.py"]
    assert "os." not in (here / "safety.py").read_text(encoding="utf-8")
