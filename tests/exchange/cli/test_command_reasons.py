"""Commands of the host that touch an inspection ask why, and its trail says so before anything is done."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from audit.entry import Entry
from exchange.accounts.models import SupportAct
from exchange.example import make_example
from exchange.parts import Parts
from exchange.retention.models import LogEnd
from tests.exchange.cli.said import Command

LATER = (date.today() + timedelta(days=800)).isoformat()  # noqa: DTZ011
COMMANDS = {
    "keys-rotated": ("keys", "rotate"),
    "disposal-before-its-day": ("retention", "run", "--as-of", LATER),
}


def host_acts(parts: Parts, inspection: str) -> list[Entry]:
    with parts.database.read() as session:
        connection, store = session.connection(), parts.trail.store
        size = store.tree_size(connection, inspection)
        entries = [row.entry for row in store.entries(connection, inspection, 0, size)]
    return [entry for entry in entries if entry.event == "host:acted"]


@pytest.mark.parametrize("act", COMMANDS)
def test_without_a_reason_nothing_is_done_and_with_one_the_trail_says_it(
    exchange: Command, parts: Parts, act: str
) -> None:
    inspection = make_example(parts)
    key = parts.settings.provider_key_file.read_bytes()
    for words in ((), ("--reason", " ")):
        said = exchange(*COMMANDS[act], *words)
        assert said.code == 2
        assert "This touches 1 open inspection, " in said.err
        assert "Nothing was done. Add --reason TEXT." in said.err
    assert parts.settings.provider_key_file.read_bytes() == key
    assert len(list(parts.settings.store_folder.rglob("*.floe"))) == 2
    assert host_acts(parts, inspection) == []
    assert exchange(*COMMANDS[act], "--reason", "A rehearsal on a copy").code == 0
    (entry,) = host_acts(parts, inspection)
    assert (entry.actor, entry.details["act"]) == ("system:host", act)
    with parts.database.read() as session:
        (row,) = session.scalars(select(SupportAct)).all()
    assert (row.id, row.reason, row.person_id) == (entry.details["support"], "A rehearsal on a copy", None)


def test_no_reason_is_asked_for_where_no_log_of_an_inspection_is_open(exchange: Command, parts: Parts) -> None:
    assert exchange("keys", "rotate").code == 0
    inspection = make_example(parts)
    with parts.database.unit_of_work() as unit:
        unit.session.add(LogEnd(inspection_id=inspection, closed_at=unit.now))
    assert exchange("keys", "rotate").code == 0
    assert host_acts(parts, inspection) == []


def test_a_run_of_today_asks_for_no_reason(exchange: Command, parts: Parts) -> None:
    inspection = make_example(parts)
    assert exchange("retention", "run").code == 0
    assert host_acts(parts, inspection) == []
