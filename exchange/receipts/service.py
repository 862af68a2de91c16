"""Receipts that are evidence: an entry of a log, proved to stand under a signed checkpoint, with what opens it.

Promises: a receipt that proves nothing is not made; an entry that no checkpoint counts yet is signed for now, or it is
said plainly why not; taking a receipt is an entry, committed before the first byte leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from audit.errors import AuditError, UnknownLogError
from audit.receipt import Opening, make_receipt
from audit.vocabulary import describe
from exchange import trail
from exchange.errors import ConflictError, NotFoundError
from exchange.oversight.logs import frozen_view, inspection_of
from exchange.oversight.names import identifiers_in
from exchange.oversight.service import load_names, say_reference
from exchange.parts import Parts
from exchange.receipts.queries import Evidence, Openings, SignedState, best_state, find_evidence

__all__ = ["FILE", "PDF", "Evidence", "Receipt", "find_evidence", "receipt_of", "record_entry_viewed", "record_taken"]

FILE, PDF = "tlog-proof", "pdf"
"""The forms in which a receipt is given away; also the endings of its file's name."""

LABELS = {"name_commitment": "File name", "title_commitment": "Title"}


NOT_SIGNED = (
    "No receipt can be given now: the entry is recorded, but the log’s state could not be signed. Nothing was lost. {} "
    "Tell the data protection officer, and try again later."
)


@dataclass(frozen=True)
class Receipt:
    """A receipt: the entry in words, where it stands, who signed for it, and the file that proves it.

    `content` is the c2sp.org/tlog-proof; `opened` are the values that its commitments hide, for those who may see them.
    """

    log_id: str
    leaf_index: int
    reference: str
    happened: str
    at: datetime
    sha256: str
    opened: tuple[tuple[str, str], ...]
    state: SignedState
    key: str
    content: bytes

    @property
    def file_name(self) -> str:
        """The name of the file, without its ending's folder: `<reference>.tlog-proof`."""
        return f"{self.reference}.{FILE}"


def receipt_of(
    parts: Parts, log_id: str, leaf_index: int, *, openings: Openings | None = None, reference: str = ""
) -> Receipt:
    """The receipt of any entry of a log, signed for now where it is not yet.

    Raises:
        NotFoundError: there is no such log or entry.
        ConflictError: the log's state cannot be signed, or the log does not prove the entry.
    """
    if _is_unsigned(parts, log_id, leaf_index):
        _sign(parts, log_id)
    with frozen_view(parts.database) as connection:
        state = best_state(connection, parts.trail.store, log_id, leaf_index)
        if state is None:
            raise NotFoundError
        try:
            entry = parts.trail.store.entry(connection, log_id, leaf_index).entry
            with parts.database.read() as session:
                names = load_names(session, parts.catalogue, identifiers_in([entry]))
            sentence = describe(entry, names)
            happened = sentence[:1].upper() + sentence[1:]
            opened = _opened(entry.details, openings)
            content = make_receipt(
                parts.trail.store,
                connection,
                log_id,
                leaf_index,
                words=happened,
                opened=opened,
                checkpoint=state.checkpoint,
                cosignatures=state.lines,
            )
            key = parts.trail.log.key_at(connection, log_id, state.tree_size)
        except UnknownLogError as error:
            raise NotFoundError from error
        except (AuditError, LookupError) as error:
            raise ConflictError(NOT_SIGNED.format("The log does not prove this entry.")) from error
    sha256 = entry.details.get("sha256")
    return Receipt(
        log_id=log_id,
        leaf_index=leaf_index,
        reference=reference or entry_reference(log_id, leaf_index),
        happened=happened,
        at=entry.time,
        sha256=sha256 if isinstance(sha256, str) else "",
        opened=tuple((LABELS[field], opening.value.partition(":")[2]) for field, opening in sorted(opened.items())),
        state=state,
        key=str(key),
        content=content,
    )


def record_taken(parts: Parts, receipt: Receipt, *, form: str, actor: str) -> None:
    """Record that a receipt is given to somebody, in one of its forms, before any byte of it leaves."""
    details: dict[str, trail.DetailValue] = {"leaf_index": receipt.leaf_index, "form": form}
    with parts.database.unit_of_work() as unit:
        inspection = inspection_of(receipt.log_id)
        trail.record(unit, "receipt:exported", actor=actor, inspection=inspection, details=details)


def record_entry_viewed(parts: Parts, log_id: str, *, actor: str) -> None:
    """Record a look at one entry of the trail."""
    details: dict[str, trail.DetailValue] = {"filters": ["entry"]}
    with parts.database.unit_of_work() as unit:
        trail.record(unit, "trail:viewed", actor=actor, inspection=inspection_of(log_id), details=details)


def entry_reference(log_id: str, leaf_index: int) -> str:
    """What an entry's receipt is called: the end of the log's identifier and the entry's number."""
    return f"{log_id if log_id == trail.SERVICE_LOG else say_reference(log_id)}-{leaf_index}"


def _opened(details: Mapping[str, object], openings: Openings | None) -> dict[str, Opening]:
    found: dict[str, Opening] = {}
    for field in LABELS if openings is not None else ():
        commitment = details.get(field)
        opening = openings(field, commitment) if openings is not None and isinstance(commitment, str) else None
        if opening is not None:
            found[field] = opening
    return found


def _is_unsigned(parts: Parts, log_id: str, leaf_index: int) -> bool:
    with parts.database.read() as session:
        connection, store = session.connection(), parts.trail.store
        try:
            if not 0 <= leaf_index < store.tree_size(connection, log_id):
                raise NotFoundError
        except UnknownLogError as error:
            raise NotFoundError from error
        return best_state(connection, store, log_id, leaf_index) is None


def _sign(parts: Parts, log_id: str) -> None:
    try:
        with parts.database.unit_of_work() as unit:
            parts.trail.log.sign_checkpoint(unit.session.connection(), log_id)
    except AuditError as error:
        raise ConflictError(NOT_SIGNED.format(error)) from error
