"""The revisions are tested by the real upgrade."""

import pytest


@pytest.fixture(autouse=True)
def _quick_schema() -> None:
    """Not here."""
