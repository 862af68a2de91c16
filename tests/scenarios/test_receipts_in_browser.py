"""From the page to a proof that needs no service: receipts taken in a browser, and the certificate of a log."""

import io
import re
import sys
from pathlib import Path

from pypdf import PdfReader

from exchange.installation import installed_parts
from tests.scenarios.conftest import Visit
from tests.scenarios.looking import faults_of
from tests.scenarios.service import Service, run

CHECKING, READING = "Download the receipt for checking (.tlog-proof)", "Download the receipt for reading (PDF)"


def key_of(service: Service, log_id: str) -> str:
    with installed_parts(service.settings) as parts, parts.database.read() as session:
        return str(parts.trail.log.verifier_key(session.connection(), log_id))


def proved(receipt: Path, key: str, document: Path | None = None) -> str:
    words = ["--document", str(document)] if document else []
    said = run(sys.executable, "-m", "audit", "verify", str(receipt), "--key", key, *words, environ={})
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout


def test_a_sender_takes_the_receipt_in_both_forms_and_checks_it_alone(
    shared_service: Service, visit: Visit, tmp_path: Path
) -> None:
    about = shared_service.surroundings
    assert about is not None
    key = key_of(shared_service, about.inspection)
    original = tmp_path / "original.txt"
    original.write_bytes(b"Invented words on 1.1, 1.4, 6.4.")
    with visit(shared_service) as officer:
        officer.sign_in("officer")
        officer.go(f"/inspections/{about.inspection}/documents/{about.document}")
        link = officer.main.get_by_role("link", name=CHECKING, exact=True)
        proof = officer.download(link, tmp_path / "receipt.tlog-proof")
        link = officer.main.get_by_role("link", name=READING, exact=True)
        printed = officer.download(link, tmp_path / "receipt.pdf")
    assert about.document in proved(proof, key, original)
    ((name, contents),) = PdfReader(io.BytesIO(printed.read_bytes())).attachments.items()
    inside = tmp_path / name
    inside.write_bytes(contents[0])
    assert about.document in proved(inside, key, original)


def test_the_officer_follows_an_entry_to_its_receipt_and_a_log_to_its_certificate(
    shared_service: Service, visit: Visit, tmp_path: Path
) -> None:
    about = shared_service.surroundings
    assert about is not None
    with visit(shared_service) as officer:
        officer.sign_in("dpo")
        officer.go(f"/inspections/{about.inspection}/trail")
        officer.main.get_by_role("link", name=re.compile("receipt of this entry")).first.click()
        assert officer.heading().startswith("Entry ")
        link = officer.main.get_by_role("link", name=CHECKING, exact=True)
        proof = officer.download(link, tmp_path / "entry.tlog-proof")
        assert "Proved: this entry stands at index" in proved(proof, key_of(shared_service, about.inspection))

        officer.go("/service/trail?event=log%3Adisposed")
        officer.main.get_by_role("link", name=re.compile("receipt of this entry")).first.click()
        faults = faults_of(officer, "act-entry-with-hash")
        officer.go("/service/logs")
        officer.follow("Example area of long ago")
        assert officer.heading() == "Certificate of disposal of a log"
        faults += faults_of(officer, "act-log-certificate")
        link = officer.main.get_by_role("link", name=CHECKING, exact=True)
        proof = officer.download(link, tmp_path / "disposal.tlog-proof")
        assert "was disposed of whole" in proved(proof, key_of(shared_service, "service"))

        officer.go(f"/service/logs/{about.closed}")
        officer.press("Approve the disposal")
        assert officer.page.title().startswith("Error: ")
        faults += faults_of(officer, "act-approval-refused")
    assert faults == []
