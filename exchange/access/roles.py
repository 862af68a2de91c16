"""Roles, permissions and the matrix that joins them, as data.

Promises: the matrix is the whole truth. A permission that is not in a role's set is refused; nothing else in the
service grants anything. An administrator has no permission that reads a document; a data protection officer sees
the trail and never the content.
"""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a person is: in the service (administrator, lead inspector, officer) or in one inspection."""

    ADMINISTRATOR = "administrator"
    LEAD_INSPECTOR = "lead-inspector"
    INSPECTOR = "inspector"
    NOMINATED_OFFICER = "nominated-officer"
    CONTRIBUTOR = "contributor"
    DATA_PROTECTION_OFFICER = "data-protection-officer"

    @property
    def label(self) -> str:
        """The role in words: 'Lead inspector'."""
        return self.value.replace("-", " ").capitalize()


class Permission(StrEnum):
    """One act that a role may allow."""

    # In the service as a whole
    USE_OWN_ACCOUNT = "use-own-account"
    MANAGE_ACCOUNTS = "manage-accounts"
    OPEN_INSPECTION = "open-inspection"
    ANSWER_LEGAL_NOTES = "answer-legal-notes"
    READ_LEGAL_NOTES = "read-legal-notes"
    VIEW_SERVICE_TRAIL = "view-service-trail"
    AGREE_TO_RESETS = "agree-to-resets"
    REVIEW_CLOSED_LOGS = "review-closed-logs"
    TUNE_ALERTS = "tune-alerts"
    # In one inspection (VERIFY_LOG, EXPORT_EVIDENCE and CLEAR_ALARMS also hold for the service's own log)
    VIEW_INSPECTION = "view-inspection"
    MANAGE_INSPECTORS = "manage-inspectors"
    MANAGE_CONTRIBUTORS = "manage-contributors"
    ASSIGN_ITEMS = "assign-items"
    RECORD_MILESTONES = "record-milestones"
    SUBMIT = "submit"
    LIST_DOCUMENTS = "list-documents"
    VIEW_RECEIPT = "view-receipt"
    DOWNLOAD = "download"
    VIEW_TRAIL = "view-trail"
    VERIFY_LOG = "verify-log"
    EXPORT_EVIDENCE = "export-evidence"
    VIEW_ACCESS = "view-access"
    VIEW_DISPOSAL = "view-disposal"
    MANAGE_HOLDS = "manage-holds"
    CLEAR_ALARMS = "clear-alarms"
    EXPORT_TRAIL = "export-trail"
    PREPARE_SUBJECT_ACCESS = "prepare-subject-access"
    MANAGE_BREACHES = "manage-breaches"


SERVICE_ROLES = frozenset({Role.ADMINISTRATOR, Role.LEAD_INSPECTOR, Role.DATA_PROTECTION_OFFICER})
INSPECTION_ROLES = frozenset(Role) - {Role.ADMINISTRATOR}

# What a role allows across the service, held by the account itself.
SERVICE_MATRIX: dict[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset({Permission.MANAGE_ACCOUNTS, Permission.READ_LEGAL_NOTES}),
    Role.LEAD_INSPECTOR: frozenset({Permission.OPEN_INSPECTION, Permission.READ_LEGAL_NOTES}),
    Role.DATA_PROTECTION_OFFICER: frozenset(
        {
            Permission.ANSWER_LEGAL_NOTES,
            Permission.READ_LEGAL_NOTES,
            Permission.VIEW_SERVICE_TRAIL,
            # An administrator alone could otherwise take over an inspector's account and read documents with it.
            Permission.AGREE_TO_RESETS,
            Permission.REVIEW_CLOSED_LOGS,
            Permission.TUNE_ALERTS,
            Permission.VERIFY_LOG,
            Permission.EXPORT_EVIDENCE,
            Permission.CLEAR_ALARMS,
            Permission.EXPORT_TRAIL,
            Permission.PREPARE_SUBJECT_ACCESS,
        }
    ),
}

# What a role allows in the inspection it was given for, and nowhere else.
INSPECTION_MATRIX: dict[Role, frozenset[Permission]] = {
    Role.LEAD_INSPECTOR: frozenset(
        {
            Permission.VIEW_INSPECTION,
            Permission.MANAGE_INSPECTORS,
            Permission.RECORD_MILESTONES,
            Permission.LIST_DOCUMENTS,
            Permission.VIEW_RECEIPT,
            Permission.DOWNLOAD,
            Permission.VIEW_ACCESS,
        }
    ),
    Role.INSPECTOR: frozenset(
        {Permission.VIEW_INSPECTION, Permission.LIST_DOCUMENTS, Permission.VIEW_RECEIPT, Permission.DOWNLOAD}
    ),
    Role.NOMINATED_OFFICER: frozenset(
        {
            Permission.VIEW_INSPECTION,
            Permission.MANAGE_CONTRIBUTORS,
            Permission.ASSIGN_ITEMS,
            Permission.SUBMIT,
            Permission.LIST_DOCUMENTS,
            Permission.VIEW_RECEIPT,
        }
    ),
    # A contributor's SUBMIT, LIST_DOCUMENTS and VIEW_RECEIPT reach only the items assigned: see `policy`.
    Role.CONTRIBUTOR: frozenset(
        {Permission.VIEW_INSPECTION, Permission.SUBMIT, Permission.LIST_DOCUMENTS, Permission.VIEW_RECEIPT}
    ),
    Role.DATA_PROTECTION_OFFICER: frozenset(
        {
            Permission.VIEW_INSPECTION,
            Permission.VIEW_TRAIL,
            Permission.VERIFY_LOG,
            Permission.EXPORT_EVIDENCE,
            Permission.VIEW_ACCESS,
            Permission.VIEW_DISPOSAL,
            Permission.MANAGE_HOLDS,
            Permission.CLEAR_ALARMS,
            Permission.EXPORT_TRAIL,
            Permission.PREPARE_SUBJECT_ACCESS,
            Permission.MANAGE_BREACHES,
        }
    ),
}

# Permissions that, for a contributor, hold only within the items assigned to that person.
NARROWED_BY_ASSIGNMENT = frozenset({Permission.SUBMIT, Permission.LIST_DOCUMENTS, Permission.VIEW_RECEIPT})

# Who may give which role in an inspection.
MAY_GRANT: dict[Permission, frozenset[Role]] = {
    Permission.MANAGE_INSPECTORS: frozenset(
        {Role.LEAD_INSPECTOR, Role.INSPECTOR, Role.NOMINATED_OFFICER, Role.DATA_PROTECTION_OFFICER}
    ),
    Permission.MANAGE_CONTRIBUTORS: frozenset({Role.CONTRIBUTOR, Role.DATA_PROTECTION_OFFICER}),
}

INSPECTING_ROLES = frozenset({Role.LEAD_INSPECTOR, Role.INSPECTOR})
PARTNERSHIP_ROLES = frozenset({Role.NOMINATED_OFFICER, Role.CONTRIBUTOR})
