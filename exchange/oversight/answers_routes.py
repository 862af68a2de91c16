"""Pages that ask the log: who has opened this, what has this person opened, and nobody but these."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template, request

from audit.store import StoredCheckpoint
from config.item_number import ItemNumber, ItemNumberError
from exchange.access.guard import requires_in_inspection
from exchange.access.roles import Permission
from exchange.errors import InvalidError, NotFoundError
from exchange.identifiers import parse_identifier
from exchange.oversight.answers import (
    NO_CHECKPOINT,
    documents_for,
    nobody_but_these,
    record_asked,
    what_opened,
    who_opened,
)
from exchange.oversight.answers_shown import show_answer
from exchange.oversight.names import is_in, load_names
from exchange.oversight.queries import inspection_choices
from exchange.oversight.scopes import Scope, scope_of
from exchange.web.form_pages import Page
from exchange.web.identity import parts, signed_in

answers = Blueprint("answers", __name__)

CHOOSE_ABOUT = "Choose a document or an item"
CHOOSE_PERSON = "Choose a person"


@dataclass(frozen=True)
class About:
    """What a question is about: a document, or the documents of an item."""

    document: str | None
    item: str | None

    @property
    def kind(self) -> str:
        """Which of the two, as the log's codes have it."""
        return "item" if self.document is None else "document"

    def query(self) -> dict[str, str]:
        """The parameters of an address."""
        return {"document": self.document} if self.document else {"item": str(self.item)}


@answers.get("/inspections/<inspection_id>/ask")
@requires_in_inspection(Permission.VIEW_TRAIL)
def ask(inspection_id: str) -> Page:
    """Offer the questions."""
    return _ask_page(scope_of(inspection_id), None)


@answers.get("/inspections/<inspection_id>/opened")
@requires_in_inspection(Permission.VIEW_TRAIL)
def opened(inspection_id: str) -> Page:
    """Answer who has opened a document, or the documents of an item."""
    scope = scope_of(inspection_id)
    try:
        about = _about(scope)
    except InvalidError as error:
        return _ask_page(scope, error)
    _record(inspection_id, f"who-opened-{about.kind}")
    store = parts().trail.store
    with parts().database.read() as session:
        documents = [about.document] if about.document else documents_for(session, store, scope.log_id, str(about.item))
        answer = who_opened(session, store, scope.log_id, documents)
        shown = show_answer(session, parts().catalogue, answer)
    return render_template(
        "oversight/opened.html", scope=scope, about=about, subject=_say(about), shown=shown, latest=_latest(scope)
    )


@answers.get("/inspections/<inspection_id>/opened-by")
@requires_in_inspection(Permission.VIEW_TRAIL)
def opened_by(inspection_id: str) -> Page:
    """Answer what a person has opened."""
    scope = scope_of(inspection_id)
    person = request.args.get("person", "")
    if not person:
        return _ask_page(scope, InvalidError(CHOOSE_PERSON, field="person"))
    _require_here(scope, parse_identifier(person, "per"))
    _record(inspection_id, "what-person-opened")
    with parts().database.read() as session:
        answer = what_opened(session, parts().trail.store, scope.log_id, person)
        shown = show_answer(session, parts().catalogue, answer)
        name = load_names(session, parts().catalogue, [person])(person)
    return render_template("oversight/opened_by.html", scope=scope, person=person, name=name, shown=shown)


@answers.get("/inspections/<inspection_id>/nobody-but")
@requires_in_inspection(Permission.VIEW_TRAIL)
def nobody_but(inspection_id: str) -> Page:
    """State completely who opened a document or an item's documents, up to a signed checkpoint."""
    scope = scope_of(inspection_id)
    try:
        about, size = _about(scope), _size(scope)
    except InvalidError as error:
        return _ask_page(scope, error)
    give_back = parts().turns.take("download", signed_in().person_id)  # every entry is read, as for evidence
    try:
        _record(inspection_id, "nobody-but-these")
        statement = nobody_but_these(parts(), scope.log_id, document=about.document, item=about.item, size=size)
    except InvalidError as error:
        return _ask_page(scope, error)
    finally:
        give_back()
    with parts().database.read() as session:
        shown = show_answer(session, parts().catalogue, statement.answer, None)
    return render_template(
        "oversight/nobody_but.html", scope=scope, about=about, subject=_say(about), shown=shown, statement=statement
    )


def _ask_page(scope: Scope, error: InvalidError | None) -> Page:
    with parts().database.read() as session:
        choices = inspection_choices(session, parts().catalogue, scope.log_id)
    page = render_template(
        "oversight/ask.html", scope=scope, choices=choices, latest=_latest(scope), error=error, given=request.args
    )
    return page if error is None else (page, 400)


def _about(scope: Scope) -> About:
    document, item = request.args.get("document", ""), request.args.get("item", "")
    if document:
        _require_here(scope, parse_identifier(document, "doc"))
        return About(document, None)
    if not item:
        raise InvalidError(CHOOSE_ABOUT, field="document")
    try:
        return About(None, str(ItemNumber.parse(item)))
    except ItemNumberError:
        raise NotFoundError from None


def _require_here(scope: Scope, identifier: str) -> None:
    """Raise NotFoundError for what this log never speaks of: its name, or its absence, is no answer of this log."""
    with parts().database.read() as session:
        if not is_in(parts().trail.store, session.connection(), scope.log_id, identifier):
            raise NotFoundError


def _size(scope: Scope) -> int:
    text = request.args.get("size", "")
    if text.isascii() and text.isdigit() and len(text) < 16:  # noqa: PLR2004  no log has as many digits
        return int(text)
    latest = _latest(scope)
    if text or latest is None:
        raise InvalidError(NO_CHECKPOINT, field="size")
    return latest.tree_size


def _latest(scope: Scope) -> StoredCheckpoint | None:
    with parts().database.read() as session:
        return parts().trail.store.latest_checkpoint(session.connection(), scope.log_id)


def _record(inspection_id: str, question: str) -> None:
    with parts().database.unit_of_work() as unit:
        size = parts().trail.store.tree_size(unit.session.connection(), inspection_id)
        record_asked(unit, inspection_id, question, size, actor=signed_in().person_id)


def _say(about: About) -> str:
    with parts().database.read() as session:
        if about.document is not None:
            return f"document {load_names(session, parts().catalogue, [about.document])(about.document)}"
        item = next((one for one in parts().catalogue.items if str(one.number) == about.item), None)
        return f"the documents of {about.item if item is None else f'{item.label}, {item.title}'}"
