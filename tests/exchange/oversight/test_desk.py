"""The officer's desk: every row leads to a page that asks for exactly the permission the row names."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from exchange.access.guard import RULE
from exchange.access.policy import Actor
from exchange.access.roles import Permission, Role
from exchange.oversight.desk import LINKS, DeskLink, Place, links_for


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.endpoint)
def test_a_link_asks_for_what_its_page_asks_for(app: Flask, link: DeskLink) -> None:
    rule = getattr(app.view_functions[link.endpoint], RULE)
    assert (rule.permission, rule.scope) == (link.permission, link.place)


def test_a_desk_shows_only_what_the_role_may_open() -> None:
    inspection = "ins_" + "0" * 26
    officer = Actor("per_" + "0" * 26, memberships={inspection: frozenset({Role.DATA_PROTECTION_OFFICER})})
    lead = Actor("per_" + "1" * 26, memberships={inspection: frozenset({Role.LEAD_INSPECTOR})})
    here = [link for link in LINKS if link.place is Place.INSPECTION]
    assert [link for _, links in links_for(officer, inspection) for link in links] != []
    assert {link.endpoint for _, links in links_for(officer, inspection) for link in links} == {
        link.endpoint for link in here
    }
    assert {link.permission for _, links in links_for(lead, inspection) for link in links} == {Permission.VIEW_ACCESS}
    assert links_for(officer, None) == []


def test_an_officer_reaches_every_row_from_the_desk(
    app: Any, area: Any, sign_in: Callable[..., Any], make_person: Callable[..., Any]
) -> None:
    officer = sign_in(app.test_client(), area.people[Role.DATA_PROTECTION_OFFICER])
    page = officer.get(f"{area.path}/desk").text
    service = sign_in(app.test_client(), make_person(Role.DATA_PROTECTION_OFFICER)).get("/service/desk").text
    for link in LINKS:
        assert link.title in (page if link.place is Place.INSPECTION else service)
    assert f'href="{area.path}/desk"' in officer.get(f"{area.path}/trail").text
