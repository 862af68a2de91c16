"""Settings of mail, witnesses and the kept folder that are unsafe together are refused at the start."""

from pathlib import Path

import pytest

from config.settings import Settings, SettingsError, load_settings


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "EXCHANGE_EXAMPLE": "1",
        "EXCHANGE_DATA_FOLDER": str(tmp_path),
        "EXCHANGE_SMTP_HOST": "mail.example.org",
        "EXCHANGE_MAIL_FROM": "exchange@example.org",
    }


def secret(tmp_path: Path, mode: int = 0o600) -> str:
    path = tmp_path / "password"
    path.write_text("a password\r\n")
    path.chmod(mode)
    return str(path)


def problems(environ: dict[str, str], **given: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        load_settings({**environ, **{f"EXCHANGE_{name}": value for name, value in given.items()}})
    return refused.value.problems


def test_a_server_and_an_address_are_enough(environ: dict[str, str]) -> None:
    settings = load_settings(environ)
    assert (settings.smtp_port, settings.smtp_security, settings.smtp_password()) == (587, "starttls", "")


def test_the_password_is_read_from_its_file_and_stands_in_no_representation(
    environ: dict[str, str], tmp_path: Path
) -> None:
    given = {"EXCHANGE_SMTP_USER": "exchange", "EXCHANGE_SMTP_PASSWORD_FILE": secret(tmp_path)}
    settings = load_settings({**environ, **given})
    assert settings.smtp_password() == "a password"
    assert "a password" not in repr(settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_an_open_line_is_for_this_machine_only(environ: dict[str, str], host: str) -> None:
    assert load_settings({**environ, "EXCHANGE_SMTP_HOST": host, "EXCHANGE_SMTP_SECURITY": "none"}).smtp_host == host
    (problem,) = problems(environ, SMTP_SECURITY="none")
    assert problem.startswith("EXCHANGE_SMTP_SECURITY: none is for a server on this machine only")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"MAIL_FROM": ""}, "EXCHANGE_MAIL_FROM"),
        ({"MAIL_FROM": "a@example.org, b@example.org"}, "EXCHANGE_MAIL_FROM"),
        ({"SMTP_USER": "exchange"}, "EXCHANGE_SMTP_PASSWORD_FILE"),
        ({"SMTP_HOST": "mail.example.org:25"}, "EXCHANGE_SMTP_HOST"),
        ({"SMTP_HOST": "mail.example.org\nQUIT"}, "EXCHANGE_SMTP_HOST"),
        ({"SMTP_SECURITY": "perhaps"}, "EXCHANGE_SMTP_SECURITY"),
        ({"SMTP_PORT": "0"}, "EXCHANGE_SMTP_PORT"),
    ],
)
def test_what_is_unsafe_or_malformed_is_named(environ: dict[str, str], given: dict[str, str], named: str) -> None:
    assert any(problem.startswith(f"{named}: ") for problem in problems(environ, **given))


def test_a_user_without_a_server_is_a_slip(environ: dict[str, str], tmp_path: Path) -> None:
    found = problems(environ, SMTP_HOST="", SMTP_USER="exchange", SMTP_PASSWORD_FILE=secret(tmp_path))
    assert found == ("EXCHANGE_SMTP_HOST: is empty, but a user or password for it is named",)


def test_a_password_that_others_can_read_is_refused(environ: dict[str, str], tmp_path: Path) -> None:
    found = problems(environ, SMTP_USER="exchange", SMTP_PASSWORD_FILE=secret(tmp_path, 0o644))
    assert any("open to other users" in problem for problem in found)


def test_without_a_password_file_the_password_is_empty(tmp_path: Path) -> None:
    assert Settings(example=True, data_folder=tmp_path).smtp_password() == ""
