"""'Verify now' and the evidence: what is proved of a whole log, what is said of a damaged one, and what is recorded."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from audit import bundle, log
from audit.bundle import verify_bundle
from audit.errors import LogDamagedError, VocabularyError
from exchange.errors import BusyError, ConflictError
from exchange.oversight import evidence as evidence_module
from exchange.oversight.evidence import ExportBrokenOffError
from exchange.oversight.service import export_evidence, verify_log
from exchange.submissions.models import Alarm
from tests.exchange.inspection_case import Case, tamper

ALTER = "UPDATE audit_entry SET entry = :bytes WHERE log_id = :log AND leaf_index = 2"
CUT = "DELETE FROM audit_entry WHERE log_id = :log AND leaf_index >= 3"


def alarms(case: Case) -> list[Alarm]:
    with case.parts.database.read() as session:
        return list(session.scalars(select(Alarm)))


def forged(case: Case, index: int) -> bytes:
    """The bytes of an entry with one byte changed: another actor did it."""
    encoded = case.entries()[index].encode()
    return encoded.replace(case.lead.encode(), (case.lead[:-1] + ("0" if case.lead[-1] != "0" else "1")).encode())


def test_a_whole_log_is_signed_checked_and_the_check_recorded(case: Case) -> None:
    size = len(case.entries())
    result = verify_log(case.parts, case.inspection, actor=case.officer)
    assert result.is_whole
    assert (result.report.tree_size, result.report.findings) == (size, ())
    assert result.checkpoint is not None
    assert (result.checkpoint.tree_size, result.checkpoint.root_hash) == (size, result.report.root_hash)
    last = case.entries()[-1]
    assert (last.event, last.actor, last.details) == (
        "trail:verified",
        case.officer,
        {"tree_size": size, "result": "whole"},
    )
    assert alarms(case) == []


def test_an_altered_entry_is_named_recorded_and_raised_once(case: Case) -> None:
    verify_log(case.parts, case.inspection, actor=case.officer)
    tamper(case, ALTER, bytes=forged(case, 2))
    result = verify_log(case.parts, case.inspection, actor=case.officer)
    assert not result.is_whole
    assert result.first is not None
    assert (result.first.index, result.first.kind) == (2, "altered")
    assert result.checkpoint is not None
    assert result.checkpoint.tree_size < result.report.tree_size  # what was found damaged is not signed
    assert case.entries()[-1].details["result"] == "damaged"
    verify_log(case.parts, case.inspection, actor=case.officer)
    (alarm,) = alarms(case)
    assert (alarm.kind, alarm.inspection_id, alarm.subject) == ("log-damaged", case.inspection, case.inspection)
    raised = case.entries("service")[-1]
    assert (raised.event, raised.actor, raised.subject) == ("alarm:raised", case.officer, case.inspection)


def test_a_log_that_was_cut_back_is_not_signed_nor_written_to(case: Case) -> None:
    verify_log(case.parts, case.inspection, actor=case.officer)
    signed = verify_log(case.parts, case.inspection, actor=case.officer).checkpoint
    tamper(case, CUT)
    result = verify_log(case.parts, case.inspection, actor=case.officer)
    assert result.first is not None
    assert (result.first.index, result.first.kind) == (3, "truncated")
    assert result.checkpoint == signed
    assert [alarm.kind for alarm in alarms(case)] == ["log-damaged"]


def test_a_log_that_cannot_be_signed_is_not_called_whole(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise LogDamagedError("The log does not extend its checkpoint.")

    monkeypatch.setattr(log.AuditLog, "sign_checkpoint", refuse)
    result = verify_log(case.parts, case.inspection, actor=case.officer)
    assert (result.is_whole, result.refusal) == (False, "The log does not extend its checkpoint.")
    assert [alarm.kind for alarm in alarms(case)] == ["log-damaged"]


def test_damage_of_the_services_own_log_is_raised_even_if_it_takes_no_entry(case: Case) -> None:
    verify_log(case.parts, "service", actor=case.officer)
    tamper(case, "DELETE FROM audit_node WHERE log_id = 'service'")
    result = verify_log(case.parts, "service", actor=case.officer)
    assert not result.is_whole
    (alarm,) = alarms(case)
    assert (alarm.kind, alarm.inspection_id, alarm.subject) == ("log-damaged", None, "service")


def test_a_whole_log_whose_check_cannot_be_recorded_is_not_called_whole(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise VocabularyError("no entry today")

    monkeypatch.setattr(log.AuditLog, "append_many", refuse)
    with pytest.raises(VocabularyError):
        verify_log(case.parts, case.inspection, actor=case.officer)


def test_evidence_is_recorded_before_its_first_byte_and_proves_itself(case: Case, tmp_path: Path) -> None:
    size = len(case.entries())
    pieces = export_evidence(case.parts, case.inspection, actor=case.officer)
    last = case.entries()[-1]
    assert (last.event, last.actor, last.details) == ("evidence:exported", case.officer, {"tree_size": size})
    path = tmp_path / "evidence.zip"
    path.write_bytes(b"".join(pieces))
    with case.parts.database.read() as session:
        key = case.parts.trail.log.verifier_key(session.connection(), case.inspection)
    assert verify_bundle(path, key).tree_size == size


def test_a_damaged_log_is_exported_up_to_its_last_checkpoint(case: Case) -> None:
    verify_log(case.parts, case.inspection, actor=case.officer)
    tamper(case, "DELETE FROM audit_node WHERE log_id = :log")
    with pytest.MonkeyPatch.context() as patch:  # the log takes no entry that it must hash with a lost node
        patch.setattr(evidence_module.trail, "record", lambda *_, **__: None)
        content = b"".join(export_evidence(case.parts, case.inspection, actor=case.officer))
    assert zipfile.is_zipfile(io.BytesIO(content))


def test_evidence_of_a_log_that_was_never_signed_and_cannot_be_is_refused(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise LogDamagedError("damaged")

    monkeypatch.setattr(log.AuditLog, "sign_checkpoint", refuse)
    with pytest.raises(ConflictError, match="Verify the log"):
        export_evidence(case.parts, case.inspection, actor=case.officer)


def test_evidence_takes_a_turn_of_the_downloads_until_it_is_closed(case: Case) -> None:
    most = case.parts.settings.max_open_downloads_per_person
    under_way = [export_evidence(case.parts, case.inspection, actor=case.officer) for _ in range(most)]
    with pytest.raises(BusyError):
        export_evidence(case.parts, case.inspection, actor=case.officer)
    next(under_way[0])
    for pieces in under_way:
        pieces.close()
    export_evidence(case.parts, case.inspection, actor=case.officer).close()


def test_evidence_that_cannot_be_finished_breaks_off(case: Case) -> None:
    for number in range(3):
        case.send("1.1", content=f"minutes {number}\n".encode())
    verify_log(case.parts, case.inspection, actor=case.officer)
    pieces = export_evidence(case.parts, case.inspection, actor=case.officer)
    tamper(case, "DELETE FROM audit_entry WHERE log_id = :log AND leaf_index = 1")
    with pytest.raises(ExportBrokenOffError):
        list(pieces)


def test_a_reader_who_goes_away_ends_the_writer(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading  # noqa: PLC0415

    def endless(*arguments: Any) -> None:
        while True:
            arguments[-1].write(bytes(1 << 16))

    monkeypatch.setattr(evidence_module, "write_bundle", endless)
    pieces = export_evidence(case.parts, case.inspection, actor=case.officer)
    next(pieces)
    pieces.close()
    assert "evidence-writer" not in {thread.name for thread in threading.enumerate()}
    assert bundle.write_bundle is not endless
