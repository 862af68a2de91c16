"""A receipt is evidence: whoever has the file, the published key and the document needs nothing else of ours."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.cosignature import cosign
from audit.errors import LogDamagedError, LogRolledBackError
from audit.note import parse_note
from audit.receipt import parse_receipt
from audit.store import StoredCosignature
from exchange.access.roles import Role
from exchange.errors import ConflictError, NotFoundError
from exchange.receipts.service import receipt_of
from exchange.retention.service import run_disposal
from keys.signing import LogSigner
from tests.exchange.inspection_case import Case
from tests.exchange.receipts.outside import published_key, verify
from tests.exchange.retention.test_disposal import LONG_AFTER

CONTENT = b"minutes of the board, in an invented area\n"
NAME = "Minutes of the invented board.txt"


def sent(case: Case) -> str:
    return case.send("1.1", content=CONTENT, name=NAME)


def proof_of(visitor: Any, area: Any, document: str, tmp_path: Path, what: str = "receipt") -> Path:
    answer = visitor.get(f"{area.path}/documents/{document}/{what}.tlog-proof")
    assert answer.status_code == 200, answer.text
    reference = document[-6:].upper() if what == "receipt" else answer.headers["Content-Disposition"].split('"')[1][:6]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{reference}.tlog-proof"'
    path = tmp_path / f"{what}.tlog-proof"
    path.write_bytes(answer.get_data())
    return path


def last(case: Case, log_id: str = "") -> Any:
    return case.entries(log_id or None)[-1]


def test_the_council_checks_a_receipt_and_its_document_with_the_service_gone(
    case: Case, area: Any, browser: Callable[[Role], Any], tmp_path: Path
) -> None:
    document = sent(case)
    receipt = proof_of(browser(Role.NOMINATED_OFFICER), area, document, tmp_path)
    original, other = tmp_path / "original", tmp_path / "other"
    original.write_bytes(CONTENT)
    other.write_bytes(CONTENT + b" ")
    key = published_key(case)
    said = verify(receipt, "--key", key, "--document", original)
    assert said.returncode == 0, said.stdout + said.stderr
    assert document in said.stdout
    assert NAME in said.stdout
    assert verify(original, "--receipt", receipt, "--key", key).returncode == 0
    assert verify(receipt, "--key", key, "--document", other).returncode == 1
    assert verify(receipt, "--key", published_key(case, "service")).returncode == 1
    receipt.write_bytes(receipt.read_bytes().replace(b"index ", b"index 1", 1))
    assert verify(receipt, "--key", key).returncode != 0


def test_a_receipt_that_is_taken_is_recorded_before_its_first_byte(
    case: Case, area: Any, browser: Callable[[Role], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, contributor = sent(case), browser(Role.CONTRIBUTOR)
    proof_of(contributor, area, document, tmp_path)
    entry = last(case)
    assert (entry.event, entry.actor) == ("receipt:exported", case.people[Role.CONTRIBUTOR])
    index = next(place for place, found in enumerate(case.entries()) if found.event == "submission:accepted")
    assert entry.details == {"leaf_index": index, "form": "tlog-proof"}
    size = len(case.entries())
    assert contributor.head(f"{area.path}/documents/{document}/receipt.tlog-proof").status_code == 200
    assert len(case.entries()) == size  # a question about the file takes none of it

    def refuse(*_: object) -> None:
        raise LogRolledBackError("The database went back.")

    with monkeypatch.context() as patch:
        patch.setattr(case.parts.database, "_append", refuse)
        answer = contributor.get(f"{area.path}/documents/{document}/receipt.tlog-proof")
    assert answer.status_code >= 500
    assert b"c2sp.org/tlog-proof" not in answer.get_data()


def test_an_entry_that_no_checkpoint_counts_is_signed_for_at_once(
    case: Case, area: Any, browser: Callable[[Role], Any], tmp_path: Path
) -> None:
    document, officer = sent(case), browser(Role.NOMINATED_OFFICER)
    page = officer.get(f"{area.path}/documents/{document}").text
    assert "None counts this entry yet" in page
    receipt = parse_receipt(proof_of(officer, area, document, tmp_path).read_bytes())
    assert receipt.checkpoint.size > receipt.proof.index
    assert "signed Monday 23 November 2026" in officer.get(f"{area.path}/documents/{document}").text
    with case.parts.database.read() as session:
        (kept,) = case.parts.trail.store.checkpoints(session.connection(), case.inspection)
    again = parse_receipt(proof_of(officer, area, document, tmp_path).read_bytes())
    assert parse_note(again.proof.note).text == parse_note(kept.note).text  # nothing new needed to be signed


def test_a_state_that_cannot_be_signed_is_said_plainly_and_nothing_is_taken(
    case: Case, area: Any, browser: Callable[[Role], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    document, officer = sent(case), browser(Role.NOMINATED_OFFICER)

    def refuse(*_: object) -> None:
        raise LogDamagedError("The log does not extend its checkpoint.")

    with monkeypatch.context() as patch:
        patch.setattr(case.parts.trail.log, "sign_checkpoint", refuse)
        answer = officer.get(f"{area.path}/documents/{document}/receipt.tlog-proof")
    assert answer.status_code == 409
    assert "the log’s state could not be signed. Nothing was lost." in answer.text
    assert "The log does not extend its checkpoint." in answer.text
    assert last(case).event != "receipt:exported"


def test_the_checkpoint_that_most_witnesses_cosigned_is_taken_with_their_lines(case: Case) -> None:
    sent(case)
    parts, index = case.parts, len(case.entries()) - 1
    with parts.database.unit_of_work() as unit:
        cosigned = parts.trail.log.sign_checkpoint(unit.session.connection(), case.inspection)
    for number in range(2):
        signer, text = LogSigner(Ed25519PrivateKey.generate()), parse_note(cosigned.note).text
        line = cosign(text, f"witness{number}.example", signer, 1_795_000_000 + number)
        with parts.database.unit_of_work() as unit:
            parts.trail.store.add_cosignature(
                unit.session.connection(),
                StoredCosignature(case.inspection, cosigned.tree_size, f"witness{number}.example", line, unit.now),
            )
    case.send("1.4", content=b"another\n")
    with parts.database.unit_of_work() as unit:
        newest = parts.trail.log.sign_checkpoint(unit.session.connection(), case.inspection)
    assert newest.tree_size > cosigned.tree_size
    receipt = receipt_of(parts, case.inspection, index)
    assert receipt.state.tree_size == cosigned.tree_size
    names = [signature.name for signature in parse_receipt(receipt.content).note.signatures]
    assert names == [parse_receipt(receipt.content).checkpoint.origin, "witness0.example", "witness1.example"]
    assert receipt_of(parts, case.inspection, newest.tree_size - 1).state.tree_size == newest.tree_size


def test_the_officer_takes_the_receipt_of_any_entry_without_anybodys_file_name(
    case: Case, area: Any, browser: Callable[[Role], Any], tmp_path: Path
) -> None:
    sent(case)
    officer = browser(Role.DATA_PROTECTION_OFFICER)
    key = published_key(case)
    for index, entry in enumerate(case.entries()):
        page = officer.get(f"{area.path}/trail/entries/{index}")
        assert page.status_code == 200, entry.event
        answer = officer.get(f"{area.path}/trail/entries/{index}/receipt.tlog-proof")
        content = answer.get_data()
        assert NAME.encode() not in content
        assert parse_receipt(content).opened == {}
        assert NAME not in page.text
        (tmp_path / "entry.tlog-proof").write_bytes(content)
    assert verify(tmp_path / "entry.tlog-proof", "--key", key).returncode == 0
    assert f"{area.path}/trail/entries/{index}" in officer.get(f"{area.path}/trail").text
    looks = [entry for entry in case.entries() if entry.details.get("filters") == ("entry",)]
    assert len(looks) == index + 1


@pytest.mark.parametrize("index", [10_000, 9007199254740991])
def test_an_entry_that_is_not_there_is_not_found(case: Case, area: Any, browser: Any, index: int) -> None:
    officer = browser(Role.DATA_PROTECTION_OFFICER)
    assert officer.get(f"{area.path}/trail/entries/{index}").status_code == 404
    assert officer.get(f"{area.path}/trail/entries/{index}/receipt.tlog-proof").status_code == 404
    with pytest.raises(NotFoundError):
        receipt_of(case.parts, f"ins_{'0' * 26}", 0)


def test_a_disposal_gives_its_officer_a_receipt(
    case: Case, area: Any, browser: Callable[[Role], Any], tmp_path: Path
) -> None:
    document, officer = sent(case), browser(Role.DATA_PROTECTION_OFFICER)
    run_disposal(case.parts, LONG_AFTER)
    page = officer.get(f"{area.path}/documents/{document}/certificate").text
    assert "Evidence" in page
    receipt = proof_of(officer, area, document, tmp_path, "certificate")
    original = tmp_path / "original"
    original.write_bytes(CONTENT)
    said = verify(receipt, "--key", published_key(case), "--document", original)
    assert said.returncode == 0, said.stdout
    assert "was disposed of" in said.stdout
    assert NAME not in said.stdout
    assert parse_receipt(receipt.read_bytes()).opened == {}


def test_a_disposal_that_is_not_finished_has_no_receipt_yet(
    case: Case, area: Any, browser: Callable[[Role], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    document, officer = sent(case), browser(Role.DATA_PROTECTION_OFFICER)
    with monkeypatch.context() as patch:
        patch.setattr(case.parts.vault, "destroy", raising(OSError(5, "Input/output error")))
        run_disposal(case.parts, LONG_AFTER)
    answer = officer.get(f"{area.path}/documents/{document}/certificate.tlog-proof")
    assert answer.status_code == 409
    assert "not finished" in answer.text
    assert "Evidence" not in officer.get(f"{area.path}/documents/{document}/certificate").text


def raising(error: Exception) -> Callable[..., None]:
    def act(*_: object) -> None:
        raise error

    return act


def test_whose_document_it_is_decides_who_takes_its_receipt(
    case: Case, area: Any, browser: Callable[[Role], Any]
) -> None:
    mine, others = sent(case), case.send("2.1", content=b"of somebody else\n")
    contributor = browser(Role.CONTRIBUTOR)
    assert contributor.get(f"{area.path}/documents/{mine}/receipt.tlog-proof").status_code == 200
    for form in ("tlog-proof", "pdf"):
        assert contributor.get(f"{area.path}/documents/{others}/receipt.{form}").status_code == 403
    officer = browser(Role.DATA_PROTECTION_OFFICER)
    assert officer.get(f"{area.path}/documents/{mine}/receipt.tlog-proof").status_code == 403
    assert officer.get(f"{area.path}/documents/{mine}/receipt.exe").status_code == 404


def test_the_log_that_does_not_prove_an_entry_gives_no_receipt(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    sent(case)
    receipt_of(case.parts, case.inspection, 0)
    with monkeypatch.context() as patch:
        patch.setattr(case.parts.trail.store, "inclusion_proof", lambda *_: (bytes(32),))
        with pytest.raises(ConflictError, match="does not prove this entry"):
            receipt_of(case.parts, case.inspection, 0)
