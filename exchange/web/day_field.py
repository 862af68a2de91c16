"""A date typed as day, month and year: one field for every form that asks for a day.

Promises: whatever is sent, the answer is a date or a sentence; the error summary leads to the day, which can be typed
in, and not to the group around it.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from govuk_frontend_wtf.wtforms_widgets import GovDateInput
from wtforms import Field

PARTS = 3


class DayInput(GovDateInput):  # type: ignore[misc]  # published without types
    """The design system's date input around the three parts of a `DayField`."""

    def __call__(self, field: Any, **kwargs: Any) -> Any:
        """Render it under the field's name; the field's own identifier is that of the first part."""
        return super().__call__(field, id=field.name, **kwargs)


class DayField(Field):
    """A `date`, or None when all three parts are empty. `what` begins its messages: 'Date of the check'."""

    widget = DayInput()

    def __init__(self, label: str, *, what: str, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.what = what
        self.id = f"{self.name}-day"

    def _value(self) -> str:
        return ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read the three parts. Raises ValueError with the sentence for the form."""
        typed = [str(value).strip() for value in valuelist[:PARTS]]
        typed += [""] * (PARTS - len(typed))
        self.raw_data = typed  # the widget shows again exactly these three
        self.data = None
        if any(typed):
            self.data = self._parse(*typed)

    def _parse(self, day: str, month: str, year: str) -> date:
        missing = [name for name, value in (("day", day), ("month", month), ("year", year)) if not value]
        if missing:
            raise ValueError(f"{self.what} must include a {' and a '.join(missing)}")
        if not all(value.isascii() and value.isdigit() for value in (day, month, year)) or len(year) != 4:  # noqa: PLR2004  a year has four digits
            raise ValueError(f"{self.what} must be a real date, like 27 3 2026")
        try:
            return date(int(year), int(month), int(day))
        except ValueError:
            raise ValueError(f"{self.what} must be a real date, like 27 3 2026") from None
