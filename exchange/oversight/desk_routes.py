"""The officer's desk as a page: of one inspection, and of the service."""

from __future__ import annotations

from flask import Blueprint, render_template

from exchange.access.guard import requires, requires_in_inspection
from exchange.access.roles import Permission
from exchange.disclosure.service import breach_notice
from exchange.oversight.desk import links_for
from exchange.oversight.queries import open_alarms
from exchange.oversight.scopes import Scope, scope_of, service_scope
from exchange.web.identity import parts, signed_in

officers_desk = Blueprint("officers_desk", __name__)


@officers_desk.get("/inspections/<inspection_id>/desk")
@requires_in_inspection(Permission.VIEW_TRAIL)
def desk(inspection_id: str) -> str:
    """Show everything that an officer does in an inspection."""
    return _desk(scope_of(inspection_id))


@officers_desk.get("/service/desk")
@requires(Permission.VIEW_SERVICE_TRAIL)
def service_desk() -> str:
    """Show everything that an officer does for the service as a whole."""
    return _desk(service_scope())


def _desk(scope: Scope) -> str:
    with parts().database.read() as session:
        alarmed = open_alarms(session, scope.inspection_id)
        breached = "" if scope.inspection is None else breach_notice(session, scope.log_id, parts().clock())
    groups = links_for(signed_in().actor, scope.inspection_id)
    return render_template("oversight/desk.html", scope=scope, groups=groups, alarmed=alarmed, breached=breached)
