"""The choices of a select, radios or checkboxes, from pairs of value and label."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its published types


def choices_of(pairs: Iterable[tuple[str, str]]) -> list[Any]:
    """Return what a field takes as its choices (WTForms 3.3 warns when it is given the pairs themselves)."""
    return [SelectChoice(value, label) for value, label in pairs]
