"""Every route: who may use it, what everybody else is told, and what using it leaves unchanged."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from flask import Flask
from sqlalchemy import MetaData
from werkzeug.test import TestResponse

from exchange import trail
from exchange.access.guard import RULE, AccessRule
from exchange.parts import Parts
from tests.exchange.access.conftest import World
from tests.exchange.access.routes_table import EVERYBODY, MEMBERS, ROWS, Row, expected
from tests.exchange.conftest import PUBLIC_URL, MovableClock, ServiceClient

ASKING = {"GET", "HEAD", "OPTIONS"}
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
RENAMED = {  # what an argument of a route is called among the world's values
    ("retention.certificate", "document_id"): "disposed_id",
    ("receipts.disposal_receipt", "document_id"): "disposed_id",
    ("team.assignments", "person_id"): "member_id",
    ("oversight.clear_service_alarm", "alarm_id"): "service_alarm_id",
}
MOVING = re.compile(r'(?<=name="csrf_token" value=")[^"]+|[a-z]{3}_[0-9a-z]{26}')
LAST_SEEN = "sign_in_session.last_seen_at"
GROWING = ("audit_entry", "audit_node", "audit_checkpoint")


def arguments_of(app: Flask, endpoint: str) -> set[str]:
    return {name for rule in app.url_map.iter_rules(endpoint) for name in rule.arguments}


def is_in_inspection(app: Flask, endpoint: str) -> bool:
    return "inspection_id" in arguments_of(app, endpoint)


def address(app: Flask, row: Row, values: Mapping[str, str]) -> str:
    """The address of a row's route, for the objects that `values` name."""
    names: dict[str, Any] = {
        name: values[RENAMED.get((row.endpoint, name), name)] for name in arguments_of(app, row.endpoint)
    }
    if "membership_id" in names:
        names["membership_id"] = int(names["membership_id"])
    with app.test_request_context(base_url=PUBLIC_URL):
        path: str = app.url_for(row.endpoint, **names)
    return f"{path}?document={values['document_id']}" if row.endpoint == "submissions.receipts" else path


def ask(client: ServiceClient, row: Row, path: str, token: str, **more: Any) -> TestResponse:
    """Use a route; a form is sent with nothing but its token."""
    if row.method == "GET":
        return client.get(path, **more)
    return client.post(path, data={"csrf_token": token}, content_type="multipart/form-data", **more)


class Log:
    """What the trail has taken since it was last looked at."""

    def __init__(self, parts: Parts, *log_ids: str) -> None:
        self._parts = parts
        self._sizes = dict.fromkeys(log_ids, 0)
        self.new()

    def new(self) -> list[Any]:
        found = []
        with self._parts.database.read() as session:
            connection, store = session.connection(), self._parts.trail.store
            for log_id, start in self._sizes.items():
                size = self._sizes[log_id] = store.tree_size(connection, log_id)
                found += [stored.entry for stored in store.entries(connection, log_id, start, size)]
        return found


def test_every_route_is_in_the_table_and_declares_one_rule(app: Flask) -> None:
    routes = {
        (rule.endpoint, method) for rule in app.url_map.iter_rules() for method in (rule.methods or set()) - ASKING
    } | {(rule.endpoint, "GET") for rule in app.url_map.iter_rules() if "GET" in (rule.methods or set())}
    assert routes == {(row.endpoint, row.method) for row in ROWS}
    for row in ROWS:
        rule = getattr(app.view_functions[row.endpoint], RULE, None)
        assert isinstance(rule, AccessRule), f"{row.endpoint} has no access rule"
        assert bool(rule.public) is (rule.permission is None) is row.is_public
        assert (rule.scope == "inspection") is is_in_inspection(app, row.endpoint)


def test_a_view_without_a_rule_is_closed_to_everybody(app: Flask) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "open", methods=["GET", "POST"])
    client = app.test_client()
    assert client.get("/forgotten").status_code == 403


def test_every_route_answers_every_person_as_the_table_says_and_records_each_refusal(world: World) -> None:
    log = Log(world.parts, trail.SERVICE_LOG, world.inspection)
    browsers = {who: world.browser(who) for who in EVERYBODY}
    tokens = {who: world.token(client) for who, client in browsers.items()}
    wrong = []
    for row in ROWS:
        in_inspection = is_in_inspection(world.app, row.endpoint)
        for who in sorted(EVERYBODY, key=row.may.__contains__):  # what is refused first: the allowed use it up
            if row.endpoint == "accounts.sign_out_everywhere":
                browsers[who] = world.browser(who)
                tokens[who] = world.token(browsers[who])
            log.new()
            answer = ask(browsers[who], row, address(world.app, row, world.here), tokens[who])
            status = expected(row, who, in_inspection=in_inspection)
            if answer.status_code != status:
                wrong.append(f"{row.method} {row.endpoint} by {who}: {answer.status_code} and not {status}")
            if who not in row.may:
                wrong += refusal_wrong(world, row, who, answer, log.new())
            answer.close()
    assert not wrong, "\n".join(wrong)


def refusal_wrong(world: World, row: Row, who: str, answer: TestResponse, entries: list[Any]) -> list[str]:
    """What is wrong with how a refusal was told and recorded."""
    about = f"{row.method} {row.endpoint} by {who}"
    if who == "X":
        is_asked = "/sign-in" in answer.headers.get("Location", "")
        return (
            [] if is_asked and not entries else [f"{about}: {answer.headers.get('Location')}, {len(entries)} entries"]
        )
    if [entry.event for entry in entries] != ["access:refused"]:
        return [f"{about}: recorded as {[entry.event for entry in entries]}"]
    (entry,) = entries
    told = (entry.actor, entry.inspection, entry.details["route"])
    inspection = world.inspection if is_in_inspection(world.app, row.endpoint) else None
    right = (world.people[who].id, inspection, row.endpoint.replace("_", "-"))
    return [] if told == right else [f"{about}: recorded as {told}"]


def looks(answer: TestResponse) -> tuple[int, list[tuple[str, str]], str]:
    """What an answer shows, without its date, its cookie, and the identifiers and token that it repeats."""
    headers = [(name, value) for name, value in answer.headers if name not in {"Date", "Set-Cookie", "Content-Length"}]
    shown = answer.status_code, [(name, MOVING.sub("*", value)) for name, value in headers]
    text = MOVING.sub("*", answer.get_data(as_text=True))
    answer.close()
    return *shown, text


def test_what_belongs_to_another_inspection_and_what_does_not_exist_look_the_same(world: World) -> None:
    """Whoever asks, for whatever: nothing tells whether the thing is there."""
    others_object = world.there | {"inspection_id": world.inspection}
    no_object = world.there | world.nowhere | {"inspection_id": world.inspection, "number": "1.1"}
    malformed = {name: "doc_zzz" for name in no_object if name.endswith("_id")} | {"membership_id": "0"}
    pairs = [
        (world.there, world.there | world.nowhere | {"number": "1.1"}),
        (others_object, no_object),
        (others_object, no_object | malformed | {"inspection_id": world.inspection}),
    ]
    wrong = []
    for who in MEMBERS + "A":
        client = world.browser(who)
        token = world.token(client)
        for row in [row for row in ROWS if is_in_inspection(world.app, row.endpoint)]:
            has_object = arguments_of(world.app, row.endpoint) - {"inspection_id", "number", "leaf_index", "form"}
            for other, none in pairs if has_object else pairs[:1]:
                shown = [looks(ask(client, row, address(world.app, row, values), token)) for values in (other, none)]
                if shown[0] != shown[1] or shown[0][0] not in {403, 404}:
                    wrong.append(f"{row.method} {row.endpoint} by {who}: {shown[0][:2]} and {shown[1][:2]}")
    assert not wrong, "\n".join(wrong)


class Snapshots:
    """Looks at every row of every table, but when a session was last seen, and every file of the store and the keys."""

    def __init__(self, parts: Parts) -> None:
        self._engine = parts.database.engine
        self._roots = (parts.settings.store_folder, parts.settings.key_store_folder.parent)
        self._memory = parts.settings.signed_sizes_file  # grows with what is signed, as the log does
        known = MetaData()
        known.reflect(self._engine)
        self._queries = {
            name: table.select().with_only_columns(*[column for column in table.columns if str(column) != LAST_SEEN])
            for name, table in known.tables.items()
        }

    def take(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything as it is now."""
        with self._engine.connect() as connection:
            found = {
                name: sorted((tuple(row) for row in connection.execute(query)), key=repr)
                for name, query in self._queries.items()
            }
        found["files"] = sorted(
            (str(path), hashlib.sha256(path.read_bytes()).hexdigest())
            for root in self._roots
            for path in root.rglob("*")
            if path.is_file() and path != self._memory
        )
        return found


def changed(before: dict[str, list[tuple[Any, ...]]], after: dict[str, list[tuple[Any, ...]]]) -> set[str]:
    """The places that differ; the log may have grown."""
    return {
        name
        for name in before | after
        if before[name] != after[name] and not (name in GROWING and set(before[name]) <= set(after[name]))
    }


def test_asking_changes_nothing_but_the_record_of_having_asked(world: World, clock: MovableClock) -> None:
    browsers = {who: world.browser(who) for who in EVERYBODY}
    clock.move(minutes=2)  # far enough that the sessions' last look is written
    snapshots = Snapshots(world.parts)
    before = snapshots.take()
    for row in [row for row in ROWS if row.method == "GET"]:
        who = "X" if row.is_public else row.may[-1]
        path = address(world.app, row, world.here)
        for method in ("HEAD", "GET"):
            answer = browsers[who].open(path, method=method)
            assert answer.status_code == expected(row, who, in_inspection=True), row
            assert answer.get_data() or method == "HEAD"
            answer.close()
            after = snapshots.take()
            # A release has its row beside its entry: it is the record of having asked.
            allowed = {"release"} if (row.endpoint, method) == ("downloads.content", "GET") else set()
            assert changed(before, after) == allowed, f"{method} {path}"
            before = after
    assert {name for name in before if name.startswith("audit")} >= set(GROWING)


def test_a_route_takes_no_method_that_it_does_not_declare(world: World) -> None:
    browsers = {who: world.browser(who) for who in EVERYBODY}
    snapshots = Snapshots(world.parts)
    before = snapshots.take()
    for row in ROWS:
        path = address(world.app, row, world.here)
        taken = {other.method for other in ROWS if address(world.app, other, world.here) == path}
        for method in {"GET", *CHANGING} - taken:
            client = browsers["X" if row.is_public else row.may[-1]]
            answer = client.open(path, method=method, data={"csrf_token": "none"} if method == "POST" else None)
            assert answer.status_code == 405, f"{method} {path}"
            assert method not in answer.headers["Allow"].split(", ")
    assert changed(before, snapshots.take()) == set()


FORGED = {
    "without a token": ({}, 400, ""),
    "with another's token": ({}, 400, "IjAwMDAi.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb"),
    "from a foreign origin": ({"Origin": "https://elsewhere.example"}, 403, None),
    "from a foreign page": ({"Sec-Fetch-Site": "cross-site"}, 403, None),
    "from a neighbouring site": ({"Sec-Fetch-Site": "same-site"}, 403, None),
}


def test_a_change_that_no_page_of_the_service_asked_for_is_refused(world: World) -> None:
    browsers = {who: world.browser(who) for who in EVERYBODY}
    tokens = {who: world.token(client) for who, client in browsers.items()}
    snapshots = Snapshots(world.parts)
    before = snapshots.take()
    for forgery, (headers, status, token) in FORGED.items():
        for row in [row for row in ROWS if row.method == "POST"]:
            who = "X" if row.is_public else row.may[-1]
            used = tokens[who] if token is None else token
            answer = ask(browsers[who], row, address(world.app, row, world.here), used, headers=headers)
            assert answer.status_code == status, f"{row.endpoint} {forgery}"
        # A stranger's refusal is counted, so that only the first of a minute is an entry.
        assert changed(before, snapshots.take()) <= {"attempt_counter"}, forgery
