"""The worked example: one account for each role, an inspection notified last Monday, two items answered.

Promises: everything is made by the same services that people's acts go through, so the log tells the whole of it;
nobody and nothing in it is real; it is made only under the settings of the worked example.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from config.catalogue import Item
from exchange import trail
from exchange.access.roles import Role
from exchange.accounts.service import create_account
from exchange.accounts.sessions import load_actor
from exchange.clock import in_london
from exchange.errors import ConflictError
from exchange.example_files import make_text_document, make_workbook
from exchange.inspections import team
from exchange.inspections.legal_notes import answer_note
from exchange.inspections.models import Inspection
from exchange.inspections.service import Opening, open_inspection
from exchange.oversight.thresholds import tune_alerts
from exchange.parts import Parts
from exchange.submissions.checking import check_next
from exchange.submissions.offer import parse_offer
from exchange.submissions.receiving import Sender, receive_file

LOCAL_AREA = "Example Area"
PASSWORD = "kettle-marble-orchard-19"  # noqa: S105  printed by `make run`; these accounts exist in the example only
LEGAL_ANSWERS = {
    "text": "Worked example: no personal data is shared, so there is nothing to settle. A controller answers this.",
    "text-and-date": "Worked example: nothing is sent to anybody, so nothing is kept. A controller answers this.",
    "url": "https://www.example.org/privacy",
}
ASSIGNED = ("1.2", "1.3", "2.1", "2.2", "3.1")


@dataclass(frozen=True)
class ExamplePerson:
    """One account of the example."""

    email: str
    name: str
    organisation: str
    role: Role
    across_service: bool = False  # held by the account itself, not given inside the inspection


PEOPLE = (
    ExamplePerson("admin@example.org", "Example Administrator", "", Role.ADMINISTRATOR, across_service=True),
    ExamplePerson("lead@example.org", "Example Lead Inspector", "", Role.LEAD_INSPECTOR, across_service=True),
    ExamplePerson(
        "dpo@example.org", "Example Data Protection Officer", "Example Council", Role.DATA_PROTECTION_OFFICER,
        across_service=True,
    ),
    ExamplePerson("inspector@example.org", "Example Inspector", "", Role.INSPECTOR),
    ExamplePerson("officer@example.org", "Example Nominated Officer", "Example Council", Role.NOMINATED_OFFICER),
    ExamplePerson("contributor@example.org", "Example Contributor", "Example Health Trust", Role.CONTRIBUTOR),
)  # fmt: skip


def make_example(parts: Parts) -> str:
    """Fill an empty installation and return the inspection's identifier.

    Raises:
        ConflictError: the settings are not those of the worked example; nothing was made.
    """
    if not parts.settings.example:
        raise ConflictError("The worked example has known passwords. It is made only with EXCHANGE_EXAMPLE=1.")
    people = {person.role: _make_account(parts, person) for person in PEOPLE}
    _answer_legal_notes(parts, people[Role.DATA_PROTECTION_OFFICER])
    _look_at_any_hour(parts, people[Role.DATA_PROTECTION_OFFICER])
    inspection = _open(parts, people[Role.LEAD_INSPECTOR])
    _join(parts, inspection, people)
    _answer_two_items(parts, inspection, people[Role.NOMINATED_OFFICER])
    while check_next(parts):
        pass
    return inspection


def last_monday(today: date) -> date:
    """The last Monday before `today`, which is a week ago when today is one."""
    return today - timedelta(days=(today.weekday() or 7))


def _make_account(parts: Parts, person: ExamplePerson) -> str:
    roles = frozenset({person.role}) if person.across_service else frozenset()
    with parts.database.unit_of_work() as unit:
        made, token = create_account(
            unit,
            actor=trail.HOST,
            email=person.email,
            name=person.name,
            organisation=person.organisation,
            roles=roles,
        )
        person_id = made.id
    parts.credentials.take_up_invitation(token, PASSWORD, parts.clock())
    return person_id


def _answer_legal_notes(parts: Parts, officer: str) -> None:
    """Answer every note in words that say they settle nothing."""
    for question in parts.legal_notes.notes:
        with parts.database.unit_of_work() as unit:
            checked_on = in_london(unit.now).date() if question.asks_for_date else None
            answer_note(unit, question, actor=officer, text=LEGAL_ANSWERS[question.kind], checked_on=checked_on)


def _look_at_any_hour(parts: Parts, officer: str) -> None:
    """Whoever tries the example does it when they have time: the alert about hours would only cry wolf."""
    with parts.database.unit_of_work() as unit:
        tune_alerts(unit, parts.alerts, {"out-of-hours.on": 0}, actor=officer)


def _open(parts: Parts, lead: str) -> str:
    opening = Opening(
        local_area=LOCAL_AREA,
        kind="full",
        notified_on=last_monday(in_london(parts.clock()).date()),
        numbers=tuple(str(item.number) for item in parts.catalogue.items if not item.per_child),
    )
    with parts.database.unit_of_work() as unit:
        return open_inspection(
            unit,
            parts.trail,
            parts.vault.keyring.create_inspection_key,
            parts.catalogue,
            parts.schedule.version,
            opening=opening,
            actor=lead,
        ).id


def _join(parts: Parts, inspection_id: str, people: dict[Role, str]) -> None:
    emails = {person.role: person.email for person in PEOPLE}
    givers = {
        Role.INSPECTOR: Role.LEAD_INSPECTOR,
        Role.NOMINATED_OFFICER: Role.LEAD_INSPECTOR,
        Role.DATA_PROTECTION_OFFICER: Role.LEAD_INSPECTOR,
        Role.CONTRIBUTOR: Role.NOMINATED_OFFICER,
    }
    for role, giver in givers.items():
        with parts.database.unit_of_work() as unit:
            inspection = unit.session.get_one(Inspection, inspection_id)
            actor = load_actor(unit.session, people[giver])
            team.add_member(unit, inspection, actor=actor, email=emails[role], role=role)
    with parts.database.unit_of_work() as unit:
        team.assign_items(
            unit,
            unit.session.get_one(Inspection, inspection_id),
            actor=people[Role.NOMINATED_OFFICER],
            person_id=people[Role.CONTRIBUTOR],
            numbers=ASSIGNED,
        )


def _answer_two_items(parts: Parts, inspection_id: str, officer: str) -> None:
    today = in_london(parts.clock()).date()
    as_at = last_monday(today)
    children = [[f"EXAMPLE-{number:04d}", "Invented row of the worked example", "Yes"] for number in range(1, 41)]
    workbook = make_workbook([["Reference", "Note", "EHC plan"], *children])
    document = make_text_document(
        [
            "Partnership structure of Example Area (worked example)",
            "Nothing in this document is about a real place or a real person.",
        ]
    )
    for number, kind, start, title, file_name, content in (
        ("L1", "as-at", as_at, "Example list 1", "example-list-1.xlsx", workbook),
        ("1.1", "not-dated", None, "Example partnership structure", "example-partnership-structure.docx", document),
    ):
        items: tuple[Item, ...] = (parts.catalogue.item(number),)
        offer = parse_offer(items, kind, start, None, title, today)
        receive_file(parts, Sender(inspection_id, officer, offer), file_name, [content])
