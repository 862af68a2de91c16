"""What somebody does from outside that touches an inspection: a reason is asked for, and its trail shows it."""

from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from audit.entry import Entry
from audit.vocabulary import commit_to, describe
from exchange.access.roles import Role
from exchange.accounts.models import Invitation, Person, SupportAct
from exchange.accounts.service import agree_to_reset, disable_account, enable_account, invite
from exchange.accounts.support import JOINED_SINCE, inspections_touched, record_host_act
from exchange.errors import InvalidError
from exchange.inspections.models import Inspection, Membership
from exchange.oversight.names import identifiers_in, load_names
from exchange.parts import Parts
from exchange.retention.models import LogEnd
from tests.exchange.visiting import Browser, MadePerson, words_of
from tests.exchange.visiting_fixtures import MakePerson, SignInAs, another_browser

REASON = "The council’s help desk asked, ticket 12"
OTHER = "ins_00000000000000000000000002"


@pytest.fixture
def admin(make_person: MakePerson) -> MadePerson:
    return make_person(Role.ADMINISTRATOR, name="Ada Example")


@pytest.fixture
def join(parts: Parts) -> Callable[..., str]:
    """Open an inspection with its log and make a person a member."""

    def make(person: MadePerson, inspection: str = "ins_00000000000000000000000001") -> str:
        with parts.database.unit_of_work() as unit:
            unit.session.add(
                Inspection(
                    id=inspection,
                    local_area="Example Area",
                    kind="full",
                    notified_on=date(2026, 3, 2),
                    catalogue_version="1",
                    schedule_version="1",
                    opened_at=unit.now,
                    opened_by=person.id,
                )
            )
            unit.session.flush()
            unit.session.add(
                Membership(
                    inspection_id=inspection,
                    person_id=person.id,
                    role=Role.INSPECTOR,
                    granted_at=unit.now,
                    granted_by=person.id,
                )
            )
            parts.trail.create(unit, inspection)
        return inspection

    return make


def support_of(parts: Parts, inspection: str) -> list[Entry]:
    with parts.database.read() as session:
        store, connection = parts.trail.store, session.connection()
        size = store.tree_size(connection, inspection)
        entries = [row.entry for row in store.entries(connection, inspection, 0, size)]
    return [entry for entry in entries if entry.event in {"support:acted", "host:acted"}]


ACTS = {
    "account-disabled": lambda unit, admin, person, reason: disable_account(
        unit, actor=admin, person_id=person, reason=reason
    ),
    "link-made": lambda unit, admin, person, reason: invite(unit, actor=admin, person_id=person, reason=reason),
}


@pytest.mark.parametrize("act", ACTS)
def test_an_act_on_a_members_account_needs_a_reason_and_is_in_each_inspections_log(
    parts: Parts, admin: MadePerson, make_person: MakePerson, join: Callable[..., str], act: str
) -> None:
    person = make_person()
    inspections = [join(person), join(person, OTHER)]
    for reason in ("", " \0 ", "x" * 2001):
        with pytest.raises(InvalidError) as refused, parts.database.unit_of_work() as unit:
            ACTS[act](unit, admin.id, person.id, reason)
        assert refused.value.field == "reason"
    with parts.database.read() as session:
        assert session.get_one(Person, person.id).disabled_at is None
        assert not session.scalars(select(SupportAct)).all()
    with parts.database.unit_of_work() as unit:
        ACTS[act](unit, admin.id, person.id, REASON)
    commitments = set()
    for inspection in inspections:
        (entry,) = support_of(parts, inspection)
        with parts.database.read() as session:
            row = session.get_one(SupportAct, str(entry.details["support"]))
        assert (entry.actor, entry.details["act"], entry.details["person"]) == (admin.id, act, person.id)
        assert (row.inspection_id, row.reason) == (inspection, REASON)
        assert entry.details["commitment"] == commit_to(REASON, row.salt)
        commitments.add(entry.details["commitment"])
    assert len(commitments) == 2  # nobody can tell from two logs that the reason was the same


def test_enabling_asks_too_though_the_memberships_are_over(
    parts: Parts, admin: MadePerson, make_person: MakePerson, join: Callable[..., str]
) -> None:
    person = make_person()
    inspection = join(person)
    with parts.database.unit_of_work() as unit:
        disable_account(unit, actor=admin.id, person_id=person.id, reason=REASON)
    with pytest.raises(InvalidError), parts.database.unit_of_work() as unit:
        enable_account(unit, actor=admin.id, person_id=person.id)
    with parts.database.unit_of_work() as unit:
        enable_account(unit, actor=admin.id, person_id=person.id, reason="Came back")
    assert [entry.details["act"] for entry in support_of(parts, inspection)] == ["account-disabled", "account-enabled"]


def test_nobody_asks_about_somebody_in_no_inspection_or_in_one_whose_log_is_closed(
    parts: Parts, admin: MadePerson, make_person: MakePerson, join: Callable[..., str]
) -> None:
    nobodys, formerly = make_person(), make_person()
    inspection = join(formerly)
    with parts.database.unit_of_work() as unit:
        unit.session.add(LogEnd(inspection_id=inspection, closed_at=unit.now))
    for person in (nobodys, formerly):
        with parts.database.unit_of_work() as unit:
            invite(unit, actor=admin.id, person_id=person.id)
        with parts.database.read() as session:
            assert inspections_touched(session, person.id, ever=True) == []
    assert support_of(parts, inspection) == []


def test_agreeing_to_a_reset_shows_under_the_reason_of_whoever_made_the_link(
    parts: Parts, admin: MadePerson, make_person: MakePerson, join: Callable[..., str]
) -> None:
    person, officer = make_person(), make_person(Role.DATA_PROTECTION_OFFICER)
    inspection = join(person)
    with parts.database.unit_of_work() as unit:
        invite(unit, actor=admin.id, person_id=person.id, reason=REASON)
    later = join(person, OTHER)
    with parts.database.read() as session:
        invitation = session.scalars(
            select(Invitation.id).where(Invitation.person_id == person.id, Invitation.purpose == "reset")
        ).one()
    with parts.database.unit_of_work() as unit:
        agree_to_reset(unit, actor=officer.id, invitation_id=invitation)
    made, agreed = support_of(parts, inspection)
    assert (agreed.actor, agreed.details["act"]) == (officer.id, "reset-agreed")
    assert agreed.details["support"] == made.details["support"]
    assert agreed.details["commitment"] == made.details["commitment"]
    (elsewhere,) = support_of(parts, later)
    with parts.database.read() as session:
        assert session.get_one(SupportAct, str(elsewhere.details["support"])).reason == JOINED_SINCE


def test_the_trail_says_the_reason_as_long_as_it_is_kept(
    parts: Parts, admin: MadePerson, make_person: MakePerson, join: Callable[..., str]
) -> None:
    person = make_person(name="Noor Example")
    inspection = join(person)
    with parts.database.unit_of_work() as unit:
        invite(unit, actor=admin.id, person_id=person.id, reason=REASON)
        record_host_act(
            unit, act="keys-rotated", inspections=[inspection], reason="The key file was shown to a visitor"
        )
    said = sentences(parts, inspection)
    assert said[0] == f"Support by Ada Example: link made, of Noor Example. Reason given: “{REASON}”."
    assert said[1].endswith("keys rotated. Reason given: “The key file was shown to a visitor”.")
    with parts.database.unit_of_work() as unit:
        for row in unit.session.scalars(select(SupportAct)):
            unit.session.delete(row)
    assert REASON not in sentences(parts, inspection)[0]


def sentences(parts: Parts, inspection: str) -> list[str]:
    entries = support_of(parts, inspection)
    with parts.database.read() as session:
        names = load_names(session, parts.catalogue, identifiers_in(entries))
    return [describe(entry, names) for entry in entries]


def test_the_page_asks_only_where_it_must_and_keeps_what_was_typed(
    parts: Parts,
    client: Browser,
    app: Flask,
    admin: MadePerson,
    make_person: MakePerson,
    join: Callable[..., str],
    sign_in: SignInAs,
) -> None:
    person, other = make_person(name="Noor Example"), make_person()
    inspection = join(person)
    sign_in(client, admin)
    path = f"/people/{person.id}"
    page = client.get(path).text
    assert 'id="invite-reason"' in page
    assert 'id="disable-reason"' in page
    assert "reason" not in client.get(f"/people/{other.id}").text
    refused = client.send(f"{path}/disable", {"reason": " "}, page=path)
    assert refused.status_code == 400
    assert "Error: " in refused.text
    assert 'href="#disable-reason"' in refused.text
    assert words_of(refused).count("Enter a reason") == 2  # in the summary and at the field
    long = client.send(f"{path}/invite", {"reason": "word " * 500}, page=path)
    assert long.status_code == 400
    assert "word word word" in long.text
    assert "/activate/" not in long.text
    assert client.send(f"{path}/invite", {"reason": REASON}, page=path).status_code == 303
    assert "/activate/" in client.get(path).text
    officer = make_person(Role.DATA_PROTECTION_OFFICER)
    browser = another_browser(app)
    sign_in(browser, officer)
    assert REASON in browser.get("/resets").text
    assert client.send(f"{path}/disable", {"reason": "Left"}, page=path).status_code == 303
    assert client.send(f"{path}/enable", {"reason": ""}, page=path).status_code == 400
    assert client.send(f"{path}/enable", {"reason": "Came back"}, page=path).status_code == 303
    acts = [entry.details["act"] for entry in support_of(parts, inspection)]
    assert acts == ["link-made", "account-disabled", "account-enabled"]
