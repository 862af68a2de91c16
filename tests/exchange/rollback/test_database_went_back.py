"""A database that was put back to an older backup: noticed at the next act, and nothing is done until a decision."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from audit.entry import Entry
from audit.errors import LogRolledBackError
from audit.fsck import check_log, check_tables
from audit.store import LogContinuation
from audit.triggers import TABLES
from exchange import trail
from exchange.access.roles import Role
from exchange.accounts.models import Person
from exchange.app import create_app
from exchange.errors import ConflictError
from exchange.going_on import go_on
from exchange.oversight.service import raise_alarm
from exchange.parts import Parts
from exchange.rollback import find_losses, require_whole
from exchange.submissions.models import Alarm
from tests.exchange.conftest import MakeArea, MovableClock, ServiceClient

LATER_ROWS = {
    "audit_cosignature": "tree_size > :size",
    "audit_checkpoint": "tree_size > :size",
    "audit_node": "((node_index + 1) << level) > :size",
    "audit_entry": "leaf_index >= :size",
}


@pytest.fixture
def unguarded(parts: Parts) -> Parts:
    """The same database without its guards: what somebody can do who restores a backup over it."""
    with parts.database.engine.execution_options(write=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            for table in TABLES:
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        else:
            found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
            for name in found:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
    return parts


def sizes_of(parts: Parts) -> dict[str, int]:
    with parts.database.read() as session:
        connection = session.connection()
        store = parts.trail.store
        return {record.log_id: store.tree_size(connection, record.log_id) for record in store.logs(connection)}


def put_back(parts: Parts, sizes: dict[str, int]) -> None:
    """Leave of each log what it had then; a log that was not there goes whole."""
    with parts.database.engine.execution_options(write=True).begin() as connection:
        for log_id in [row[0] for row in connection.execute(text("SELECT id FROM audit_log"))]:
            for table, later in LATER_ROWS.items():
                where = f"log_id = :log AND {later if log_id in sizes else '1 = 1'}"
                values = {"log": log_id, "size": sizes.get(log_id, 0)}
                connection.execute(text(f"DELETE FROM {table} WHERE {where}"), values)  # noqa: S608 - names of this file
            if log_id not in sizes:
                connection.execute(text("DELETE FROM audit_log WHERE id = :log"), {"log": log_id})


def sign_all(parts: Parts) -> None:
    for log_id in sizes_of(parts):
        with parts.database.unit_of_work() as unit:
            parts.trail.log.sign_checkpoint(unit.session.connection(), log_id)


def act(parts: Parts, log_id: str = trail.SERVICE_LOG) -> None:
    with parts.database.unit_of_work() as unit:
        inspection = None if log_id == trail.SERVICE_LOG else log_id
        trail.record(unit, "trail:viewed", actor=trail.HOST, inspection=inspection, details={"filters": []})


def losses_of(parts: Parts) -> list[str]:
    with parts.database.read() as session:
        return [str(loss) for loss in find_losses(parts.trail, parts.signed_sizes, session.connection())]


@pytest.fixture
def gone_back(unguarded: Parts, make_area: MakeArea) -> tuple[Parts, str]:
    """An installation whose database was put back: the service's log and an inspection's lost signed entries."""
    area = make_area()
    sign_all(unguarded)
    backup = sizes_of(unguarded)
    act(unguarded)
    act(unguarded, area.inspection)
    sign_all(unguarded)
    put_back(unguarded, backup)
    return unguarded, area.inspection


def restarted(parts: Parts, clock: MovableClock) -> Flask:
    app = create_app(parts.settings, clock)
    app.test_client_class = ServiceClient
    return app


def test_a_database_that_holds_all_that_was_signed_goes_on(unguarded: Parts, make_area: MakeArea) -> None:
    area = make_area()
    sign_all(unguarded)
    backup = sizes_of(unguarded)
    act(unguarded, area.inspection)  # lost with the backup, but never signed for
    put_back(unguarded, backup)
    act(unguarded, area.inspection)
    assert losses_of(unguarded) == []


def test_the_service_that_starts_on_it_takes_nothing_and_says_so(
    gone_back: tuple[Parts, str], clock: MovableClock
) -> None:
    parts, inspection = gone_back
    app = restarted(parts, clock)
    joined: Parts = app.extensions["exchange"]
    before = sizes_of(parts)
    client = app.test_client()
    assert isinstance(client, ServiceClient)
    answer = client.get("/sign-in")
    assert answer.status_code == 503
    page = answer.get_data(as_text=True)
    assert "The service has stopped taking anything" in page
    assert "Traceback" not in page
    assert inspection not in page
    assert sizes_of(parts) == before
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, "log: not reachable" in ready.text) == (503, True)
    joined.type_probe.close()
    joined.database.dispose()


def test_somebody_who_was_signed_in_is_shown_nothing_either(
    unguarded: Parts,
    make_area: MakeArea,
    client: ServiceClient,
    sign_in: Callable[[ServiceClient, Person], ServiceClient],
    clock: MovableClock,
) -> None:
    area = make_area()
    sign_in(client, area.people[Role.NOMINATED_OFFICER])
    sign_all(unguarded)
    backup = sizes_of(unguarded)
    act(unguarded, area.inspection)
    sign_all(unguarded)
    put_back(unguarded, backup)
    app = restarted(unguarded, clock)
    joined: Parts = app.extensions["exchange"]
    again = app.test_client()
    assert isinstance(again, ServiceClient)
    cookie = client.get_cookie("session", domain="127.0.0.1")
    assert cookie is not None
    again.set_cookie("session", cookie.value, domain="127.0.0.1")
    for path in ("/", area.path, "/help"):
        answer = again.get(path)
        assert (answer.status_code, "stopped taking anything" in answer.text) == (503, True), path
    go_on(joined, "There is no newer backup.")
    assert again.get(area.path).status_code == 200
    joined.type_probe.close()
    joined.database.dispose()


def test_a_running_service_notices_at_its_next_act_and_every_log_stops(gone_back: tuple[Parts, str]) -> None:
    parts, inspection = gone_back
    before = sizes_of(parts)
    for _ in range(2):
        with pytest.raises(LogRolledBackError):
            act(parts, inspection)
        with pytest.raises(LogRolledBackError):
            act(parts)
    assert sizes_of(parts) == before


def test_a_log_that_lost_nothing_stops_with_the_others(
    unguarded: Parts, make_area: MakeArea, clock: MovableClock
) -> None:
    touched, untouched = make_area(), make_area(name="Other Area")
    sign_all(unguarded)
    backup = sizes_of(unguarded)
    act(unguarded, touched.inspection)
    sign_all(unguarded)
    put_back(unguarded, backup)
    app = restarted(unguarded, clock)
    joined: Parts = app.extensions["exchange"]
    with pytest.raises(LogRolledBackError, match="1 are lost"):
        act(joined, untouched.inspection)
    joined.type_probe.close()
    joined.database.dispose()


def test_every_loss_is_named_with_what_is_lost(gone_back: tuple[Parts, str]) -> None:
    parts, inspection = gone_back
    told = losses_of(parts)
    assert len(told) == 2
    assert all("so 1 are lost" in line for line in told)
    assert any(inspection in line for line in told)


def test_a_log_that_is_gone_whole_is_a_loss(unguarded: Parts, make_area: MakeArea) -> None:
    make_area()
    sign_all(unguarded)
    backup = sizes_of(unguarded)
    late = make_area(name="Late Area")
    sign_all(unguarded)
    # The rows of the inspection itself would have gone as well; the log is what is compared.
    put_back(unguarded, backup)
    told = losses_of(unguarded)
    assert [line for line in told if late.inspection in line and "the log is gone" in line]


def test_after_the_decision_the_logs_go_on_under_new_origins_with_its_entry(
    gone_back: tuple[Parts, str], rows: Callable[[type[Alarm]], list[Alarm]]
) -> None:
    parts, inspection = gone_back
    before = sizes_of(parts)
    old_origin = parts.trail.origin_of(inspection)
    given_up = go_on(parts, "The newer backup is unreadable.")
    assert {loss.log_id for loss in given_up} == {trail.SERVICE_LOG, inspection}
    assert losses_of(parts) == []
    act(parts)
    act(parts, inspection)
    sign_all(parts)
    with parts.database.read() as session:
        connection = session.connection()
        entry = parts.trail.store.entry(connection, inspection, before[inspection]).entry
        origins = [origin.origin for origin in parts.trail.store.origins(connection, inspection)]
        latest = parts.trail.store.latest_checkpoint(connection, inspection)
        report = check_log(parts.trail.store, connection, inspection, parts.trail.log.public_key)
    assert entry.event == "log:continued"
    assert (entry.details["from_size"], entry.details["signed_size"]) == (before[inspection], before[inspection] + 1)
    assert origins == [old_origin, f"{old_origin}/2"]
    assert latest is not None
    assert latest.note.startswith(f"{old_origin}/2\n")
    assert report.findings == ()
    assert parts.signed_sizes.states()[old_origin].is_given_up
    kept = [alarm for alarm in rows(Alarm) if alarm.subject == inspection]
    assert [(alarm.kind, alarm.cleared_because) for alarm in kept] == [
        ("log-rolled-back", "The newer backup is unreadable.")
    ]
    assert entry.details["commitment"] == trail.commitment(kept[0].cleared_because, kept[0].salt)


def test_a_log_that_is_gone_is_given_up_in_the_services_log(unguarded: Parts, make_area: MakeArea) -> None:
    make_area()
    sign_all(unguarded)
    backup = sizes_of(unguarded)
    late = make_area(name="Late Area")
    sign_all(unguarded)
    put_back(unguarded, backup)
    go_on(unguarded, "There is no newer backup.")
    assert losses_of(unguarded) == []
    with unguarded.database.read() as session:
        connection = session.connection()
        size = unguarded.trail.store.tree_size(connection, trail.SERVICE_LOG)
        entries = list(unguarded.trail.store.entries(connection, trail.SERVICE_LOG, 0, size))
    assert ("log:given-up", late.inspection) in {(one.entry.event, one.entry.subject) for one in entries}


def test_it_can_happen_twice(gone_back: tuple[Parts, str]) -> None:
    parts, inspection = gone_back
    go_on(parts, "first")
    backup = sizes_of(parts)
    act(parts, inspection)
    sign_all(parts)
    put_back(parts, backup)
    with pytest.raises(LogRolledBackError):
        act(parts, inspection)
    go_on(parts, "second")
    act(parts, inspection)
    sign_all(parts)
    assert losses_of(parts) == []
    with parts.database.read() as session:
        origins = parts.trail.store.origins(session.connection(), inspection)
    assert [origin.origin.rpartition("/")[2] for origin in origins[1:]] == ["2", "3"]


def test_without_a_loss_there_is_nothing_to_decide(unguarded: Parts, make_area: MakeArea) -> None:
    make_area()
    sign_all(unguarded)
    with pytest.raises(ConflictError, match="Nothing was changed"):
        go_on(unguarded, "a reason")


def test_a_killed_decision_is_finished_by_the_next(
    gone_back: tuple[Parts, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_origin: str) -> None:
        raise RuntimeError("killed")

    parts, inspection = gone_back
    with monkeypatch.context() as patched:
        patched.setattr(parts.signed_sizes, "give_up", killed)
        with pytest.raises(RuntimeError, match="killed"):
            go_on(parts, "killed before the old origins were given up")
    assert all("not to the end" in loss for loss in losses_of(parts))
    with pytest.raises(LogRolledBackError):
        sign_all(parts)
    go_on(parts, "decided once more")
    assert losses_of(parts) == []
    act(parts, inspection)
    sign_all(parts)


def test_a_continuation_that_nobody_decided_excuses_nothing(gone_back: tuple[Parts, str]) -> None:
    """Whoever writes to the database can write the row and the entry of a decision, too."""
    parts, inspection = gone_back
    origin, size = parts.trail.origin_of(inspection), sizes_of(parts)[inspection]
    details = {"from_size": size, "signed_size": size + 1, "generation": 2, "commitment": "0" * 64}
    forged = Entry("log:continued", parts.clock(), trail.HOST, inspection, details=details)
    with parts.database.engine.execution_options(write=True).begin() as connection:
        row = LogContinuation(inspection, 2, f"{origin}/2", size, parts.clock())
        parts.trail.store.continue_log(connection, row)
        parts.trail.store.append(connection, inspection, [forged])
    assert any(loss.startswith(f"{origin}: ") for loss in losses_of(parts))
    with pytest.raises(LogRolledBackError, match="that was not decided"), parts.database.read() as session:
        require_whole(parts.trail, parts.signed_sizes, session.connection())
    with pytest.raises(LogRolledBackError), parts.database.unit_of_work() as unit:
        parts.trail.log.sign_checkpoint(unit.session.connection(), inspection)
    with parts.database.read() as session:
        findings = check_tables(
            parts.trail.store, session.connection(), parts.trail.log.public_key, [origin, f"{origin}/2"]
        )
    assert any(finding.detail.startswith(f"The log {origin} was signed for and not given up") for finding in findings)


def test_an_alarm_may_still_be_added_beside_the_log(gone_back: tuple[Parts, str]) -> None:
    parts, inspection = gone_back
    with pytest.raises(LogRolledBackError), parts.database.unit_of_work() as unit:
        raise_alarm(unit, kind="log-rolled-back", inspection=inspection, subject=inspection)
