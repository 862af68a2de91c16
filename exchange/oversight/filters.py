"""What the trail is filtered by: parsed once from the query string, written back into it with opaque ids only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from audit.store import SearchFilters
from audit.vocabulary import VOCABULARY
from config.item_number import ItemNumber, ItemNumberError
from exchange.clock import LONDON
from exchange.errors import InvalidError
from exchange.identifiers import parse_identifier

REFUSALS = "every-refusal"
REFUSED = ("access:refused", "submission:refused", "sign-in:refused", "sign-in:throttled")
ALARMING = ("alarm:raised", "submission:check-failed", "disposal:failed")
LAST_INDEX = 2**53
LAST_DIGITS = 16
_REFERENCE = re.compile(r"[0-9a-z]{6,26}|[a-z]{3}_[0-9a-z]{26}")


def mark_of(event: str) -> str:
    """The word that marks an entry on a page: 'Refused', 'Alarm', or none."""
    return "Refused" if event in REFUSED else "Alarm" if event in ALARMING else ""


@dataclass(frozen=True)
class TrailFilters:
    """What somebody looks for; nothing given shows everything. `since` and `until` are London days, both included."""

    person: str | None = None
    document: str | None = None
    item: str | None = None
    reference: str | None = None
    event: str | None = None
    since: date | None = None
    until: date | None = None

    @property
    def codes(self) -> list[str]:
        """The names of the filters in use: what the log keeps of a search."""
        return [name for name, value in vars(self).items() if value is not None]

    def query(self) -> dict[str, str]:
        """The filters as parameters of an address."""
        parameters = {
            name: str(value) for name, value in vars(self).items() if value is not None and not isinstance(value, date)
        }
        for name, day in (("since", self.since), ("until", self.until)):
            if day is not None:
                parameters |= {
                    f"{name}-day": str(day.day),
                    f"{name}-month": str(day.month),
                    f"{name}-year": str(day.year),
                }
        return parameters

    def search(self) -> SearchFilters:
        """The filters as the log's store takes them."""
        return SearchFilters(
            events=_events(self.event),
            subject=self.document,
            person=self.person,
            item=self.item,
            reference=self.reference,
            since=None if self.since is None else _midnight(self.since),
            until=None if self.until is None else _midnight(self.until + timedelta(days=1)),
        )


def parse_filters(parameters: Mapping[str, str]) -> TrailFilters:
    """Read filters from an address.

    Raises:
        InvalidError: a reference or a date is not one, or the dates are the wrong way round; `field` says which.
        NotFoundError: a value that no form of ours sends.
    """
    since, until = _day(parameters, "since", "From"), _day(parameters, "until", "To")
    if since is not None and until is not None and until < since:
        raise InvalidError("The ‘To’ date must be the same as or after the ‘From’ date", field="until")
    person, document = parameters.get("person", ""), parameters.get("document", "")
    return TrailFilters(
        person=parse_identifier(person, "per") if person else None,
        document=parse_identifier(document, "doc") if document else None,
        item=_item(parameters.get("item", "")),
        reference=_reference(parameters.get("reference", "")),
        event=_event(parameters.get("event", "")),
        since=since,
        until=until,
    )


def parse_before(text: str) -> int | None:
    """The leaf index to page back from, or None for the newest. A number that is none starts from the newest."""
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text) if len(text) < LAST_DIGITS else LAST_INDEX


def _events(event: str | None) -> tuple[str, ...]:
    if event is None:
        return ()
    return REFUSED if event == REFUSALS else (event,)


def _event(text: str) -> str | None:
    return text if text == REFUSALS or text in VOCABULARY else None


def _reference(text: str) -> str | None:
    """An identifier, or its last characters as pages show them. Raises InvalidError for anything else."""
    typed = text.strip().lower()
    if not typed:
        return None
    if not _REFERENCE.fullmatch(typed):
        raise InvalidError(
            "The reference must be the 6 characters that pages show, or a whole identifier", field="reference"
        )
    return typed


def _item(text: str) -> str | None:
    try:
        return str(ItemNumber.parse(text))
    except ItemNumberError:
        return None


def _day(parameters: Mapping[str, str], name: str, label: str) -> date | None:
    parts = [parameters.get(f"{name}-{part}", "").strip() for part in ("year", "month", "day")]
    if not any(parts):
        return None
    try:
        year, month, day = (int(part) for part in parts)
        found = date(year, month, day)
    except (ValueError, OverflowError):
        raise InvalidError(f"‘{label}’ must be a real date, like 27 3 2026", field=name) from None
    if not 2000 <= found.year < 2200:  # noqa: PLR2004  no log of ours is older, and a day after this one must exist
        raise InvalidError(f"The year of ‘{label}’ must be between 2000 and 2199", field=name)
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON).astimezone(UTC)
