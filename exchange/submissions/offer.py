"""What a person says about the files they send: which items, what date the data represents, a title. Parsed once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from config.catalogue import Catalogue, Item, UnknownItemError, verify_data_date
from config.data_date import KINDS, NOT_DATED, PERIOD, DataDate, DataDateError, parse_data_date
from exchange.errors import InvalidError

LONGEST_NAME = 255  # bytes of UTF-8, what file systems take
LONGEST_TITLE = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Offer:
    """Items in catalogue order, the data date, and the title (empty: each file is called by its own name)."""

    items: tuple[Item, ...]
    data_date: DataDate
    title: str

    @property
    def numbers(self) -> tuple[str, ...]:
        """The item numbers, in catalogue order."""
        return tuple(str(item.number) for item in self.items)


def parse_items(catalogue: Catalogue, numbers: Iterable[str], asked: frozenset[str]) -> tuple[Item, ...]:
    """Return the items named, in catalogue order.

    Raises:
        InvalidError: none is named, or one is unknown or not asked for in this inspection.
    """
    chosen = set(numbers)
    if not chosen:
        raise InvalidError("Choose at least one item that the files answer", field="numbers")
    try:
        items = [catalogue.item(number) for number in chosen]
    except UnknownItemError as error:
        raise InvalidError("Choose items from the list", field="numbers") from error
    if not chosen <= asked:
        raise InvalidError(
            "This inspection does not ask for one of these items. Choose items from the list", field="numbers"
        )
    return tuple(sorted(items, key=lambda item: item.number))


def parse_offer(
    items: tuple[Item, ...], kind: str, start: date | None, end: date | None, title: str, today: date
) -> Offer:
    """Check the data date and title together with the items.

    Raises:
        InvalidError: with the field the message belongs to: `date_kind`, `start`, `end` or `title`.
    """
    if kind not in KINDS:
        raise InvalidError("Choose what date the data represents", field="date_kind")
    try:
        data_date = parse_data_date(kind, start, end, today)
    except DataDateError as error:
        raise InvalidError(str(error).rstrip("."), field=_field_of(kind, start, end)) from error
    for item in items:
        try:
            verify_data_date(item, data_date)
        except DataDateError as error:
            raise InvalidError(str(error).rstrip("."), field="date_kind") from error
    words = clean_text(title)
    if len(words) > LONGEST_TITLE:
        raise InvalidError(f"Title must be {LONGEST_TITLE} characters or fewer", field="title")
    return Offer(items, data_date, words)


def clean_file_name(name: str) -> str:
    """Return the last part of a file's name in NFC, without control or direction-changing characters.

    Raises:
        InvalidError: nothing is left of it, or it is longer than a file system takes.
    """
    last = re.split(r"[/\\]", name)[-1]
    cleaned = clean_text(last)
    if cleaned in {"", ".", ".."}:
        raise InvalidError("The file has no name. Give it a name and send it again")
    if len(cleaned.encode()) > LONGEST_NAME:
        raise InvalidError(f"The file’s name is too long. Shorten it to {LONGEST_NAME} characters or fewer")
    return cleaned


def clean_text(text: str) -> str:
    """Return `text` in NFC, with control characters dropped and runs of space made one."""
    return _SPACES.sub(" ", _CONTROL.sub("", unicodedata.normalize("NFC", text))).strip()


def title_for(offer: Offer, file_name: str, *, several: bool) -> str:
    """The title of one document: the person's words, told apart by the file's name when several share them."""
    stem = file_name.rpartition(".")[0] or file_name
    if not offer.title:
        return stem[:LONGEST_TITLE]
    return f"{offer.title}: {stem}"[:LONGEST_TITLE] if several else offer.title


def log_date(data_date: DataDate) -> str:
    """The data date as the log's vocabulary writes it."""
    iso = data_date.iso()
    return f"{data_date.kind}:{iso}" if iso else data_date.kind


def _field_of(kind: str, start: date | None, end: date | None) -> str:
    if start is None or kind == NOT_DATED:
        return "start"
    return "end" if (end is None or end < start if kind == PERIOD else end is not None) else "start"
