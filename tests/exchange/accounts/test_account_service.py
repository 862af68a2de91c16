"""Decisions about accounts, without pages."""

import unicodedata
from datetime import date

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from exchange.access.roles import Role
from exchange.accounts.passwords import Passwords
from exchange.accounts.service import disable_account, enable_account
from exchange.accounts.sessions import load_actor, storable
from exchange.inspections.models import Assignment, Inspection, Membership
from exchange.parts import Parts
from tests.exchange.visiting_fixtures import MakePerson

INSPECTION = "ins_00000000000000000000000001"


@pytest.fixture
def contributor(parts: Parts, make_person: MakePerson) -> str:
    """A contributor of an inspection, with one item to answer."""
    person = make_person()
    with parts.database.unit_of_work() as unit:
        unit.session.add(
            Inspection(
                id=INSPECTION,
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
        common = {"inspection_id": INSPECTION, "person_id": person.id}
        unit.session.add(Membership(**common, role=Role.CONTRIBUTOR, granted_at=unit.now, granted_by=person.id))
        unit.session.add(Assignment(**common, number="1.1", assigned_at=unit.now, assigned_by=person.id))
        parts.trail.create(unit, INSPECTION)
    return person.id


def test_disabling_ends_memberships_and_assignments_and_says_so_in_the_inspections_log(
    parts: Parts, contributor: str, make_person: MakePerson
) -> None:
    admin = make_person(Role.ADMINISTRATOR)
    with parts.database.unit_of_work() as unit:
        disable_account(unit, actor=admin.id, person_id=contributor, reason="Left the council")
    with parts.database.read() as session:
        entries = [row.entry for row in parts.trail.store.entries(session.connection(), INSPECTION, 1, 3)]
        actor = load_actor(session, contributor)
    assert [(entry.event, entry.actor) for entry in entries] == [
        ("member:removed", admin.id),
        ("item:unassigned", admin.id),
    ]
    assert entries[0].details == {"person": contributor, "role": "contributor"}
    assert entries[1].details == {"person": contributor, "item": "1.1"}
    assert not actor.memberships
    assert not actor.assigned


def test_enabling_brings_no_membership_back(parts: Parts, contributor: str, make_person: MakePerson) -> None:
    admin = make_person(Role.ADMINISTRATOR)
    for act in (disable_account, disable_account, enable_account, enable_account):
        with parts.database.unit_of_work() as unit:
            act(unit, actor=admin.id, person_id=contributor, reason="Asked for")
    with parts.database.read() as session:
        assert not load_actor(session, contributor).memberships
        events = session.scalars(select(Membership.ended_at)).all()
    assert None not in events


def test_a_password_is_the_same_however_its_letters_are_composed() -> None:
    passwords = Passwords(1, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    stored = passwords.hash(unicodedata.normalize("NFD", "crème brûlée au café"))
    assert passwords.matches(stored, unicodedata.normalize("NFC", "crème brûlée au café"))
    assert not passwords.matches(stored, "creme brulee au cafe")


@pytest.mark.parametrize("stored", ["", "not a hash", "$argon2id$v=19$broken"])
def test_nothing_matches_a_hash_that_is_none(stored: str) -> None:
    passwords = Passwords(1, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    assert not passwords.matches(stored, "nobody has this password")


def test_what_a_browser_says_of_itself_is_cut_to_what_a_database_takes() -> None:
    assert storable("a\0b\x1b[31mc\n" + "d" * 300, 10) == "ab[31mcddd"
