import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from audit import offline_page as module
from audit.__main__ import main
from audit.offline_page import SCRIPTS, VERSION, offline_page
from audit.vocabulary import VOCABULARY

ROOT = Path(__file__).resolve().parents[2]
PARTS = ROOT / "audit" / "page"


def between(start: str, end: str) -> str:
    (found,) = re.findall(re.escape(start) + "(.*?)" + re.escape(end), offline_page().decode("ascii"), re.DOTALL)
    return str(found)


def test_the_page_allows_its_own_script_and_style_and_nothing_else() -> None:
    policy = between('Content-Security-Policy" content="', '"')
    script, style = (
        "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        for content in (between('<script type="module">', "</script>"), between("<style>", "</style>"))
    )
    assert policy.split("; ") == [
        "default-src 'none'",
        f"script-src '{script}'",
        f"style-src '{style}'",
        "connect-src 'none'",
        "form-action 'none'",
        "base-uri 'none'",
    ]


def test_the_page_refers_to_nothing_outside_itself() -> None:
    page = offline_page().decode("ascii")
    assert re.findall(r"(?:src|href|action|url)\s*[=(]\s*[\"']?(?!#)[^\s\"'>]+", page.split("<script")[0]) == []
    assert not re.search(r"https?://", page)


def test_no_part_evaluates_text_writes_markup_or_reaches_for_the_network() -> None:
    forbidden = (
        r"eval\(|Function\(|innerHTML|outerHTML|insertAdjacentHTML|document\.write|setTimeout\(\s*[\"'`]|fetch\(|XMLHttp"
        r"|WebSocket|sendBeacon|EventSource|location|open\(|localStorage|sessionStorage|indexedDB|cookie"
    )
    for name in SCRIPTS:
        assert re.findall(forbidden, (PARTS / name).read_text("ascii")) == [], name


def test_every_part_is_in_the_page_and_small() -> None:
    assert {path.name for path in PARTS.iterdir()} == {*SCRIPTS, "page.html", "page.css"}
    assert all(len(path.read_text("ascii").splitlines()) <= 250 for path in PARTS.iterdir())


def test_the_vocabulary_in_the_page_is_the_vocabulary() -> None:
    rows = json.loads(between('id="vocabulary">', "</script>"))
    assert {name: row["meaning"] for name, row in rows.items()} == {
        name: event.meaning for name, event in VOCABULARY.items()
    }
    assert f"Version {VERSION}." in between("About this page</h2>", "</p>")


def test_a_module_that_stands_before_what_it_imports_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCRIPTS", ("merkle.js", "bytes.js", "sha256.js"))
    offline_page.cache_clear()
    with pytest.raises(ValueError, match=r"merkle\.js imports bytes\.js, sha256\.js, which"):
        offline_page()


def test_the_command_writes_the_page_to_a_file_and_to_standard_output(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["page", str(tmp_path / "verify.html")]) == 0
    assert (tmp_path / "verify.html").read_bytes() == offline_page()
    said = capfdbinary.readouterr().out.decode()
    assert said.startswith(hashlib.sha256(offline_page()).hexdigest())
    assert main(["page"]) == 0
    assert capfdbinary.readouterr().out == offline_page()


def test_a_page_that_cannot_be_written_gives_exit_code_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["page", str(tmp_path)]) == 2
    assert "cannot be written" in capsys.readouterr().err
