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
        """What `exchange sweep` and the worker do."""
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
            assert session.scalars(select(Alarm)).all() == []
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
    reached: set[str] = set()
    killed_at: set[str] = set()
    kept: list[bool] = []
    completed = number = 0
    while completed < 2:  # whether a tree takes a new node differs from run to run
        number += 1
        assert number < MOST_POINTS
        clock.move(minutes=2)  # far enough that the session's last look is written too
        content = content_of(f"{moment} {number}")
        fault = Fault(number, moment, microseconds=100 + 37 * number)
        (seen,) = servant.serve(visit.upload(path, content, tmp_path / "body.upload", clock(), fault=fault))
        assert seen.was_killed or seen.status == 303, seen
        installation.start_again()
        kept.append(installation.verify_upload(content, seen))
        installation.verify_whole()
        reached |= set(seen.points)
        if seen.was_killed and len(seen.points) >= number:
            killed_at.add(seen.points[number - 1])
        completed += number > len(seen.points)
    assert killed_at == reached
    assert {"COMMIT", "link *.floe", "fsync *.floe.arriving", "create .*.json.*"} <= killed_at
    assert not kept[0]
    assert kept[-1]


def test_an_undisturbed_upload_passes_points_of_every_kind(
    servant: Servant, officer: ServiceClient, area: Area, clock: MovableClock, tmp_path: Path
) -> None:
    """What the kills above rest on: the count sees files, names, folders, statements and commits, in their order."""
    path = f"{area.path}/items/1.1/upload"
    order = Visit.of(officer, path).upload(path, content_of("whole"), tmp_path / "body.upload", clock())
    (seen,) = servant.serve(order)
    assert seen.status == 303
    in_order = ["create *.floe.arriving", "write *.floe.arriving", "fsync *.floe.arriving", "link *.floe", "COMMIT"]
    places = [len(seen.points) - 1 - seen.points[::-1].index(label) for label in in_order]
    assert places == sorted(places)
    assert seen.points.count("write *.floe.arriving") >= 3  # the header and two segments


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
def test_a_server_killed_in_a_download_is_never_said_to_have_completed_it(
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
    ended_with = []
    number = 0
    while not ended_with or ended_with[-1][0] < 0:
        number += 1
        assert number < MOST_POINTS
        clock.move(minutes=2)
        before = len(rows(Release))
        path = f"{area.path}/documents/{sent.id}/content"
        order = Order(clock().isoformat(), visit.cookie, path, fault=Fault(number, moment))
        (seen,) = servant.serve(order)
        assert len(rows(Release)) <= before + 1
        started = len(rows(Release)) > before
        newest = max(rows(Release), key=lambda release: release.started_at, default=None)
        assert started or not seen.pieces, "bytes without a record"
        events = [entry.event for entry in installation.entries()]
        assert events.count("release:started") == len(rows(Release))
        assert events.count("release:completed") == sum(release.outcome == "completed" for release in rows(Release))
        if started and newest is not None and newest.outcome == "completed":
            assert sum(seen.pieces) == sent.size
        installation.start_again()
        installation.verify_whole()
        ended_with.append((seen.code, len(seen.pieces)))
    assert any(code < 0 and pieces for code, pieces in ended_with)


def test_a_server_killed_between_two_pieces_of_a_download_leaves_a_start_without_an_end(
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
