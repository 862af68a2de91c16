"""The addresses of a receipt's files, one for each form in which it is given away."""

from __future__ import annotations

from typing import Any

from flask import url_for

from exchange.receipts.service import FILE, PDF


def receipt_files(endpoint: str, **values: Any) -> dict[str, str]:
    """The addresses by form: `tlog-proof` and `pdf`."""
    return {form: url_for(endpoint, form=form, **values) for form in (FILE, PDF)}
