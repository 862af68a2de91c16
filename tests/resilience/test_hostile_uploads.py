"""Forms that no browser sends: each gets a clear answer from the server, and leaves nothing but what was received."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from exchange.submissions.models import Document
from tests.exchange.conftest import Area, MovableClock, ServiceClient
from tests.resilience.killing import BOUNDARY, Visit, form_of
from tests.resilience.live import Answer, Live

HEADING = re.compile(r"<h1[^>]*>\s*(.*?)\s*</h1>", re.DOTALL)
END = f"--{BOUNDARY}--\r\n".encode()


@pytest.fixture
def clock() -> MovableClock:
    """The server beside it has the machine's own clock."""
    return MovableClock(datetime.now(UTC))


def part(name: str, value: bytes, file_name: str | None = None, more: str = "") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
    head += f'; filename="{file_name}"' if file_name is not None else ""
    return f"{head}{more}\r\n\r\n".encode() + value + b"\r\n"


@dataclass(frozen=True)
class Form:
    """A body and how it is announced; what is answered in words, with which status, and which names are received."""

    body: bytes
    status: int
    words: str
    received: tuple[str, ...] = ()
    length: int | str = ""
    boundary: str = BOUNDARY
    headers: tuple[str, ...] = ()


def forms(token: str) -> dict[str, Form]:
    """Every hostile form, by what is wrong with it. Contents differ, so that none is a duplicate of another."""
    fields = {"csrf_token": token, "numbers": "1.1", "date_kind": "not-dated", "title": ""}
    start = form_of(fields, []).removesuffix(END)

    def text(number: int) -> bytes:
        return f"minutes of meeting {number}\n".encode() * 200

    def many(count: int, name: str) -> bytes:
        return b"".join(part(name, b"x", f"{number}.txt" if name == "files" else None) for number in range(count))

    def form(number: int, file_name: str) -> bytes:
        return start + part("files", text(number), file_name) + END

    plain = form(1, "a.txt")
    lines = len(plain)
    return {
        "cut short": Form(
            start + part("files", text(25) * 50, "a.txt")[:-1500],
            400,
            "was not received: send it again",
            length=300_000,
        ),
        # A small body is awaited whole before anything is done; a line that ends earlier asked for nothing.
        "small and cut short": Form(plain[:-1500], 0, "", length=lines),
        "longer than announced": Form(plain, 400, "", length=lines - 900),
        "a length that is no number": Form(plain, 400, "", length="many"),
        "a negative length": Form(plain, 400, "", length=-5),
        "a length and chunks": Form(plain, 400, "", headers=("Transfer-Encoding: chunked",), length=lines),
        "the file before its token": Form(
            part("files", text(2), "a.txt") + start.replace(b"\r\n", b"\r\n", 1) + END, 400, "reload the page"
        ),
        "no token": Form(
            form_of({"numbers": "1.1", "date_kind": "not-dated"}, [("a.txt", text(3))]), 400, "reload the page"
        ),
        "two files of one name": Form(
            start + part("files", text(4), "a.txt") + part("files", text(5), "a.txt") + END,
            303,
            "",
            ("a.txt", "a.txt"),
        ),
        "one file twice": Form(
            start + part("files", text(6), "a.txt") + part("files", text(6), "a.txt") + END,
            400,
            "already received",
            ("a.txt",),
        ),
        "a field between files": Form(
            start + part("files", text(7), "a.txt") + part("numbers", b"1.4") + part("files", text(8), "b.txt") + END,
            400,
            "Files received before it were kept",
            ("a.txt",),
        ),
        "a file under another name": Form(
            start + part("other", text(9), "a.txt") + END, 400, "where only files belong"
        ),
        "a thousand fields": Form(
            start
            + b"".join(part(f"f{number}", b"x") for number in range(1000))
            + part("files", text(10), "a.txt")
            + END,
            413,
            "more than 200 fields",
        ),
        "a field of a mebibyte": Form(start + part("title", b"x" * 2**20) + END, 413, "more than"),
        "a hundred files": Form(
            start + b"".join(part("files", b"", f"{number}.txt") for number in range(100)) + END,
            413,
            "more than 50 files",
        ),
        "a path in its name": Form(form(11, "../../etc/passwd.txt"), 303, "", ("passwd.txt",)),
        "a path of another system in its name": Form(form(12, r"C:\\secret\\plan.txt"), 303, "", ("plan.txt",)),
        "marks that turn the writing in its name": Form(form(13, "a\u202etxt.exe"), 400, "not taken"),
        "such marks before its ending": Form(form(14, "re\u202eport\u200f.txt"), 303, "", ("report.txt",)),
        "a line break in its name": Form(form(15, "a\r\nX-Other: b.txt"), 400, ""),
        "a bare line feed in its name": Form(form(16, "a\nb.txt"), 400, ""),
        "a zero byte in its name": Form(form(17, "a\x00.txt"), 400, ""),
        "500 characters in its name": Form(form(18, "a" * 496 + ".txt"), 400, "too long"),
        "5,000 characters in its name": Form(form(19, "a" * 4996 + ".txt"), 413, "longer headers"),
        "mark-up in its name": Form(form(20, "<script>alert(1)</script>.exe"), 400, "&lt;script&gt;"),
        "a name that is nothing but dots": Form(form(21, ".."), 400, "no name"),
        "another boundary": Form(plain, 400, "boundary", boundary="another"),
        "no boundary": Form(plain, 400, "not a form with files", boundary=""),
        "no closing boundary": Form(form(22, "a.txt").removesuffix(END), 400, "send it again"),
        "a closing boundary that goes on": Form(
            form(23, "a.txt") + b"and more", 400, "Files received before it were kept", ("a.txt",)
        ),
        "words before its boundary": Form(b"words\r\n" + plain, 400, "does not begin with its boundary"),
        "bytes that are no text in a field": Form(
            start + part("title", b"\xff\xfe") + part("files", text(24), "a.txt") + END, 400, "not text"
        ),
        "nothing at all": Form(b"", 400, ""),
    }


def wrong_with(form: Form, answer: Answer) -> str:
    """What is wrong with an answer, or nothing."""
    if answer.status != form.status:
        return f"answered {answer.status} and not {form.status}: {answer.head[:200]}"
    if answer.status in {0, 303}:
        return ""
    if form.words not in answer.page and form.words not in html.unescape(answer.page):
        return f"without {form.words!r}: {' '.join(answer.page.partition('<main')[2].split())[:500]}"
    return "" if HEADING.search(answer.page) else f"without a heading: {answer.page[:300]}"


def test_each_hostile_form_gets_a_clear_answer_and_leaves_only_what_was_received(
    live: Live,
    officer: ServiceClient,
    area: Area,
    rows: Callable[[Any], list[Any]],
    left: Callable[[], list[str]],
) -> None:
    path = f"{area.path}/items/1.1/upload"
    visit = Visit.of(officer, path)
    wrong = []
    kept: list[str] = []
    for name, form in forms(visit.token).items():
        with live.post(
            visit, path, form.length if form.length != "" else len(form.body), *form.headers, boundary=form.boundary
        ) as sending:
            sending.write(form.body)
            sending.end()
            answer = sending.answer()
        if said := wrong_with(form, answer):
            wrong.append(f"{name}: {said}")
        kept = sorted([*kept, *form.received])
        if (found := sorted(document.file_name for document in rows(Document))) != kept:
            wrong.append(f"{name}: received {found} and not {kept}")
            kept = found
    assert not wrong, "\n".join(wrong)
    owned = [f"{area.inspection}/{document.id}.{kind}" for document in rows(Document) for kind in ("floe", "json")]
    assert left() == sorted([*owned, f"{area.inspection}/inspection.json"])
    assert list(live.temporary.iterdir()) == []
    assert "Traceback" not in live.journal.read_text()
