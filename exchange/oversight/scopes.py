"""Which log a page of oversight is about, an inspection's or the service's, and where its links lead."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from exchange import trail
from exchange.inspections.models import Inspection
from exchange.inspections.queries import get_inspection
from exchange.web.identity import parts

SERVICE_PAGES = {
    "desk": "service_desk",
    "trail": "service_trail",
    "verify": "verify_service",
    "evidence": "service_evidence",
    "alarms": "service_alarms",
    "clear_alarm": "clear_service_alarm",
}
BLUEPRINTS = {"desk": "officers_desk"}


@dataclass(frozen=True)
class Scope:
    """Which log a page is about, and where its links lead: an inspection's pages, or the service's."""

    log_id: str
    inspection: Inspection | None

    @property
    def title(self) -> str:
        """What stands above the heading."""
        return "The service" if self.inspection is None else self.inspection.local_area

    @property
    def inspection_id(self) -> str | None:
        """The inspection's identifier; None for the service."""
        return None if self.inspection is None else self.log_id

    def url(self, page: str, **values: object) -> str:
        """The address of a page that both kinds of scope have, one of SERVICE_PAGES."""
        blueprint = BLUEPRINTS.get(page, "oversight")
        if self.inspection is None:
            return url_for(f"{blueprint}.{SERVICE_PAGES[page]}", **values)  # type: ignore[arg-type]  # values of an address
        return self.to(f"{blueprint}.{page}", **values)

    def to(self, endpoint: str, **values: object) -> str:
        """The address of any page of this scope, by its endpoint."""
        if self.inspection is not None:
            values["inspection_id"] = self.log_id
        return url_for(endpoint, **values)  # type: ignore[arg-type]  # values of an address


def scope_of(inspection_id: str) -> Scope:
    """The scope of an inspection. Raises NotFoundError."""
    with parts().database.read() as session:
        return Scope(inspection_id, get_inspection(session, inspection_id))


def service_scope() -> Scope:
    """The scope of the service as a whole."""
    return Scope(trail.SERVICE_LOG, None)
