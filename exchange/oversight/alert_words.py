"""What an alert says: enough to act on, and no name, since names stand elsewhere and can be erased."""

from __future__ import annotations

from collections.abc import Mapping

from audit.entry import Entry
from config.alerts import WEEKDAYS
from exchange.clock import in_london, say_moment
from exchange.oversight.alert_rules import MEGABYTE, Reached, VolumeRule
from exchange.oversight.names import say_reference


def say_volume(rule: VolumeRule, reached: Reached, threshold: int) -> str:
    """How much was opened, when, and where the threshold stands."""
    if rule.counts_bytes:
        amount, unit = f"{reached.amount // MEGABYTE:,} MB were sent", "MB"
    else:
        were = "document was" if reached.amount == 1 else "documents were"
        amount, unit = f"{reached.amount:,} {were} opened", "documents"
    where = f" in {len(reached.logs)} inspections" if len(reached.logs) > 1 else ""
    return f"{amount}{where} {_say_span(reached)}. The threshold is {threshold:,} {unit} in {rule.span}."


def say_refusals(reached: Reached, threshold: int, minutes: int, *, is_place: bool = False) -> str:
    """How much was refused, when, and where the threshold stands."""
    where = "in one network " if is_place else ""
    return (
        f"{reached.amount:,} times something was refused {where}{_say_span(reached)}. "
        f"The threshold is {threshold:,} within {minutes:,} minutes."
    )


def say_out_of_hours(entry: Entry, values: Mapping[str, int]) -> str:
    """Which document was opened when, and what the hours are."""
    days = [day.capitalize() for day in WEEKDAYS if values[f"out-of-hours.{day}"]]
    holidays = "with" if values["out-of-hours.bank-holidays"] else "without"
    document = say_reference(str(entry.details["document"]))
    return (
        f"Document {document} was opened on {say_moment(entry.time)}. The hours are "
        f"{values['out-of-hours.from']} to {values['out-of-hours.to']} o’clock, {', '.join(days) or 'no day'}, "
        f"{holidays} bank holidays."
    )


def _say_span(reached: Reached) -> str:
    since, until = in_london(reached.since), in_london(reached.until)
    if since.date() == until.date():
        return f"from {since:%H:%M} to {until:%H:%M} on {until.day} {until:%B %Y}"
    return f"from {since.day} {since:%B} {since:%H:%M} to {until.day} {until:%B %Y} {until:%H:%M}"
