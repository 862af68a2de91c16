"""The journal tells of events and never of content."""

import json

import pytest

from exchange.journal import journal, start_journal

SECRET = "the minutes of the case conference"


def last_line(capfd: pytest.CaptureFixture[str]) -> dict[str, str]:
    captured = capfd.readouterr()
    assert captured.out == ""
    line: dict[str, str] = json.loads(captured.err.splitlines()[-1])
    return line


def test_an_event_is_one_json_line_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    start_journal()
    journal(process="worker").info("swept", files=3)
    line = last_line(capfd)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "swept", "files": 3, "level": "info", "process": "worker"}


@pytest.mark.parametrize("way", ["failure", "exception"])
def test_a_failure_is_named_by_kind_and_place_and_not_by_its_text(capfd: pytest.CaptureFixture[str], way: str) -> None:
    start_journal()
    try:
        json.loads(f'{{"{SECRET}')
    except ValueError as error:
        if way == "failure":
            journal().error("duty failed", failure=error)
        else:
            journal().exception("duty failed")
    captured = capfd.readouterr()
    line = json.loads(captured.err.splitlines()[-1])
    assert line["failure"] == "JSONDecodeError"
    assert line["at"].startswith("tests/exchange/cli/test_journal.py:")
    assert SECRET not in captured.err
