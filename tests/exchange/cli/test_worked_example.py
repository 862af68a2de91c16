"""The worked example is whole, real in its files and invented in its content."""

import io
from datetime import date
from pathlib import Path

import pytest
from docx import Document as WordDocument
from openpyxl import load_workbook
from sqlalchemy import select

from config.settings import Settings, load_settings
from exchange import first_run
from exchange.access.roles import Role
from exchange.accounts.passwords import verify_new_password
from exchange.accounts.sessions import load_actor
from exchange.errors import ConflictError
from exchange.example import LOCAL_AREA, PASSWORD, PEOPLE, last_monday, make_example
from exchange.example_files import make_text_document, make_workbook
from exchange.first_run import prepare, welcome
from exchange.inspections.legal_notes import missing
from exchange.inspections.models import Assignment, Inspection
from exchange.installation import installed_parts
from exchange.parts import Parts
from exchange.submissions.checking import reference_of
from exchange.submissions.models import Document, DocumentState
from tests.exchange.cli.said import Command


def test_the_example_has_one_account_for_each_role_and_each_may_be_signed_in_to(parts: Parts) -> None:
    make_example(parts)
    assert {person.role for person in PEOPLE} == set(Role)
    with parts.database.read() as session:
        for person in PEOPLE:
            found = session.scalars(select_person(person.email)).one()
            assert parts.passwords.matches(found.password_hash, PASSWORD)


def select_person(email: str):  # noqa: ANN201  SQLAlchemy's own type says no more here
    from exchange.accounts.models import Person  # noqa: PLC0415  one use

    return select(Person).where(Person.email == email)


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.role)
def test_the_password_of_the_example_passes_the_rule_for_new_ones(person: object) -> None:
    verify_new_password(PASSWORD, email=person.email, name=person.name)  # type: ignore[attr-defined]  # an ExamplePerson


def test_everybody_but_the_administrator_is_in_the_inspection_under_their_role(parts: Parts) -> None:
    inspection = make_example(parts)
    with parts.database.read() as session:
        for person in PEOPLE:
            found = session.scalars(select_person(person.email)).one()
            roles = load_actor(session, found.id).roles_in(inspection)
            assert roles == (frozenset() if person.role is Role.ADMINISTRATOR else {person.role})
        assert len(session.scalars(select(Assignment)).all()) >= 3


def test_the_inspection_was_notified_on_a_monday_before_today_and_no_legal_note_is_open(parts: Parts) -> None:
    identifier = make_example(parts)
    with parts.database.read() as session:
        inspection = session.get_one(Inspection, identifier)
        assert inspection.local_area == LOCAL_AREA
        assert inspection.notified_on.weekday() == 0
        assert inspection.notified_on < parts.clock().date()
        assert missing(session, parts.legal_notes) == ()


@pytest.mark.parametrize(
    ("today", "monday"),
    [
        (date(2026, 3, 2), date(2026, 2, 23)),
        (date(2026, 3, 3), date(2026, 3, 2)),
        (date(2026, 3, 8), date(2026, 3, 2)),
    ],
)
def test_the_last_monday_lies_before_today(today: date, monday: date) -> None:
    assert last_monday(today) == monday


def test_two_items_are_answered_with_files_that_excel_and_word_programs_open(parts: Parts) -> None:
    make_example(parts)
    with parts.database.read() as session:
        documents = session.scalars(select(Document)).all()
    assert {document.state for document in documents} == {DocumentState.CHECKED}
    content = {}
    for document in documents:
        opened = parts.vault.open(reference_of(document))
        content[document.file_kind] = b"".join(opened.read_range(0, opened.size))
        opened.close()
    sheet = load_workbook(io.BytesIO(content["xlsx"])).active
    assert sheet["A2"].value == "EXAMPLE-0001"
    assert "worked example" in WordDocument(io.BytesIO(content["docx"])).paragraphs[0].text


def test_text_in_the_files_may_hold_any_character() -> None:
    nasty = "<&> “Ελληνικά” \U0001f600"
    assert load_workbook(io.BytesIO(make_workbook([[nasty]]))).active["A1"].value == nasty
    assert WordDocument(io.BytesIO(make_text_document([nasty]))).paragraphs[0].text == nasty


def test_the_example_is_never_made_outside_the_settings_of_the_example(parts: Parts) -> None:
    serious = parts.settings.model_copy(update={"example": False})
    object.__setattr__(parts, "settings", serious)
    with pytest.raises(ConflictError, match="known passwords"):
        make_example(parts)
    with parts.database.read() as session:
        assert session.scalars(select(Inspection)).all() == []


def documents_of(settings: Settings) -> set[str]:
    with installed_parts(settings) as parts, parts.database.read() as session:
        return set(session.scalars(select(Document.id)))


def test_a_second_run_keeps_the_data(environ: dict[str, str]) -> None:
    settings = load_settings(environ)
    prepare(settings, environ)
    first = documents_of(settings)
    prepare(settings, environ)
    assert documents_of(settings) == first
    assert len(first) == 2


def test_a_first_run_that_was_broken_off_is_begun_again(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(environ)

    def break_off(_parts: Parts) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(first_run, "make_example", break_off)
        with pytest.raises(KeyboardInterrupt):
            prepare(settings, environ)
    assert not settings.data_folder.exists()
    prepare(settings, environ)
    assert len(documents_of(settings)) == 2
    assert [path.name for path in settings.data_folder.parent.iterdir()] == [settings.data_folder.name]


def test_the_doctor_finds_the_example_sound(exchange: Command, environ: dict[str, str]) -> None:
    prepare(load_settings(environ), environ)
    said = exchange("doctor")
    assert said.code == 0, said.out


@pytest.mark.parametrize(
    "changed",
    [{"EXCHANGE_DATABASE_URL": "postgresql://nobody@127.0.0.1/none"}, {"EXCHANGE_DATABASE_URL": "sqlite:////tmp/x"}],
)
def test_a_first_run_with_a_database_of_ones_own_is_refused(environ: dict[str, str], changed: dict[str, str]) -> None:
    settings = load_settings({**environ, **changed})
    with pytest.raises(ConflictError, match="exchange init"):
        prepare(settings, environ)
    assert not settings.data_folder.exists()


def test_the_welcome_names_the_address_the_password_and_every_account(environ: dict[str, str], tmp_path: Path) -> None:
    text = welcome(load_settings(environ))
    assert "http://127.0.0.1:8000" in text
    assert PASSWORD in text
    for person in PEOPLE:
        assert person.email in text
        assert person.role.label in text
