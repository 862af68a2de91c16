"""How every page with a form answers: a domain error on its field, and 400 when what was sent cannot be taken."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import render_template
from werkzeug.wrappers import Response

from exchange.errors import InvalidError
from exchange.web.day_field import DayField

Page = str | tuple[str, int] | Response


def show_error(form: Any, error: InvalidError) -> None:
    """Put a domain error on the field it names, or on the form's button when it names none."""
    field = getattr(form, error.field, None) if error.field else None
    target = field if field is not None else form.submit
    target.errors = [*target.errors, error.message]


def form_page(template: str, form: Any, **values: Any) -> Page:
    """Render a page with a form: 400 when it was sent and could not be taken, otherwise 200."""
    page = render_template(template, form=form, **values)
    return (page, 400) if form.is_submitted() else page


def given(field: DayField) -> date:
    """The date in a field that was asked for.

    Raises:
        InvalidError: it was left empty.
    """
    if field.data is None:
        raise InvalidError(f"Enter the {field.what[0].lower()}{field.what[1:]}", field=field.short_name)
    day: date = field.data
    return day
