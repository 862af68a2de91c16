"""The matrix and the decision, role by role."""

from __future__ import annotations

import pytest

from exchange.access.policy import Actor, Decision, decide_in_inspection, decide_in_service, decide_on_document
from exchange.access.roles import (
    INSPECTION_MATRIX,
    INSPECTION_ROLES,
    MAY_GRANT,
    SERVICE_MATRIX,
    SERVICE_ROLES,
    Permission,
    Role,
)

HERE = "ins_00000000000000000000000001"
ELSEWHERE = "ins_00000000000000000000000002"
READING = {Permission.DOWNLOAD, Permission.LIST_DOCUMENTS, Permission.VIEW_RECEIPT, Permission.SUBMIT}


def actor_with(role: Role, *items: str) -> Actor:
    return Actor(
        "per_00000000000000000000000001", memberships={HERE: frozenset({role})}, assigned={HERE: frozenset(items)}
    )


def test_an_administrator_holds_no_permission_inside_any_inspection() -> None:
    assert Role.ADMINISTRATOR not in INSPECTION_MATRIX
    administrator = Actor("per_1", service_roles=frozenset({Role.ADMINISTRATOR}))
    for permission in Permission:
        assert decide_in_inspection(administrator, permission, HERE) is Decision.NOT_A_MEMBER


def test_a_data_protection_officer_sees_the_trail_and_never_the_content() -> None:
    granted = INSPECTION_MATRIX[Role.DATA_PROTECTION_OFFICER]
    assert Permission.VIEW_TRAIL in granted
    assert not granted & READING


@pytest.mark.parametrize("role", sorted(INSPECTION_ROLES))
def test_only_inspectors_download(role: Role) -> None:
    allowed = decide_in_inspection(actor_with(role), Permission.DOWNLOAD, HERE) is Decision.ALLOWED
    assert allowed == (role in {Role.LEAD_INSPECTOR, Role.INSPECTOR})


@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize("role", sorted(INSPECTION_ROLES))
def test_a_role_in_one_inspection_is_no_role_in_another(role: Role, permission: Permission) -> None:
    assert decide_in_inspection(actor_with(role), permission, ELSEWHERE) is Decision.NOT_A_MEMBER


@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize("role", sorted(INSPECTION_ROLES))
def test_what_the_matrix_does_not_name_is_refused(role: Role, permission: Permission) -> None:
    decision = decide_in_inspection(actor_with(role), permission, HERE)
    expected = Decision.ALLOWED if permission in INSPECTION_MATRIX[role] else Decision.ROLE_DOES_NOT_ALLOW
    assert decision is expected


def test_a_contributor_sends_only_for_items_assigned_and_for_all_of_those_named() -> None:
    contributor = actor_with(Role.CONTRIBUTOR, "1.1", "1.2")
    assert decide_in_inspection(contributor, Permission.SUBMIT, HERE, frozenset({"1.1", "1.2"})) is Decision.ALLOWED
    assert (
        decide_in_inspection(contributor, Permission.SUBMIT, HERE, frozenset({"1.1", "1.3"})) is Decision.NOT_ASSIGNED
    )


def test_a_contributor_sees_a_document_that_answers_one_of_their_items() -> None:
    contributor = actor_with(Role.CONTRIBUTOR, "1.1")
    assert decide_on_document(contributor, Permission.VIEW_RECEIPT, HERE, frozenset({"1.1", "1.4"})) is Decision.ALLOWED
    assert decide_on_document(contributor, Permission.VIEW_RECEIPT, HERE, frozenset({"1.4"})) is Decision.NOT_ASSIGNED


def test_a_nominated_officer_is_not_kept_to_assignments() -> None:
    officer = actor_with(Role.NOMINATED_OFFICER)
    assert decide_in_inspection(officer, Permission.SUBMIT, HERE, frozenset({"L1"})) is Decision.ALLOWED
    assert officer.items_in(HERE) is None


def test_everybody_may_use_their_own_account_and_nobody_a_service_permission_without_its_role() -> None:
    nobody = Actor("per_1")
    assert decide_in_service(nobody, Permission.USE_OWN_ACCOUNT) is Decision.ALLOWED
    for permission in set(Permission) - {Permission.USE_OWN_ACCOUNT}:
        assert decide_in_service(nobody, permission) is Decision.ROLE_DOES_NOT_ALLOW


def test_the_matrix_names_only_roles_of_its_kind_and_grants_never_make_an_administrator() -> None:
    assert set(SERVICE_MATRIX) == SERVICE_ROLES
    assert set(INSPECTION_MATRIX) == INSPECTION_ROLES
    assert all(Role.ADMINISTRATOR not in roles for roles in MAY_GRANT.values())
