"""Signing in, as a person and as a stranger meet it."""

from collections.abc import Callable

import pyotp
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from exchange.access.roles import Role
from exchange.accounts.models import Person, SignInSession
from exchange.accounts.service import disable_account
from exchange.parts import Parts
from tests.exchange.visiting import PASSWORD, Browser, MadePerson, MovableClock, heading, token_in, words_of
from tests.exchange.visiting_fixtures import MakePerson, ServiceEntries, SignInAs, another_browser

NOT_RIGHT = "Email address or password is not right"


def wrong_code(person: MadePerson, clock: MovableClock) -> str:
    right = {pyotp.TOTP(person.secret).at(int(clock().timestamp()) + shift) for shift in (-30, 0, 30)}
    return next(code for code in ("000000", "111111", "222222", "333333") if code not in right)


def test_password_and_code_together_sign_a_person_in(
    client: Browser, make_person: MakePerson, clock: MovableClock, service_entries: ServiceEntries
) -> None:
    person = make_person()
    answer = client.send("/sign-in", {"email": person.email.upper(), "password": PASSWORD})
    assert answer.headers["Location"] == "/sign-in/code"
    assert client.get("/account").status_code == 302  # not yet
    answer = client.send("/sign-in/code", {"code": person.next_code(clock)})
    assert answer.headers["Location"] == "/"
    assert person.name in words_of(client.get("/account"))
    assert service_entries()[-1].event == "sign-in:succeeded"


def test_a_wrong_password_an_unknown_address_and_a_disabled_account_look_the_same(
    client: Browser, make_person: MakePerson, parts: Parts
) -> None:
    person, gone = make_person(), make_person()
    with parts.database.unit_of_work() as unit:
        disable_account(unit, actor=person.id, person_id=gone.id)
    pages = [
        client.send("/sign-in", {"email": person.email, "password": "not the password"}),
        client.send("/sign-in", {"email": "nobody@example.org", "password": PASSWORD}),
        client.send("/sign-in", {"email": gone.email, "password": PASSWORD}),
        client.send("/sign-in", {"email": "nul\0@example.org", "password": PASSWORD}),
    ]
    assert {page.status_code for page in pages} == {400}
    assert all(words_of(page).count(NOT_RIGHT) == 2 for page in pages)
    assert len({words_of(page) for page in pages}) == 1


def test_each_refusal_is_an_entry_that_names_why_and_nobody_who_is_unknown(
    client: Browser, make_person: MakePerson, service_entries: ServiceEntries
) -> None:
    person = make_person()
    client.send("/sign-in", {"email": person.email, "password": "not the password"})
    client.send("/sign-in", {"email": "nobody@example.org", "password": "not the password"})
    refused = [entry for entry in service_entries() if entry.event == "sign-in:refused"]
    assert [(entry.subject, entry.details["reason"]) for entry in refused] == [
        (person.id, "password"),
        (None, "unknown-account"),
    ]


def test_a_code_is_taken_once(client: Browser, app: Flask, make_person: MakePerson, clock: MovableClock) -> None:
    person = make_person()
    code = person.next_code(clock)
    client.send("/sign-in", {"email": person.email, "password": PASSWORD})
    assert client.send("/sign-in/code", {"code": f"{code[:3]} {code[3:]}"}).status_code == 303
    other = another_browser(app)
    other.send("/sign-in", {"email": person.email, "password": PASSWORD})
    answer = other.send("/sign-in/code", {"code": code})
    assert answer.status_code == 400
    assert "was used before" in words_of(answer)


def test_a_wrong_code_is_refused_counted_and_recorded(
    client: Browser, make_person: MakePerson, clock: MovableClock, service_entries: ServiceEntries
) -> None:
    person = make_person()
    client.send("/sign-in", {"email": person.email, "password": PASSWORD})
    answer = client.send("/sign-in/code", {"code": wrong_code(person, clock)})
    assert answer.status_code == 400
    assert "Security code is not right" in words_of(answer)
    assert service_entries()[-1].details == {"reason": "second-factor"}
    assert client.send("/sign-in/code", {"code": person.next_code(clock)}).status_code == 303


def test_a_waiting_sign_in_runs_out_after_ten_minutes(
    client: Browser, make_person: MakePerson, clock: MovableClock
) -> None:
    person = make_person()
    client.send("/sign-in", {"email": person.email, "password": PASSWORD})
    page = client.get("/sign-in/code")
    clock.advance(minutes=11)
    answer = client.post("/sign-in/code", data={"csrf_token": token_in(page), "code": person.next_code(clock)})
    assert answer.status_code == 400
    assert "took too long" in words_of(answer)
    assert client.get("/account").status_code == 302


@pytest.mark.parametrize("path", ["/sign-in/code", "/sign-in/set-up-code"])
def test_the_second_step_without_the_first_leads_to_the_first(client: Browser, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sign-in"


def test_somebody_with_a_second_factor_cannot_set_up_another_by_the_password_alone(
    client: Browser, make_person: MakePerson
) -> None:
    person = make_person()
    client.send("/sign-in", {"email": person.email, "password": PASSWORD})
    assert "Secret key" not in words_of(client.get("/sign-in/set-up-code"))


def test_after_too_many_failures_even_the_right_password_waits(
    client: Browser, make_person: MakePerson, clock: MovableClock, service_entries: ServiceEntries
) -> None:
    person = make_person()
    for _ in range(10):
        assert client.send("/sign-in", {"email": person.email, "password": "wrong"}).status_code == 400
    for _ in range(3):
        answer = client.send("/sign-in", {"email": person.email, "password": PASSWORD})
    assert answer.status_code == 429
    assert "too many attempts" in words_of(answer)
    assert "Wait 15 minutes" in words_of(answer)
    assert [entry.event for entry in service_entries()].count("sign-in:throttled") == 1  # one a minute, however many
    clock.advance(minutes=16)
    assert client.send("/sign-in", {"email": person.email, "password": PASSWORD}).status_code == 303


def test_wrong_codes_are_throttled_too(client: Browser, make_person: MakePerson, clock: MovableClock) -> None:
    person = make_person()
    client.send("/sign-in", {"email": person.email, "password": PASSWORD})
    for _ in range(10):
        client.send("/sign-in/code", {"code": wrong_code(person, clock)})
    answer = client.send("/sign-in/code", {"code": person.next_code(clock)})
    assert answer.status_code == 429


def test_one_throttled_address_does_not_lock_the_account_elsewhere(
    client: Browser, app: Flask, make_person: MakePerson
) -> None:
    person = make_person()
    for _ in range(11):
        client.send("/sign-in", {"email": person.email, "password": "wrong"})
    other = another_browser(app)
    other.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert other.send("/sign-in", {"email": person.email, "password": PASSWORD}).status_code == 303


def test_when_no_turn_to_hash_comes_the_page_says_to_try_again(
    client: Browser, make_person: MakePerson, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_person()
    monkeypatch.setattr("exchange.accounts.passwords.WAIT_SECONDS", 0)
    taken = [parts.passwords._turns.acquire(blocking=False) for _ in range(parts.settings.argon2_at_once)]
    assert all(taken)
    answer = client.send("/sign-in", {"email": person.email, "password": PASSWORD})
    assert answer.status_code == 503
    assert "signing in at once" in words_of(answer)


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/account", "/account"),
        ("/legal-notes?a=b", "/legal-notes?a=b"),
        ("//example.org/account", "/"),
        ("https://example.org/account", "/"),
        ("/\\example.org", "/"),
        ("/no-such-page", "/"),
        ("/sign-in", "/"),
        ("\t//example.org", "/"),
        ("account", "/"),
    ],
)
def test_next_leads_only_to_pages_of_our_own(
    client: Browser, make_person: MakePerson, clock: MovableClock, wanted: str, reached: str
) -> None:
    person = make_person()
    answer = client.post(
        "/sign-in",
        query_string={"next": wanted},
        data={
            "csrf_token": token_in(client.get("/sign-in", query_string={"next": wanted})),
            "email": person.email,
            "password": PASSWORD,
        },
    )
    answer = client.send(answer.headers["Location"], {"code": person.next_code(clock)})
    assert answer.headers["Location"] == reached


def test_a_page_that_was_asked_for_is_reached_after_signing_in(client: Browser) -> None:
    assert client.get("/people?x=1").headers["Location"] == "/sign-in?next=/people?x%3D1"


def test_a_session_gets_a_fresh_cookie_and_never_a_token_in_the_database(
    client: Browser, make_person: MakePerson, sign_in: SignInAs, parts: Parts
) -> None:
    client.get("/sign-in")
    before = client.get_cookie("session", domain="127.0.0.1")
    sign_in(client, make_person())
    after = client.get_cookie("session", domain="127.0.0.1")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    with client.session_transaction(base_url=client.public_url) as cookie:
        token = cookie["_user_id"]
        assert "waiting" not in cookie
    with parts.database.read() as session:
        rows = session.query(SignInSession).all()
    assert all(token.encode() not in row.token_hash for row in rows)


@pytest.mark.parametrize(("minutes", "step", "still_in"), [(31, 31, False), (29, 29, True)])
def test_an_idle_session_ends(
    client: Browser,
    make_person: MakePerson,
    sign_in: SignInAs,
    clock: MovableClock,
    minutes: int,
    step: int,
    still_in: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    sign_in(client, make_person())
    clock.advance(minutes=minutes)
    assert (client.get("/account").status_code == 200) is still_in
    clock.advance(minutes=step)
    assert (client.get("/account").status_code == 200) is still_in


def test_a_session_in_use_ends_after_its_longest_life(
    client: Browser, make_person: MakePerson, sign_in: SignInAs, clock: MovableClock
) -> None:
    sign_in(client, make_person())
    for _ in range(35):
        clock.advance(minutes=20)
        assert client.get("/account").status_code == 200
    clock.advance(minutes=21)
    assert client.get("/account").status_code == 302


def test_signing_out_ends_this_session_only(
    client: Browser, app: Flask, make_person: MakePerson, sign_in: SignInAs, service_entries: ServiceEntries
) -> None:
    person = make_person()
    other = another_browser(app)
    sign_in(client, person)
    sign_in(other, person)
    stolen = client.get_cookie("session", domain="127.0.0.1")
    assert stolen is not None
    assert client.send("/sign-out", page="/account").headers["Location"] == "/sign-in"
    assert client.get("/account").status_code == 302
    assert other.get("/account").status_code == 200
    thief = another_browser(app)
    thief.set_cookie("session", stolen.value, domain="127.0.0.1")
    assert thief.get("/account").status_code == 302
    assert service_entries()[-1].event == "sign-out:done"


def test_signing_out_everywhere_ends_every_session(
    client: Browser, app: Flask, make_person: MakePerson, sign_in: SignInAs, service_entries: ServiceEntries
) -> None:
    person = make_person()
    other = another_browser(app)
    sign_in(client, person)
    sign_in(other, person)
    client.send("/sign-out/everywhere", page="/account")
    assert other.get("/account").status_code == 302
    assert client.get("/account").status_code == 302
    assert service_entries()[-1].event == "sign-out:everywhere"


@pytest.mark.parametrize("path", ["/sign-out", "/sign-out/everywhere"])
def test_a_link_cannot_sign_anybody_out(client: Browser, make_person: MakePerson, sign_in: SignInAs, path: str) -> None:
    sign_in(client, make_person())
    assert client.get(path).status_code == 405
    assert client.post(path).status_code == 400  # no form token
    assert client.get("/account").status_code == 200


def test_a_disabled_account_is_out_at_once(
    client: Browser, make_person: MakePerson, sign_in: SignInAs, parts: Parts
) -> None:
    person, admin = make_person(), make_person(Role.ADMINISTRATOR)
    sign_in(client, person)
    with parts.database.unit_of_work() as unit:
        disable_account(unit, actor=admin.id, person_id=person.id)
    assert client.get("/account").status_code == 302


def test_a_secret_moved_to_another_person_opens_nothing(
    client: Browser, make_person: MakePerson, clock: MovableClock, parts: Parts
) -> None:
    mine, theirs = make_person(), make_person()
    with parts.database.unit_of_work() as unit:
        sealed = unit.session.get_one(Person, mine.id).totp_sealed
        unit.session.get_one(Person, theirs.id).totp_sealed = sealed
    client.send("/sign-in", {"email": theirs.email, "password": PASSWORD})
    answer = client.send("/sign-in/code", {"code": mine.next_code(clock)})
    assert answer.status_code == 409
    assert "cannot be read" in words_of(answer)


class TestSettingUpAtTheFirstSignIn:
    def test_the_first_sign_in_asks_for_a_second_factor_and_nothing_else_opens(
        self, client: Browser, make_person: MakePerson
    ) -> None:
        person = make_person(secret="")
        answer = client.send("/sign-in", {"email": person.email, "password": PASSWORD})
        assert answer.headers["Location"] == "/sign-in/set-up-code"
        assert client.get("/account").status_code == 302
        assert client.get("/sign-in/code").status_code == 400

    def test_the_first_right_code_sets_it_up_and_signs_in(
        self, client: Browser, make_person: MakePerson, clock: MovableClock, service_entries: ServiceEntries
    ) -> None:
        person = make_person(secret="")
        client.send("/sign-in", {"email": person.email, "password": PASSWORD})
        page = client.get("/sign-in/set-up-code")
        secret = _secret_on(page)
        assert "<svg" in page.text
        assert "style=" not in page.text
        assert _secret_on(client.get("/sign-in/set-up-code")) == secret  # a reload does not undo the scan
        answer = client.send("/sign-in/set-up-code", {"code": "000000"})
        assert answer.status_code == 400
        assert _secret_on(answer) == secret
        answer = client.send("/sign-in/set-up-code", {"code": pyotp.TOTP(secret).at(int(clock().timestamp()))})
        assert answer.status_code == 303
        assert client.get("/account").status_code == 200
        assert [entry.event for entry in service_entries()][-2:] == ["second-factor:enrolled", "sign-in:succeeded"]

    def test_the_secret_is_nowhere_in_the_database_or_the_cookie_in_the_clear(
        self, client: Browser, make_person: MakePerson, clock: MovableClock, parts: Parts
    ) -> None:
        person = make_person(secret="")
        client.send("/sign-in", {"email": person.email, "password": PASSWORD})
        secret = _secret_on(client.get("/sign-in/set-up-code"))
        with client.session_transaction(base_url=client.public_url) as cookie:
            assert secret not in str(dict(cookie))
        client.send("/sign-in/set-up-code", {"code": pyotp.TOTP(secret).at(int(clock().timestamp()))})
        with parts.database.read() as session:
            assert secret not in session.get_one(Person, person.id).totp_sealed


class TestInTheWorkedExample:
    @pytest.fixture
    def chosen_settings(self) -> dict[str, object]:
        return {"example": True}

    def test_the_password_alone_signs_in(self, client: Browser, make_person: MakePerson) -> None:
        person = make_person(secret="")
        assert client.send("/sign-in", {"email": person.email, "password": PASSWORD}).headers["Location"] == "/"
        assert client.get("/account").status_code == 200

    def test_a_second_factor_that_was_set_up_is_asked_for(self, client: Browser, make_person: MakePerson) -> None:
        person = make_person()
        answer = client.send("/sign-in", {"email": person.email, "password": PASSWORD})
        assert answer.headers["Location"] == "/sign-in/code"

    def test_a_second_factor_can_be_set_up_later(
        self, client: Browser, make_person: MakePerson, sign_in: SignInAs, clock: MovableClock
    ) -> None:
        person = make_person(secret="")
        sign_in(client, person)
        code: Callable[[], str] = lambda: pyotp.TOTP(secret).at(int(clock().timestamp()))  # noqa: E731  the clock moves
        secret = _secret_on(client.get("/account/second-factor"))
        answer = client.send("/account/second-factor", {"present": "wrong", "code": code()})
        assert answer.status_code == 400
        assert "Present password is not right" in words_of(answer)
        assert client.send("/account/second-factor", {"present": PASSWORD, "code": code()}).status_code == 303
        assert heading(client.get("/account/second-factor")) == "Your second factor is set up"


def _secret_on(page: TestResponse) -> str:
    return "".join(words_of(page).partition("Secret key, to type in ")[2].split()[:8])
