"""Decisions about breaches: each step changes the register, keeps its words, and is an entry that commits to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.entry import time_text
from audit.vocabulary import new_salt
from exchange import trail
from exchange.database import UnitOfWork
from exchange.disclosure.models import Breach, BreachDocument, BreachStep
from exchange.errors import ConflictError, InvalidError, NotFoundError
from exchange.identifiers import new_identifier, parse_identifier
from exchange.submissions.models import Document

REPORTED: Final = "reported"
NOT_REPORTED: Final = "not-reported"
LONGEST_WORDS: Final = 10_000
MOST_CHILDREN: Final = 1_000_000

ICO, PEOPLE = "commissioner", "people-affected"


@dataclass(frozen=True)
class Facts:
    """What is known of a breach; `children` None means that nobody knows how many."""

    aware_at: datetime
    happened: str
    children: int | None
    documents: tuple[str, ...]


def record_breach(unit: UnitOfWork, *, inspection_id: str, facts: Facts, actor: str) -> Breach:
    """Record a breach.

    Raises:
        InvalidError: nothing is said to have happened, or the moment has not come yet.
        NotFoundError: a document is not of this inspection.
    """
    known = _verified(unit, inspection_id, facts)
    breach = Breach(
        id=new_identifier("bre"),
        inspection_id=inspection_id,
        recorded_at=unit.now,
        recorded_by=actor,
        aware_at=known.aware_at,
        happened=known.happened,
        children=known.children,
        concerns=[BreachDocument(document_id=document) for document in known.documents],
    )
    unit.session.add(breach)
    unit.session.flush()
    details: dict[str, trail.DetailValue] = {"aware_at": time_text(known.aware_at), "documents": len(known.documents)}
    _step(unit, breach, "breach:recorded", actor, _said(known), details)
    return breach


def change_breach(unit: UnitOfWork, breach: Breach, facts: Facts, *, actor: str) -> None:
    """Put right or add to what is known.

    Raises:
        InvalidError: as `record_breach`; or nothing differs.
        ConflictError: it is closed.
        NotFoundError: a document is not of this inspection.
    """
    _require_open(breach)
    known = _verified(unit, breach.inspection_id, facts)
    before = facts_of(breach)
    parts = [name for name in ("aware_at", "happened", "children", "documents") if _differ(before, known, name)]
    if not parts:
        raise InvalidError("Nothing differs from what is recorded. Change something, or go back", field="happened")
    breach.aware_at, breach.happened, breach.children = known.aware_at, known.happened, known.children
    kept = {row.document_id: row for row in breach.concerns}
    breach.concerns = [kept.get(one) or BreachDocument(document_id=one) for one in known.documents]
    codes = [part.replace("_", "-") for part in parts]
    _step(unit, breach, "breach:changed", actor, _said(known), {"parts": codes})


def report_breach(unit: UnitOfWork, breach: Breach, *, told_at: datetime, words: str, actor: str) -> None:
    """Record that the Information Commissioner was told, with the reference. Raises InvalidError, ConflictError."""
    text = parse_words(words, "words", "Enter the reference of the report, or how it was made")
    _require_open(breach)
    _require_moment(unit, breach, told_at)
    breach.ico_decision, breach.ico_reported_at, breach.ico_words = REPORTED, told_at, text
    said = {"told": ICO, "told_at": time_text(told_at), "words": text}
    _step(unit, breach, "breach:reported", actor, said, {"told": ICO, "told_at": time_text(told_at)})


def decide_not_to_report(unit: UnitOfWork, breach: Breach, *, words: str, actor: str) -> None:
    """Record why no report is made: Article 33(1) asks for none where a risk is unlikely. Raises as `report_breach`."""
    text = parse_words(words, "words", "Enter why a risk to people is unlikely, so that no report is made")
    _require_open(breach)
    if breach.ico_decision == REPORTED:
        raise ConflictError("It is recorded that this breach was reported. Nothing was changed.")
    breach.ico_decision, breach.ico_words = NOT_REPORTED, text
    said = {"decision": NOT_REPORTED, "words": text}
    _step(unit, breach, "breach:changed", actor, said, {"parts": ["decision-not-to-report"]})


def tell_people(unit: UnitOfWork, breach: Breach, *, told_at: datetime, words: str, actor: str) -> None:
    """Record that people affected were told (Article 34): whom, and how. Raises as `report_breach`."""
    text = parse_words(words, "words", "Enter who was told, and how")
    _require_open(breach)
    _require_moment(unit, breach, told_at)
    breach.people_told_at, breach.people_told = told_at, text
    said = {"told": PEOPLE, "told_at": time_text(told_at), "words": text}
    _step(unit, breach, "breach:reported", actor, said, {"told": PEOPLE, "told_at": time_text(told_at)})


def close_breach(unit: UnitOfWork, breach: Breach, *, reason: str, actor: str) -> None:
    """Close a breach with what was done about it; the register is kept from now on as class I says.

    Raises:
        InvalidError: no reason, or it is not recorded yet whether the Information Commissioner was told.
        ConflictError: it is closed already.
    """
    text = parse_words(reason, "reason", "Enter what was done, and why this can be closed")
    _require_open(breach)
    if not breach.ico_decision:
        raise InvalidError(
            "Record first whether the Information Commissioner was told, or why not: the register must say so",
            field="reason",
        )
    breach.closed_at, breach.closed_by, breach.closed_because = unit.now, actor, text
    _step(unit, breach, "breach:closed", actor, {"reason": text}, {})


def find_breach(session: Session, inspection_id: str, breach_id: str, *, locked: bool = False) -> Breach:
    """A breach of an inspection, its row locked where it is to be changed. Raises NotFoundError."""
    found = session.get(Breach, parse_identifier(breach_id, "bre"), with_for_update=locked or None)
    if found is None or found.inspection_id != inspection_id:
        raise NotFoundError
    return found


def facts_of(breach: Breach) -> Facts:
    """What is recorded of a breach now."""
    return Facts(breach.aware_at, breach.happened, breach.children, tuple(breach.documents))


def parse_words(text: str, field: str, missing: str) -> str:
    """What a person typed, trimmed. Raises InvalidError when it is nothing or too long."""
    words = text.replace("\0", "").replace("\r\n", "\n").strip()
    if not words:
        raise InvalidError(missing, field=field)
    if len(words) > LONGEST_WORDS:
        raise InvalidError(f"Use {LONGEST_WORDS:,} characters or fewer", field=field)
    return words


def _verified(unit: UnitOfWork, inspection_id: str, facts: Facts) -> Facts:
    happened = parse_words(facts.happened, "happened", "Enter what happened")
    if facts.aware_at > unit.now:
        raise InvalidError("You cannot have become aware in the future. Check the day and the time", field="aware_at")
    if facts.children is not None and not 0 <= facts.children <= MOST_CHILDREN:
        raise InvalidError(f"Enter a number up to {MOST_CHILDREN:,}, or leave it empty", field="children")
    documents = tuple(dict.fromkeys(facts.documents))
    known = select(Document.id).where(Document.inspection_id == inspection_id, Document.id.in_(documents))
    if set(unit.session.scalars(known)) != set(documents):
        raise NotFoundError
    return Facts(facts.aware_at, happened, facts.children, documents)


def _require_open(breach: Breach) -> None:
    if breach.closed_at is not None:
        raise ConflictError("This breach is closed. Nothing was changed. Record a new one if there is more to it.")


def _require_moment(unit: UnitOfWork, breach: Breach, told_at: datetime) -> None:
    if told_at > unit.now:
        raise InvalidError("That is in the future. Check the day and the time", field="told_at")
    if told_at < breach.aware_at:
        raise InvalidError("That is before you became aware of the breach. Check the day and the time", field="told_at")


def _differ(before: Facts, after: Facts, name: str) -> bool:
    one, other = getattr(before, name), getattr(after, name)
    return set(one) != set(other) if name == "documents" else bool(one != other)


def _said(facts: Facts) -> dict[str, object]:
    return {
        "aware_at": time_text(facts.aware_at),
        "happened": facts.happened,
        "children": facts.children,
        "documents": list(facts.documents),
    }


def _step(
    unit: UnitOfWork,
    breach: Breach,
    event: str,
    actor: str,
    said: Mapping[str, object],
    details: Mapping[str, trail.DetailValue],
) -> None:
    """Keep the words of a step, and record it with a commitment to them."""
    words = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    salt = new_salt()
    unit.session.add(
        BreachStep(breach_id=breach.id, event=event, taken_at=unit.now, taken_by=actor, said=words, salt=salt)
    )
    whole: dict[str, trail.DetailValue] = {
        "breach": breach.id,
        **details,
        "commitment": trail.commitment(words, salt),
    }
    trail.record(unit, event, actor=actor, inspection=breach.inspection_id, details=whole)
