"""A marker planted in an upload is nowhere to be found but in what its sealed file opens to."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from exchange.accounts.models import Person
from exchange.parts import Parts
from exchange.submissions.checking import reference_of
from exchange.submissions.models import Document, DocumentState
from exchange.worker import Worker
from tests.exchange.conftest import Area, MovableClock, ServiceClient
from tests.resilience.killing import Visit, form_of
from tests.resilience.live import Live, wait_until
from tests.resilience.searching import SHARED, Marker, Search

MIB = 2**20
SIZE = 20 * MIB


@pytest.fixture
def clock() -> MovableClock:
    """The server beside it has the machine's own clock."""
    return MovableClock(datetime.now(UTC))


@pytest.fixture
def marker() -> Marker:
    return Marker()


@pytest.fixture
def search(live: Live, parts: Parts, tmp_path: Path) -> Callable[..., Search]:
    started = time.time() - 60  # file systems keep coarser clocks than the machine

    def make(*more: int) -> Search:
        return Search((tmp_path,), (*live.processes(), *more), parts.database.engine, started)

    return make


@pytest.fixture
def visit(officer: ServiceClient, path: str) -> Visit:
    return Visit.of(officer, path)


@pytest.fixture
def path(area: Area) -> str:
    return f"{area.path}/items/1.1/upload"


def report_with(marker: Marker) -> bytes:
    """A file that looks like a PDF, with the marker at its beginning, across segments and at its end."""
    content = bytearray(b"%PDF-1.7\n" + bytes(range(256)) * (SIZE // 256))
    for place in (100, MIB - 200, 10 * MIB, len(content) * 3 // 4 - 100_000, len(content) - len(marker.planted)):
        content[place : place + len(marker.planted)] = marker.planted
    return bytes(content)


def form_with(visit: Visit, content: bytes, name: str = "report.pdf") -> bytes:
    fields = {"csrf_token": visit.token, "numbers": "1.1", "date_kind": "not-dated", "title": ""}
    return form_of(fields, [(name, content)])


def arriving(parts: Parts) -> int:
    """How many bytes of sealed files that are being received are on the disk."""
    return sum(path.stat().st_size for path in parts.settings.store_folder.rglob("*.arriving"))


def test_during_and_after_an_upload_the_marker_is_nowhere(
    live: Live, visit: Visit, path: str, parts: Parts, rows: Any, search: Callable[..., Search], marker: Marker
) -> None:
    content = report_with(marker)
    body = form_with(visit, content)
    held = len(body) * 3 // 4
    with live.post(visit, path, len(body)) as sending:
        sending.write(body[:held])
        wait_until(lambda: arriving(parts) >= held - 2 * MIB)
        assert search().find(marker) == {}
        sending.write(body[held:])
        assert sending.answer().status == 303
    assert search().find(marker) == {}
    assert Worker(parts).run_once() == 0
    assert search().find(marker) == {}
    (document,) = rows(Document)
    assert document.state == DocumentState.CHECKED
    opened = parts.vault.open(reference_of(document))
    assert marker.found_in(b"".join(opened.read_range(0, document.size))) == list(marker.forms)
    opened.close()


def test_after_refused_uploads_the_marker_is_nowhere(  # noqa: PLR0917  fixtures
    live: Live,
    visit: Visit,
    path: str,
    parts: Parts,
    rows: Any,
    search: Callable[..., Search],
    marker: Marker,
    left: Callable[[], list[str]],
) -> None:
    before = left()
    mismatch = live.send(visit, path, form_with(visit, report_with(marker), "report.docx"))
    assert mismatch.status == 400
    body = form_with(visit, report_with(marker))
    with live.post(visit, path, len(body)) as sending:
        sending.write(body[: len(body) * 3 // 4])
        wait_until(lambda: arriving(parts) > MIB)
        sending.end()
        assert sending.answer().status == 400
    assert search().find(marker) == {}
    assert left() == before
    assert rows(Document) == []


HOLDER = """
import os, signal, sys
held = open(sys.argv[1], "w+b")
held.write(sys.stdin.buffer.read())
held.flush()
os.unlink(held.name)
print(flush=True)
signal.pause()
"""


@pytest.fixture
def holder(tmp_path: Path, marker: Marker) -> Iterator[int]:
    """A process that holds a file open which has no name any more, with the marker in it."""
    told = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path / "deleted"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with told:
        assert told.stdin is not None
        assert told.stdout is not None
        told.stdin.write(marker.planted)
        told.stdin.close()
        told.stdout.readline()
        yield told.pid
        told.kill()


def test_the_search_finds_a_marker_that_lies_where_one_must_not(
    live: Live, parts: Parts, search: Callable[..., Search], tmp_path: Path, marker: Marker, holder: int, officer: Any
) -> None:
    """The control: each place in turn, in each form."""
    shared = SHARED / f"control-{marker.raw.hex()[:8]}"
    files = [parts.settings.store_folder / "spooled", live.temporary / "tmpspool", live.journal, shared]
    try:
        for file in files:
            with file.open("ab") as opened:
                opened.write(b"x" * (MIB - 7) + marker.planted + b"x")
        with parts.database.unit_of_work() as unit:
            unit.session.execute(update(Person).values(organisation=marker.raw.hex()))
        found = search(holder).find(marker)
    finally:
        shared.unlink(missing_ok=True)
    for file in files:
        assert found[f"{file} ({file.resolve()})"] == list(marker.forms)
    assert any(place.startswith(f"/proc/{holder}/fd/") and "(deleted)" in place for place in found)
    assert "hex" in found["table person"]
    kept_in = "test.sqlite3" if parts.database.engine.dialect.name == "sqlite" else "base"
    on_disk = [place for place, forms in found.items() if kept_in in place and forms == ["hex"]]
    assert on_disk or not search()._cluster(), "the files of the database"
