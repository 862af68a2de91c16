"""Two inspections with something of every kind in each, and a browser for each person of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from exchange.access.roles import Role
from exchange.accounts.models import Invitation, Person
from exchange.accounts.service import create_account, invite
from exchange.accounts.sessions import load_actor
from exchange.disclosure.service import Facts, record_breach
from exchange.identifiers import new_identifier
from exchange.inspections.models import Inspection, Membership
from exchange.inspections.team import add_member
from exchange.oversight.service import raise_alarm
from exchange.parts import Parts
from exchange.retention.models import Hold
from exchange.retention.service import place_hold, run_disposal
from exchange.submissions.models import Alarm
from tests.exchange.conftest import Area, MakePerson, ServiceClient
from tests.exchange.inspection_case import case_of

LONG_AFTER = date(2028, 1, 3)  # past every backstop

LETTERS = {
    "L": Role.LEAD_INSPECTOR,
    "I": Role.INSPECTOR,
    "N": Role.NOMINATED_OFFICER,
    "C": Role.CONTRIBUTOR,
    "D": Role.DATA_PROTECTION_OFFICER,
}

Values = dict[str, str]


@dataclass
class World:
    """Addresses: `here` names things of one inspection and of the service, `there` of another, `nowhere` nothing."""

    app: Flask
    parts: Parts
    inspection: str
    here: Values
    there: Values
    nowhere: Values
    people: dict[str, Person]
    sign_in: Callable[[ServiceClient, Person], ServiceClient]

    def browser(self, who: str) -> ServiceClient:
        """A fresh browser in which `who` is signed in, or nobody."""
        client = self.app.test_client()
        assert isinstance(client, ServiceClient)
        return self.sign_in(client, self.people[who]) if who in self.people else client

    def token(self, client: ServiceClient) -> str:
        """A form token for this browser."""
        return client.form_token("/sign-in" if client.get("/account").status_code == 302 else "/account/password")


@pytest.fixture
def world(app: Flask, parts: Parts, make_area: Any, make_person: MakePerson, sign_in: Any) -> World:
    areas: list[Area] = [make_area(name="Here"), make_area(name="There")]
    closed = _close_one(parts, make_area(name="Over"))
    _send_and_dispose(parts, areas)
    administrator = make_person(Role.ADMINISTRATOR, name="Administrator Example")
    people = {letter: areas[0].people[role] for letter, role in LETTERS.items()}
    people |= {
        "A": administrator,
        "S": make_person(Role.DATA_PROTECTION_OFFICER, name="Service Officer Example"),
        "O": areas[1].people[Role.NOMINATED_OFFICER],
    }
    service = _of_service(parts, administrator, make_person, closed)
    here, there = (service | _of_inspection(parts, area, make_person) for area in areas)
    nowhere = {
        "inspection_id": new_identifier("ins"),
        "document_id": new_identifier("doc"),
        "disposed_id": new_identifier("doc"),
        "hold_id": new_identifier("hld"),
        "alarm_id": new_identifier("alm"),
        "breach_id": new_identifier("bre"),
        "membership_id": "999999",
        "member_id": new_identifier("per"),
        "number": "7.9",
    }
    return World(app, parts, areas[0].inspection, here, there, nowhere, people, sign_in)


def _send_and_dispose(parts: Parts, areas: list[Area]) -> None:
    for area in areas:
        case_of(parts, area).send("1.1", content=b"to be disposed of\n")
    assert len(run_disposal(parts, LONG_AFTER).disposed) == len(areas)


def _of_inspection(parts: Parts, area: Area, make_person: MakePerson) -> Values:
    """Something of every kind in one inspection."""
    case = case_of(parts, area)
    (disposed,) = [entry.details["document"] for entry in case.entries() if entry.event == "disposal:done"]
    document = case.send("1.1", content=b"to be read\n")
    spare = make_person(name="Spare Contributor")
    with parts.database.unit_of_work() as unit:
        officer = area.people[Role.DATA_PROTECTION_OFFICER].id
        place_hold(
            unit, inspection_id=area.inspection, document_id=None, ground="foi", reason="Asked for", actor=officer
        )
        raise_alarm(unit, kind="check-failed", inspection=area.inspection, subject=document)
        facts = Facts(unit.now, "Something was sent to the wrong place", None, (document,))
        breach = record_breach(unit, inspection_id=area.inspection, facts=facts, actor=officer).id
        inspection = unit.session.get_one(Inspection, area.inspection)
        giver = load_actor(unit.session, area.people[Role.NOMINATED_OFFICER].id)
        add_member(unit, inspection, actor=giver, email=spare.email, role=Role.CONTRIBUTOR)
    with parts.database.read() as session:
        membership = session.scalar(select(Membership.id).where(Membership.person_id == spare.id))
        return {
            "inspection_id": area.inspection,
            "document_id": document,
            "disposed_id": str(disposed),
            "hold_id": str(session.scalar(select(Hold.id).where(Hold.inspection_id == area.inspection))),
            "alarm_id": str(session.scalar(select(Alarm.id).where(Alarm.inspection_id == area.inspection))),
            "breach_id": breach,
            "membership_id": str(membership),
            "member_id": spare.id,
            "number": "1.1",
        }


def _close_one(parts: Parts, area: Area) -> str:
    """An inspection that is over, with nothing in it: its log is closed by the next disposal run."""
    case_of(parts, area).set_dates(report_issued_on=date(2026, 12, 11), closed_at=parts.clock())
    return area.inspection


def _of_service(parts: Parts, administrator: Person, make_person: MakePerson, closed: str) -> Values:
    """Something of every kind in the service."""
    person, forgetful = make_person(name="Somebody Example"), make_person(name="Forgetful Example")
    with parts.database.unit_of_work() as unit:
        raise_alarm(unit, kind="log-damaged", inspection=None, subject="service")
        invite(unit, actor=administrator.id, person_id=forgetful.id)
        _, token = create_account(
            unit,
            actor=administrator.id,
            email="new@example.org",
            name="New Example",
            organisation="",
            roles=frozenset(),
        )
    with parts.database.read() as session:
        return {
            "person_id": person.id,
            "invitation_id": str(session.scalar(select(Invitation.id).where(Invitation.person_id == forgetful.id))),
            "service_alarm_id": str(session.scalar(select(Alarm.id).where(Alarm.inspection_id.is_(None)))),
            "token": token,
            "code": parts.legal_notes.notes[0].code,
            "filename": "exchange.css",
            "leaf_index": "0",
            "form": "tlog-proof",
            "log_id": closed,
        }
