"""Pages that say who has access now and who had it at any moment: to an inspection, and across the service."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session

from exchange.access.guard import requires
from exchange.access.roles import Permission
from exchange.errors import InvalidError
from exchange.oversight.access_shown import AccessShown, access_at
from exchange.oversight.moment_field import FIELDS, MINUTE, fields_of, parse_moment
from exchange.oversight.scopes import Scope, service_scope
from exchange.oversight.service import record_access_viewed
from exchange.web.form_pages import Page
from exchange.web.identity import parts, signed_in

access_pages = Blueprint("access_pages", __name__)


@access_pages.get("/service/access")
@requires(Permission.VIEW_SERVICE_TRAIL)
def service_access() -> Page:
    """Show who has or had a role across the service."""
    scope = service_scope()
    with parts().database.unit_of_work() as unit:
        record_access_viewed(unit, None, actor=signed_in().person_id)
    with parts().database.read() as session:
        values = moment_values(session, scope)
    page = render_template("oversight/service_access.html", scope=scope, **values)
    return (page, 400) if values["error"] else page


def moment_values(session: Session, scope: Scope) -> dict[str, object]:
    """What the part of a page about a moment shows: the fields, an error, who had access then, or now."""
    typed = {name: request.args.get(name, "") for name in FIELDS}
    then: AccessShown | None = None
    error: InvalidError | None = None
    asked = None
    try:
        asked = parse_moment(typed)
        _verify_past(asked)
        moment = asked or parts().clock()
        then = access_at(session, parts().trail.store, parts().catalogue, scope.inspection_id, moment)
    except InvalidError as found:
        error = found
    if scope.inspection is None and asked is None and error is None:
        asked, typed = parts().clock(), fields_of(parts().clock())
    return {"typed": typed, "then": then, "error": error, "asked": asked, "here": request.path}


def _verify_past(moment: datetime | None) -> None:
    if moment is not None and moment - MINUTE > parts().clock():
        raise InvalidError("The moment must be now or in the past", field="day")
