"""What every page may say without asking: names, dates in words, the banner of the worked example, the navigation."""

from __future__ import annotations

from datetime import date

from flask import Flask, request, url_for
from flask_login import current_user
from markupsafe import Markup, escape

from config.data_date import DataDate
from exchange.access.policy import Decision, decide_in_service
from exchange.access.roles import Permission, Role
from exchange.clock import say_day, say_moment
from exchange.web.identity import parts, signed_in

# Pages of the service as a whole, and what it takes to see them.
SERVICE_PAGES = (
    (Permission.MANAGE_ACCOUNTS, "People", "people.list_people"),
    (Permission.READ_LEGAL_NOTES, "Legal notes", "legal_notes.list_notes"),
    (Permission.VIEW_SERVICE_TRAIL, "Officer’s desk", "officers_desk.service_desk"),
    (Permission.AGREE_TO_RESETS, "Account resets", "people.resets"),
    (Permission.REVIEW_CLOSED_LOGS, "Closed logs", "log_ends.list_logs"),
)
UNITS = ("bytes", "KB", "MB", "GB", "TB")


def say_size(size: int) -> str:
    """Write a size in words: '1 byte', '4.2 MB' (powers of 1,000, as file managers and GOV.UK do)."""
    if size == 1:
        return "1 byte"
    amount, unit = float(size), 0
    while amount >= 1000 and unit < len(UNITS) - 1:  # noqa: PLR2004  decimal units
        amount, unit = amount / 1000, unit + 1
    return f"{size} bytes" if unit == 0 else f"{amount:.1f} {UNITS[unit]}"


def say_date(day: date | None) -> str:
    """Write a date in words: '3 March 2026'; an empty text for none."""
    return "" if day is None else f"{day.day} {day:%B %Y}"


def say_data_date(kind: str, start: date | None, end: date | None) -> str:
    """Write what date or period data represents (paragraph 199), from a document's columns."""
    return DataDate(kind, start, end).describe()


def group_digits(digest: str) -> Markup:
    """Write a hash in groups of eight, so that two people can read it to each other; copied as one word."""
    groups = [digest[place : place + 8] for place in range(0, len(digest), 8)]
    return Markup("<wbr>").join(escape(group) for group in groups)


def navigation() -> list[dict[str, object]]:
    """The service navigation for whoever is signed in."""
    if not current_user.is_authenticated:
        return []
    actor = signed_in().actor
    rows = [("Inspections", "inspections.home")]
    for permission, text, endpoint in SERVICE_PAGES:
        if decide_in_service(actor, permission) is Decision.ALLOWED:
            rows.append((text, endpoint))
    rows.append(("Your account", "accounts.account"))
    return [
        {"text": text, "href": url_for(endpoint), "active": request.endpoint == endpoint} for text, endpoint in rows
    ]


def init_presentation(app: Flask) -> None:
    """Register filters and the values that the layout needs."""
    app.jinja_env.filters.update(
        moment=say_moment, day=say_day, date=say_date, size=say_size, digest=group_digits, role=_role_label
    )
    app.jinja_env.globals.update(say_data_date=say_data_date)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True

    @app.context_processor
    def page_values() -> dict[str, object]:
        settings = parts().settings
        return {
            "service_name": settings.service_name,
            "govuk_brand": settings.govuk_brand,
            "is_example": settings.example,
            "contact_email": settings.contact_email,
            "navigation": navigation(),
            "signed_in_name": signed_in().name if current_user.is_authenticated else "",
            "now": parts().clock(),
        }


def _role_label(value: str) -> str:
    return Role(value).label
