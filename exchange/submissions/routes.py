"""Pages for sending files and for their receipts."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError, validate_csrf
from wtforms import ValidationError

from config.catalogue import Item
from exchange.access.guard import require_in_inspection, require_on_document, requires_in_inspection
from exchange.access.roles import Permission
from exchange.clock import in_london
from exchange.errors import InvalidError, NotFoundError
from exchange.inspections import legal_notes
from exchange.inspections.models import Inspection
from exchange.inspections.queries import get_inspection, names_of, requested_items
from exchange.inspections.service import in_order
from exchange.receipts.addresses import receipt_files
from exchange.receipts.pdf import can_render
from exchange.receipts.service import find_evidence
from exchange.retention.queries import get_certificate
from exchange.retention.service import due_of
from exchange.submissions.form_reading import Outcomes, read_fields, receive_files
from exchange.submissions.forms import UploadForm
from exchange.submissions.offer import Offer, parse_items, parse_offer
from exchange.submissions.queries import get_document, place_in_log, receipts_of
from exchange.submissions.receiving import Received, Sender, receive_file, record_refused, verify_open
from exchange.submissions.service import record_receipt_viewed
from exchange.web.form_pages import Page, show_error
from exchange.web.form_stream import FilePart, FormLimits, FormStream
from exchange.web.identity import parts, signed_in

submissions = Blueprint("submissions", __name__)


@submissions.route("/inspections/<inspection_id>/upload", methods=["GET", "POST"])
@requires_in_inspection(Permission.SUBMIT)
def upload(inspection_id: str) -> Page:
    """Send one or many files that answer one or several items."""
    return _upload(inspection_id, None)


@submissions.route("/inspections/<inspection_id>/items/<number>/upload", methods=["GET", "POST"])
@requires_in_inspection(Permission.SUBMIT)
def upload_item(inspection_id: str, number: str) -> Page:
    """Send files for one item."""
    return _upload(inspection_id, number)


@submissions.get("/inspections/<inspection_id>/documents/<document_id>")
@requires_in_inspection(Permission.VIEW_RECEIPT)
def receipt(inspection_id: str, document_id: str) -> str:
    """Show a document's receipt; the viewing is an entry."""
    with parts().database.read() as session:
        document = get_document(session, inspection_id, document_id)
        require_on_document(signed_in().actor, Permission.VIEW_RECEIPT, inspection_id, frozenset(document.numbers))
        inspection = get_inspection(session, inspection_id)
        certificate = (
            get_certificate(session, parts().catalogue, inspection_id, document_id) if document.is_gone else None
        )
        place = place_in_log(session, parts().trail, document)
        evidence = place and find_evidence(session, parts().trail, inspection_id, place.leaf_index)
        name = names_of(session, [document.submitted_by]).get(document.submitted_by, "A former account")
        notes = legal_notes.notes_shown(session, parts().legal_notes, "retention")
    record_receipt_viewed(parts().database, inspection_id, document_id, signed_in().person_id)
    return render_template(
        "submissions/receipt.html",
        inspection=inspection,
        document=document,
        certificate=certificate,
        items=[parts().catalogue.item(number) for number in document.numbers],
        evidence=evidence,
        files=receipt_files("receipts.document_receipt", inspection_id=inspection_id, document_id=document_id),
        can_render=can_render(),
        submitted_by=name,
        due=due_of(document, inspection, parts().schedule),
        notes=notes,
    )


@submissions.get("/inspections/<inspection_id>/receipts")
@requires_in_inspection(Permission.VIEW_RECEIPT)
def receipts(inspection_id: str) -> str:
    """Show what came of one form with several files."""
    wanted = request.args.getlist("document")[: parts().settings.max_files_per_form]
    actor = signed_in().actor
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
        documents = [
            document
            for document in receipts_of(session, inspection_id, wanted)
            if document.submitted_by == actor.person
        ]
    if not documents:
        raise NotFoundError
    return render_template(
        "submissions/receipts.html", inspection=inspection, documents=documents, catalogue=parts().catalogue
    )


def _upload(inspection_id: str, number: str | None) -> Page:
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
        asked = frozenset(requested_items(session, inspection_id))
    choices = _choices(inspection_id, asked, number)
    if request.method == "POST":
        return _receive(inspection, asked, choices, number)
    verify_open(inspection)
    form = UploadForm(formdata=None)
    form.numbers.data = [number] if number else request.args.getlist("item")
    return _form_page(inspection, choices, form, number)


def _choices(inspection_id: str, asked: frozenset[str], number: str | None) -> list[Item]:
    """The items this person may answer here, in catalogue order; only the one of the page where there is one."""
    reach = signed_in().actor.items_in(inspection_id)
    open_to = asked if reach is None else asked & reach
    if number is not None and number not in asked:
        raise NotFoundError
    if number is not None:
        require_in_inspection(signed_in().actor, Permission.SUBMIT, inspection_id, frozenset({number}))
    return [parts().catalogue.item(each) for each in in_order(parts().catalogue, open_to)]


def _receive(inspection: Inspection, asked: frozenset[str], choices: list[Item], number: str | None) -> Page:
    settings = parts().settings
    stream = FormStream.from_environ(request.environ, FormLimits(files=settings.max_files_per_form))
    # The turn comes first: a person over their share is answered before anything of the body is read.
    with parts().turns.uploading(signed_in().person_id):
        read = read_fields(stream)
        _require_token(read.fields.get("csrf_token", ""))
        form = UploadForm(formdata=read.fields)
        offer = _offer(inspection, asked, choices, form)
        if offer is None or read.first is None:
            # The rest is read and thrown away, so that the browser shows the page instead of a broken line.
            stream.drain(settings.max_file_bytes)
            return _form_page(inspection, choices, form, number, no_file=offer is not None)
        person = signed_in().person_id

        def receive(part: FilePart, several: bool) -> Received:  # noqa: FBT001  called by position only
            sender = Sender(inspection.id, person, offer, several=several)
            return receive_file(parts(), sender, part.file_name, part.chunks)

        outcomes = receive_files(read, receive)
    return _answer(inspection, choices, form, number, outcomes)


def _offer(inspection: Inspection, asked: frozenset[str], choices: list[Item], form: UploadForm) -> Offer | None:
    """Settle what is offered, or put the reason on the form; a refusal by role propagates."""
    verify_open(inspection)
    form.numbers.choices = {str(item.number): item.title for item in choices}
    named = frozenset(form.numbers.data or ())
    require_in_inspection(signed_in().actor, Permission.SUBMIT, inspection.id, named & asked)
    if not form.validate():
        return None
    try:
        items = parse_items(parts().catalogue, named, asked)
        return parse_offer(
            items,
            form.date_kind.data,
            form.start.data,
            form.end.data,
            form.title.data or "",
            in_london(parts().clock()).date(),
        )
    except InvalidError as error:
        show_error(form, error)
        known = [number for number in named if number in asked]
        record_refused(
            parts(), inspection.id, signed_in().person_id, sorted(known), f"form-{error.field}".replace("_", "-")
        )
        return None


def _answer(
    inspection: Inspection, choices: list[Item], form: UploadForm, number: str | None, outcomes: Outcomes
) -> Page:
    if outcomes.refused:
        return _form_page(inspection, choices, form, number, outcomes=outcomes)
    if len(outcomes.received) == 1:
        document = outcomes.received[0].document
        flash("The file was received and recorded. This is your receipt.")
        return redirect(url_for("submissions.receipt", inspection_id=inspection.id, document_id=document), 303)
    documents = [received.document for received in outcomes.received]
    return redirect(url_for("submissions.receipts", inspection_id=inspection.id, document=documents), 303)


def _form_page(
    inspection: Inspection,
    choices: list[Item],
    form: UploadForm,
    number: str | None,
    *,
    outcomes: Outcomes | None = None,
    no_file: bool = False,
) -> Page:
    form.numbers.choices = {str(item.number): f"{item.label}: {item.title}" for item in choices}
    with parts().database.read() as session:
        notes = legal_notes.notes_shown(session, parts().legal_notes, "upload")
        if number:
            notes += legal_notes.notes_shown(session, parts().legal_notes, f"item:{number}")
    page = render_template(
        "submissions/upload.html",
        inspection=inspection,
        form=form,
        item=parts().catalogue.item(number) if number else None,
        outcomes=outcomes,
        no_file=no_file,
        limit=parts().settings.max_file_bytes,
        most_files=parts().settings.max_files_per_form,
        kinds=parts().file_kinds.accepted,
        notes=notes,
    )
    return (page, 400) if request.method == "POST" else page


def _require_token(token: str) -> None:
    try:
        validate_csrf(token)
    except ValidationError as error:
        raise CSRFError(str(error)) from error
