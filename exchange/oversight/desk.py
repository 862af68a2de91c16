"""The officer's desk: everything that a data protection officer does, as rows; a new page is a new row.

Promises: a link is shown only to somebody whose role allows what it leads to; the page behind it decides again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from exchange.access.policy import Actor, Decision, decide_in_inspection, decide_in_service
from exchange.access.roles import Permission


class Place(StrEnum):
    """Which desk a link stands on. Endpoints of an inspection's desk take `inspection_id`, the service's nothing."""

    INSPECTION = "inspection"
    SERVICE = "service"


class Group(StrEnum):
    """Under which heading a link stands, in this order."""

    READ = "Find out what happened"
    PROVE = "Prove it"
    ACT = "Decide and act"


@dataclass(frozen=True)
class DeskLink:
    """One thing that an officer does: its page, what it takes to see it, and a sentence on what it is for."""

    title: str
    endpoint: str
    permission: Permission
    sentence: str
    place: Place = Place.INSPECTION
    group: Group = Group.READ


LINKS: tuple[DeskLink, ...] = (
    # An inspection's desk
    DeskLink(
        "Trail",
        "oversight.trail",
        Permission.VIEW_TRAIL,
        "Every act, refusals included, newest first, searched by person, document, item, reference, event and time.",
    ),
    DeskLink(
        "Ask the log",
        "answers.ask",
        Permission.VIEW_TRAIL,
        "Who has opened this, what has this person opened, and, complete up to a signed checkpoint: nobody but these.",
    ),
    DeskLink(
        "Who has access",
        "oversight.access",
        Permission.VIEW_ACCESS,
        "Who has a role or an item in this inspection now, and who had one at any moment; records and log compared.",
    ),
    DeskLink(
        "The log and its witnesses",
        "publishing.log",
        Permission.VERIFY_LOG,
        "How far the log is signed, followed by witnesses, kept elsewhere and checked; its public key and exports.",
        group=Group.PROVE,
    ),
    DeskLink(
        "Check a checkpoint that you kept",
        "publishing.check",
        Permission.VERIFY_LOG,
        "Bring back a checkpoint from a mail or a file: does the log still follow from it?",
        group=Group.PROVE,
    ),
    DeskLink(
        "Download the evidence (zip)",
        "oversight.evidence",
        Permission.EXPORT_EVIDENCE,
        "The whole log with its proofs as one file, to keep elsewhere and to check without this service.",
        group=Group.PROVE,
    ),
    DeskLink(
        "Export the trail",
        "exports.choose",
        Permission.EXPORT_TRAIL,
        "The entries as CSV, as a workbook or as JSON lines, to work with elsewhere.",
    ),
    DeskLink(
        "Breaches",
        "breaches.list_all",
        Permission.MANAGE_BREACHES,
        "The register of personal data breaches: what, whose, who saw it, and the 72 hours.",
        group=Group.ACT,
    ),
    DeskLink(
        "Subject access",
        "subject_access.in_inspection",
        Permission.PREPARE_SUBJECT_ACCESS,
        "Everything that is held about one person in this inspection, as one pack.",
        group=Group.ACT,
    ),
    DeskLink(
        "Alarms",
        "oversight.alarms",
        Permission.CLEAR_ALARMS,
        "What is not as it was recorded, or out of the ordinary. Each stays until somebody clears it with a reason.",
        group=Group.ACT,
    ),
    DeskLink(
        "Disposal and holds",
        "retention.schedule",
        Permission.VIEW_DISPOSAL,
        "What is due for disposal and when, what is held, and what was disposed of.",
        group=Group.ACT,
    ),
    # The service's desk
    DeskLink(
        "Service trail",
        "oversight.service_trail",
        Permission.VIEW_SERVICE_TRAIL,
        "Every act on accounts, sign-ins, keys, legal notes and alarms, refusals included.",
        Place.SERVICE,
    ),
    DeskLink(
        "Roles across the service",
        "access_pages.service_access",
        Permission.VIEW_SERVICE_TRAIL,
        "Who has a role across the service now, and who had one at any moment; records and log compared.",
        Place.SERVICE,
    ),
    DeskLink(
        "Alerts",
        "alert_pages.thresholds",
        Permission.TUNE_ALERTS,
        "What raises an alert, for every inspection: volume, refusals, new places, hours. Thresholds are set here.",
        Place.SERVICE,
        Group.ACT,
    ),
    DeskLink(
        "The log and its witnesses",
        "publishing.service_log",
        Permission.VERIFY_LOG,
        "The same of the service’s own log: signed, witnessed, kept, checked.",
        Place.SERVICE,
        Group.PROVE,
    ),
    DeskLink(
        "Check a checkpoint that you kept",
        "publishing.check_service",
        Permission.VERIFY_LOG,
        "Bring back a checkpoint of the service’s own log.",
        Place.SERVICE,
        Group.PROVE,
    ),
    DeskLink(
        "Download the evidence (zip)",
        "oversight.service_evidence",
        Permission.EXPORT_EVIDENCE,
        "The service’s own log with its proofs as one file.",
        Place.SERVICE,
        Group.PROVE,
    ),
    DeskLink(
        "Export the trail",
        "exports.choose_of_service",
        Permission.EXPORT_TRAIL,
        "The service’s own entries as CSV, as a workbook or as JSON lines.",
        Place.SERVICE,
    ),
    DeskLink(
        "Subject access",
        "subject_access.in_service",
        Permission.PREPARE_SUBJECT_ACCESS,
        "Everything that is held about one person, in every inspection and in the service, as one pack.",
        Place.SERVICE,
        Group.ACT,
    ),
    DeskLink(
        "Alarms",
        "oversight.service_alarms",
        Permission.CLEAR_ALARMS,
        "Alarms that belong to no inspection.",
        Place.SERVICE,
        Group.ACT,
    ),
    DeskLink(
        "Account resets",
        "people.resets",
        Permission.AGREE_TO_RESETS,
        "Resets that an administrator has begun and that wait for a second person.",
        Place.SERVICE,
        Group.ACT,
    ),
    DeskLink(
        "Legal notes",
        "legal_notes.list_notes",
        Permission.READ_LEGAL_NOTES,
        "The controller’s answers, without which no inspection can be opened.",
        Place.SERVICE,
        Group.ACT,
    ),
)


def links_for(actor: Actor, inspection_id: str | None) -> list[tuple[Group, list[DeskLink]]]:
    """The links of an inspection's desk, or of the service's (None), that this person may follow, by heading."""
    place = Place.SERVICE if inspection_id is None else Place.INSPECTION
    open_links = [link for link in LINKS if link.place is place and _may(actor, link.permission, inspection_id)]
    groups = [(group, [link for link in open_links if link.group is group]) for group in Group]
    return [(group, links) for group, links in groups if links]


def _may(actor: Actor, permission: Permission, inspection_id: str | None) -> bool:
    if inspection_id is None:
        return decide_in_service(actor, permission) is Decision.ALLOWED
    return decide_in_inspection(actor, permission, inspection_id) is Decision.ALLOWED
