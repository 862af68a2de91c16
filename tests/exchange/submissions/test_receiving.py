"""One file received: durable and recorded, or refused with nothing left behind."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import delete
from sqlalchemy.exc import OperationalError

from exchange.access.roles import Role
from exchange.inspections.models import Membership
from exchange.parts import Parts
from exchange.storage.contract import StoreError
from exchange.submissions import receiving
from exchange.submissions.checking import check_next
from exchange.submissions.models import Alarm, Document, DocumentItem, DocumentState
from exchange.submissions.offer import parse_items, parse_offer
from exchange.submissions.receiving import FileRefusedError, Sender, receive_file
from exchange.submissions.sweep import Sweeper, sweep

TEXT = b"Minutes of the partnership board.\n" * 40


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["Unique ID", "UPN"])  # type: ignore[union-attr]  # a new workbook has a sheet
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture
def area(make_area: Callable[..., Any]) -> Any:
    return make_area()


@pytest.fixture
def send(parts: Parts, area: Any, clock: Any) -> Callable[..., Any]:
    def do(name: str = "minutes.txt", content: bytes = TEXT, numbers: tuple[str, ...] = ("1.1",), **more: Any) -> Any:
        asked = frozenset({"L1", "1.1", "1.4", "2.3"})
        kind, start = ("as-at", clock().date()) if set(numbers) & {"L1", "2.3"} else ("not-dated", None)
        offer = parse_offer(parse_items(parts.catalogue, numbers, asked), kind, start, None, "", clock().date())
        sender = Sender(area.inspection, area.people[Role.NOMINATED_OFFICER].id, offer)
        pieces = more.pop("pieces", None) or [content]
        return receive_file(parts, sender, name, pieces)

    return do


def left_behind(parts: Parts, area: Any) -> list[str]:
    """Sealed files, unfinished files and keys of documents."""
    store = [path.name for path in parts.settings.store_folder.rglob("*") if path.is_file()]
    return store + list(parts.vault.keyring.wrapped_documents(area.inspection))


def test_a_received_file_is_sealed_recorded_and_reads_back_the_same(
    send: Callable[..., Any], parts: Parts, area: Any, rows: Any, events: Any
) -> None:
    received = send(numbers=("1.4", "1.1"))
    (document,) = rows(Document)
    assert received.sha256 == document.sha256 == hashlib.sha256(TEXT).hexdigest()
    assert document.numbers == ["1.1", "1.4"]
    assert events(area.inspection)[-1] == "submission:accepted"
    (sealed,) = parts.settings.store_folder.rglob("*.floe")
    assert TEXT[:20] not in sealed.read_bytes()
    assert check_next(parts)
    assert rows(Document)[0].state == DocumentState.CHECKED
    assert not check_next(parts)


def test_a_real_workbook_answers_list_1(send: Callable[..., Any]) -> None:
    content = workbook()
    assert send("list 1.xlsx", content, ("L1",)).size == len(content)


@pytest.mark.parametrize(
    ("name", "content", "numbers", "reason", "words"),
    [
        ("minutes.txt", b"", ("1.1",), "empty", "0 bytes"),
        ("minutes.pdf", TEXT, ("1.1",), "mismatch", "content is"),
        ("list.xlsx", TEXT, ("L1",), "mismatch", "content is"),
        ("cut short.xlsx", workbook()[:200], ("L1",), "mismatch", "“cut short.xlsx” was not taken.*it is damaged"),
        ("list.txt", TEXT, ("L1",), "kind-not-for-item", "Excel"),
        ("minutes.exe", b"MZ" + bytes(200), ("1.1",), "held-kind", "not taken"),
        ("minutes.docm", TEXT, ("1.1",), "held-kind", "not taken"),
        ("minutes.unheard", TEXT, ("1.1",), "unknown-kind", "must end in"),
        ("minutes", TEXT, ("1.1",), "unknown-kind", "must end in"),
        ("\x00", TEXT, ("1.1",), "bad-name", "name"),
    ],
)
def test_a_file_that_cannot_be_taken_says_why_and_leaves_nothing(  # noqa: PLR0917  one case is this wide
    send: Any,
    parts: Parts,
    area: Any,
    rows: Any,
    events: Any,
    name: str,
    content: bytes,
    numbers: tuple[str, ...],
    reason: str,
    words: str,
) -> None:
    with pytest.raises(FileRefusedError, match=words) as caught:
        send(name, content, numbers)
    assert caught.value.reason == reason
    assert rows(Document) == []
    assert left_behind(parts, area) == []
    assert events(area.inspection)[-1] == "submission:refused"


def test_a_file_at_the_limit_is_taken_and_one_byte_more_is_not(
    send: Callable[..., Any], parts: Parts, area: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = parts.settings.model_copy(update={"max_file_bytes": len(TEXT)})
    object.__setattr__(parts, "settings", limit)
    assert send().size == len(TEXT)
    with pytest.raises(FileRefusedError, match="larger than") as caught:
        send("more.txt", TEXT + b"!")
    assert caught.value.reason == "too-large"
    assert len(left_behind(parts, area)) == 2  # the first one's file and key


def test_the_same_bytes_answer_an_item_once_and_another_item_again(
    send: Callable[..., Any], parts: Parts, area: Any, rows: Any
) -> None:
    send()
    before = left_behind(parts, area)
    with pytest.raises(FileRefusedError, match="already received") as caught:
        send("renamed.txt")
    assert caught.value.reason == "duplicate"
    assert left_behind(parts, area) == before
    send(numbers=("1.4",))
    assert len(rows(Document)) == 2


def test_two_uploads_of_the_same_bytes_at_once_have_one_winner(
    send: Callable[..., Any], parts: Parts, area: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second passes the first look, as it does when both look before either commits."""
    send()
    before = left_behind(parts, area)
    monkeypatch.setattr(receiving, "_verify_new", lambda *_: None)
    with pytest.raises(FileRefusedError, match="already received"):
        send("renamed.txt")
    assert len(rows(Document)) == 1
    assert left_behind(parts, area) == before


def test_a_body_that_breaks_off_leaves_nothing(send: Callable[..., Any], parts: Parts, area: Any, rows: Any) -> None:
    def breaking() -> Iterator[bytes]:
        yield TEXT * 2000
        raise ConnectionError

    with pytest.raises(ConnectionError):
        send(pieces=breaking())
    assert rows(Document) == []
    assert left_behind(parts, area) == []


def test_a_full_disk_keeps_nothing(
    send: Callable[..., Any], parts: Parts, area: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def full(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name.endswith(".arriving"):
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        send()
    assert rows(Document) == []
    assert left_behind(parts, area) == []


def test_when_the_commit_fails_the_orphan_is_swept_and_nothing_else(
    send: Callable[..., Any], parts: Parts, area: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    send("kept.txt", b"kept " * 50)
    kept = left_behind(parts, area)

    def fail(*_: object) -> None:
        raise OperationalError("COMMIT", {}, Exception("server gone"))

    with monkeypatch.context() as patched:
        patched.setattr(parts.database, "_append_entries", fail)
        with pytest.raises(OperationalError):
            send()
    assert len(left_behind(parts, area)) == len(kept) + 2
    report = sweep(parts, timedelta(0))
    assert (report.files, report.keys) == (1, 1)
    assert left_behind(parts, area) == kept
    assert len(rows(Document)) == 1


def test_when_the_commit_held_though_its_answer_was_lost_the_file_stays(
    send: Callable[..., Any], parts: Parts, area: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = type(parts.database).unit_of_work

    def lost(database: Any) -> Any:
        import contextlib  # noqa: PLC0415  only here

        @contextlib.contextmanager
        def unit() -> Iterator[Any]:
            with real(database) as inner:
                yield inner
            raise OperationalError("COMMIT", {}, Exception("answer lost"))

        return unit()

    monkeypatch.setattr(type(parts.database), "unit_of_work", lost)
    with pytest.raises(OperationalError):
        send()
    monkeypatch.undo()
    assert len(rows(Document)) == 1
    assert sweep(parts, timedelta(0)).files == 0
    assert check_next(parts)
    assert rows(Document)[0].state == DocumentState.CHECKED
    assert rows(DocumentItem)[0].live


def test_a_sweep_waits_until_an_orphan_is_old_enough(
    send: Callable[..., Any], parts: Parts, area: Any, clock: Any
) -> None:
    parts.vault.keyring.new_data_key(area.inspection, "doc_00000000000000000000000009")
    sweeper = Sweeper(parts)
    assert sweeper.sweep(timedelta(minutes=60)).keys == 0
    clock.move(minutes=59)
    assert sweeper.sweep(timedelta(minutes=60)).keys == 0
    clock.move(minutes=2)
    assert sweeper.sweep(timedelta(minutes=60)).keys == 1


def test_after_restoring_an_older_database_a_sweep_leaves_what_people_hold_receipts_for(
    send: Callable[..., Any], parts: Parts, area: Any, rows: Any
) -> None:
    document = send().document
    before = left_behind(parts, area)
    with parts.database.unit_of_work() as unit:
        unit.session.execute(delete(DocumentItem))
        unit.session.execute(delete(Document))
    report = sweep(parts, timedelta(0))
    assert (report.files, report.keys, report.unrecorded) == (0, 0, 1)
    assert left_behind(parts, area) == before
    assert [(alarm.kind, alarm.subject) for alarm in rows(Alarm)] == [("file-without-record", document)]


def test_a_file_that_came_back_after_its_disposal_is_swept(send: Callable[..., Any], parts: Parts, area: Any) -> None:
    document = send().document
    with parts.database.unit_of_work() as unit:
        unit.session.get_one(Document, document).state = DocumentState.DISPOSED
    assert sweep(parts, timedelta(0)).files == 1
    assert left_behind(parts, area) == []


def test_a_sweep_never_takes_the_key_of_an_upload_still_arriving(parts: Parts, area: Any) -> None:
    with parts.vault.receive(area.inspection, "doc_00000000000000000000000009") as arrival:
        arrival.write(TEXT)
        assert sweep(parts, timedelta(0)).keys == 0
        arrival.seal()
        arrival.keep()
    assert parts.vault.keyring.has_data_key(area.inspection, "doc_00000000000000000000000009")


def test_a_closed_inspection_takes_nothing_more(send: Callable[..., Any], parts: Parts, area: Any, clock: Any) -> None:
    from exchange.inspections.models import Inspection  # noqa: PLC0415

    with parts.database.unit_of_work() as unit:
        unit.session.get_one(Inspection, area.inspection).closed_at = clock()
    with pytest.raises(FileRefusedError, match="closed"):
        send()
    assert left_behind(parts, area) == []


def test_whoever_is_taken_out_while_a_file_is_on_its_way_has_sent_nothing(
    send: Callable[..., Any], parts: Parts, area: Any, rows: Any, events: Any
) -> None:
    def arriving() -> Any:
        yield TEXT
        with parts.database.unit_of_work() as unit:
            officer = area.people[Role.NOMINATED_OFFICER].id
            for membership in unit.session.query(Membership).filter_by(person_id=officer):
                membership.ended_at = unit.now

    with pytest.raises(FileRefusedError, match="no longer send"):
        send(pieces=arriving())
    assert (left_behind(parts, area), rows(Document)) == ([], [])
    assert events(area.inspection)[-1] == "submission:refused"


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_sealed_file_that_changed_is_told_by_reading_back_and_raises_an_alarm(
    send: Callable[..., Any], parts: Parts, area: Any, rows: Any, events: Any, damage: str
) -> None:
    send()
    (sealed,) = parts.settings.store_folder.rglob("*.floe")
    damage_file(sealed, damage)
    assert check_next(parts)
    assert rows(Document)[0].state == DocumentState.CHECK_FAILED
    assert [alarm.kind for alarm in rows(Alarm)] == ["check-failed"]
    assert events(area.inspection)[-1] == "submission:check-failed"
    assert events()[-1] == "alarm:raised"


def damage_file(path: Path, damage: str) -> None:
    content = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[:-1])
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
