"""What disclosure decides, and what other rooms may ask of it."""

from __future__ import annotations

from exchange.disclosure.breach import (
    Facts,
    change_breach,
    close_breach,
    decide_not_to_report,
    record_breach,
    report_breach,
    tell_people,
)
from exchange.disclosure.breach_queries import breach_notice

__all__ = [
    "Facts",
    "breach_notice",
    "change_breach",
    "close_breach",
    "decide_not_to_report",
    "record_breach",
    "report_breach",
    "tell_people",
]
