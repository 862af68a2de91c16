"""A release is recorded before its first byte, and its end is told truly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from exchange.access.roles import Role
from exchange.downloads import release as release_module
from exchange.downloads.models import Release
from exchange.downloads.routes import attachment
from exchange.parts import Parts
from exchange.submissions.models import Alarm, Document, DocumentState
from exchange.submissions.offer import parse_items, parse_offer
from exchange.submissions.receiving import Sender, receive_file

CONTENT = bytes(range(256)) * 12_000  # three segments
NAME = "Évaluation “2026”.pdf"


@pytest.fixture
def area(make_area: Callable[..., Any]) -> Any:
    return make_area()


@pytest.fixture
def document(parts: Parts, area: Any, clock: Any) -> str:
    items = parse_items(parts.catalogue, ["1.1"], frozenset({"1.1"}))
    offer = parse_offer(items, "not-dated", None, None, "", clock().date())
    sender = Sender(area.inspection, area.people[Role.NOMINATED_OFFICER].id, offer)
    return receive_file(parts, sender, NAME, [b"%PDF-1.7\n", CONTENT]).document


WHOLE = b"%PDF-1.7\n" + CONTENT


@pytest.fixture
def inspector(client: Any, area: Any, sign_in: Callable[..., Any]) -> Any:
    return sign_in(client, area.people[Role.INSPECTOR])


@pytest.fixture
def path(area: Any, document: str) -> str:
    return f"{area.path}/documents/{document}/content"


@pytest.mark.parametrize(
    ("file_name", "plain"),
    [("a／..／b.txt", "a_.._b.txt"), ("a＼b.txt", "a_b.txt"), ("＂;x=y.txt", ";x=y.txt"), ("é", "e"), ("資料", "file")],
)
def test_the_plain_name_beside_the_whole_one_is_no_path(file_name: str, plain: str) -> None:
    assert f'filename="{plain}"' in attachment(file_name) or f"filename={plain}" in attachment(file_name)


def test_a_download_is_the_same_bytes_under_safe_headers(
    inspector: Any, path: str, rows: Any, events: Any, area: Any
) -> None:
    answer = inspector.get(path)
    assert answer.status_code == 200
    assert answer.data == WHOLE
    headers = answer.headers
    assert headers["Content-Disposition"].startswith("attachment;")
    assert "filename*=UTF-8''%C3%89valuation" in headers["Content-Disposition"]
    assert headers["Content-Security-Policy"].startswith("sandbox")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"] == "application/pdf"
    assert headers["ETag"] == f'"{rows(Document)[0].sha256}"'
    answer.close()
    assert events(area.inspection)[-2:] == ["release:started", "release:completed"]
    (release,) = rows(Release)
    assert (release.outcome, release.bytes_sent) == ("completed", len(WHOLE))


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-0", 0, 1), ("bytes=1048000-1049000", 1_048_000, 1_049_001), ("bytes=-7", len(WHOLE) - 7, len(WHOLE))],
)
def test_a_range_is_exactly_those_bytes_and_recorded_as_such(
    inspector: Any, path: str, rows: Any, asked: str, start: int, stop: int
) -> None:
    answer = inspector.get(path, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.data == WHOLE[start:stop]
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(WHOLE)}"
    answer.close()
    (release,) = rows(Release)
    assert (release.range_start, release.range_stop, release.bytes_sent) == (start, stop, stop - start)


def test_a_range_past_the_end_is_refused_with_the_length(inspector: Any, path: str, rows: Any) -> None:
    answer = inspector.get(path, headers={"Range": f"bytes={len(WHOLE)}-"})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(WHOLE)}"
    assert rows(Release) == []


def test_asking_about_a_file_releases_none_of_it(inspector: Any, path: str, rows: Any) -> None:
    answer = inspector.head(path)
    assert answer.headers["Content-Length"] == str(len(WHOLE))
    assert answer.data == b""
    assert rows(Release) == []


def test_a_download_broken_off_is_told_with_the_bytes_that_were_sent(
    inspector: Any, path: str, rows: Any, events: Any, area: Any
) -> None:
    answer = inspector.get(path, buffered=False)
    pieces = answer.iter_encoded()
    first = next(pieces)
    next(pieces)  # asking for the second says that the first was sent
    answer.close()
    (release,) = rows(Release)
    assert (release.outcome, release.bytes_sent) == ("broken-off", len(first))
    assert events(area.inspection)[-1] == "release:broken-off"


def test_no_byte_leaves_when_the_log_cannot_take_the_entry(
    inspector: Any, path: str, parts: Parts, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    real = release_module.ReleaseStream.read_first
    monkeypatch.setattr(release_module.ReleaseStream, "read_first", lambda stream: reads.append(1) or real(stream))

    def fail(*_: object) -> None:
        raise OSError("the log is not there")

    monkeypatch.setattr(parts.database, "_append", fail)
    answer = inspector.get(path)
    assert answer.status_code == 500
    assert WHOLE[:50] not in answer.data
    assert reads == []
    assert rows(Release) == []


def test_when_the_end_cannot_be_recorded_it_never_reads_as_completed(
    inspector: Any, path: str, parts: Parts, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = inspector.get(path, buffered=False)
    pieces = list(answer.iter_encoded())
    assert b"".join(pieces) == WHOLE

    def fail(*_: object) -> None:
        raise OSError("the log is not there")

    monkeypatch.setattr(parts.database, "_append", fail)
    answer.close()
    monkeypatch.undo()
    assert rows(Release)[0].outcome == "started"


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_damaged_file_is_never_given_out_as_whole(
    inspector: Any, path: str, parts: Parts, rows: Any, events: Any, area: Any, place: str
) -> None:
    (sealed,) = parts.settings.store_folder.rglob("*.floe")
    content = bytearray(sealed.read_bytes())
    content[2000 if place == "first" else -2000] ^= 1
    sealed.write_bytes(content)
    answer = inspector.get(path)
    assert answer.status_code == 500
    assert b"Ask the partnership for the file again" in answer.data
    assert rows(Document)[0].state == DocumentState.CHECK_FAILED
    assert [alarm.kind for alarm in rows(Alarm)] == ["check-failed"]
    assert "release:completed" not in events(area.inspection)
    assert inspector.get(path).status_code == 404


def test_damage_in_the_middle_breaks_the_connection_instead_of_finishing(
    inspector: Any, path: str, parts: Parts, rows: Any
) -> None:
    (sealed,) = parts.settings.store_folder.rglob("*.floe")
    content = bytearray(sealed.read_bytes())
    content[1_500_000] ^= 1
    sealed.write_bytes(content)
    answer = inspector.get(path, buffered=False)
    pieces = answer.iter_encoded()
    assert next(pieces) == WHOLE[:1_048_544]
    with pytest.raises(Exception, match="cannot be read"):
        next(pieces)
    assert rows(Release)[0].outcome == "broken-off"
    assert rows(Document)[0].state == DocumentState.CHECK_FAILED


@pytest.mark.parametrize("role", [Role.NOMINATED_OFFICER, Role.CONTRIBUTOR, Role.DATA_PROTECTION_OFFICER])
def test_others_of_the_inspection_are_refused_and_it_is_in_the_trail(
    client: Any, sign_in: Any, area: Any, path: str, rows: Any, events: Any, role: Role
) -> None:
    answer = sign_in(client, area.people[role]).get(path)
    assert answer.status_code == 403
    assert rows(Release) == []
    assert events(area.inspection)[-1] == "access:refused"


def test_somebody_from_elsewhere_sees_no_such_thing_and_it_is_in_this_inspections_trail(
    client: Any, sign_in: Any, make_area: Any, area: Any, path: str, events: Any
) -> None:
    stranger = make_area(name="Other Area").people[Role.INSPECTOR]
    sign_in(client, stranger)
    answer = client.get(path)
    nothing = client.get("/inspections/ins_00000000000000000000000000/documents/doc_00000000000000000000000000/content")
    assert (answer.status_code, answer.data) == (nothing.status_code, nothing.data)
    assert answer.status_code == 404
    assert events(area.inspection)[-1] == "access:refused"


def test_a_link_on_another_site_downloads_nothing(inspector: Any, path: str, rows: Any) -> None:
    assert inspector.get(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert rows(Release) == []
