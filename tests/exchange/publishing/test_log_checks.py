"""The worker's own checks: damage is named, told again daily, never mended, and nothing waits for a check."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from audit.fsck import Finding
from exchange import trail
from exchange.parts import Parts
from exchange.publishing import log_checks as log_checks_module
from exchange.publishing.keeping import Keeper
from exchange.publishing.log_checks import FULL, GROWTH, LogChecks
from exchange.publishing.models import LogCheck
from tests.exchange.inspection_case import Case, tamper
from tests.exchange.publishing.conftest import (
    Party,
    alarms,
    ask_all,
    asking,
    clear_alarms,
    grow,
    keeping,
    signed_size,
)

ALTER = "UPDATE audit_entry SET entry = :bytes WHERE log_id = :log AND leaf_index = :index"


def checks_of(parts: Parts, log_id: str) -> dict[str, LogCheck]:
    with parts.database.read() as session:
        return {row.extent: row for row in session.scalars(select(LogCheck).where(LogCheck.log_id == log_id))}


def damages(case: Case) -> list[tuple[Any, ...]]:
    found = [entry for entry in case.entries("service") if entry.event == "log:damage-found"]
    return [(entry.subject, entry.details["index"], entry.details["damage"]) for entry in found]


def forge(case: Case, index: int) -> bytes:
    return case.entries()[index].encode().replace(b'"version":1', b'"version":2')


def test_every_log_is_checked_in_full_at_the_start_and_then_only_what_has_grown(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[tuple[str, bool]] = []
    real = log_checks_module.check_growth

    def look(store: Any, connection: Any, log_id: str, key: Any, since: Any, *rest: Any, **more: Any) -> Any:
        looked.append((log_id, since is None))
        return real(store, connection, log_id, key, since, *rest, **more)

    monkeypatch.setattr(log_checks_module, "check_growth", look)
    grow(case.parts)
    checks = LogChecks(case.parts)
    checks()
    assert sorted(looked) == [(case.inspection, True), ("service", True)]
    looked.clear()
    checks()
    assert looked == []
    grow(case.parts, case.inspection)
    checks()
    assert looked == [(case.inspection, False)]
    rows = checks_of(case.parts, case.inspection)
    size = signed_size(case.parts, case.inspection)
    assert (rows[FULL].size, rows[GROWTH].size, rows[GROWTH].findings) == (size - 1, size, 0)
    assert alarms(case.parts) == []


def test_a_new_day_brings_a_full_check(case: Case, clock: Any) -> None:
    grow(case.parts)
    checks = LogChecks(case.parts)
    checks()
    clock.move(days=1)
    checks()
    assert checks_of(case.parts, case.inspection)[FULL].checked_at == clock()


def test_damage_is_an_alarm_that_names_log_first_index_and_kind_and_an_entry_that_says_so(case: Case) -> None:
    grow(case.parts)
    tamper(case, ALTER, bytes=forge(case, 3), index=3)
    LogChecks(case.parts)()
    (alarm,) = alarms(case.parts)
    assert (alarm.kind, alarm.subject, alarm.inspection_id) == ("log-damaged", case.inspection, case.inspection)
    assert alarm.detail.startswith("An entry was altered. The first bad index is 3.")
    assert damages(case) == [(case.inspection, 3, "altered")]
    row = checks_of(case.parts, case.inspection)[FULL]
    assert (row.first_index, row.first_kind) == (3, "altered")


def test_damage_in_what_is_new_is_found_in_the_same_round(case: Case) -> None:
    grow(case.parts)
    checks = LogChecks(case.parts)
    checks()
    grow(case.parts, case.inspection, times=2)
    index = signed_size(case.parts, case.inspection) - 1
    tamper(case, ALTER, bytes=forge(case, index), index=index)
    checks()
    assert damages(case) == [(case.inspection, index, "altered")]
    assert checks_of(case.parts, case.inspection)[GROWTH].first_index == index


def test_damage_comes_back_daily_until_it_is_gone_however_often_it_is_cleared(case: Case, clock: Any) -> None:
    grow(case.parts)
    tamper(case, ALTER, bytes=forge(case, 3), index=3)
    checks = LogChecks(case.parts)
    checks()
    clear_alarms(case.parts)
    for _ in range(3):
        grow(case.parts)
        checks()
    assert len(alarms(case.parts)) == 1
    clock.move(days=1)
    checks()
    assert len(alarms(case.parts)) == 2


def test_a_check_mends_nothing(case: Case) -> None:
    grow(case.parts)
    tamper(case, ALTER, bytes=forge(case, 3), index=3)
    tamper(case, "DELETE FROM audit_node WHERE log_id = :log AND level = 2")

    def rows() -> list[Any]:
        with case.parts.database.read() as session:
            found = []
            for table in ("audit_entry", "audit_node", "audit_checkpoint", "audit_cosignature"):
                statement = text(f"SELECT * FROM {table} WHERE log_id = :log")  # noqa: S608  names of this test
                found.append(sorted(map(repr, session.execute(statement, {"log": case.inspection}))))
            return found

    before = rows()
    LogChecks(case.parts)()
    assert rows() == before


def test_damage_to_the_service_s_own_log_is_an_alarm_even_where_no_entry_can_be(case: Case) -> None:
    grow(case.parts)
    tamper(case, "DELETE FROM audit_node WHERE log_id = 'service'")
    LogChecks(case.parts)()
    (alarm,) = alarms(case.parts)
    assert (alarm.kind, alarm.subject, alarm.inspection_id) == ("log-damaged", "service", None)


def test_a_log_cut_back_with_every_trace_is_told_by_what_was_kept(case: Case, tmp_path: Path) -> None:
    parts = keeping(case.parts, tmp_path / "kept")
    grow(parts)
    size = signed_size(parts, case.inspection)
    grow(parts, case.inspection)
    Keeper(parts)()
    tamper(case, "DELETE FROM audit_checkpoint WHERE log_id = :log AND tree_size > :size", size=size)
    tamper(case, "DELETE FROM audit_entry WHERE log_id = :log AND leaf_index >= :size", size=size)
    LogChecks(replace(parts, signed_sizes=_Nothing()))()  # type: ignore[arg-type]  # as if the memory had gone too
    found = damages(case)
    assert [(log_id, index) for log_id, index, _ in found] == [(case.inspection, size)]
    assert found[0][2] in {"rolled-back", "truncated"}


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_a_kept_file_that_cannot_be_read_does_not_stand_before_a_damaged_log(
    case: Case, tmp_path: Path, kind: str
) -> None:
    parts = keeping(case.parts, tmp_path / "kept")
    grow(parts)
    Keeper(parts)()
    planted = tmp_path / "kept" / parts.trail.origin_of(case.inspection) / f"{1:020d}.txt"
    if kind == "link":
        planted.symlink_to("/nowhere")
    elif kind == "pipe":
        os.mkfifo(planted)
    else:
        planted.mkdir()
    tamper(case, ALTER, bytes=forge(case, 3), index=3)
    LogChecks(parts)()
    assert damages(case) == [(case.inspection, 3, "altered")]
    Keeper(parts)()
    assert [alarm.kind for alarm in alarms(parts)] == ["log-damaged", "kept-checkpoint-differs"]


def test_without_the_folder_the_logs_are_checked_and_the_journal_is_told(case: Case, tmp_path: Path) -> None:
    parts = keeping(case.parts, tmp_path / "kept")
    grow(parts)
    (tmp_path / "kept").rmdir()
    tamper(case, ALTER, bytes=forge(case, 3), index=3)
    with pytest.raises(OSError, match="kept"):
        LogChecks(parts)()
    assert damages(case) == [(case.inspection, 3, "altered")]


def test_one_log_whose_row_cannot_be_read_hides_no_other(case: Case) -> None:
    grow(case.parts)
    with case.parts.database.engine.execution_options(write=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE audit_log DISABLE TRIGGER ALL")
    tamper(case, "UPDATE audit_log SET created_at = 'then' WHERE id = 'service'")
    tamper(case, ALTER, bytes=forge(case, 3), index=3)
    LogChecks(case.parts)()
    found = {(alarm.kind, alarm.subject) for alarm in alarms(case.parts)}
    assert found == {("log-damaged", "service"), ("log-damaged", case.inspection)}


def test_a_look_across_the_tables_that_broke_off_is_made_again(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [RuntimeError("broken off"), [Finding("missing", 0, "A log is gone.")]]

    def look(*_: Any) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(log_checks_module, "check_tables", look)
    grow(case.parts)
    checks = LogChecks(case.parts)
    with pytest.raises(RuntimeError, match="broken off"):
        checks()
    assert checks_of(case.parts, case.inspection)[FULL].findings == 0, "the logs were checked all the same"
    checks()
    assert damages(case) == [("service", 0, "missing")]


class _Nothing:
    """A memory of signed sizes that is empty."""

    def states(self) -> dict[str, Any]:
        return {}

    def latest(self, _origin: str) -> None:
        return None


def test_a_cosignature_that_was_altered_is_found_with_the_witness_s_key(case: Case, party: Party) -> None:
    parts = asking(case.parts, party)
    grow(parts)
    ask_all(parts)
    LogChecks(parts)()
    assert alarms(parts) == []
    with parts.database.read() as session:
        (kept,) = parts.trail.store.cosignatures(
            session.connection(), case.inspection, signed_size(parts, case.inspection)
        )
    line = kept.line[:-8] + ("A" if kept.line[-8] != "A" else "B") + kept.line[-7:]
    tamper(case, "UPDATE audit_cosignature SET line = :line WHERE log_id = :log", line=line)
    LogChecks(parts)()
    assert damages(case) == [(case.inspection, signed_size(parts, case.inspection), "cosignature")]


def test_rows_of_a_log_that_there_is_not_are_told_of_the_service(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Finding("unknown-log", 0, "audit_checkpoint holds rows of a log that there is not.")]
    monkeypatch.setattr(log_checks_module, "check_tables", lambda *_: found)
    grow(case.parts)
    LogChecks(case.parts)()
    assert damages(case) == [("service", 0, "unknown-log")]
    assert [(alarm.subject, alarm.source) for alarm in alarms(case.parts)] == [("service", "tables")]


def test_a_worker_that_is_told_to_stop_begins_no_further_log(case: Case) -> None:
    grow(case.parts)
    LogChecks(case.parts, lambda: False)()
    assert checks_of(case.parts, case.inspection) == {}


def test_others_append_and_sign_while_a_check_reads(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check sees one state of the log, whatever is added meanwhile, and takes nothing of it for damage."""
    grow(case.parts)
    real = log_checks_module.check_growth

    def look(*arguments: Any, **more: Any) -> Any:
        grow(case.parts, case.inspection)  # the view is open by now
        return real(*arguments, **more)

    monkeypatch.setattr(log_checks_module, "check_growth", look)
    checks = LogChecks(case.parts)
    checks()
    checks()
    assert alarms(case.parts) == []
    assert trail.SERVICE_LOG in checks._whole


def test_a_spoiled_file_among_the_kept_ones_says_nothing_of_the_log(case: Case, tmp_path: Path) -> None:
    parts = keeping(case.parts, tmp_path / "kept")
    grow(parts)
    Keeper(parts)()
    for file in (tmp_path / "kept").rglob("*.txt"):
        file.chmod(0o600)
        file.write_text(file.read_text().replace("\n\n", "\nspoiled\n\n", 1))
    LogChecks(parts)()
    assert "log-damaged" not in {alarm.kind for alarm in alarms(parts)}
