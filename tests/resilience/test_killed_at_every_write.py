"""The server killed at every write of an upload, and in the middle of a download; then started again and looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from audit.fsck import check_log
from exchange import trail
from exchange.access.roles import Role
from exchange.accounts.models import ServiceRole
from exchange.downloads.models import Release
from exchange.parts import Parts
from exchange.submissions.checking import reference_of
from exchange.submissions.models import Alarm, Document, DocumentState
from exchange.submissions.sweep import sweep
from exchange.worker import Worker
from tests.exchange.conftest import Area, MovableClock, ServiceClient
from tests.resilience.killing import Order, Seen, Servant, Visit
from tests.resilience.write_points import Fault

MARK = b"a sentence that nobody but its reader may find\n"
LENGTH = 1_100_000  # two segments
MOMENTS = ("before", "after", "during")
MOST_POINTS = 200


def content_of(run: str) -> bytes:
    return (f"run {run}\n".encode() + MARK * (LENGTH // len(MARK) + 1))[:LENGTH]


class Installation:
    """What a killed server left, looked at by the one that starts after it."""

    def __init__(self, parts: Parts, area: Area, left: Callable[[], list[str]]) -> None:
        self._parts, self._area, self._left = parts, area, left
        self._searched: set[tuple[int, int]] = set()

    def start_again(self) -> None:
        """What `exchange sweep` and the worker do, once nothing of the killed server is open any more."""
        self._parts.database.dispose()
        sweep(self._parts, timedelta(0))
        assert Worker(self._parts).run_once() == 0

    def verify_upload(self, content: bytes, seen: Seen) -> bool:
        """All of it and recorded, or nothing at all; return which."""
        digest = hashlib.sha256(content).hexdigest()
        with self._parts.database.read() as session:
            documents = session.scalars(select(Document).where(Document.sha256 == digest)).all()
            assert len(documents) <= 1
            if seen.status == 303:
                assert len(documents) == 1, "acknowledged and lost"
            for document in documents:
                assert document.state == DocumentState.CHECKED
                assert document.size == len(content)
                assert self._parts.vault.check(reference_of(document)) == digest
        accepted = [entry for entry in self.entries() if entry.event == "submission:accepted"]
        assert [entry.details["sha256"] for entry in accepted].count(digest) == len(documents)
        return bool(documents)

    def verify_whole(self) -> None:
        """Every document has its file and its key, nothing else is there, the logs are sound, nothing is readable."""
        with self._parts.database.read() as session:
            owned = [f"{row.inspection_id}/{row.id}" for row in session.scalars(select(Document))]
            assert [alarm.kind for alarm in session.scalars(select(Alarm))] == []
        expected = [f"{name}.floe" for name in owned] + [f"{name}.json" for name in owned]
        assert self._left() == sorted([*expected, f"{self._area.inspection}/inspection.json"])
        self._verify_logs()
        self._verify_nothing_readable()

    def entries(self) -> list[Any]:
        store, log_id = self._parts.trail.store, self._area.inspection
        with self._parts.database.read() as session:
            connection = session.connection()
            size = store.tree_size(connection, log_id)
            return [stored.entry for stored in store.entries(connection, log_id, 0, size)]

    def _verify_logs(self) -> None:
        with self._parts.database.read() as session:
            connection = session.connection()
            for log_id in (self._area.inspection, trail.SERVICE_LOG):
                key = self._parts.trail.log.verifier_key(connection, log_id).public_key
                assert check_log(self._parts.trail.store, connection, log_id, key).findings == ()

    def _verify_nothing_readable(self) -> None:
        """Sealed files never change, so each is searched once."""
        # Closing a file of SQLite's drops the locks that this process has on it: none may be in use.
        self._parts.database.dispose()
        folders = [self._parts.settings.data_folder]
        if self._parts.settings.sqlite_path is not None:
            folders.append(self._parts.settings.sqlite_path.parent)
        for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
            if path.suffix == ".upload":
                continue  # the test's own copy of what is sent
            status = path.stat()
            place = (status.st_ino, status.st_mtime_ns)
            if place not in self._searched:
                assert MARK not in path.read_bytes(), path
                self._searched.add(place)


@pytest.fixture
def installation(parts: Parts, area: Area, left: Callable[[], list[str]]) -> Installation:
    with parts.database.unit_of_work() as unit:  # the fixtures gave roles without it, and the worker would tell
        for given in unit.session.scalars(select(ServiceRole)):
            details: dict[str, trail.DetailValue] = {"role": given.role}
            trail.record(unit, "role:granted-service", actor=trail.HOST, subject=given.person_id, details=details)
    return Installation(parts, area, left)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_server_killed_at_any_write_of_an_upload_loses_nothing_acknowledged_and_leaves_no_half(
    servant: Servant,
    officer: ServiceClient,
    area: Area,
    installation: Installation,
    clock: MovableClock,
    tmp_path: Path,
    moment: str,
) -> None:
    path = f"{area.path}/items/1.1/upload"
    visit = Visit.of(officer, path)
    struck: list[str] = []
    kept: list[bool] = []
    completed = 0
    while completed < 2:  # whether a tree takes a new node differs from run to run
        clock.move(minutes=2)  # far enough that the session's last look is written too
        content = content_of(f"{moment} {len(kept)}")
        fault = Fault(moment, struck, microseconds=100 + 37 * len(kept))
        (seen,) = servant.serve(visit.upload(path, content, tmp_path / "body.upload", clock(), fault=fault))
        assert seen.was_killed or seen.status == 303, seen
        installation.start_again()
        kept.append(installation.verify_upload(content, seen))
        installation.verify_whole()
        new = [point for point in seen.points if point not in struck]
        struck += new[:1]
        completed = 0 if new else completed + 1
        assert len(struck) < MOST_POINTS
    labels = {point.partition(" #")[0] for point in struck}
    assert {"COMMIT", "link *.floe", "fsync *.floe.arriving", "create .*.json.*", "chmod *.floe"} <= labels
    assert struck.index("link *.floe #1") > struck.index("write *.floe.arriving #3")  # the header and two segments
    assert not kept[0]
    assert kept[-1]


@pytest.fixture
def sent(
    servant: Servant, officer: ServiceClient, area: Area, rows: Any, clock: MovableClock, tmp_path: Path
) -> Document:
    """A document of three segments."""
    path = f"{area.path}/items/1.1/upload"
    order = Visit.of(officer, path).upload(path, content_of("sent") * 2, tmp_path / "body.upload", clock())
    assert servant.serve(order)[0].status == 303
    document: Document = rows(Document)[0]
    return document


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_server_killed_in_a_download_is_never_said_to_have_completed_it(  # noqa: PLR0917  fixtures
    servant: Servant,
    app: Any,
    area: Area,
    sign_in: Any,
    sent: Document,
    rows: Any,
    installation: Installation,
    clock: MovableClock,
    moment: str,
) -> None:
    inspector = sign_in(app.test_client(), area.people[Role.INSPECTOR])
    visit = Visit.of(inspector, "/account/password")
    struck: list[str] = []
    sent_before_the_end = completed = 0
    while completed < 2:
        clock.move(minutes=2)
        before = len(rows(Release))
        path = f"{area.path}/documents/{sent.id}/content"
        (seen,) = servant.serve(Order(clock().isoformat(), visit.cookie, path, fault=Fault(moment, struck)))
        releases = sorted(rows(Release), key=lambda release: release.started_at)
        events = [entry.event for entry in installation.entries()]
        assert events.count("release:started") == len(releases)
        assert events.count("release:completed") == sum(release.outcome == "completed" for release in releases)
        if seen.pieces:
            assert len(releases) == before + 1, "bytes without a record"
        if len(releases) > before and releases[-1].outcome == "completed":
            assert sum(seen.pieces) == sent.size
        installation.start_again()
        installation.verify_whole()
        new = [point for point in seen.points if point not in struck]
        struck += new[:1]
        completed = 0 if new else completed + 1
        sent_before_the_end += seen.was_killed and bool(seen.pieces)
        assert len(struck) < MOST_POINTS
    assert sent_before_the_end


def test_a_server_killed_between_two_pieces_of_a_download_leaves_a_start_without_an_end(  # noqa: PLR0917  fixtures
    servant: Servant,
    app: Any,
    area: Area,
    sign_in: Any,
    sent: Document,
    rows: Any,
    installation: Installation,
    clock: MovableClock,
) -> None:
    inspector = sign_in(app.test_client(), area.people[Role.INSPECTOR])
    visit = Visit.of(inspector, "/account/password")
    path = f"{area.path}/documents/{sent.id}/content"
    (seen,) = servant.serve(Order(clock().isoformat(), visit.cookie, path, killed_after_pieces=1))
    assert seen.was_killed
    assert (seen.status, len(seen.pieces)) == (200, 1)
    installation.start_again()
    installation.verify_whole()
    (release,) = rows(Release)
    assert (release.ended_at, release.outcome) == (None, "started")
    told = [entry.event for entry in installation.entries() if entry.event.startswith("release:")]
    assert told == ["release:started"]
