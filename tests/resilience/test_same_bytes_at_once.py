"""Processes receive the same bytes for the same item at the same time: one of them wins, on each database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from exchange.submissions.models import Document
from tests.exchange.conftest import Area, MovableClock, ServiceClient
from tests.resilience.killing import Servant, Visit

CONTENT = b"minutes of the partnership board\n" * 50
AT_ONCE = 4
BEFORE_IT_IS_KEPT = "link *.floe #1"  # all have looked for the same bytes by then, and found none


def test_of_uploads_of_the_same_bytes_at_once_one_is_received(  # noqa: PLR0917  fixtures
    servant: Servant,
    officer: ServiceClient,
    area: Area,
    rows: Callable[[Any], list[Any]],
    events: Callable[[str], list[str]],
    left: Callable[[], list[str]],
    clock: MovableClock,
    tmp_path: Path,
) -> None:
    path = f"{area.path}/items/1.1/upload"
    visit = Visit.of(officer, path)
    orders = [
        visit.upload(path, CONTENT, tmp_path / f"{number}.upload", clock(), meet_at=BEFORE_IT_IS_KEPT)
        for number in range(AT_ONCE)
    ]
    answers = servant.serve(*orders)
    assert sorted(answer.status for answer in answers) == [303, *[400] * (AT_ONCE - 1)]
    assert all("was already received" in answer.text for answer in answers if answer.status == 400)
    (document,) = rows(Document)
    assert left() == sorted(
        [f"{area.inspection}/{name}" for name in ("inspection.json", f"{document.id}.floe", f"{document.id}.json")]
    )
    told = [event for event in events(area.inspection) if event.startswith("submission:")]
    assert sorted(told) == ["submission:accepted", *["submission:refused"] * (AT_ONCE - 1)]
