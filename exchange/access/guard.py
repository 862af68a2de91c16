"""The guard on every route: `@requires(...)`, `@requires_in_inspection(...)` or `@public(...)`; none means 403.

Promises: a view without a declaration answers 403; the decision is `policy`'s and nobody else's; a refusal is an
entry in the log of the inspection that was asked for, or of the service, before the answer leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from exchange.access.policy import Actor, Decision, decide_in_inspection, decide_in_service, decide_on_document
from exchange.access.roles import Permission
from exchange.errors import NotFoundError, RefusedError

P = ParamSpec("P")
R = TypeVar("R")

RULE = "exchange_access_rule"


@dataclass(frozen=True)
class AccessRule:
    """What a view declares about itself; read by the guard and by the test that lists every route."""

    public: str = ""  # the reason a stranger may come in
    permission: Permission | None = None
    scope: str = "service"  # or "inspection"


def public(reason: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Open a view to strangers, with the reason why."""

    def declare(view: Callable[P, R]) -> Callable[P, R]:
        setattr(view, RULE, AccessRule(public=reason))
        return view

    return declare


def requires(permission: Permission) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Ask for a permission in the service as a whole."""

    def declare(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            require_in_service(_actor(), permission)
            return view(*args, **kwargs)

        setattr(guarded, RULE, AccessRule(permission=permission))
        return guarded

    return declare


def requires_in_inspection(permission: Permission) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Ask for a permission in the inspection that the route's `inspection_id` names."""

    def declare(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            require_in_inspection(_actor(), permission, str(kwargs["inspection_id"]))
            return view(*args, **kwargs)

        setattr(guarded, RULE, AccessRule(permission=permission, scope="inspection"))
        return guarded

    return declare


def require_in_service(actor: Actor, permission: Permission) -> None:
    """Raise RefusedError unless the actor may."""
    decision = decide_in_service(actor, permission)
    if decision is not Decision.ALLOWED:
        raise RefusedError(_sentence(decision), permission=permission, reason=decision)


def require_in_inspection(
    actor: Actor, permission: Permission, inspection: str, items: frozenset[str] | None = None
) -> None:
    """Raise unless the actor may act in this inspection, and on these items where they are named.

    Raises:
        OutsiderError: the actor has no role there.
        RefusedError: the role does not allow it, or the items are not assigned.
    """
    _settle(decide_in_inspection(actor, permission, inspection, items), permission, inspection)


def require_on_document(actor: Actor, permission: Permission, inspection: str, items: frozenset[str]) -> None:
    """Raise unless the actor may act on a document that answers `items` (errors as `require_in_inspection`)."""
    _settle(decide_on_document(actor, permission, inspection, items), permission, inspection)


class OutsiderError(NotFoundError):
    """Somebody without a role asked for an inspection: looks like not found, and is recorded as a refusal."""

    def __init__(self, permission: str, reason: str, inspection: str) -> None:
        super().__init__("")
        self.permission = permission
        self.reason = reason
        self.inspection = inspection


def _settle(decision: Decision, permission: Permission, inspection: str) -> None:
    if decision is Decision.NOT_A_MEMBER:
        raise OutsiderError(permission, decision, inspection)
    if decision is not Decision.ALLOWED:
        raise RefusedError(_sentence(decision), permission=permission, reason=decision, inspection=inspection)


def _actor() -> Actor:
    from exchange.web.identity import current_actor  # noqa: PLC0415  the web edge imports this package

    return current_actor()


def _sentence(decision: Decision) -> str:
    if decision is Decision.NOT_ASSIGNED:
        return (
            "That item is not assigned to you. Nothing was changed or lost. "
            "Ask the nominated officer to assign the item to you."
        )
    return (
        "Your role does not allow this. Nothing was changed or lost. "
        "If you need it for your work, ask the lead inspector or the nominated officer."
    )
