"""Pages on which a data protection officer prepares what is held about a person, in an inspection or in the service."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from audit.errors import AuditError
from exchange.access.guard import requires, requires_in_inspection
from exchange.access.roles import Permission
from exchange.disclosure.forms import SubjectAccessForm
from exchange.disclosure.subject import people_to_choose
from exchange.disclosure.subject_access import prepare_pack
from exchange.errors import ConflictError, InvalidError, NotFoundError
from exchange.exports.service import DAMAGED
from exchange.inspections.queries import get_inspection
from exchange.web.attachments import attachment
from exchange.web.choices import choices_of
from exchange.web.form_pages import Page, form_page, show_error
from exchange.web.identity import parts, signed_in

subject_access = Blueprint("subject_access", __name__)

UNKNOWN = "Nobody of that identifier has an account, or was ever in this inspection"


@subject_access.route("/inspections/<inspection_id>/subject-access", methods=["GET", "POST"])
@requires_in_inspection(Permission.PREPARE_SUBJECT_ACCESS)
def in_inspection(inspection_id: str) -> Page:
    """Prepare what is held about somebody in one inspection."""
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
    return _page(inspection_id, inspection)


@subject_access.route("/service/subject-access", methods=["GET", "POST"])
@requires(Permission.PREPARE_SUBJECT_ACCESS)
def in_service() -> Page:
    """Prepare what is held about somebody across the service."""
    return _page(None, None)


def _page(inspection_id: str | None, inspection: Any) -> Page:
    form = SubjectAccessForm()
    with parts().database.read() as session:
        people = people_to_choose(session, inspection_id)
    form.person.choices = choices_of([("", "Choose a person"), *people])
    if form.validate_on_submit():
        try:
            return _prepared(form, inspection_id)
        except InvalidError as error:
            show_error(form, error)
        except NotFoundError:
            show_error(form, InvalidError(UNKNOWN, field="identifier" if form.identifier.data else "person"))
    return form_page("disclosure/subject_access.html", form, inspection=inspection)


def _prepared(form: SubjectAccessForm, inspection_id: str | None) -> Response:
    typed, chosen = (form.identifier.data or "").strip(), form.person.data or ""
    if typed and chosen:
        raise InvalidError("Choose a person or enter an identifier, not both", field="identifier")
    if not typed and not chosen:
        raise InvalidError("Choose a person, or enter an identifier", field="person")
    try:
        pack = prepare_pack(parts(), typed or chosen, inspection_id, actor=signed_in().person_id)
    except AuditError as error:
        raise ConflictError(DAMAGED) from error
    return Response(pack.stream, headers={**attachment(pack.file_name), "Content-Type": "application/zip"})
