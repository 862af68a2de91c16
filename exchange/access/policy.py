"""The decision: a pure function of actor, permission and object. It knows no database, no clock and no web.

Promises: absent means no. A person with no role in an inspection is told that there is no such thing; a person with
a role that does not allow the act is told so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from exchange.access.roles import INSPECTION_MATRIX, NARROWED_BY_ASSIGNMENT, SERVICE_MATRIX, Permission, Role


class Decision(StrEnum):
    """What the policy says; anything but ALLOWED is recorded as a refusal, with this as its reason."""

    ALLOWED = "allowed"
    NOT_A_MEMBER = "not-a-member"
    ROLE_DOES_NOT_ALLOW = "role-does-not-allow"
    NOT_ASSIGNED = "not-assigned"
    INSPECTION_CLOSED = "inspection-closed"


@dataclass(frozen=True)
class Actor:
    """A signed-in person as the policy sees one: identifiers and roles, never a name."""

    person: str
    service_roles: frozenset[Role] = frozenset()
    memberships: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    assigned: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def roles_in(self, inspection: str) -> frozenset[Role]:
        """The roles held in one inspection; empty when the person is not a member."""
        return self.memberships.get(inspection, frozenset())

    def items_in(self, inspection: str) -> frozenset[str] | None:
        """The item numbers this person is kept to in an inspection, or None when every item is open to them."""
        if self.roles_in(inspection) - {Role.CONTRIBUTOR, Role.DATA_PROTECTION_OFFICER}:
            return None
        return self.assigned.get(inspection, frozenset())


def decide_in_service(actor: Actor, permission: Permission) -> Decision:
    """Decide an act that belongs to the service as a whole."""
    if permission is Permission.USE_OWN_ACCOUNT:
        return Decision.ALLOWED
    allowed = any(permission in SERVICE_MATRIX.get(role, frozenset()) for role in actor.service_roles)
    return Decision.ALLOWED if allowed else Decision.ROLE_DOES_NOT_ALLOW


def decide_in_inspection(
    actor: Actor, permission: Permission, inspection: str, items: frozenset[str] | None = None
) -> Decision:
    """Decide an act in one inspection, and, where `items` is given, on those items.

    For a listing or an upload that names several items every one must be open to the actor; for a document pass the
    items it answers and one of them suffices (`decide_on_document`).
    """
    roles = actor.roles_in(inspection)
    if not roles:
        return Decision.NOT_A_MEMBER
    allowing = {role for role in roles if permission in INSPECTION_MATRIX.get(role, frozenset())}
    if not allowing:
        return Decision.ROLE_DOES_NOT_ALLOW
    if items is None or permission not in NARROWED_BY_ASSIGNMENT or allowing - {Role.CONTRIBUTOR}:
        return Decision.ALLOWED
    return Decision.ALLOWED if items <= actor.assigned.get(inspection, frozenset()) else Decision.NOT_ASSIGNED


def decide_on_document(actor: Actor, permission: Permission, inspection: str, items: frozenset[str]) -> Decision:
    """Decide an act on one document that answers `items`: a contributor needs one of them, any other role none."""
    decision = decide_in_inspection(actor, permission, inspection)
    if decision is not Decision.ALLOWED or permission not in NARROWED_BY_ASSIGNMENT:
        return decision
    reach = actor.items_in(inspection)
    return Decision.ALLOWED if reach is None or items & reach else Decision.NOT_ASSIGNED
