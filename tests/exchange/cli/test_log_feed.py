"""`exchange log feed` as somebody at the host runs it, or pipes it."""

import json
from collections.abc import Callable

import pytest

from audit.entry import Entry
from exchange import trail
from exchange.exports.models import FeedCursor
from exchange.parts import Parts
from tests.exchange.cli.said import Command, Said
from tests.exchange.exports.listening import tcp_listener


@pytest.fixture
def service_log(parts: Parts) -> Callable[[], list[Entry]]:
    def read() -> list[Entry]:
        with parts.database.read() as session:
            connection, store = session.connection(), parts.trail.store
            size = store.tree_size(connection, trail.SERVICE_LOG)
            return [stored.entry for stored in store.entries(connection, trail.SERVICE_LOG, 0, size)]

    return read


def indexes(said: Said) -> list[int]:
    return [json.loads(line)["index"] for line in said.out.splitlines()]


def test_standard_output_gets_every_entry_each_time_and_the_feed_is_one_of_them(
    exchange: Command, service_log: Callable[[], list[Entry]]
) -> None:
    said = exchange("log", "feed")
    assert said.code == 0, said.err
    assert indexes(said) == list(range(len(service_log())))
    assert service_log()[-1].event == "feed:started"
    assert service_log()[-1].actor == trail.HOST
    assert service_log()[-1].details == {"receiver": "standard-output"}
    assert len(indexes(exchange("log", "feed"))) == len(indexes(said)) + 1
    assert "Entries handed over: " in said.err


def test_a_named_reader_goes_on_where_it_stopped(
    exchange: Command, parts: Parts, service_log: Callable[[], list[Entry]]
) -> None:
    first = exchange("log", "feed", "--name", "collector")
    assert indexes(first) == list(range(len(service_log())))
    assert indexes(exchange("log", "feed", "--name", "collector")) == []
    with parts.database.unit_of_work() as unit:
        trail.record(unit, "access-list:viewed", actor=trail.HOST)
    assert indexes(exchange("log", "feed", "--name", "collector")) == [len(service_log()) - 1]


def test_a_cursor_says_where_to_begin_also_backwards(exchange: Command, service_log: Callable[[], list[Entry]]) -> None:
    exchange("log", "feed", "--name", "collector")
    again = exchange("log", "feed", "--name", "collector", "--after", "service:0")
    assert indexes(again) == list(range(1, len(service_log())))


def test_a_receiver_gets_what_it_has_not(exchange: Command, service_log: Callable[[], list[Entry]]) -> None:
    with tcp_listener() as listener:
        assert exchange("log", "feed", "--to", listener.url).code == 0
        assert [one["index"] for one in listener.wait_for(len(service_log()))] == list(range(len(service_log())))
        said = exchange("log", "feed", "--to", listener.url)
        assert (said.code, said.out) == (0, "")
        assert "Entries handed over: 0." in said.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--after", "service"), "no cursor"),
        (("--to", "http://example.org"), "no receiver"),
        (("--to", "syslog+tcp://127.0.0.1:1"), "Nothing is lost"),
        (("--to", "syslog+tcp://127.0.0.1:1", "--name", "x"), "Leave out --name"),
    ],
)
def test_what_cannot_be_fed_is_refused_in_one_sentence(
    exchange: Command, parts: Parts, words: tuple[str, ...], sentence: str
) -> None:
    said = exchange("log", "feed", *words)
    assert said.code == 2
    assert sentence in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("beyond", [0, 9999])
def test_a_cursor_beyond_the_end_of_its_log_is_refused_with_the_size(
    exchange: Command, service_log: Callable[[], list[Entry]], beyond: int
) -> None:
    size = len(service_log())
    said = exchange("log", "feed", "--after", f"service:{size + beyond}")
    assert (said.code, said.out) == (2, "")
    assert f"The log service has {size:,} " in said.err
    assert "cannot be read on" not in said.err
    assert len(service_log()) == size


def test_the_cursor_of_the_last_entry_is_taken(exchange: Command, service_log: Callable[[], list[Entry]]) -> None:
    size = len(service_log())
    said = exchange("log", "feed", "--after", f"service:{size - 1}")
    assert (said.code, indexes(said)) == (0, [size])  # the beginning of this feed is the next entry


def test_a_log_shorter_than_a_reader_has_it_ends_the_command_with_a_sentence(
    exchange: Command, parts: Parts, service_log: Callable[[], list[Entry]]
) -> None:
    exchange("log", "feed", "--name", "collector")
    with parts.database.unit_of_work() as unit:
        unit.session.get_one(FeedCursor, ("collector", trail.SERVICE_LOG)).next_index += 5
    said = exchange("log", "feed", "--name", "collector")
    assert said.code == 1
    assert "cannot be read on" in said.err
