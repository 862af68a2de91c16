"""What a disposal run does, and leaves alone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from exchange.errors import ContentUnavailableError, InvalidError
from exchange.retention.models import Certificate
from exchange.retention.service import disposal_due, due_of, lift_hold, place_hold, run_disposal
from exchange.submissions.checking import reference_of
from exchange.submissions.models import Document, DocumentItem, DocumentState
from exchange.vault import blob_name
from tests.exchange.inspection_case import MONDAY, Case

LONG_AFTER = date(2027, 10, 4)  # past every backstop that counts from MONDAY
MARKER = b"Marker 7f3a: nobody may read this"


def has_content(case: Case, document: str) -> bool:
    keyring, store = case.parts.vault.keyring, case.parts.vault.store
    return keyring.has_data_key(case.inspection, document) or blob_name(case.inspection, document) in store.names()


def certificate(case: Case, document: str) -> Certificate:
    with case.parts.database.read() as session:
        return session.scalars(select(Certificate).where(Certificate.document_id == document)).one()


def test_nothing_goes_before_its_day_and_everything_due_goes_on_it(case: Case) -> None:
    register, governance = case.send("1.6"), case.send("1.1", "1.4", content=b"minutes\n")
    case.set_dates(fieldwork_ended_on=date(2026, 12, 11))
    due = date(2026, 12, 29)  # ten working days on, over Christmas Day and the substitute for Boxing Day
    assert run_disposal(case.parts, due - timedelta(days=1)).disposed == []
    report = run_disposal(case.parts, due)
    assert report.disposed == [register]
    assert not has_content(case, register)
    assert has_content(case, governance)
    assert str(report) == (
        "Disposal as of 29 December 2026: 1 document disposed of, 0 kept by a hold, 0 failed; "
        "0 inspection keys destroyed."
    )


def test_names_title_and_salt_are_erased_and_the_certificate_says_what_was_there(case: Case) -> None:
    document = case.send("1.1", "1.4", name="Child A minutes.txt")
    before = case.document(document)
    run_disposal(case.parts, LONG_AFTER)
    row, paper = case.document(document), certificate(case, document)
    assert (row.state, row.title, row.file_name, row.salt) == (DocumentState.DISPOSED, "", "", b"")
    assert (paper.size, paper.sha256, paper.items) == (before.size, before.sha256, "1.1 1.4")
    assert paper.rule == "C: 240 days after the inspection was notified"
    assert paper.due_on == MONDAY + timedelta(days=240)
    assert "the backstop decides" in paper.because
    assert paper.legal_basis.startswith("UK GDPR Article 5(1)(e)")
    assert paper.schedule_version == case.parts.schedule.version
    assert paper.approved_by == "system:worker"
    assert paper.backups_until == MONDAY + timedelta(days=35)  # the clock still stands on MONDAY
    assert paper.disposed_at is not None
    with case.parts.database.read() as session:
        assert not session.scalars(select(DocumentItem.id).where(DocumentItem.live)).all()


def test_the_log_tells_of_the_beginning_before_the_end(case: Case) -> None:
    document = case.send("1.1")
    run_disposal(case.parts, LONG_AFTER, case.lead)
    started, done = case.entries()[-2:]
    assert (started.event, done.event) == ("disposal:started", "disposal:done")
    assert started.details == done.details
    assert done.details["document"] == document
    assert done.details["rule"] == "class-c"
    assert done.actor == case.lead


def test_a_second_run_finds_nothing_to_do(case: Case) -> None:
    case.send("1.1")
    run_disposal(case.parts, LONG_AFTER)
    size = len(case.entries())
    assert run_disposal(case.parts, LONG_AFTER).disposed == []
    assert len(case.entries()) == size


def test_the_same_bytes_may_be_sent_again_after_disposal(case: Case) -> None:
    first = case.send("1.1")
    run_disposal(case.parts, LONG_AFTER)
    assert case.send("1.1") != first


@pytest.mark.parametrize("whole_inspection", [True, False], ids=["inspection", "document"])
def test_a_hold_beats_the_rule_until_it_is_lifted(case: Case, *, whole_inspection: bool) -> None:
    held, other = case.send("1.1"), case.send("1.4", content=b"other\n")
    with case.parts.database.unit_of_work() as unit:
        hold = place_hold(
            unit,
            inspection_id=case.inspection,
            document_id=None if whole_inspection else held,
            ground="foi",
            reason="Request 12",
            actor=case.officer,
        ).id
    report = run_disposal(case.parts, LONG_AFTER)
    assert report.disposed == ([] if whole_inspection else [other])
    assert sorted(report.held) == sorted([held, other] if whole_inspection else [held])
    assert has_content(case, held)
    with case.parts.database.unit_of_work() as unit:
        lift_hold(unit, inspection_id=case.inspection, hold_id=hold, reason="Answered", actor=case.officer)
    assert held in run_disposal(case.parts, LONG_AFTER).disposed


def test_what_is_due_is_told_with_its_reason_and_what_keeps_it(case: Case) -> None:
    document = case.send("1.6")
    with case.parts.database.unit_of_work() as unit:
        place_hold(
            unit, inspection_id=case.inspection, document_id=document, ground="court", reason="x", actor=case.officer
        )
    with case.parts.database.read() as session:
        from exchange.inspections.models import Inspection  # noqa: PLC0415  beside its one use

        inspection = session.get_one(Inspection, case.inspection)
        row = session.get_one(Document, document)
        due = due_of(row, inspection, case.parts.schedule)
        assert due.on == MONDAY + timedelta(days=60)
        assert disposal_due(session, case.parts.schedule, inspection, due.on - timedelta(days=1)) == []
        (found,) = disposal_due(session, case.parts.schedule, inspection, due.on)
        assert (found.document.id, found.due, found.is_held) == (document, due, True)


def test_a_run_for_a_day_that_is_over_is_refused(case: Case) -> None:
    case.send("1.1")
    with pytest.raises(InvalidError, match="in the past"):
        run_disposal(case.parts, MONDAY - timedelta(days=1))


def test_a_run_is_refused_when_the_log_is_ahead_of_the_clock(case: Case, clock: object) -> None:
    case.send("1.1")
    clock.now = datetime(2026, 11, 22, 9, tzinfo=UTC)
    with pytest.raises(InvalidError, match="clock of this machine is behind"):
        run_disposal(case.parts, date(2026, 11, 22))


def test_the_inspection_key_goes_when_all_is_disposed_of_and_the_inspection_is_closed(case: Case) -> None:
    case.send("1.1")
    keys = case.parts.vault.keyring._store
    assert run_disposal(case.parts, LONG_AFTER).keys_destroyed == []  # not closed
    case.set_dates(report_issued_on=date(2027, 1, 29), closed_at=datetime(2027, 2, 1, 9, tzinfo=UTC))
    assert run_disposal(case.parts, date(2027, 2, 25)).keys_destroyed == []  # the period of class C still runs
    assert keys.has(case.inspection, "inspection")
    assert run_disposal(case.parts, date(2027, 2, 26)).keys_destroyed == [case.inspection]
    assert not keys.has(case.inspection, "inspection")
    assert run_disposal(case.parts, date(2027, 2, 26)).keys_destroyed == []
    assert case.events().count("inspection-key:destroyed") == 1


def test_the_inspection_key_stays_while_a_document_or_a_hold_does(case: Case) -> None:
    document = case.send("1.1")
    case.set_dates(report_issued_on=date(2027, 1, 29), closed_at=datetime(2027, 2, 1, 9, tzinfo=UTC))
    with case.parts.database.unit_of_work() as unit:
        hold = place_hold(
            unit, inspection_id=case.inspection, document_id=document, ground="foi", reason="x", actor=case.officer
        ).id
    assert run_disposal(case.parts, LONG_AFTER).keys_destroyed == []
    with case.parts.database.unit_of_work() as unit:
        lift_hold(unit, inspection_id=case.inspection, hold_id=hold, reason="x", actor=case.officer)
    assert run_disposal(case.parts, LONG_AFTER).keys_destroyed == [case.inspection]


def test_no_name_is_left_in_the_database_files_after_a_run(case: Case) -> None:
    name = "Marker 7f3a of nobody.txt"
    case.send("1.1", name=name, content=MARKER)
    path = case.parts.settings.sqlite_path
    found = _holding(case, name)
    assert found
    run_disposal(case.parts, LONG_AFTER)
    if path is None:  # the dead rows are in files we do not see: PostgreSQL itself says that it freed them
        with case.parts.database.read() as session:
            freed = "SELECT min(vacuum_count) FROM pg_stat_user_tables WHERE relname IN ('document', 'document_item')"
            assert session.scalar(text(freed)) == 1
    assert not _holding(case, name)


def _holding(case: Case, name: str) -> list[str]:
    """Where the name can be found: files of SQLite, or rows of PostgreSQL as text."""
    path = case.parts.settings.sqlite_path
    if path is None:
        with case.parts.database.read() as session:
            return list(session.scalars(text("SELECT id FROM document WHERE document::text LIKE '%Marker 7f3a%'")))
    return [file.name for file in path.parent.glob(f"{path.name}*") if name.encode() in file.read_bytes()]


def test_a_backup_of_the_store_opens_with_no_key_that_is_left(case: Case) -> None:
    document = case.send("1.1", content=MARKER)
    with case.parts.vault.store.open(blob_name(case.inspection, document)) as file:
        assert MARKER not in file.read()
    run_disposal(case.parts, LONG_AFTER)
    assert document not in case.parts.vault.keyring.wrapped_documents(case.inspection)
    with pytest.raises(ContentUnavailableError):
        case.parts.vault.open(reference_of(case.document(document)))
