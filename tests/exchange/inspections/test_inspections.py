"""Opening an inspection, its checklist, its people and its milestones, through the pages."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from config.catalogue import load_catalogue
from exchange.access.roles import Role
from exchange.errors import InvalidError
from exchange.inspections import legal_notes
from exchange.inspections.checklist import ItemState, state_of
from exchange.inspections.models import Assignment, Inspection, Membership, RequestedItem
from exchange.inspections.queries import ItemCount
from exchange.inspections.service import Opening, verify_opening
from exchange.parts import Parts

CATALOGUE = load_catalogue()
TODAY = date(2026, 11, 23)
ASKABLE = [str(item.number) for item in CATALOGUE.items if not item.per_child]


@pytest.fixture
def notes_answered(parts: Parts, make_person: Any) -> None:
    officer = make_person(Role.DATA_PROTECTION_OFFICER)
    with parts.database.unit_of_work() as unit:
        for note in parts.legal_notes.notes:
            legal_notes.waive_note(unit, note, actor=officer.id, reason="Settled elsewhere")


def opening(**changes: Any) -> dict[str, Any]:
    form = {"local_area": "Example Area", "kind": "full", "notified_on": ["23", "11", "2026"], "numbers": ASKABLE}
    return {**form, **changes}


def test_no_inspection_opens_before_the_legal_notes_are_settled(
    client: Any, make_person: Any, sign_in: Any, rows: Any
) -> None:
    sign_in(client, make_person(Role.LEAD_INSPECTOR))
    answer = client.get("/inspections/open")
    assert answer.status_code == 409
    assert "Legal notes come first" in answer.text
    assert rows(Inspection) == []


@pytest.mark.usefixtures("notes_answered")
def test_a_lead_inspector_opens_one_and_every_item_has_its_deadline(
    client: Any, make_person: Any, sign_in: Any, rows: Any, events: Any, parts: Parts
) -> None:
    lead = make_person(Role.LEAD_INSPECTOR)
    sign_in(client, lead)
    answer = client.send("/inspections/open", opening())
    assert answer.status_code == 303
    (inspection,) = rows(Inspection)
    due = {row.number: row.due_at.isoformat() for row in rows(RequestedItem)}
    assert set(due) == set(ASKABLE)
    assert due["L1"] == "2026-11-24T11:00:00+00:00"
    assert due["2.1"] == "2026-11-27T17:00:00+00:00"
    assert events(inspection.id) == ["inspection:opened", "member:added"]
    assert inspection.id in parts.vault.keyring._store.inspections()
    assert "Example Area" in client.get(f"/inspections/{inspection.id}").text


@pytest.mark.usefixtures("notes_answered")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"local_area": "  "}, "Enter the name of the local area"),
        ({"kind": "nonsense"}, "Not a valid choice"),
        ({"notified_on": ["24", "11", "2026"]}, "must be a Monday"),
        ({"notified_on": ["31", "2", "2026"]}, "real date"),
        ({"notified_on": ["5"]}, "must include"),
        ({"notified_on": ["1", "11", "2027"]}, "within 4 weeks"),
        ({"numbers": []}, "Choose at least one item"),
        ({"numbers": ["3.7"]}, "not a valid choice"),
    ],
)
def test_what_cannot_be_opened_is_told_on_the_form(
    client: Any, make_person: Any, sign_in: Any, rows: Any, change: dict[str, Any], words: str
) -> None:
    sign_in(client, make_person(Role.LEAD_INSPECTOR))
    answer = client.send("/inspections/open", opening(**change))
    assert answer.status_code == 400
    assert words.lower() in answer.text.lower()
    assert "There is a problem" in answer.text
    assert rows(Inspection) == []


@pytest.mark.usefixtures("notes_answered")
def test_a_name_with_a_character_no_database_takes_is_kept_without_it(
    client: Any, make_person: Any, sign_in: Any, rows: Any
) -> None:
    sign_in(client, make_person(Role.LEAD_INSPECTOR))
    assert client.send("/inspections/open", opening(local_area="Example\0 Area")).status_code == 303
    assert [inspection.local_area for inspection in rows(Inspection)] == ["Example Area"]


def test_items_of_a_child_are_not_asked_for_in_general() -> None:
    with pytest.raises(InvalidError) as caught:
        verify_opening(Opening("Example Area", "full", TODAY, ("7.1",)), CATALOGUE, TODAY)
    assert caught.value.field == "numbers"


@pytest.mark.parametrize(
    ("count", "hours", "state"),
    [
        (ItemCount(), -1, ItemState.OUTSTANDING),
        (ItemCount(), 0, ItemState.OUTSTANDING),
        (ItemCount(), 1, ItemState.OVERDUE),
        (ItemCount(documents=2, waiting=1), 1, ItemState.RECEIVED),
        (ItemCount(documents=2), -1, ItemState.CHECKED),
        (ItemCount(documents=2, waiting=1, failed=1), -1, ItemState.PROBLEM),
        (ItemCount(gone=1), 1, ItemState.DISPOSED),
        (ItemCount(documents=1, gone=1), 1, ItemState.CHECKED),
    ],
)
def test_an_item_is_where_its_documents_and_its_deadline_put_it(
    count: ItemCount, hours: int, state: ItemState, clock: Any
) -> None:
    due = clock()
    clock.move(hours=hours)
    assert state_of(count, due, clock()) is state


def test_a_contributor_sees_only_the_items_assigned(client: Any, sign_in: Any, make_area: Any) -> None:
    area = make_area(assigned=("1.1", "2.3"))
    sign_in(client, area.people[Role.CONTRIBUTOR])
    page = client.get(area.path).text
    assert "Local area partnership structure" in page
    assert "Personal budgets" in page
    assert "Self-evaluation" not in page
    assert client.get(f"{area.path}/items/1.3").status_code == 403


def test_the_checklist_asks_the_database_a_fixed_number_of_questions(
    client: Any, sign_in: Any, make_area: Any, parts: Parts
) -> None:
    from sqlalchemy import event  # noqa: PLC0415  only here

    asked: list[str] = []
    area = make_area()
    sign_in(client, area.people[Role.NOMINATED_OFFICER])
    event.listen(parts.database.engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
    client.get(area.path)
    assert 0 < len([text for text in asked if text.startswith("SELECT")]) <= 16


def test_adding_and_ending_is_recorded_and_takes_effect_at_once(
    app: Any, client: Any, sign_in: Any, make_area: Any, make_person: Any, rows: Any, events: Any
) -> None:
    area, newcomer = make_area(), make_person(name="New Inspector")
    lead = sign_in(client, area.people[Role.LEAD_INSPECTOR])
    guest = sign_in(app.test_client(), newcomer)
    assert guest.get(area.path).status_code == 404
    members = f"{area.path}/members"
    assert lead.send(members, {"email": newcomer.email.upper(), "role": "inspector"}).status_code == 303
    assert guest.get(area.path).status_code == 200
    (membership,) = [row for row in rows(Membership) if row.person_id == newcomer.id]
    assert lead.send(f"{members}/{membership.id}/remove", form_at=members).status_code == 303
    assert guest.get(area.path).status_code == 404
    assert [name for name in events(area.inspection) if name.startswith("member:")][-2:] == [
        "member:added",
        "member:removed",
    ]


@pytest.mark.parametrize(
    ("giver", "role", "status"),
    [
        (Role.NOMINATED_OFFICER, "contributor", 303),
        (Role.NOMINATED_OFFICER, "inspector", 400),
        (Role.LEAD_INSPECTOR, "contributor", 400),
        (Role.LEAD_INSPECTOR, "administrator", 400),
        (Role.LEAD_INSPECTOR, "data-protection-officer", 303),
    ],
)
def test_each_side_gives_the_roles_of_its_own_side(
    client: Any, sign_in: Any, make_area: Any, make_person: Any, giver: Role, role: str, status: int
) -> None:
    area, newcomer = make_area(), make_person()
    sign_in(client, area.people[giver])
    assert client.send(f"{area.path}/members", {"email": newcomer.email, "role": role}).status_code == status


def test_nobody_is_on_two_sides_and_no_administrator_on_any(
    client: Any, sign_in: Any, make_area: Any, make_person: Any
) -> None:
    area = make_area()
    sign_in(client, area.people[Role.LEAD_INSPECTOR])
    for person in (area.people[Role.NOMINATED_OFFICER], make_person(Role.ADMINISTRATOR)):
        answer = client.send(f"{area.path}/members", {"email": person.email, "role": "inspector"})
        assert answer.status_code == 400


def test_a_removed_contributor_loses_the_items_too(
    client: Any, sign_in: Any, make_area: Any, rows: Any, events: Any
) -> None:
    area = make_area(assigned=("1.1",))
    sign_in(client, area.people[Role.NOMINATED_OFFICER])
    contributor = area.people[Role.CONTRIBUTOR].id
    (membership,) = [row for row in rows(Membership) if row.person_id == contributor]
    members = f"{area.path}/members"
    client.send(f"{members}/{membership.id}/remove", form_at=members)
    assert all(row.ended_at is not None for row in rows(Assignment))
    assert events(area.inspection)[-1] == "item:unassigned"


def test_the_last_lead_inspector_stays(client: Any, sign_in: Any, make_area: Any, rows: Any) -> None:
    area = make_area()
    sign_in(client, area.people[Role.LEAD_INSPECTOR])
    (membership,) = [row for row in rows(Membership) if row.role == "lead-inspector"]
    members = f"{area.path}/members"
    assert client.send(f"{members}/{membership.id}/remove", form_at=members).status_code == 409


def test_a_membership_of_a_number_that_no_database_holds_is_not_found(
    client: Any, sign_in: Any, make_area: Any
) -> None:
    area = make_area()
    sign_in(client, area.people[Role.LEAD_INSPECTOR])
    members = f"{area.path}/members"
    assert client.send(f"{members}/{10**20}/remove", form_at=members).status_code == 404


def test_one_form_that_is_sent_twice_records_one_milestone(
    client: Any, sign_in: Any, make_area: Any, clock: Any, rows: Any
) -> None:
    area = make_area()
    clock.move(days=20)
    sign_in(client, area.people[Role.LEAD_INSPECTOR])
    page = f"{area.path}/milestones"
    assert 'name="step" value="fieldwork-ended"' in client.get(page).get_data(as_text=True)
    sent = {"csrf_token": client.form_token(page), "step": "fieldwork-ended", "on": ["11", "12", "2026"]}
    assert [client.post(page, data=sent).status_code for _ in range(3)] == [303, 409, 409]
    (inspection,) = rows(Inspection)
    assert (str(inspection.fieldwork_ended_on), inspection.report_issued_on) == ("2026-12-11", None)


def test_milestones_come_in_order_and_are_recorded(
    client: Any, sign_in: Any, make_area: Any, clock: Any, rows: Any, events: Any
) -> None:
    area = make_area()
    sign_in(client, area.people[Role.LEAD_INSPECTOR])
    page = f"{area.path}/milestones"
    first, second = {"step": "fieldwork-ended"}, {"step": "report-issued"}
    assert client.send(page, {"on": ["20", "11", "2026"], **first}).status_code == 400  # before notification
    assert client.send(page, {"on": ["30", "11", "2026"], **first}).status_code == 400  # in the future
    clock.move(days=80)
    sign_in(client, area.people[Role.LEAD_INSPECTOR])
    assert client.send(page, {"on": ["11", "12", "2026"], **first}).status_code == 303
    assert client.send(page, {"on": ["10", "12", "2026"], **second}).status_code == 400  # before fieldwork ended
    assert client.send(page, {"on": ["1", "2", "2027"], **second}).status_code == 303
    assert client.send(page, {"step": "close"}).status_code == 303
    (inspection,) = rows(Inspection)
    assert (str(inspection.fieldwork_ended_on), str(inspection.report_issued_on)) == ("2026-12-11", "2027-02-01")
    assert inspection.closed_at is not None
    assert events(area.inspection)[-3:] == [
        "inspection:fieldwork-ended",
        "inspection:report-issued",
        "inspection:closed",
    ]


def test_only_who_brought_a_data_protection_officer_in_ends_their_access(
    app: Any, client: Any, sign_in: Any, make_area: Any, rows: Any
) -> None:
    area = make_area()
    officer = area.people[Role.DATA_PROTECTION_OFFICER].id
    (membership,) = [row for row in rows(Membership) if row.person_id == officer]
    members = f"{area.path}/members"
    nominated = sign_in(app.test_client(), area.people[Role.NOMINATED_OFFICER])
    assert nominated.send(f"{members}/{membership.id}/remove", form_at=members).status_code == 409
    assert next(row for row in rows(Membership) if row.person_id == officer).ended_at is None
    lead = sign_in(client, area.people[Role.LEAD_INSPECTOR])
    assert lead.send(f"{members}/{membership.id}/remove", form_at=members).status_code == 303
    assert next(row for row in rows(Membership) if row.person_id == officer).ended_at is not None
