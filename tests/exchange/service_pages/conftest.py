"""People sign in here through the pages, outside the worked example."""

from tests.exchange.visiting_fixtures import (
    app,
    chosen_settings,
    client,
    clock,
    make_person,
    parts,
    served_app,
    service_entries,
    settings,
    sign_in,
)

__all__ = [
    "app",
    "chosen_settings",
    "client",
    "clock",
    "make_person",
    "parts",
    "served_app",
    "service_entries",
    "settings",
    "sign_in",
]
