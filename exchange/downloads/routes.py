"""What has come for an item, and the release of one file."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from flask import Blueprint, Response, abort, render_template, request
from werkzeug.http import dump_options_header

from exchange.access.guard import require_in_inspection, require_on_document, requires_in_inspection
from exchange.access.roles import Permission
from exchange.downloads.queries import releases_to
from exchange.downloads.ranges import UnsatisfiableRangeError, wanted_range
from exchange.downloads.release import open_release
from exchange.downloads.service import record_list_viewed
from exchange.errors import NotFoundError
from exchange.inspections import legal_notes
from exchange.inspections.checklist import say_state, state_of
from exchange.inspections.queries import ItemCount, get_inspection, item_counts, names_of, requested_items
from exchange.inspections.routes import permissions_in
from exchange.retention.service import due_of
from exchange.submissions.models import READABLE
from exchange.submissions.queries import documents_for_item, get_document, gone_for_item
from exchange.web.headers import FILE_POLICY
from exchange.web.identity import parts, signed_in

downloads = Blueprint("downloads", __name__)


@downloads.get("/inspections/<inspection_id>/items/<number>")
@requires_in_inspection(Permission.LIST_DOCUMENTS)
def item(inspection_id: str, number: str) -> str:
    """Show an item: what is asked, what has come; the viewing is an entry."""
    actor = signed_in().actor
    with parts().database.read() as session:
        inspection = get_inspection(session, inspection_id)
        requested = requested_items(session, inspection_id).get(number)
        if requested is None:
            raise NotFoundError
        require_in_inspection(actor, Permission.LIST_DOCUMENTS, inspection_id, frozenset({number}))
        documents = documents_for_item(session, inspection_id, number)
        gone = gone_for_item(session, inspection_id, number)
        names = names_of(session, {document.submitted_by for document in (*documents, *gone)})
        count = item_counts(session, inspection_id).get(number, ItemCount())
        mine = releases_to(session, actor.person, [document.id for document in documents])
        notes = [
            note
            for place in ("download", f"item:{number}")
            for note in legal_notes.notes_shown(session, parts().legal_notes, place)
        ]
    record_list_viewed(parts().database, inspection_id, number, actor.person)
    state = state_of(count, requested.due_at, parts().clock())
    return render_template(
        "downloads/item.html",
        inspection=inspection,
        item=parts().catalogue.item(number),
        requested=requested,
        state=state,
        state_words=say_state(state, count),
        documents=[(document, due_of(document, inspection, parts().schedule)) for document in documents],
        gone=gone,
        names=names,
        opened=mine,
        may=permissions_in(inspection_id),
        catalogue=parts().catalogue,
        notes=notes,
    )


@downloads.get("/inspections/<inspection_id>/documents/<document_id>/content")
@requires_in_inspection(Permission.DOWNLOAD)
def content(inspection_id: str, document_id: str) -> Response:
    """Release a file, or one range of it, as an attachment."""
    if request.headers.get("Sec-Fetch-Site", "none") in {"cross-site", "same-site"}:
        abort(403)
    with parts().database.read() as session:
        document = get_document(session, inspection_id, document_id)
    require_on_document(signed_in().actor, Permission.DOWNLOAD, inspection_id, frozenset(document.numbers))
    if document.state not in READABLE:
        raise NotFoundError
    etag = f'"{document.sha256}"'
    try:
        wanted = wanted_range(document.size, etag, request.headers.get("Range"), request.headers.get("If-Range"))
    except UnsatisfiableRangeError:
        return Response(status=416, headers={"Content-Range": f"bytes */{document.size}", "Accept-Ranges": "bytes"})
    asking_only = request.method == "HEAD"  # a question about the file releases none of it
    body = () if asking_only else open_release(parts(), document, signed_in().person_id, wanted)
    response = Response(body, status=206 if wanted.partial else 200, direct_passthrough=True)
    headers = response.headers
    headers["Content-Length"] = str(wanted.stop - wanted.start)
    headers["Content-Type"] = parts().file_kinds.kind(document.file_kind).download
    headers["Content-Disposition"] = attachment(document.file_name)
    headers["ETag"] = etag
    headers["Accept-Ranges"] = "bytes"
    headers["Content-Security-Policy"] = FILE_POLICY
    if wanted.partial:
        headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{document.size}"
    return response


def attachment(file_name: str) -> str:
    """Name a file in a header (RFC 6266): a plain name every browser reads, and the whole one beside it."""
    plain = unicodedata.normalize("NFKD", file_name).encode("ascii", "ignore").decode()
    # Wide forms of a quotation mark and of slashes have just become the plain ones.
    plain = re.sub(r"[/\\]", "_", plain.replace('"', "")) or "file"
    options = {"filename": plain}
    if plain != file_name:
        options["filename*"] = f"UTF-8''{quote(file_name, safe='')}"
    return dump_options_header("attachment", options)
