"""A sweep decides by what is committed, also where the server died in the middle of its commit."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from audit.entry import Entry
from exchange.parts import Parts
from exchange.submissions.checking import check_next
from exchange.submissions.models import Document, DocumentState
from exchange.submissions.sweep import SweepReport, sweep
from tests.exchange.conftest import Area, MovableClock, ServiceClient
from tests.exchange.inspection_case import case_of
from tests.resilience.killing import Servant, Visit
from tests.resilience.write_points import Fault

CONTENT = b"minutes of the partnership board\n" * 50
INDEX_HEADER = 136  # bytes: what SQLite's WAL index says of the last commit (its file format, section 2.1)
COPY = "import sys; data = open(sys.argv[1], 'rb').read(int(sys.argv[3])); open(sys.argv[2], 'r+b').write(data)"


def copy(source: Path, target: Path) -> None:
    """Copy the header in a process of its own: closing the file here would drop this process's locks on it."""
    target.touch()
    subprocess.run([sys.executable, "-c", COPY, source, target, str(INDEX_HEADER)], check=True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_commit_that_nobody_saw_before_the_sweep_does_not_come_back_after_it(  # noqa: PLR0917  fixtures
    servant: Servant,
    officer: ServiceClient,
    area: Area,
    parts: Parts,
    rows: Callable[[Any], list[Any]],
    left: Callable[[], list[str]],
    clock: MovableClock,
    tmp_path: Path,
) -> None:
    """The server died after its commit was written to the WAL and before the WAL's index told of it."""
    path = f"{area.path}/items/1.1/upload"
    order = Visit.of(officer, path).upload(
        path, CONTENT, tmp_path / "body.upload", clock(), fault=Fault("before", at="chmod *.floe #1")
    )
    database = parts.settings.sqlite_path
    assert database is not None
    index, before = database.with_name(f"{database.name}-shm"), tmp_path / "index"
    with parts.database.engine.connect():  # another process that has the database open, such as the worker
        copy(index, before)
        assert servant.serve(order)[0].was_killed
        copy(before, index)
        assert rows(Document) == []
        assert sweep(parts, timedelta(0)).keys == 1
        # Killed as well, that process closes nothing: whoever opens the database next reads the whole WAL.
        found = tmp_path / "found" / database.name
        found.parent.mkdir()
        subprocess.run(["cp", database, f"{database}-wal", found.parent], check=True)
    assert left() == [f"{area.inspection}/inspection.json"]
    with closing(sqlite3.connect(found)) as reopened:
        assert reopened.execute("SELECT count(*) FROM document").fetchone() == (0,)


def test_a_sweep_waits_for_a_document_that_is_being_recorded(
    parts: Parts, area: Area, rows: Callable[[Any], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the database goes on with a commit though the server that asked for it was killed."""
    case = case_of(parts, area)
    inserted, may_commit = threading.Event(), threading.Event()
    append = parts.database._append_entries

    def hold(connection: Connection, entries: list[tuple[str, Entry]]) -> None:
        if any(entry.event == "submission:accepted" for _, entry in entries):
            inserted.set()
            may_commit.wait(60)
        append(connection, entries)

    monkeypatch.setattr(parts.database, "_append_entries", hold)
    with ThreadPoolExecutor(2) as pool:
        received = pool.submit(case.send, "1.1")
        assert inserted.wait(60)
        swept = pool.submit(sweep, parts, timedelta(0))
        try:
            with pytest.raises(TimeoutError):
                swept.result(timeout=0.3)
        finally:
            may_commit.set()
        assert received.result(60)
        assert swept.result(60) == SweepReport()
    assert check_next(parts)
    assert [document.state for document in rows(Document)] == [DocumentState.CHECKED]
