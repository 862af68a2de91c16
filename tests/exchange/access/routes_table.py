"""Every route and who may use it, written down a second time, by hand; `test_routes` holds the service to it.

People: A administrator; L, I, N, C, D lead inspector, inspector, nominated officer, contributor and data protection
officer in the inspection that the address names; S data protection officer of the service; O somebody with a role in
another inspection alone; X nobody signed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SIGNED_IN = "ALINCDSO"
EVERYBODY = SIGNED_IN + "X"
MEMBERS = "LINCD"


@dataclass(frozen=True)
class Row:
    """A route with one method: who may, what those get when they send nothing but a token, and who gets what else."""

    endpoint: str
    method: str
    may: str
    answer: int = 200
    instead: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_public(self) -> bool:
        return "X" in self.may


def _both(endpoint: str, may: str, sent: int = 400) -> tuple[Row, Row]:
    """A page with a form: read, and sent empty."""
    return Row(endpoint, "GET", may), Row(endpoint, "POST", may, sent)


ROWS = (
    Row("service_pages.help_page", "GET", EVERYBODY),
    Row("service_pages.privacy", "GET", EVERYBODY),
    Row("service_pages.accessibility", "GET", EVERYBODY),
    Row("service_pages.cookies", "GET", EVERYBODY),
    Row("service_pages.health", "GET", EVERYBODY),
    Row("service_pages.ready", "GET", EVERYBODY),
    Row("static", "GET", EVERYBODY),
    # Somebody who is signed in is sent on; nobody waits for a second step here.
    Row("accounts.sign_in", "GET", EVERYBODY, 303, {"X": 200}),
    Row("accounts.sign_in", "POST", EVERYBODY, 303, {"X": 400}),
    Row("accounts.second_factor", "GET", EVERYBODY, 303),
    Row("accounts.second_factor", "POST", EVERYBODY, 303),
    Row("accounts.enrol", "GET", EVERYBODY, 303),
    Row("accounts.enrol", "POST", EVERYBODY, 303),
    *_both("accounts.activate", EVERYBODY),
    Row("accounts.account", "GET", SIGNED_IN),
    *_both("accounts.change_password", SIGNED_IN),
    *_both("accounts.set_up_second_factor", SIGNED_IN),
    Row("people.list_people", "GET", "A"),
    *_both("people.new_person", "A"),
    Row("people.person", "GET", "A"),
    Row("people.disable", "POST", "A", 303),
    Row("people.enable", "POST", "A", 303),
    Row("people.invite_again", "POST", "A", 303),
    Row("people.resets", "GET", "S"),
    Row("people.agree_to_reset", "POST", "S", 303),
    Row("legal_notes.list_notes", "GET", "ALS"),
    *_both("legal_notes.answer_note", "S"),
    Row("inspections.home", "GET", SIGNED_IN),
    Row("inspections.open_inspection", "GET", "L", 409),  # the controller's notes are not answered
    Row("inspections.open_inspection", "POST", "L", 409),
    Row("inspections.inspection", "GET", MEMBERS),
    *_both("inspections.milestones", "L", 409),  # a form that names no step
    Row("team.members", "GET", MEMBERS),
    Row("team.add_member", "POST", "LN", 400),
    *_both("team.assignments", "N", 303),
    Row("team.remove_member", "POST", "N", 303),  # of a contributor
    *_both("submissions.upload", "NC"),
    *_both("submissions.upload_item", "NC"),
    Row("submissions.receipt", "GET", "LINC"),
    Row("submissions.receipts", "GET", "LINC", 404, {"N": 200}),  # only of what one sent oneself
    Row("downloads.item", "GET", "LINC"),
    Row("downloads.content", "GET", "LI"),
    Row("oversight.trail", "GET", "D"),
    Row("oversight.verify", "POST", "D"),
    Row("oversight.evidence", "GET", "D"),
    Row("oversight.access", "GET", "LD"),
    Row("oversight.alarms", "GET", "D"),
    *_both("oversight.clear_alarm", "D"),
    Row("oversight.service_trail", "GET", "S"),
    Row("oversight.verify_service", "POST", "S"),
    Row("oversight.service_evidence", "GET", "S"),
    Row("oversight.service_alarms", "GET", "S"),
    *_both("oversight.clear_service_alarm", "S"),
    Row("officers_desk.desk", "GET", "D"),
    Row("officers_desk.service_desk", "GET", "S"),
    *_both("alert_pages.thresholds", "S"),
    Row("access_pages.service_access", "GET", "S"),
    Row("answers.ask", "GET", "D"),
    Row("answers.opened", "GET", "D", 400),  # about nothing
    Row("answers.opened_by", "GET", "D", 400),
    Row("answers.nobody_but", "GET", "D", 400),
    *_both("subject_access.in_inspection", "D"),
    *_both("subject_access.in_service", "S"),
    Row("breaches.list_all", "GET", "D"),
    *_both("breaches.record", "D"),
    Row("breaches.show", "GET", "D"),
    Row("breaches.take", "GET", "D"),
    *_both("breaches.change", "D"),
    *_both("breaches.report", "D"),
    *_both("breaches.close", "D"),
    Row("exports.choose", "GET", "D"),
    Row("exports.take", "GET", "D"),
    Row("exports.choose_of_service", "GET", "S"),
    Row("exports.take_of_service", "GET", "S"),
    Row("publishing.log", "GET", "D"),
    Row("publishing.service_log", "GET", "S"),
    *_both("publishing.check", "D"),
    *_both("publishing.check_service", "S"),
    Row("publishing.checkpoint", "GET", "D"),
    Row("publishing.service_checkpoint", "GET", "S"),
    Row("publishing.tiles", "GET", "D"),
    Row("publishing.service_tiles", "GET", "S"),
    Row("publishing.verifier", "GET", EVERYBODY),
    Row("retention.schedule", "GET", "D"),
    Row("retention.holds", "GET", "D"),
    *_both("retention.place_hold", "D"),
    *_both("retention.lift_hold", "D"),
    Row("retention.certificate", "GET", "D"),
    Row("receipts.document_receipt", "GET", "LINC"),
    Row("receipts.disposal_receipt", "GET", "D"),
    Row("receipts.entry", "GET", "D"),
    Row("receipts.entry_receipt", "GET", "D"),
    Row("receipts.service_entry", "GET", "S"),
    Row("receipts.service_entry_receipt", "GET", "S"),
    Row("log_ends.list_logs", "GET", "S"),
    Row("log_ends.log", "GET", "S"),
    Row("log_ends.log", "POST", "S", 400),
    # These end the session that asks, so they come last.
    Row("accounts.sign_out", "POST", SIGNED_IN, 303),
    Row("accounts.sign_out_everywhere", "POST", SIGNED_IN, 303),
)


def expected(row: Row, who: str, *, in_inspection: bool) -> int:
    """The status that `who` gets."""
    if who in row.may:
        return row.instead.get(who, row.answer)
    if who == "X":
        return 302
    return 404 if in_inspection and who not in MEMBERS else 403
