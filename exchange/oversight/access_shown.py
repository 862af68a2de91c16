"""Who has access at a moment, as the page shows it: by the records, beside what the log says, with the differences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from audit.errors import AuditError
from audit.sql_store import SqlLogStore
from config.catalogue import Catalogue
from exchange.access.roles import Role
from exchange.oversight.access_then import Compared, Kind, Span, compare_access, spans_recorded
from exchange.oversight.names import Names, load_names


@dataclass(frozen=True)
class SpanRow:
    """One span in words: who had what, since when, until when."""

    name: str
    what: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class AccessShown:
    """Who had access at `moment`, and what the two computations disagree on, at any time."""

    moment: datetime
    rows: tuple[SpanRow, ...]
    only_records: tuple[SpanRow, ...]
    only_log: tuple[SpanRow, ...]
    is_compared: bool
    """Whether the log could be read; one that was disposed of, or is damaged, says nothing."""


def access_at(
    session: Session, store: SqlLogStore, catalogue: Catalogue, inspection_id: str | None, moment: datetime
) -> AccessShown:
    """Compute who had access at a moment from the records and the log, and compare all of both."""
    try:
        compared = compare_access(session, store, inspection_id)
    except AuditError:
        compared, is_compared = Compared(tuple(spans_recorded(session, inspection_id)), ()), False
    else:
        is_compared = True
    names = load_names(session, catalogue, {span.person for span in (*compared.records, *compared.log)})
    spans = sorted(compared.at(moment).records, key=lambda span: span.order)
    return AccessShown(
        moment,
        _rows(_by_role(spans), names),
        _rows(compared.only_records, names) if is_compared else (),
        _rows(compared.only_log, names) if is_compared else (),
        is_compared,
    )


def _by_role(spans: Iterable[Span]) -> list[Span]:
    order = {role.value: place for place, role in enumerate(Role)}
    return sorted(spans, key=lambda span: (order.get(span.what, len(order)), span.order))


def _rows(spans: Iterable[Span], names: Names) -> tuple[SpanRow, ...]:
    return tuple(
        SpanRow(
            name=_begin(names(span.person)),
            what=Role(span.what).label if span.kind is Kind.ROLE else f"Item {names.label(span.what)}",
            since=span.since,
            until=span.until,
        )
        for span in spans
    )


def _begin(name: str) -> str:
    return name[:1].upper() + name[1:]
