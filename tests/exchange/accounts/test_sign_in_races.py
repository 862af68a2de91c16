"""What happens to an account, or fails beside it, while a password is being hashed; and strangers who fill the log."""

from collections.abc import Callable

import pytest

from exchange.accounts.models import Invitation, Person, SignInSession
from exchange.accounts.service import agree_to_reset, invite
from exchange.accounts.sessions import Visitor
from exchange.errors import ConflictError, InvalidError
from exchange.parts import Parts
from tests.exchange.visiting import PASSWORD, Browser, MadePerson, MovableClock
from tests.exchange.visiting_fixtures import MakePerson, ServiceEntries

NEW_PASSWORD = "seven crimson kettles"
VISITOR = Visitor("192.0.2.1", "Example Browser")


def reset_of(parts: Parts, person: MadePerson, made_by: str, agreed_by: str) -> Callable[[], None]:
    """Make and agree to a reset link; the answer takes it up."""
    with parts.database.unit_of_work() as unit:
        token = invite(unit, actor=made_by, person_id=person.id)
        waiting = unit.session.query(Invitation).filter_by(person_id=person.id, used_at=None).one()
        agree_to_reset(unit, actor=agreed_by, invitation_id=waiting.id)
    return lambda: parts.credentials.take_up_invitation(token, NEW_PASSWORD, parts.clock())


def during_the_next_hash(parts: Parts, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do something after the next password is found to be right or wrong and before anything follows from it."""
    judge, waiting = parts.passwords.matches, [act]

    def matches(stored: str, password: str) -> bool:
        found = judge(stored, password)
        while waiting:
            waiting.pop()()
        return found

    monkeypatch.setattr(parts.passwords, "matches", matches)


def test_a_password_that_is_reset_while_it_is_hashed_begins_no_session(
    parts: Parts, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, one, another = make_person(), make_person(), make_person()
    during_the_next_hash(parts, monkeypatch, reset_of(parts, person, one.id, another.id))
    with pytest.raises(InvalidError, match="not right"):
        parts.sign_in.with_password(person.email, PASSWORD, VISITOR, parts.clock())
    with parts.database.read() as session:
        assert session.query(SignInSession).filter_by(person_id=person.id, ended_at=None).count() == 0


def test_a_password_that_is_reset_while_it_is_verified_changes_nothing(
    parts: Parts, make_person: MakePerson, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, one, another = make_person(), make_person(), make_person()
    waiting = parts.sign_in.with_password(person.email, PASSWORD, VISITOR, clock())
    who = parts.sign_in.resume(parts.sign_in.with_code(waiting, person.next_code(clock), VISITOR), clock())
    assert who is not None
    during_the_next_hash(parts, monkeypatch, reset_of(parts, person, one.id, another.id))
    with pytest.raises(InvalidError, match="not right"):
        parts.credentials.change_password(who, PASSWORD, "eleven purple lanterns", VISITOR, parts.clock())
    monkeypatch.undo()
    with parts.database.read() as session:
        assert parts.passwords.matches(session.get_one(Person, person.id).password_hash, NEW_PASSWORD)


def test_attempts_that_are_hashed_at_once_count_for_each_other(
    parts: Parts, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch, service_entries: ServiceEntries
) -> None:
    person = make_person()

    def fail_ten_times() -> None:
        with parts.database.unit_of_work() as unit:
            for _ in range(10):
                parts.throttle.count_failure(unit, person.email, VISITOR.address)

    during_the_next_hash(parts, monkeypatch, fail_ten_times)
    with pytest.raises(Exception, match="too many attempts"):
        parts.sign_in.with_password(person.email, PASSWORD, VISITOR, parts.clock())
    assert [entry.event for entry in service_entries()][-1] == "sign-in:throttled"


def test_an_account_in_use_takes_no_link_that_was_made_as_for_a_new_one(parts: Parts, make_person: MakePerson) -> None:
    person, one = make_person(), make_person()
    with parts.database.unit_of_work() as unit:
        token = invite(unit, actor=one.id, person_id=person.id)
        unit.session.query(Invitation).filter_by(person_id=person.id, used_at=None).one().purpose = "activate"
    with pytest.raises(ConflictError, match="has to agree"):
        parts.credentials.take_up_invitation(token, NEW_PASSWORD, parts.clock())


def test_other_names_tried_while_an_address_is_held_back_add_one_entry_a_minute(
    client: Browser, parts: Parts, clock: MovableClock, service_entries: ServiceEntries
) -> None:
    with parts.database.unit_of_work() as unit:
        for number in range(50):
            parts.throttle.count_failure(unit, f"person{number}@example.org", "127.0.0.1")
    before = len(service_entries())
    for number in range(8):
        assert client.send("/sign-in", {"email": f"other{number}@example.org", "password": "x"}).status_code == 429
    assert len(service_entries()) == before + 1
    clock.advance(minutes=1)
    client.send("/sign-in", {"email": "one.more@example.org", "password": "x"})
    assert len(service_entries()) == before + 2


def test_forms_without_a_token_from_strangers_add_one_entry_a_minute(
    client: Browser, clock: MovableClock, service_entries: ServiceEntries
) -> None:
    for _ in range(8):
        assert client.post("/sign-in", data={"email": "x"}).status_code == 400
    assert [entry.event for entry in service_entries()].count("access:refused") == 1
    clock.advance(minutes=1)
    client.post("/sign-in", data={"email": "x"})
    assert [entry.event for entry in service_entries()].count("access:refused") == 2
