"""The administrator's pages, and the one-time link from both of its ends."""

import re

import pytest
from flask import Flask
from sqlalchemy import select

from exchange.access.roles import Role
from exchange.accounts.models import Invitation, Person, ServiceRole
from exchange.accounts.queries import waiting_resets
from exchange.accounts.service import agree_to_reset, invite
from exchange.errors import ConflictError, NotFoundError
from exchange.parts import Parts
from tests.exchange.visiting import PASSWORD, Browser, MadePerson, MovableClock, heading, words_of
from tests.exchange.visiting_fixtures import MakePerson, ServiceEntries, SignInAs, another_browser


@pytest.fixture
def admin(client: Browser, make_person: MakePerson, sign_in: SignInAs) -> MadePerson:
    """An administrator who is signed in with `client`."""
    person = make_person(Role.ADMINISTRATOR, name="Ada Example")
    sign_in(client, person)
    return person


def create(browser: Browser, **fields: object) -> str:
    """Create an account and return the path of its page."""
    given = {"name": "Noor Example", "email": "noor@example.org", "organisation": "Example Council", **fields}
    answer = browser.send("/people/new", given)
    assert answer.status_code == 303, words_of(answer)
    return answer.headers["Location"]


def link_on(browser: Browser, path: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/activate/[\w-]{43})<", browser.get(path).text)
    return found[1] if found else ""


def test_a_new_account_is_listed_with_its_roles_and_state(client: Browser, admin: MadePerson) -> None:
    create(client, roles=["lead-inspector"])
    page = words_of(client.get("/people"))
    assert "Noor Example noor@example.org Example Council Lead inspector Invited" in page
    assert "Ada Example" in page


def test_an_administrator_cannot_make_the_officer_whom_a_reset_asks_for(client: Browser, admin: MadePerson) -> None:
    given = {"name": "Noor Example", "email": "noor@example.org", "roles": ["data-protection-officer"]}
    assert client.send("/people/new", given).status_code == 400


def test_the_link_is_shown_once_and_kept_nowhere(client: Browser, admin: MadePerson, parts: Parts) -> None:
    path = create(client)
    link = link_on(client, path)
    token = link.rpartition("/")[2]
    assert link
    assert token not in client.get(path).text
    with parts.database.read() as session:
        rows = session.scalars(select(Invitation)).all()
    assert all(token.encode() not in row.token_hash for row in rows)


def test_the_link_is_not_readable_in_the_cookie_that_carries_it(client: Browser, admin: MadePerson) -> None:
    path = create(client)
    with client.session_transaction(base_url=client.public_url) as cookie:
        carried = str(dict(cookie))
    assert link_on(client, path).rpartition("/")[2] not in carried


def test_by_the_link_a_person_chooses_a_password_and_signs_in(
    client: Browser, app: Flask, admin: MadePerson, service_entries: ServiceEntries
) -> None:
    link = link_on(client, create(client))
    browser = another_browser(app)
    assert "noor@example.org" in words_of(browser.get(link))
    answer = browser.send(link, {"password": PASSWORD})
    assert answer.headers["Location"] == "/sign-in"
    assert "Your password is saved" in words_of(browser.get("/sign-in"))
    answer = browser.send("/sign-in", {"email": "noor@example.org", "password": PASSWORD})
    assert answer.headers["Location"] == "/sign-in/set-up-code"
    assert [entry.event for entry in service_entries()][-3:] == [
        "account:created",
        "account:invited",
        "account:activated",
    ]
    spent = browser.get(link)
    assert spent.status_code == 409
    assert "has been used" in words_of(spent)


def test_a_poor_password_leaves_the_link_open(client: Browser, app: Flask, admin: MadePerson) -> None:
    link = link_on(client, create(client))
    browser = another_browser(app)
    answer = browser.send(link, {"password": "noor likes rivers"})
    assert answer.status_code == 400
    assert "must not contain “noor”" in words_of(answer)
    assert browser.send(link, {"password": PASSWORD}).status_code == 303


def test_a_link_runs_out_after_three_days(
    client: Browser, app: Flask, admin: MadePerson, clock: MovableClock, sign_in: SignInAs
) -> None:
    path = create(client)
    link = link_on(client, path)
    clock.advance(days=3, seconds=1)
    assert another_browser(app).get(link).status_code == 409
    sign_in(client, admin)
    assert "Link ran out" in words_of(client.get(path))


@pytest.mark.parametrize("token", ["x", "a" * 43, "é"])
def test_a_link_that_was_never_made_looks_like_a_spent_one(client: Browser, token: str) -> None:
    answer = client.get(f"/activate/{token}")
    assert answer.status_code == 409
    assert "has been used, has expired or is not complete" in words_of(answer)


def test_a_new_link_stops_the_earlier_one(client: Browser, app: Flask, admin: MadePerson) -> None:
    path = create(client)
    first = link_on(client, path)
    client.send(f"{path}/invite", page=path)
    second = link_on(client, path)
    assert second
    assert second != first
    assert another_browser(app).get(first).status_code == 409
    assert another_browser(app).get(second).status_code == 200


def test_a_link_for_somebody_active_resets_password_second_factor_and_sessions(
    client: Browser,
    app: Flask,
    admin: MadePerson,
    make_person: MakePerson,
    sign_in: SignInAs,
    service_entries: ServiceEntries,
) -> None:
    person = make_person()
    browser = another_browser(app)
    sign_in(browser, person)
    path = f"/people/{person.id}"
    client.send(f"{path}/invite", page=path)
    link = link_on(client, path)
    assert browser.get("/account").status_code == 200  # making a link changes nothing for the person
    fresh = another_browser(app)
    agree_as(sign_in, make_person, another_browser(app))
    assert fresh.send(link, {"password": "kettle meadow sunrise"}).status_code == 303
    assert browser.get("/account").status_code == 302
    assert fresh.send("/sign-in", {"email": person.email, "password": PASSWORD}).status_code == 400
    answer = fresh.send("/sign-in", {"email": person.email, "password": "kettle meadow sunrise"})
    assert answer.headers["Location"] == "/sign-in/set-up-code"
    events = [entry.event for entry in service_entries()]
    assert events[-3:] == ["password:changed", "second-factor:reset", "sign-in:refused"]


def agree_as(sign_in: SignInAs, make_person: MakePerson, browser: Browser) -> MadePerson:
    """Agree to the one reset that waits, as a data protection officer who had no part in making it."""
    officer = make_person(Role.DATA_PROTECTION_OFFICER, name="Officer Example")
    sign_in(browser, officer)
    found = re.search(r'action="(/resets/inv_[0-9a-z]{26}/agree)"', browser.get("/resets").text)
    assert found
    assert browser.send(found[1], page="/resets").status_code == 303
    return officer


def test_an_administrator_alone_cannot_open_somebodys_account(
    client: Browser, app: Flask, admin: MadePerson, make_person: MakePerson, sign_in: SignInAs
) -> None:
    person = make_person()
    path = f"/people/{person.id}"
    client.send(f"{path}/invite", page=path)
    link = link_on(client, path)
    fresh = another_browser(app)
    answer = fresh.get(link)
    assert answer.status_code == 409
    assert "has to agree to it first" in words_of(answer)
    assert client.get("/resets").status_code == 403
    agree_as(sign_in, make_person, another_browser(app))
    assert fresh.get(link).status_code == 200


def test_whoever_made_a_reset_or_is_reset_cannot_be_the_one_who_agrees(parts: Parts, make_person: MakePerson) -> None:
    maker, person = make_person(Role.DATA_PROTECTION_OFFICER), make_person(Role.DATA_PROTECTION_OFFICER)
    with parts.database.unit_of_work() as unit:
        invite(unit, actor=maker.id, person_id=person.id)
    with parts.database.read() as session:
        (waiting,) = waiting_resets(session, parts.clock())
    for actor in (maker.id, person.id):
        with pytest.raises(ConflictError), parts.database.unit_of_work() as unit:
            agree_to_reset(unit, actor=actor, invitation_id=waiting.invitation_id)
    other = make_person(Role.DATA_PROTECTION_OFFICER)
    with parts.database.unit_of_work() as unit:
        agree_to_reset(unit, actor=other.id, invitation_id=waiting.invitation_id)
    with pytest.raises(NotFoundError), parts.database.unit_of_work() as unit:
        agree_to_reset(unit, actor=other.id, invitation_id=waiting.invitation_id)


def test_disabling_shuts_a_person_out_and_enabling_lets_them_in_again(
    client: Browser, app: Flask, admin: MadePerson, make_person: MakePerson, sign_in: SignInAs
) -> None:
    person = make_person()
    browser = another_browser(app)
    sign_in(browser, person)
    path = f"/people/{person.id}"
    client.send(f"{path}/disable", page=path)
    assert browser.get("/account").status_code == 302
    assert "Disabled" in words_of(client.get(path))
    client.send(f"{path}/enable", page=path)
    sign_in(browser, person)


def test_a_disabled_account_gets_no_link_and_its_open_link_stops(
    client: Browser, app: Flask, admin: MadePerson
) -> None:
    path = create(client)
    link = link_on(client, path)
    client.send(f"{path}/disable", page=path)
    assert another_browser(app).get(link).status_code == 409
    answer = client.send(f"{path}/invite", page=path)
    assert answer.status_code == 409
    assert "disabled, so no link was made" in words_of(answer)


def test_administrators_cannot_disable_themselves(client: Browser, admin: MadePerson) -> None:
    path = f"/people/{admin.id}"
    assert "Disable the account" not in words_of(client.get(path))
    assert client.send(f"{path}/disable", page=path).status_code == 409
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": ""}, "Enter a full name"),
        ({"name": "  "}, "Enter a full name"),
        ({"name": "a" * 121}, "Use 120 ordinary characters or fewer"),
        ({"name": "a\0b"}, "Use 120 ordinary characters or fewer"),
        ({"email": ""}, "Enter an email address"),
        ({"email": "noor"}, "in the correct format"),
        ({"email": "a@example.org, b@example.org"}, "in the correct format"),
        ({"email": "nul\0@example.org"}, "in the correct format"),
        ({"email": "ADA@example.org"}, "already an account"),
        ({"roles": ["administrator", "lead-inspector"]}, "cannot hold another role"),
        ({"roles": ["inspector"]}, "not a valid choice"),
    ],
)
def test_an_account_that_cannot_be_made_is_refused_in_words(
    client: Browser,
    make_person: MakePerson,
    sign_in: SignInAs,
    parts: Parts,
    fields: dict[str, object],
    sentence: str,
) -> None:
    sign_in(client, make_person(Role.ADMINISTRATOR, email="ada@example.org"))
    answer = client.send("/people/new", {"name": "Noor Example", "email": "noor@example.org", **fields})
    assert answer.status_code == 400
    assert sentence in words_of(answer)
    with parts.database.read() as session:
        assert len(session.scalars(select(Person)).all()) == 1
        assert len(session.scalars(select(ServiceRole)).all()) == 1


@pytest.mark.parametrize("person_id", ["per_00000000000000000000000000", "nobody", "ins_00000000000000000000000000"])
def test_an_unknown_person_is_not_found(client: Browser, admin: MadePerson, person_id: str) -> None:
    assert client.get(f"/people/{person_id}").status_code == 404
    for act in ("invite", "disable", "enable"):
        assert client.send(f"/people/{person_id}/{act}", page="/account").status_code == 404


@pytest.mark.parametrize("role", [None, Role.LEAD_INSPECTOR, Role.DATA_PROTECTION_OFFICER])
def test_only_an_administrator_reaches_these_pages_and_the_refusal_is_recorded(
    client: Browser,
    make_person: MakePerson,
    sign_in: SignInAs,
    service_entries: ServiceEntries,
    role: Role | None,
) -> None:
    person = make_person(*[role] if role else [])
    sign_in(client, person)
    for path in ("/people", "/people/new", f"/people/{person.id}"):
        answer = client.get(path)
        assert answer.status_code == 403
        assert heading(answer) == "You cannot do this"
    answer = client.send(f"/people/{person.id}/enable", page="/account")
    assert answer.status_code == 403
    last = service_entries()[-1]
    assert (last.event, last.actor, last.details["permission"]) == ("access:refused", person.id, "manage-accounts")


def test_a_stranger_is_sent_to_sign_in(client: Browser) -> None:
    assert client.get("/people").headers["Location"] == "/sign-in?next=/people"
