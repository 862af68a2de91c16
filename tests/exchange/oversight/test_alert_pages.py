"""The page on which alerts are tuned."""

from collections.abc import Callable
from typing import Any

import pytest

from exchange import trail
from exchange.access.roles import Role
from exchange.oversight.thresholds import thresholds_of
from exchange.parts import Parts


@pytest.fixture
def officer(app: Any, make_person: Callable[..., Any], sign_in: Callable[..., Any]) -> Any:
    return sign_in(app.test_client(), make_person(Role.DATA_PROTECTION_OFFICER))


def form(parts: Parts, **changes: str) -> dict[str, Any]:
    """The form as it is sent when nothing is touched, with changes."""
    with parts.database.read() as session:
        values = thresholds_of(session, parts.alerts)
    switches = [setting.code for setting in parts.alerts.settings if setting.kind == "switch" and values[setting.code]]
    numbers = {one.code: str(values[one.code]) for one in parts.alerts.settings if one.kind == "number"}
    return {"on": switches, **numbers, **{name.replace("__", "."): value for name, value in changes.items()}}


def values(parts: Parts) -> dict[str, int]:
    with parts.database.read() as session:
        return thresholds_of(session, parts.alerts)


def test_a_form_sent_as_it_stands_changes_nothing(officer: Any, parts: Parts, events: Callable[..., Any]) -> None:
    before = values(parts)
    answer = officer.send("/service/alerts", form(parts))
    assert answer.status_code == 303
    assert "Nothing was changed" in officer.get("/service/alerts").text
    assert values(parts) == before
    assert "alert:tuned" not in events(trail.SERVICE_LOG)


def test_a_changed_number_and_a_switch_are_two_entries(officer: Any, parts: Parts, events: Callable[..., Any]) -> None:
    sent = form(parts, probing__minutes="1,000")
    sent["on"].remove("new-place.on")
    assert officer.send("/service/alerts", sent).status_code == 303
    assert (values(parts)["probing.minutes"], values(parts)["new-place.on"]) == (1000, 0)
    assert events(trail.SERVICE_LOG).count("alert:tuned") == 2
    assert "changed the alert setting" in officer.get("/service/trail").text


def test_what_cannot_be_taken_is_said_beside_each_field_and_nothing_is_changed(officer: Any, parts: Parts) -> None:
    before = values(parts)
    sent = form(parts, **{"probing__minutes": "0", "volume__documents-hour": "<b>"})
    page = officer.send("/service/alerts", sent)
    assert page.status_code == 400
    assert page.text.count("‘Within how many minutes’ must be a whole number between 1 and 1,440") == 2
    assert 'value="&lt;b&gt;"' in page.text
    assert values(parts) == before


def test_hours_that_contradict_each_other_are_said_beside_their_end(officer: Any, parts: Parts) -> None:
    page = officer.send("/service/alerts", form(parts, **{"out-of-hours__from": "9", "out-of-hours__to": "8"}))
    assert page.status_code == 400
    assert 'href="#out-of-hours-to"' in page.text
