"""Pages and files of receipts: of what somebody sent, of what was disposed of, of any entry for the officer."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request

from exchange.access.guard import require_on_document, requires, requires_in_inspection
from exchange.access.roles import Permission
from exchange.errors import ConflictError, NotFoundError
from exchange.inspections.models import Inspection
from exchange.inspections.queries import get_inspection
from exchange.oversight.service import say_reference
from exchange.receipts import pdf
from exchange.receipts.addresses import receipt_files
from exchange.receipts.queries import openings_of
from exchange.receipts.service import FILE, PDF, Receipt, receipt_of, record_entry_viewed, record_taken
from exchange.retention.queries import get_certificate
from exchange.submissions.queries import get_document, place_in_log
from exchange.trail import SERVICE_LOG
from exchange.web.headers import FILE_POLICY
from exchange.web.identity import parts, signed_in

receipts = Blueprint("receipts", __name__)

LEAF = "<int(max=9007199254740991):leaf_index>"
FORM = f'<any("{FILE}", "{PDF}"):form>'


@receipts.get(f"/inspections/<inspection_id>/documents/<document_id>/receipt.{FORM}")
@requires_in_inspection(Permission.VIEW_RECEIPT)
def document_receipt(inspection_id: str, document_id: str, form: str) -> Response:
    """Give the receipt of a document away, with the names that its commitments hide."""
    with parts().database.read() as session:
        document = get_document(session, inspection_id, document_id)
        require_on_document(signed_in().actor, Permission.VIEW_RECEIPT, inspection_id, frozenset(document.numbers))
        inspection = get_inspection(session, inspection_id)
        place = place_in_log(session, parts().trail, document)
        openings, reference = openings_of(document), say_reference(document.id)
    if place is None:
        raise NotFoundError
    receipt = receipt_of(parts(), inspection_id, place.leaf_index, openings=openings, reference=reference)
    return _given(receipt, form, f"Receipt {reference}", inspection)


@receipts.get(f"/inspections/<inspection_id>/documents/<document_id>/certificate.{FORM}")
@requires_in_inspection(Permission.VIEW_DISPOSAL)
def disposal_receipt(inspection_id: str, document_id: str, form: str) -> Response:
    """Give the receipt of a document's disposal away."""
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
        reference = get_certificate(session, parts().catalogue, inspection_id, document_id).reference
        place = parts().trail.place_of(session, inspection_id, "disposal:done", document_id)
    if place is None:
        raise ConflictError("This disposal is not finished, so there is no receipt of it yet. Nothing was changed.")
    receipt = receipt_of(parts(), inspection_id, place.leaf_index, reference=reference)
    return _given(receipt, form, f"Certificate of disposal {reference}", inspection)


@receipts.get(f"/inspections/<inspection_id>/trail/entries/{LEAF}")
@requires_in_inspection(Permission.VIEW_TRAIL)
def entry(inspection_id: str, leaf_index: int) -> str:
    """Show one entry of an inspection's trail and the evidence for it."""
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
    return _entry_page(inspection_id, leaf_index, inspection)


@receipts.get(f"/inspections/<inspection_id>/trail/entries/{LEAF}/receipt.{FORM}")
@requires_in_inspection(Permission.EXPORT_EVIDENCE)
def entry_receipt(inspection_id: str, leaf_index: int, form: str) -> Response:
    """Give the receipt of any entry away, without the names of others' documents."""
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
    return _given(receipt_of(parts(), inspection_id, leaf_index), form, f"Receipt of entry {leaf_index}", inspection)


@receipts.get(f"/service/trail/entries/{LEAF}")
@requires(Permission.VIEW_SERVICE_TRAIL)
def service_entry(leaf_index: int) -> str:
    """Show one entry of the service's trail and the evidence for it."""
    return _entry_page(SERVICE_LOG, leaf_index, None)


@receipts.get(f"/service/trail/entries/{LEAF}/receipt.{FORM}")
@requires(Permission.EXPORT_EVIDENCE)
def service_entry_receipt(leaf_index: int, form: str) -> Response:
    """Give the receipt of any entry of the service's log away."""
    return _given(receipt_of(parts(), SERVICE_LOG, leaf_index), form, f"Receipt of entry {leaf_index}", None)


def _entry_page(log_id: str, leaf_index: int, inspection: Inspection | None) -> str:
    receipt = receipt_of(parts(), log_id, leaf_index)
    record_entry_viewed(parts(), log_id, actor=signed_in().person_id)
    values: dict[str, str | int] = {"leaf_index": leaf_index}
    if inspection is not None:
        values["inspection_id"] = log_id
    endpoint = "receipts.service_entry_receipt" if inspection is None else "receipts.entry_receipt"
    return render_template(
        "receipts/entry.html",
        receipt=receipt,
        inspection=inspection,
        files=receipt_files(endpoint, **values),
        can_render=pdf.can_render(),
    )


def _given(receipt: Receipt, form: str, title: str, inspection: Inspection | None) -> Response:
    """Make the file, record that it is taken, and give it away."""
    content, kind = receipt.content, "application/octet-stream"
    if form == PDF:
        content, kind = _pdf(receipt, title, inspection), "application/pdf"
    if request.method != "HEAD":  # a question about the file takes none of it
        record_taken(parts(), receipt, form=form, actor=signed_in().person_id)
    name = f"{receipt.reference}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Security-Policy": FILE_POLICY}
    return Response(content, mimetype=kind, headers=headers)


def _pdf(receipt: Receipt, title: str, inspection: Inspection | None) -> bytes:
    if not pdf.can_render():
        raise ConflictError(f"{pdf.MISSING} Nothing was changed.")
    html = render_template(
        "receipts/receipt_pdf.html", receipt=receipt, title=title, inspection=inspection, made_at=parts().clock()
    )
    description = "The receipt as a c2sp.org/tlog-proof: what a checker reads"
    return pdf.render(html, pdf.Attached(receipt.file_name, description, receipt.content, receipt.state.signed_at))
