"""The kept folder: written once, durable, never changed by us; and what others did to it is told."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.note import parse_note
from exchange import trail
from exchange.parts import Parts
from exchange.publishing.destinations import CheckpointFolder
from exchange.publishing.keeping import Keeper, kept_notes
from exchange.publishing.models import KeptState
from tests.exchange.inspection_case import Case, tamper
from tests.exchange.publishing.conftest import (
    Party,
    alarms,
    ask_all,
    asking,
    clear_alarms,
    grow,
    keeping,
    latest_note,
    signed_size,
)

ORIGIN = "exchange.example/log/service"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def file_of(folder: Path, size: int, origin: str = ORIGIN) -> Path:
    return folder / origin / f"{size:020d}.txt"


def kept_state(parts: Parts, log_id: str = trail.SERVICE_LOG) -> KeptState | None:
    with parts.database.read() as session:
        return session.get(KeptState, log_id)


def test_each_log_s_newest_checkpoint_is_kept_under_its_origin_and_size(case: Case, folder: Path) -> None:
    parts = keeping(case.parts, folder)
    grow(parts)
    Keeper(parts)()
    for log_id in (trail.SERVICE_LOG, case.inspection):
        kept = file_of(folder, signed_size(parts, log_id), f"exchange.example/log/{log_id}")
        assert kept.read_text() == latest_note(parts, log_id)
        assert kept_notes(parts, log_id) == [kept.read_bytes()]
    assert alarms(parts) == []


def test_a_checkpoint_is_kept_with_the_cosignatures_that_the_policy_asks_for(
    party: Party, parts: Parts, folder: Path
) -> None:
    parts = asking(keeping(parts, folder), party)
    grow(parts)
    keeper = Keeper(parts)
    keeper()
    assert not folder.joinpath("exchange.example").exists(), "it waits for the witness"
    ask_all(parts)
    keeper()
    assert parts.witness_policy is not None
    note = parse_note(file_of(folder, signed_size(parts)).read_bytes())
    assert parts.witness_policy.verify(note).keys() == {"w1"}


def test_a_witness_that_is_away_holds_a_checkpoint_up_for_a_bounded_time_however_fast_the_log_grows(
    party: Party, parts: Parts, folder: Path, clock: Any
) -> None:
    party.stop()
    parts = asking(keeping(parts, folder), party)
    keeper = Keeper(parts, patience=timedelta(seconds=30))
    grow(parts)
    first = signed_size(parts)
    for _ in range(5):
        keeper()
        clock.move(seconds=10)
        grow(parts)
    sizes = [file.size for file in CheckpointFolder(folder).files(ORIGIN)]
    assert sizes
    assert min(sizes) >= first
    assert max(sizes) < signed_size(parts)


def test_a_file_is_never_written_over(folder: Path) -> None:
    folder.mkdir()
    kept = CheckpointFolder(folder)
    kept.write(ORIGIN, 3, "first\n")
    with pytest.raises(FileExistsError):
        kept.write(ORIGIN, 3, "second\n")
    assert file_of(folder, 3).read_text() == "first\n"
    assert file_of(folder, 3).stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("origin", ["../elsewhere", "a/../b", "/etc", "a//b", "a/./b", "", "a\nb", "a b"])
def test_an_origin_that_is_no_plain_path_keeps_nothing(folder: Path, origin: str) -> None:
    folder.mkdir()
    with pytest.raises(OSError, match="is no path"):
        CheckpointFolder(folder).write(origin, 1, "note\n")
    assert list(folder.iterdir()) == []


def test_the_file_and_its_folder_are_durable_before_it_counts_as_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    synced: list[str] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    CheckpointFolder(folder).write("a/b", 1, "note\n")
    assert synced == [
        str(folder),
        str(folder / "a"),
        str(folder / "a" / "b" / f"{1:020d}.txt"),
        str(folder / "a" / "b"),
    ]


def test_a_missing_mount_is_not_taken_for_an_empty_folder_and_is_told_and_tried_again(
    parts: Parts, folder: Path, clock: Any
) -> None:
    parts = keeping(parts, folder)
    folder.rmdir()
    grow(parts)
    keeper = Keeper(parts)
    with pytest.raises(FileNotFoundError):
        keeper()
    assert not folder.exists()
    found = kept_state(parts)
    assert found is not None
    assert (found.failure, found.written_at) == ("enoent", None)
    folder.mkdir()
    keeper()
    found = kept_state(parts)
    assert found is not None
    assert (found.failure, found.size) == ("", signed_size(parts))


def test_a_checkpoint_that_another_worker_kept_already_is_no_matter_even_with_other_cosignatures(
    party: Party, parts: Parts, folder: Path
) -> None:
    parts = keeping(parts, folder)
    grow(parts)
    CheckpointFolder(folder).write(ORIGIN, signed_size(parts), latest_note(parts))
    with_witness = asking(parts, party)
    ask_all(with_witness)
    Keeper(with_witness)()
    assert alarms(parts) == []
    found = kept_state(parts)
    assert found is not None
    assert found.size == signed_size(parts)


def faulty(parts: Parts, folder: Path, fault: str) -> None:
    """Do to the kept file what somebody could."""
    place = file_of(folder, signed_size(parts))
    note = place.read_text()
    place.chmod(0o644)
    match fault:
        case "altered":
            place.write_text(note.replace("exchange", "exchance", 1))
        case "emptied":
            place.write_text("")
        case "gone":
            place.unlink()
        case "moved":
            place.rename(file_of(folder, signed_size(parts) + 1))
        case "signature":
            place.write_text(note[:-6] + ("A" if note[-6] != "A" else "B") + note[-5:])
        case "link":
            place.unlink()
            place.symlink_to(folder.parent / "elsewhere")


@pytest.mark.parametrize("fault", ["altered", "emptied", "gone", "moved", "signature"])
def test_a_kept_file_that_was_changed_or_taken_away_is_an_alarm_once_and_again_the_next_day(
    parts: Parts, folder: Path, clock: Any, fault: str
) -> None:
    parts = keeping(parts, folder)
    grow(parts)
    keeper = Keeper(parts)
    keeper()
    faulty(parts, folder, fault)
    keeper()
    (alarm,) = alarms(parts, "kept-checkpoint-differs")
    assert (alarm.subject, alarm.source) == ("service", "checkpoint-folder")
    assert str(signed_size(parts)) in alarm.detail
    clear_alarms(parts)
    keeper()
    keeper()
    assert len(alarms(parts)) == 1, "somebody cleared it and knows"
    clock.move(days=1)
    keeper()
    assert len(alarms(parts)) == 2


def test_a_kept_file_that_became_a_link_is_not_followed(parts: Parts, folder: Path, tmp_path: Path) -> None:
    parts = keeping(parts, folder)
    grow(parts)
    keeper = Keeper(parts)
    keeper()
    (tmp_path / "elsewhere").write_text(latest_note(parts))
    faulty(parts, folder, "link")
    keeper()
    assert "cannot be read as one" in alarms(parts, "kept-checkpoint-differs")[0].detail


def test_a_worker_that_starts_afresh_notices_that_the_newest_file_has_gone(parts: Parts, folder: Path) -> None:
    parts = keeping(parts, folder)
    grow(parts)
    Keeper(parts)()
    faulty(parts, folder, "gone")
    Keeper(parts)()
    assert "has gone" in alarms(parts, "kept-checkpoint-differs")[0].detail


def test_a_log_that_was_cut_back_to_an_earlier_checkpoint_is_told_by_the_folder(case: Case, folder: Path) -> None:
    parts = keeping(case.parts, folder)
    grow(parts)
    size = signed_size(parts, case.inspection)
    keeper = Keeper(parts)
    keeper()
    grow(parts, case.inspection, times=3)
    keeper()
    assert alarms(parts) == []
    tamper(case, "DELETE FROM audit_checkpoint WHERE log_id = :log AND tree_size > :size", size=size)
    tamper(case, "DELETE FROM audit_entry WHERE log_id = :log AND leaf_index >= :size", size=size)
    keeper()
    (alarm,) = alarms(parts, "kept-checkpoint-differs")
    assert alarm.subject == case.inspection
    assert f"of {size + 3} entries counts more entries than the log has now" in alarm.detail


def test_a_log_whose_stored_hashes_were_rewritten_is_told_by_the_folder(case: Case, folder: Path) -> None:
    parts = keeping(case.parts, folder)
    grow(parts)
    keeper = Keeper(parts)
    keeper()
    tamper(case, "UPDATE audit_entry SET leaf_hash = :hash WHERE log_id = :log AND leaf_index = 1", hash=bytes(32))
    tamper(case, "UPDATE audit_node SET hash = :hash WHERE log_id = :log", hash=bytes(32))
    keeper()
    (alarm,) = alarms(parts, "kept-checkpoint-differs")
    assert (alarm.subject, "is no state that the log went through" in alarm.detail) == (case.inspection, True)


def test_files_that_are_no_checkpoints_are_left_alone(parts: Parts, folder: Path) -> None:
    parts = keeping(parts, folder)
    grow(parts)
    Keeper(parts)()
    folder.joinpath(ORIGIN, "README").write_text("of the mount")
    folder.joinpath("lost+found").mkdir()
    Keeper(parts)()
    assert alarms(parts) == []


def test_without_a_folder_nothing_is_kept(parts: Parts) -> None:
    grow(parts)
    Keeper(parts)()
    assert kept_state(parts) is None
    assert kept_notes(parts, trail.SERVICE_LOG) == []
