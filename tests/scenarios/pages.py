"""Every page that a person can come to, and as whom to look at it."""

from dataclasses import asdict

from tests.scenarios.surroundings import Surroundings

# Who looks -> endpoint of the page -> its address, to be filled with the identifiers of the surroundings.
PAGES: dict[str, dict[str, str]] = {
    "nobody": {
        "accounts.sign_in": "/sign-in",
        "accounts.activate": "/activate/{token}",
        "service_pages.help_page": "/help",
        "service_pages.privacy": "/privacy",
        "service_pages.accessibility": "/accessibility",
        "service_pages.cookies": "/cookies",
    },
    "officer": {
        "inspections.home": "/",
        "inspections.inspection": "/inspections/{inspection}",
        "team.members": "/inspections/{inspection}/members",
        "team.assignments": "/inspections/{inspection}/members/{contributor}/items",
        "submissions.upload": "/inspections/{inspection}/upload",
        "submissions.upload_item": "/inspections/{inspection}/items/L1/upload",
        "submissions.receipt": "/inspections/{inspection}/documents/{document}",
        "submissions.receipts": "/inspections/{inspection}/receipts?document={document}",
        "downloads.item": "/inspections/{inspection}/items/1.1",
        "accounts.account": "/account",
        "accounts.change_password": "/account/password",
        "accounts.set_up_second_factor": "/account/second-factor",
    },
    "contributor": {
        "inspections.home": "/",
        "inspections.inspection": "/inspections/{inspection}",
        "team.members": "/inspections/{inspection}/members",
        "submissions.upload": "/inspections/{inspection}/upload",
        "submissions.upload_item": "/inspections/{inspection}/items/1.3/upload",
        "downloads.item": "/inspections/{inspection}/items/1.3",
    },
    "lead": {
        "inspections.home": "/",
        "inspections.open_inspection": "/inspections/open",
        "inspections.inspection": "/inspections/{inspection}",
        "inspections.milestones": "/inspections/{inspection}/milestones",
        "team.members": "/inspections/{inspection}/members",
        "oversight.access": "/inspections/{inspection}/access",
        "downloads.item": "/inspections/{inspection}/items/1.1",
        "legal_notes.list_notes": "/legal-notes",
    },
    "inspector": {
        "inspections.home": "/",
        "inspections.inspection": "/inspections/{inspection}",
        "team.members": "/inspections/{inspection}/members",
        "downloads.item": "/inspections/{inspection}/items/1.1",
        "submissions.receipt": "/inspections/{inspection}/documents/{document}",
    },
    "dpo": {
        "inspections.home": "/",
        "inspections.inspection": "/inspections/{inspection}",
        "team.members": "/inspections/{inspection}/members",
        "officers_desk.desk": "/inspections/{inspection}/desk",
        "officers_desk.service_desk": "/service/desk",
        "answers.ask": "/inspections/{inspection}/ask",
        "answers.opened": "/inspections/{inspection}/opened?document={document}",
        "answers.opened_by": "/inspections/{inspection}/opened-by?person={contributor}",
        "answers.nobody_but": "/inspections/{inspection}/nobody-but?item=1.1",
        "oversight.trail": "/inspections/{inspection}/trail",
        "oversight.access": "/inspections/{inspection}/access",
        "oversight.alarms": "/inspections/{inspection}/alarms",
        "oversight.clear_alarm": "/inspections/{inspection}/alarms/{alarm}/clear",
        "oversight.service_trail": "/service/trail",
        "oversight.service_alarms": "/service/alarms",
        "exports.choose": "/inspections/{inspection}/trail/export",
        "exports.choose_of_service": "/service/trail/export",
        "publishing.log": "/inspections/{inspection}/log",
        "publishing.service_log": "/service/log",
        "publishing.check": "/inspections/{inspection}/log/check",
        "retention.schedule": "/inspections/{inspection}/disposal",
        "retention.holds": "/inspections/{inspection}/holds",
        "retention.place_hold": "/inspections/{inspection}/holds/place",
        "retention.lift_hold": "/inspections/{inspection}/holds/{hold}/lift",
        "retention.certificate": "/inspections/{inspection}/documents/{disposed}/certificate",
        "legal_notes.list_notes": "/legal-notes",
        "legal_notes.answer_note": "/legal-notes/lawful-basis",
        "people.resets": "/resets",
        "receipts.entry": "/inspections/{inspection}/trail/entries/0",
        "receipts.service_entry": "/service/trail/entries/0",
        "log_ends.list_logs": "/service/logs",
        "log_ends.log": "/service/logs/{closed}",
    },
    "admin": {
        "inspections.home": "/",
        "people.list_people": "/people",
        "people.new_person": "/people/new",
        "people.person": "/people/{invited}",
        "legal_notes.list_notes": "/legal-notes",
        "accounts.account": "/account",
    },
}

# Endpoints that answer GET and are no page of PAGES, each with its reason.
ELSEWHERE = {
    "static": "style sheets, scripts and images",
    "service_pages.health": "answers a machine",
    "service_pages.ready": "answers a machine",
    "downloads.content": "answers with a file",
    "receipts.document_receipt": "answers with a file",
    "receipts.disposal_receipt": "answers with a file",
    "receipts.entry_receipt": "answers with a file",
    "receipts.service_entry_receipt": "answers with a file",
    "oversight.evidence": "answers with a file",
    "oversight.service_evidence": "answers with a file",
    "exports.take": "answers with a file",
    "exports.take_of_service": "answers with a file",
    "publishing.check_service": "the same template as publishing.check",
    "publishing.checkpoint": "answers with a file",
    "publishing.service_checkpoint": "answers with a file",
    "publishing.tiles": "answers with a file",
    "publishing.service_tiles": "answers with a file",
    "publishing.verifier": "answers with a file",
    "oversight.clear_service_alarm": "the same template as oversight.clear_alarm",
    "accounts.second_factor": "comes after a password; looked at by signing in",
    "accounts.enrol": "shown outside the worked example only; its parts are those of accounts.set_up_second_factor",
}


def pages_for(who: str, surroundings: Surroundings) -> dict[str, str]:
    """The addresses of the pages to look at, by endpoint."""
    return {endpoint: path.format(**asdict(surroundings)) for endpoint, path in PAGES[who].items()}
