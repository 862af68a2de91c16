"""The feed to a SIEM: every entry at least once, in order, from where it stopped, whatever the receiver does."""

from __future__ import annotations

import io
import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.entry import parse_time
from audit.vocabulary import VOCABULARY
from exchange import trail
from exchange.errors import InvalidError
from exchange.exports import siem, syslog
from exchange.exports.cursors import TURN, GivenCursors, KeptCursors, parse_cursors
from exchange.exports.feed import Feed, FeedStoppedError, WorkerFeed
from exchange.exports.models import FeedCursor
from exchange.exports.receivers import LinesOut, ReceiverError, Sender, open_receiver
from exchange.exports.siem import BY_EVENT, record_of, severity_of
from exchange.parts import Parts
from exchange.worker import duties_of
from tests.exchange.exports.listening import make_certificate, record_in, tcp_listener, udp_listener
from tests.exchange.inspection_case import Case, tamper

SENDER = Sender("exchange.example.org", 32473)
ROOT = Path(__file__).resolve().parents[3]


def feed_to(parts: Parts, url: str, *, authorities: Path | None = None, seconds: float = 30.0) -> Feed:
    """A feed as the worker's, with a patience of its own."""
    return Feed(parts, open_receiver(url, SENDER, authorities), KeptCursors(parts, url), seconds=seconds)


def all_cursors(case: Case) -> list[str]:
    """The cursor of every entry there is, log by log."""
    with case.parts.database.read() as session:
        connection, store = session.connection(), case.parts.trail.store
        return [
            f"{log.log_id}:{index}"
            for log in store.logs(connection)
            for index in range(store.tree_size(connection, log.log_id))
        ]


def add_entries(case: Case, count: int) -> None:
    with case.parts.database.unit_of_work() as unit:
        for _ in range(count):
            trail.record(unit, "access-list:viewed", actor=case.officer, inspection=case.inspection)


def drain(feed: Feed) -> int:
    taken = 0
    while more := feed.pump():
        taken += more
    return taken


def test_a_tcp_receiver_gets_every_entry_in_order_and_none_twice(case: Case) -> None:
    case.send("1.1")
    with tcp_listener() as listener:
        feed = feed_to(case.parts, listener.url)
        drain(feed)
        heard = [record["cursor"] for record in listener.wait_for(len(all_cursors(case)))]
        assert heard == all_cursors(case)
        assert feed.pump() == 0
        add_entries(case, 3)
        assert feed.pump() == 3
        size = len(case.entries())
        more = [record["cursor"] for record in listener.wait_for(len(heard) + 3)][len(heard) :]
        assert more == [f"{case.inspection}:{index}" for index in range(size - 3, size)]
        feed.close()


def test_beginning_to_feed_a_receiver_is_an_entry_without_its_address(case: Case) -> None:
    with tcp_listener() as listener:
        feed = feed_to(case.parts, listener.url)
        drain(feed)
        feed.close()
        again = feed_to(case.parts, listener.url)
        again.close()
    begun = [entry for entry in case.entries(trail.SERVICE_LOG) if entry.event == "feed:started"]
    assert [entry.details for entry in begun] == [{"receiver": "syslog-tcp"}]


def test_a_feed_goes_on_after_a_restart(case: Case) -> None:
    with tcp_listener() as listener:
        first = feed_to(case.parts, listener.url)
        drain(first)
        first._cursors.give_back()
        first.close()
        count = len(all_cursors(case))
        add_entries(case, 2)
        second = feed_to(case.parts, listener.url)
        assert drain(second) == 2
        second.close()
        heard = [record["cursor"] for record in listener.wait_for(count + 2)]
        assert sorted(heard) == sorted(all_cursors(case))


def test_a_receiver_that_hangs_up_half_way_gets_again_what_it_did_not_take(case: Case) -> None:
    add_entries(case, 400)
    with tcp_listener() as listener:
        listener.hang_up_after = 3000
        feed = feed_to(case.parts, listener.url)
        with pytest.raises(ReceiverError, match="Nothing is lost"):
            drain(feed)
        drain(feed)
        feed.close()
        heard = [record["cursor"] for record in listener.wait_for(len(all_cursors(case)))]
        assert len(listener.lines) == 2
    assert set(heard) == set(all_cursors(case))
    assert len(heard) > len(all_cursors(case)), "what had come before the line broke comes again"


def test_a_receiver_that_hung_up_while_nothing_was_sent_is_called_again(case: Case) -> None:
    with tcp_listener() as listener:
        feed = feed_to(case.parts, listener.url)
        drain(feed)
        line = feed._receiver._line  # type: ignore[attr-defined]
        line.shutdown(socket.SHUT_RDWR)
        add_entries(case, 1)
        assert feed.pump() == 1
        assert listener.wait_for(len(all_cursors(case)))[-1]["event"] == "access-list:viewed"
        assert len(listener.lines) == 2
        feed.close()


def test_a_dead_receiver_is_tried_again_after_growing_pauses_and_loses_nothing(case: Case) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    now = [1000.0]
    url = f"syslog+tcp://127.0.0.1:{port}"
    receiver = open_receiver(url, SENDER)
    feed = Feed(case.parts, receiver, KeptCursors(case.parts, url), seconds=5, monotonic=lambda: now[0])
    pauses = []
    for _ in range(9):
        with pytest.raises(ReceiverError):
            feed()
        feed()  # within the pause nothing is tried
        pauses.append(feed._not_before - now[0])
        now[0] = feed._not_before
    assert pauses == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]
    with case.parts.database.read() as session:
        assert session.query(FeedCursor).count() == 0


def test_a_receiver_that_reads_nothing_is_given_up_in_a_bounded_time(case: Case) -> None:
    add_entries(case, 400)
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        feed = feed_to(case.parts, f"syslog+tcp://127.0.0.1:{server.getsockname()[1]}", seconds=0.4)
        with pytest.raises(ReceiverError, match=r"did not take the entries"):
            drain(feed)
        feed.close()
    sent = {record.log_id: record.next_index for record in cursors_of(case)}
    assert sent.get(case.inspection, 0) < len(case.entries())


def cursors_of(case: Case) -> list[FeedCursor]:
    with case.parts.database.read() as session:
        return session.query(FeedCursor).all()


def test_a_udp_receiver_gets_one_message_a_datagram(case: Case) -> None:
    with udp_listener() as listener:
        feed = feed_to(case.parts, listener.url)
        drain(feed)
        heard = [record["cursor"] for record in listener.wait_for(len(all_cursors(case)))]
    assert heard == all_cursors(case)


def test_a_message_too_long_for_a_datagram_goes_without_its_details_and_says_so(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = first_record(case)
    whole = syslog.datagram(record, "h", 1)
    monkeypatch.setattr(syslog, "LONGEST_DATAGRAM", len(whole) - 1)
    cut = record_in(syslog.datagram(record, "h", 1))
    assert (cut["cut"], cut["details"], cut["leaf_hash"]) == (True, {}, record["leaf_hash"])
    assert "cut" not in record_in(whole)


def test_a_tls_receiver_is_trusted_by_its_authority_alone(case: Case, tmp_path: Path) -> None:
    authorities, context = make_certificate(tmp_path)
    with tcp_listener(context) as listener:
        stranger = feed_to(case.parts, listener.url)
        with pytest.raises(ReceiverError, match=r"certificate verify failed|CERTIFICATE"):
            stranger.pump()
        stranger._cursors.give_back()
        stranger.close()
        assert listener.frames() == []
        feed = feed_to(case.parts, listener.url, authorities=authorities)
        drain(feed)
        heard = [record["cursor"] for record in listener.wait_for(len(all_cursors(case)))]
        feed.close()
    assert heard == all_cursors(case)


def test_authorities_that_cannot_be_read_are_said(case: Case, tmp_path: Path) -> None:
    with pytest.raises(ReceiverError, match="cannot be read"):
        open_receiver("syslog+tls://127.0.0.1:1", SENDER, tmp_path / "none.pem")


def test_one_feeder_at_a_time_and_the_next_after_one_that_died(case: Case, clock: Any) -> None:
    first, second = (KeptCursors(case.parts, "syslog+tcp://example.org") for _ in range(2))
    assert first.take_turn()
    assert not second.take_turn()
    assert first.take_turn()
    clock.move(seconds=TURN.total_seconds() + 1)
    assert second.take_turn()
    assert not first.take_turn()
    second.give_back()
    assert first.take_turn()


def test_a_log_that_cannot_be_read_on_stops_itself_and_no_other(case: Case, make_area: Any) -> None:
    other = make_area(name="Other Area").inspection
    tamper(case, "DELETE FROM audit_entry WHERE log_id = :log AND leaf_index = 1")
    out = io.BytesIO()
    feed = Feed(case.parts, LinesOut(out), GivenCursors({}), seconds=30)
    with pytest.raises(FeedStoppedError, match=case.inspection):
        feed.pump()
    logs = {json.loads(line)["log"] for line in out.getvalue().splitlines()}
    assert logs == {other, trail.SERVICE_LOG}


def test_a_log_that_went_back_is_noticed_by_what_the_receiver_has(case: Case) -> None:
    size = len(case.entries())
    feed = Feed(case.parts, LinesOut(io.BytesIO()), GivenCursors({case.inspection: size}), seconds=30)
    with pytest.raises(FeedStoppedError):
        feed.pump()


def test_json_lines_begin_after_the_cursor_that_is_given(case: Case) -> None:
    out = io.BytesIO()
    size = len(case.entries(trail.SERVICE_LOG))
    after = {case.inspection: len(case.entries()) - 3, trail.SERVICE_LOG: size - 1}
    Feed(case.parts, LinesOut(out), GivenCursors(after), seconds=30).pump()
    found = [json.loads(line)["cursor"] for line in out.getvalue().splitlines()]
    assert found == all_cursors(case)[: len(case.entries())][-2:]


@pytest.mark.parametrize("text", ["", "service", "service:", "service:x", ":1", "other:1", "service:-1", "service:1e3"])
def test_a_cursor_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match="no cursor"):
        parse_cursors([text])


@pytest.mark.parametrize(
    "url", ["", "syslog://h", "http://h", "syslog+tcp://", "syslog+tcp://h:99999", "tcp", "file:///x"]
)
def test_a_receiver_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidError, match="no receiver"):
        open_receiver(url, SENDER)


def first_record(case: Case) -> siem.Record:
    with case.parts.database.read() as session:
        stored = case.parts.trail.store.entry(session.connection(), case.inspection, 0)
    return record_of(stored, stored.entry)


def test_a_record_holds_identifiers_and_no_name(case: Case) -> None:
    case.send("1.1")
    out = io.BytesIO()
    Feed(case.parts, LinesOut(out), GivenCursors({}), seconds=30).pump()
    for word in ("Example", "a.txt", "A title to be erased", "@example.org"):
        assert word.encode() not in out.getvalue()
    accepted = next(json.loads(line) for line in out.getvalue().splitlines() if b"submission:accepted" in line)
    assert accepted["actor"].startswith("per_")
    assert accepted["subject"].startswith("doc_")
    assert accepted["items"] == ["1.1"]


def test_the_header_says_when_where_and_what_in_the_form_of_rfc_5424(case: Case) -> None:
    record = first_record(case)
    message = syslog.message_of(record, "exchange.example.org", 32473)
    start = (
        f'<{13 * 8 + 6}>1 {record["time"]} exchange.example.org exchange - inspection:opened [entry@32473 schema="1" '
    )
    assert message.decode().startswith(start)
    assert syslog.counted(b"abc") == b"3 abc"
    parse_time(record["time"])


def test_structured_data_cannot_be_broken_out_of() -> None:
    assert syslog._escaped('a"b]c\\d') == 'a\\"b\\]c\\\\d'
    assert syslog._printable("a b\n\u00e9<", 255) == "ab<"
    assert syslog._printable("\n", 255) == "-"


def test_every_event_has_a_name_that_fits_a_syslog_message_and_a_severity() -> None:
    for name in VOCABULARY:
        assert len(name) <= syslog.LONGEST_MSGID, name
        assert severity_of(name) in siem.SEVERITY_NAMES
    assert set(BY_EVENT) <= set(VOCABULARY), set(BY_EVENT) - set(VOCABULARY)


def test_the_document_lists_every_field_and_every_severity(case: Case) -> None:
    text = (ROOT / "docs" / "siem.md").read_text(encoding="utf-8")
    for name in first_record(case):
        assert f"| `{name}` |" in text, name
    for event, severity in BY_EVENT.items():
        assert f"| `{event}` | {severity} " in text, event
    assert f"schema version {siem.SCHEMA}" in text


def test_the_worker_feeds_the_receiver_of_the_settings_and_none_without(case: Case) -> None:
    assert "feed" not in {duty.name for duty in duties_of(case.parts, lambda: True)}
    with tcp_listener() as listener:
        settings = case.parts.settings.model_copy(update={"siem_url": listener.url})
        parts = replace(case.parts, settings=settings)
        (duty,) = [duty for duty in duties_of(parts, lambda: True) if duty.name == "feed"]
        for _ in range(3):
            duty.act()
        listener.wait_for(len(all_cursors(case)))
        assert isinstance(duty.act, WorkerFeed)
        assert duty.act._feed is not None
        duty.act._feed.close()


def test_what_comes_while_the_receiver_is_down_arrives_when_it_is_back(case: Case, clock: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        url = f"syslog+tcp://127.0.0.1:{reserved.getsockname()[1]}"
    down = Feed(case.parts, open_receiver(url, SENDER), KeptCursors(case.parts, "receiver"), seconds=5)
    with pytest.raises(ReceiverError):
        down.pump()
    add_entries(case, 5)
    clock.move(minutes=5)
    with tcp_listener() as listener:
        back = Feed(case.parts, open_receiver(listener.url, SENDER), KeptCursors(case.parts, "receiver"), seconds=30)
        drain(back)
        assert [record["cursor"] for record in listener.wait_for(len(all_cursors(case)))] == all_cursors(case)
        back.close()


def test_the_fields_of_schema_version_1_stay_as_they_are(case: Case) -> None:
    fields = "schema cursor log index leaf_hash time event outcome severity severity_name actor subject inspection"
    assert list(first_record(case)) == [*fields.split(), "items", "details"]
    assert siem.SCHEMA == "1"


@pytest.mark.parametrize("log", ["service\n<0>1 - forged", "service\r\n", "s\x00", "sérvice", 'a"]b\\'])
def test_no_identifier_that_somebody_put_into_the_database_forges_a_message_or_stops_the_feed(log: str) -> None:
    record = {
        "schema": "1", "log": log, "index": 0, "leaf_hash": "00", "time": "2026-11-24T09:00:00.000000Z",
        "event": "sign-in:refused", "outcome": "failure", "severity": 4, "actor": "anonymous",
    }  # fmt: skip
    message = syslog.message_of(record, "exchange.example.org", 32473)
    assert all(0x20 <= byte <= 0x7E for byte in message)
    assert message.count(b" anonymous") == 0
    assert b'actor="anonymous"' in message
